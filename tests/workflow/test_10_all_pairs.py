"""All pairs of representations: trained here and from files, in one job; their activations go once they are scored."""

import numpy as np
import pandas as pd
import pytest
from workflow_folder import TINY, Folder

CONFIG = TINY.with_name("all_pairs.yaml")
EVERYTHING = "similarity/zoo/everything/digits_test.parquet"
TARGETS = (EVERYTHING, "similarity/theirs/layers/digits_test.parquet", "figures/everything.svg")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The score tables and the figure, made."""
    folder = Folder(tmp_path_factory.mktemp("all_pairs"), config=CONFIG)
    (folder.path / "my").mkdir()
    g = np.random.default_rng(0)
    for layer, d in (("early", 5), ("late", 3)):
        np.savez(folder.path / f"my/random.digits_test.{layer}.npz", vectors=g.normal(size=(60, d)).astype(np.float32))
        np.savez(folder.path / f"my/dead.digits_test.{layer}.npz", vectors=np.ones((60, d), np.float32))
    targets = [f"results/all_pairs/{name}" for name in TARGETS]
    done = folder.call(folder.snakemake_command(*targets))
    assert done.returncode == 0, done.stdout
    return folder


def test_every_two_representations_are_scored_and_the_dead_ones_are_not(study):
    table = pd.read_parquet(study.results / EVERYTHING)
    both = pd.concat([table[["run_a", "layer_a"]].set_axis(["run", "layer"], axis=1),
                      table[["run_b", "layer_b"]].set_axis(["run", "layer"], axis=1)])  # fmt: skip
    count = len(both.drop_duplicates())
    assert count == 3 * 2 + 2  # steps and layers of one model, layers of the other that varies
    assert len(table) == 2 * count * (count - 1) // 2
    assert set(table["step_a"].dropna()) == {0, 7}
    log = (study.results / "logs" / "score_all_pairs" / "zoo.everything.digits_test.kernels.log").read_text()
    assert "no cka score of" in log and "rows of layer 'early' of dead (brought) are the same" in log


def test_nulls_stand_where_they_are_asked_for(study):
    bare, nulls = (pd.read_parquet(study.results / name) for name in TARGETS[:2])
    assert bare["null_mean"].isna().all() and nulls["null_mean"].notna().all()
    assert nulls["layer_a"].tolist() == ["early"] * 2 and nulls["layer_b"].tolist() == ["late"] * 2


def test_representations_are_gone_and_nothing_is_made_again(study):
    assert not list((study.results / "activations").rglob("*.parquet"))
    targets = [f"results/all_pairs/{name}" for name in TARGETS]
    again = study.call(study.snakemake_command("--dry-run", *targets))
    assert again.returncode == 0 and "Nothing to be done" in again.stdout, again.stdout


def test_the_heat_map_has_every_representation(study):
    numbers = pd.read_csv(study.results / "figures" / "everything.csv")
    names = {*numbers["a"], *numbers["b"]}
    assert names >= {"small seed0 layer1", "small seed0 avgpool step 7", "brought random early"} and len(names) == 8
    assert len(numbers) == 8 * 7 / 2
