"""What becomes of representations: kept whole, kept in half the space, or made again when they are needed."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from workflow_folder import TINY, Folder

SCORES = "results/tiny/similarity/task_overlap/digits/digits_test.parquet"
ACTIVATIONS = "results/tiny/activations/digits/task/seed0/digits_test.avgpool.parquet"


@pytest.fixture
def study(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "work")
    return Folder(tmp_path / "work")


def config_of(folder, activations, **metrics):
    values = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    values["activations"] = activations
    values["similarity"]["metrics"] |= metrics
    path = folder.path / "changed.yaml"
    path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def call(folder, *arguments, config):
    done = folder.call(folder.snakemake_command(*arguments, config=config))
    assert done.returncode == 0, done.stdout
    return done.stdout


def values(folder):
    return pd.read_parquet(folder.path / SCORES).set_index(["condition", "stimuli_kind", "metric", "score_protocol"])


def test_under_recompute_they_go_once_scored_and_come_back_for_another_metric(study):
    before = values(study)["value"]
    config = config_of(study, "recompute", svcca={"dims": 2})
    call(study, SCORES, config=config)
    assert not (study.path / ACTIVATIONS).exists()
    assert values(study)["value"][before.index].equals(before)
    assert "Nothing to be done" in call(study, SCORES, config=config)  # what is gone is not made again for nothing
    config = config_of(study, "recompute", svcca={"dims": 2}, cknna={"k": 5})
    asked = re.findall(r"^ *Job \d+: (\w+):", call(study, "--dry-run", SCORES, config=config), flags=re.MULTILINE)
    assert sorted(set(asked)) == ["Activations", "Similarity"]


def test_float16_is_extracted_again_and_scored_nearly_alike(study):
    before = values(study)["value"]
    size = (study.path / ACTIVATIONS).stat().st_size
    call(study, SCORES, config=config_of(study, "float16"))
    assert (study.path / ACTIVATIONS).stat().st_size < size
    after = values(study)["value"]
    cka = [key for key in before.index if key[2] == "cka"]
    # 2^-11 of every number, see the tests of the scores; this study's models are small and hardly trained
    assert (after[cka] - before[cka]).abs().max() < 0.01
    assert not after.equals(before)
