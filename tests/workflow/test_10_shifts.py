"""A study on stimuli with distribution shifts: a stimulus set a level, from the images to the figures."""

import pandas as pd
import pytest
import yaml
from workflow_folder import TINY, Folder, finished

from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.data.shifts.registry import SHIFTS

CONFIG = TINY.with_name("shifts.yaml")
SETS = ["plain", "noisy@control", "noisy@0p35", "turned@90"]
FOLDER = "activations/colorshapedigit/dataset/seed0"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("shifts"), CONFIG)


def again(study, values, *arguments):
    """What Snakemake says of the study with another configuration."""
    changed = study.path / "changed.yaml"
    changed.write_text(yaml.safe_dump(values), encoding="utf-8")
    folder = Folder(study.path, config=CONFIG)
    done = folder.call(folder.snakemake_command("--dry-run", "all", *arguments, config=changed))
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_level_is_scored_by_itself(study):
    tables = {
        name: pd.read_parquet(study.results / f"similarity/overlap/colorshapedigit/{name}.parquet") for name in SETS
    }
    assert {name: set(table["stimuli"]) for name, table in tables.items()} == {name: {name} for name in SETS}
    assert {name: set(table["n"]) for name, table in tables.items()} == {
        name: {48} if name.startswith(("plain", "noisy")) else {24} for name in SETS
    }
    kinds = {name: set(table["stimuli_kind"]) for name, table in tables.items()}
    assert kinds == {name: {"in_distribution" if name == "plain" else "out_of_distribution"} for name in SETS}
    values = {name: tuple(table["value"]) for name, table in tables.items()}
    assert len(set(values.values())) == len(SETS)


def test_models_see_the_shifted_images_of_the_same_rows(study):
    files = {name: study.results / FOLDER / f"{name}.avgpool.parquet" for name in SETS}
    ids = {name: tuple(read_ids(path)) for name, path in files.items()}
    assert ids["plain"] == ids["noisy@control"] == ids["noisy@0p35"]
    assert len(set(ids["turned@90"]) & set(ids["plain"])) == 24
    run = runs_of(files["plain"])[0]
    plain, control, noisy = (read_activations(files[name], run) for name in SETS[:3])
    away = [abs(other - plain).mean() for other in (control, noisy)]
    assert 0 < away[0] < away[1]


def test_statistics_and_figures_have_a_panel_a_level(study):
    statistics = pd.read_parquet(study.results / "statistics/overlap.parquet")
    assert set(statistics["stimuli"]) == set(SETS)
    overlap = pd.read_csv(study.results / "figures/overlap.csv")
    assert set(overlap["stimuli"]) == set(SETS)
    gallery = pd.read_csv(study.results / "figures/gallery.csv")
    assert set(gallery["shift"]) == set(SHIFTS)
    assert (study.results / "figures/clouds.svg").is_file()


def test_a_finished_study_has_nothing_to_do(study):
    values = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert "Nothing to be done" in again(study, values)


def test_another_level_is_extracted_and_scored_and_nothing_else_is(study):
    values = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    values["stimuli"]["noisy"]["levels"].append(0.2)
    said = again(study, values)
    assert "seed 0, on noisy@0p2" in said
    assert "Training:" not in said and "Data:" not in said
    assert not [name for name in SETS if f", on {name}" in said]


def test_a_wrong_level_is_told_before_any_job(study):
    values = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    values["stimuli"]["turned"]["levels"] = [45]
    changed = study.path / "wrong.yaml"
    changed.write_text(yaml.safe_dump(values), encoding="utf-8")
    done = study.call(study.snakemake_command("all", config=changed))
    assert done.returncode
    assert "stimuli.turned.levels: rotation has no level 45 (degrees, anticlockwise). Did you mean 90?" in done.stdout
