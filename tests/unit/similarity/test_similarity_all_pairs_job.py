"""The job that scores all pairs of representations: rows, nulls, and what has no value."""

import logging

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from whyalike.activations.table import write_activations
from whyalike.files import made_by
from whyalike.similarity import all_pairs_job
from whyalike.similarity.all_pairs_job import score_all_pairs
from whyalike.similarity.all_pairs_parameters import AllPairsParameters, Representation, memory_of
from whyalike.similarity.api import score
from whyalike.similarity.table import PART_SCHEMA, PLACE

N = 30
METRICS = {"cka": {}, "near": {"metric": "mutual_knn", "k": 4}, "cka_rbf_unbiased": {}, "rsa": {}}


class Data:
    attributes = ("shape", "color")

    def labelling(self, name, ids):
        assert name in ("digit", "shape_color")
        return np.arange(len(ids)) % 3, ["a", "b", "c"]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Activation files of two cells, layer -> paths, and what they hold, (view, layer) -> n x d."""
    monkeypatch.setattr(all_pairs_job, "open_prepared", lambda path: Data())
    (tmp_path / "labels.parquet").touch()
    g, held, paths = np.random.default_rng(0), {}, {}
    for cell, layer, views, d in (("x", "one", ("a", "b"), 5), ("x", "two", ("a", "b"), 3), ("y", "end", ("c",), 7)):
        arrays = {view: g.normal(size=(N, d)).astype(np.float32) for view in views}
        if layer == "two":
            arrays["b"][:] = 1
        path = tmp_path / f"{cell}.{layer}.parquet"
        write_activations(path, np.arange(N), arrays.items(), d, {})
        paths.setdefault(layer, []).append(path)
        held |= {(view, layer): x for view, x in arrays.items()}
    return paths, held


def parameters(files, **changed):
    names = {"a": ("big", 0, None), "b": ("big", 1, 7), "c": ("other", 0, None)}
    compared = [
        Representation(view=view, run=f"run {view}", name=f"name {view}", setting=names[view][0], seed=names[view][1],
                       step=names[view][2], layer=layer) for view, layer in files[1]
    ]  # fmt: skip
    given = {
        "study": "s", "comparison": "everything", "stimuli": "test", "factor": "zoo", "labelling": "digit",
        "in_distribution": True, "seed": 0, "metrics": METRICS, "facts": {}, "code": "",
    }  # fmt: skip
    return AllPairsParameters(**{**given, "representations": compared, **changed})


def scored(files, tmp_path, **changed):
    output = tmp_path / "scores.parquet"
    score_all_pairs(parameters(files, **changed), files[0], tmp_path, output)
    assert pq.read_schema(output).remove_metadata() == PART_SCHEMA
    return pd.read_parquet(output)


def test_every_pair_is_scored_once_as_it_is_alone(files, tmp_path):
    table, held = scored(files, tmp_path), files[1]
    pairs = table[["run_a", "layer_a", "run_b", "layer_b"]].drop_duplicates().values.tolist()
    assert len(pairs) == 6 and len(table) == 6 * 4  # of five representations one is dead
    assert ["a", "one", "a", "two"] in pairs and all(pair[:2] != pair[2:] for pair in pairs)
    for row in table.to_dict("records"):
        x, y = (held[row[f"run_{side}"], row[f"layer_{side}"]] for side in "ab")
        own = {name: value for name, value in METRICS[row["scoring"]].items() if name != "metric"}
        assert row["value"] == pytest.approx(score(row["metric"], x, y, **own), abs=1e-10)
        assert (row["width_a"], row["width_b"], row["n"]) == (x.shape[1], y.shape[1], N)


def test_rows_say_what_is_compared_and_leave_nulls_empty(files, tmp_path):
    table = scored(files, tmp_path)
    row = table[(table["run_a"] == "b") & (table["run_b"] == "c")].iloc[0]
    said = ["setting", "setting_b", "seed", "name_a", "name_b", "step_a", "condition", "stimuli_kind"]
    assert row[said].tolist() == ["big", "other", 1, "name b", "name c", 7, "all", "in_distribution"]
    assert table[["null_mean", "null_p95", "p_value", "null_within_class", "untrained"]].isna().all(axis=None)
    assert table.loc[table["run_b"] == "a", "setting_b"].isna().all() and (table["classes"] == 3).all()
    assert table["score_protocol"].eq("exact").all()
    assert table.loc[table["scoring"] == "cka", PLACE].is_monotonic_increasing


def test_a_representation_without_a_score_is_told_by_its_names_once(files, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        table = scored(files, tmp_path, metrics={"cka": {}})
    assert not ((table["run_a"] == "b") & (table["layer_a"] == "two")).any()
    [message] = caplog.messages
    said = "no cka score of 4 pairs, test: cka needs features that vary; "
    said += "all 30 rows of layer 'two' of name b (big, step 7)"
    assert message.startswith(f"{said} are the same")


@pytest.mark.parametrize("permutations", [None, 3])
def test_metadata_name_the_representation_that_does_not_vary(files, tmp_path, permutations):
    scored(files, tmp_path, metrics={"cka": {}}, permutations=permutations)
    absent = {"run": "b", "layer": "two", "stimuli": "test", "reason": "does not vary over the stimuli"}
    assert made_by(tmp_path / "scores.parquet")["absent"] == [absent]


def test_layers_of_one_name_alone(files, tmp_path):
    table = scored(files, tmp_path, same_layers=True, metrics={"cka": {}})
    assert table[["layer_a", "layer_b"]].values.tolist() == [["one", "one"]]


def test_with_nulls_values_and_rows_are_the_same(files, tmp_path):
    bare = scored(files, tmp_path)
    table = scored(files, tmp_path, permutations=3)
    rows = ["run_a", "run_b", "layer_a", "layer_b", "scoring"]
    assert table[["null_mean", "p_value", "null_within_class"]].notna().all(axis=None)
    both = bare.merge(table, on=rows, suffixes=("", "_again"))
    assert len(both) == len(bare) == len(table)
    np.testing.assert_allclose(both["value"], both["value_again"], rtol=0, atol=1e-10)
    same = ["setting", "seed", "condition", "classes", "n", "width_a", "parameters", "step_a", "name_b", PLACE]
    for name in same:
        assert both[name].equals(both[f"{name}_again"].rename(name)), name


def test_of_one_representation_alone_the_table_is_empty(files, tmp_path):
    one = parameters(files).representations[:1]
    assert scored(files, tmp_path, representations=one).empty


def test_a_file_that_lacks_a_representation_is_told(files, tmp_path):
    del files[0]["end"]
    with pytest.raises(ValueError, match="no activation file holds name c of other at layer end"):
        scored(files, tmp_path)


def test_memory_is_that_of_the_bound_or_of_one_representation():
    assert memory_of(["kernels", "rbf", None], 10_000) == 4 << 30 == memory_of(["rsa"], 10_000)
    assert memory_of(["rsa"], 20_000) > 9e9
