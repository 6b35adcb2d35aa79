"""A comparison that a study names, across settings and along training, and what the table of views says of it."""

import shutil
import tarfile

import pandas as pd
import pytest
from workflow_folder import REPOSITORY, TINY, Folder, finished

CONFIG = TINY.with_name("comparisons.yaml")
ACROSS = "similarity/overlap/across/digits_test.parquet"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study, finished; its representations are gone."""
    return finished(tmp_path_factory.mktemp("comparisons"), CONFIG)


@pytest.fixture
def own(study, tmp_path):
    """A copy in which a test may break things."""
    shutil.copytree(study.path, tmp_path / "work")
    return Folder(tmp_path / "work", config=CONFIG)


@pytest.fixture(scope="module")
def scores(study):
    table = pd.read_parquet(study.results / ACROSS)
    assert len(table) == 2 * 2 * 2 * 4 * 2  # seeds, levels, pairs of layers, pairs of steps, metrics
    return table


@pytest.fixture(scope="module")
def views(study):
    return pd.read_parquet(study.results / "similarity" / "views.parquet")


def test_at_step_0_the_score_is_that_of_the_untrained_pair(scores):
    start = scores[(scores["step_a"] == 0) & (scores["step_b"] == 0)]
    assert len(start) == len(scores) / 4
    assert (start["value"] == start["untrained"]).all()
    kept = scores[(scores["step_a"] == 7) & (scores["step_b"] == 7)]
    assert len(kept) == len(start) and (kept["value"] != kept["untrained"]).any()


def test_final_weights_of_one_setting_score_as_in_its_own_comparison_with_another_model_b(study, scores):
    one = pd.read_parquet(study.results / "similarity" / "overlap" / "small" / "digits_test.parquet")
    final = scores[scores["step_a"].isna() & scores["step_b"].isna()]
    assert set(final["run_a"]) == set(one["run_a"]) and set(final["run_b"]).isdisjoint(one["run_b"])
    assert set(zip(final["setting"], final["setting_b"], strict=True)) == {("small", "wide")}
    assert set(zip(final["layer_a"], final["width_a"], final["layer_b"], final["width_b"], strict=True)) == {
        ("layer1", 4, "avgpool", 6), ("avgpool", 4, "avgpool", 6),
    }  # fmt: skip


def test_every_view_that_is_scored_stands_in_the_table_of_views(study, views):
    paths = (study.results / "similarity" / "overlap").glob("*/digits_test.parquet")
    for table in map(pd.read_parquet, paths):
        for side, setting in (("a", table["setting"]), ("b", table["setting_b"].fillna(table["setting"]))):
            named = {"run": "view", "layer": "layer", "name": "name", "step": "step", "width": "width"}
            seen = table.rename(columns={f"{name}_{side}": of for name, of in named.items()}).assign(setting=setting)
            columns = ["view", "layer", "name", "step", "width", "setting", "seed"]
            found = seen[columns].drop_duplicates().merge(views, how="left", on=columns, indicator=True)
            assert (found["_merge"] == "both").all()


def test_views_are_final_weights_starts_and_the_steps_asked_for(views):
    of_seed = views[views["seed"] == 0]
    small, wide = (
        of_seed[(of_seed["setting"] == s) & (of_seed["name"] == n)] for s, n in (("small", "A"), ("wide", "B@1"))
    )
    assert small["run"].nunique() == wide["run"].nunique() == 1
    assert small.sort_values("layer")["depth"].tolist() == [1.0] * 3 + [0.0] * 3
    assert wide["depth"].isna().all()
    for rows in (small, wide):
        assert set(rows["step"].dropna()) == {0, 7} and rows["step"].isna().sum() == rows["layer"].nunique()
        final = rows[rows["step"].isna()]
        assert (final["view"] == final["run"]).all()
    assert set(views["width"]) == {4, 6}
    assert set(views["pooling"]) == {"mean"} and set(views["batch_norm"]) == {"running"}


def test_nothing_is_left_to_do_and_status_and_export_know_all_of_it(study, tmp_path):
    assert "Nothing to be done" in study.call(study.snakemake_command("--dry-run")).stdout
    assert list(study.results.rglob("activations/**/*.parquet")) == []
    (study.path / "config").symlink_to(REPOSITORY / "config")
    status = study.call(study.whyalike_command("status", str(CONFIG)))
    assert "activations 4 of 4, scores 10 of 10" in status.stdout
    done = study.call(study.whyalike_command("export", str(CONFIG), "-o", str(tmp_path / "all.tar.gz")))
    assert done.returncode == 0, done.stdout
    with tarfile.open(tmp_path / "all.tar.gz") as archive:
        assert {f"comparisons/{name}" for name in (ACROSS, "similarity/views.parquet")} <= set(archive.getnames())


def test_a_partial_comparison_has_the_seeds_that_both_settings_have(own):
    (own.results / "models" / "wide" / "dataset" / "seed1.parquet").unlink()
    done = own.call(own.snakemake_command(f"results/comparisons/{ACROSS}", "--config", "partial=true"))
    assert done.returncode == 0, done.stdout
    table = pd.read_parquet(own.results / ACROSS)
    assert set(table["seed"]) == {0} and set(table["seeds_asked"]) == {2}


def test_a_run_without_the_kept_weights_is_one_message_with_a_remedy(own, views):
    run = views[(views["name"] == "A") & (views["seed"] == 0) & (views["setting"] == "small")]["run"].iloc[0]
    (kept,) = (own.path / "results" / "runs" / run).glob("*step*7*")
    kept.unlink()
    shutil.rmtree(own.results / "similarity")
    failed = own.call(own.snakemake_command(f"results/comparisons/{ACROSS}"))
    assert failed.returncode == 1
    assert run in failed.stdout and "step7" in failed.stdout and "whyalike clean CONFIG --run" in failed.stdout
    assert "Traceback" not in failed.stdout
