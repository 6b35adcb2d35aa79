"""What the tables of statistics of convergence share: pairs, intervals, columns."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from studies.convergence.planted_scores import grid, parameters, seeds

from whyalike.files import read_table
from whyalike.statistics.dyadic import node_jackknife
from whyalike.studies.convergence.statistics.reading import (
    SCHEMA,
    Pairs,
    main_pairs,
    of_models,
    over_models,
    pivoted,
    read,
    with_holm,
    write,
)

ROW = {"group": "resnet", "setting": "resnet", "analysis": "corrected", "quantity": "slope", "value": 0.5}


def _pairs(names):
    return Pairs(*(tuple(side) for side in zip(*combinations(names, 2), strict=True)))


def test_the_interval_is_that_of_the_node_jackknife():
    values = np.random.default_rng(0).normal(size=10)
    table = np.zeros((5, 5))
    table[np.triu_indices(5, 1)] = values
    expected = node_jackknife(table + table.T)
    found = over_models(_pairs(seeds(5)), values)
    assert (found.value, found.error, found.low, found.high) == pytest.approx(
        (expected.value, expected.standard_error, expected.low, expected.high)
    )


def test_a_pair_without_a_value_is_left_out_and_without_any_there_is_nothing():
    values = np.array([1.0, 2.0, np.nan])
    found = over_models(_pairs(seeds(3)), values)
    assert (found.value, found.pairs, found.low) == (1.5, 2, None)  # without seed0 no pair is left
    assert over_models(_pairs(seeds(3)), np.full(3, np.nan)) is None
    assert over_models(_pairs(seeds(3)), values, lambda kept: np.nan) is None


def test_the_p_is_that_of_the_interval():
    found = over_models(_pairs(seeds(6)), np.random.default_rng(0).normal(0.4, 0.5, size=15))
    excludes = found.low > 0 or found.high < 0
    assert (found.row(test=True)["p"] < 0.05) == excludes and "p" not in found.row()


def test_models_that_share_starts_leave_these_out_and_have_no_p():
    pairs = _pairs(grid(3, 3))
    start, order = (
        np.array([int(name[6:].partition(key)[2][:1] or 0) for name in pairs.models]) for key in ("start", "order")
    )
    level = np.array([0.0, 0.1, 0.3])[start]
    found = over_models(pairs, level[pairs.ends].sum(axis=0) / 2)
    # the mean over models of a level of starts: the t interval over three starts
    assert found.error == pytest.approx(np.std([0.0, 0.1, 0.3], ddof=1) / np.sqrt(3)) and len(set(order)) == 3
    assert not found.by_model and "p" not in found.row(test=True)


def test_a_number_a_model_has_the_t_interval():
    values = {name: at**2 for at, name in enumerate(seeds(5))}
    found = of_models({**values, "seed0.start1": 99.0})
    assert found.value == 6 and found.error == pytest.approx(np.std([*values.values()], ddof=1) / np.sqrt(5))
    assert of_models({"seed0": 1.0, "seed1": np.nan}).row()["ci_low"] is None and of_models({"seed0": np.nan}) is None


def test_main_pairs_are_chosen_by_group():
    rows = pd.DataFrame(
        [
            {"group": group, "a": a, "b": b, "relation": "independent"}
            for group, names in (
                ("one", [*seeds(2), "seed0.start1.order1"]),
                ("other", ["seed0", "seed0.start1.order1"]),
            )
            for a, b in combinations(names, 2)
        ]
    )
    chosen = main_pairs(rows)
    assert chosen[["group", "a", "b"]].to_numpy().tolist() == [
        ["one", "seed0", "seed1"],
        ["other", "seed0", "seed0.start1.order1"],
    ]


def test_columns_that_are_unknown_are_refused_and_nan_is_null(tmp_path):
    with pytest.raises(ValueError, match=r"table\.parquet has no column step\. Name it"):
        write(parameters("resnet"), [{**ROW, "step": 4}], tmp_path / "table.parquet")
    write(parameters("resnet"), [{**ROW, "step": 4, "ci_low": np.nan}], tmp_path / "table.parquet", "step")
    table = read_table(tmp_path / "table.parquet")
    assert table.schema.names == [*SCHEMA.names, "step"] and table["ci_low"].null_count == 1
    assert table["kind"].to_pylist() == ["cnn"]
    write(parameters("resnet"), [], tmp_path / "empty.parquet")
    assert len(read([tmp_path / "empty.parquet", tmp_path / "table.parquet"])) == 1


def test_no_tables_are_refused():
    with pytest.raises(ValueError, match="no tables of scores are given"):
        read([])


def test_pivoted_scores_stand_at_their_pairs():
    rows = pd.DataFrame(
        {"a": ["u", "u", "v"], "b": ["v", "w", "w"], "layer": ["x", "y", "y"], "value": [1.0, 2.0, 3.0]}
    )
    pairs, found = pivoted(rows, "layer")
    assert (pairs.a, pairs.b) == (("u", "u", "v"), ("v", "w", "w"))
    assert np.array_equal(found["y",], [np.nan, 2, 3], equal_nan=True)


def test_holm_is_over_the_rows_that_have_a_p():
    rows = with_holm([{"p": 0.01}, {"quantity": "peak"}, {"p": 0.04}])
    assert [row.get("p_holm") for row in rows] == [0.02, None, 0.04]
