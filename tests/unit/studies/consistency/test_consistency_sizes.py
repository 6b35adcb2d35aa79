"""How similarities move with the number of stimuli: changes, consistency with other sets, and what has no value."""

from itertools import combinations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from whyalike.files import read_table, write_table
from whyalike.studies.consistency import matrices, sizes
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model
from whyalike.studies.consistency.statistics.sizes import SCHEMA, analyse

NAMES = [f"m{i}" for i in range(8)]
SOURCES = {"photos": "web", "more_photos": "web", "digits": "pens", "maps": "air", "cells": "lab"}
PARAMETERS = '{"rows":"raw","sigma":0.4}'


def parameters(names=NAMES, **attributes):
    models = [Model(name=name, setting=name, view=name, seed=0, trained=False, attributes=attributes) for name in names]
    sets = {name: {"source": source, "category": "any"} for name, source in SOURCES.items()}
    return ConsistencyStatistics(
        models=models, sets=sets, categories=["kind"], families="family", strata=[], factorial=[], anchors=[],
        draws=19, seed=0,
    )  # fmt: skip


def symmetric(g):
    table = g.uniform(0.2, 0.8, (len(NAMES), len(NAMES)))
    return (table + table.T) / 2


class Written:
    """Tables of similarities, of truth and what is added to it."""

    def __init__(self, folder):
        g = np.random.default_rng(0)
        self.folder, self.truth = folder, symmetric(g)
        self.noise = {name: 0.1 * symmetric(g) for name in SOURCES}
        self.changes = {1: 0.2 * symmetric(g), 5: 0.02 * symmetric(g), 10: np.zeros_like(self.truth)}

    def rows(self, table, shared, turned=False):
        pairs = combinations(reversed(range(len(NAMES))) if turned else range(len(NAMES)), 2)
        return [{**shared, "a": NAMES[i], "b": NAMES[j], "value": table[i, j]} for i, j in pairs]

    def sets(self, own=PARAMETERS, **tables):
        paths = []
        for number, name in enumerate(SOURCES):
            shared = {
                "stimuli": name, "source": SOURCES[name], "category": "any", "metric": "cka_rbf_unbiased",
                "analysis": "as_published", "scoring": "local", "rows": "l2", "parameters": own, "n": 100,
                "width_a": 3, "width_b": 3,
            }  # fmt: skip
            rows = self.rows(tables.get(name, self.truth + self.noise[name]), shared, turned=number % 2)
            paths.append(self.folder / f"{name}.parquet")
            write_table(paths[-1], pa.Table.from_pylist(rows, matrices.SCHEMA), {})
        return paths

    def by_size(self, without=()):
        rows = [
            row for k, change in self.changes.items()
            for row in self.rows(self.truth + change, {
                "stimuli": "photos", "metric": "cka_rbf_unbiased", "analysis": "as_published", "scoring": "rbf_4",
                "rows": "l2", "parameters": PARAMETERS, "per_class": k, "n": 10 * k}, turned=k == 5)
            if (k, row["a"]) not in without and (k, row["b"]) not in without
        ]  # fmt: skip
        path = self.folder / "rbf_4.parquet"
        write_table(path, pa.Table.from_pylist(rows, sizes.SCHEMA), {})
        return [path]


@pytest.fixture
def written(tmp_path):
    return Written(tmp_path)


def analysed(folder, given, similarity, by_size):
    output = folder / "sizes_table.parquet"
    analyse(given, similarity, by_size, output)
    table = read_table(output)
    assert table.schema.remove_metadata() == SCHEMA
    return table.to_pandas().set_index(["measure", "per_class"])


def test_changes_are_those_of_the_same_pairs_whatever_their_order(written, tmp_path):
    table = analysed(tmp_path, parameters(), written.sets(), written.by_size())
    upper = np.triu_indices(len(NAMES), 1)
    for previous, size in ((1, 5), (5, 10)):
        changes = abs(written.changes[size] - written.changes[previous])[upper]
        expected = {"mean_change": changes.mean(), "largest_change": changes.max(),
                    "share_below_01": (changes < 0.01).mean()}  # fmt: skip
        for measure, value in expected.items():
            row = table.loc[(measure, size)]
            assert row["value"] == pytest.approx(value, abs=1e-12)
            assert (row["previous"], row["models"], row["pairs"], row["n"]) == (previous, 8, 28, 10 * size)
            assert pd.isna(row["ci_low"]) if measure == "largest_change" else row["ci_low"] <= value <= row["ci_high"]
    assert table.loc[("share_below_01", 10), "ci_high"] <= 1 and table["ci_low"].dropna().ge(0).all()


def test_consistency_is_with_sets_of_other_sources_alone(written, tmp_path):
    table = analysed(tmp_path, parameters(), written.sets(), written.by_size())
    upper = np.triu_indices(len(NAMES), 1)
    for size, change in written.changes.items():
        own = (written.truth + change)[upper]
        each = [np.corrcoef(own, (written.truth + written.noise[name])[upper])[0, 1]
                for name in ("digits", "maps", "cells")]  # fmt: skip
        row = table.loc[("pearson_with_other_sets", size)]
        assert row["value"] == pytest.approx(np.tanh(np.arctanh(each).mean()), abs=1e-12)
        assert row["ci_low"] < row["value"] < row["ci_high"] < 1
    assert pd.isna(table.loc[("pearson_with_other_sets", 1), "previous"])
    assert table.loc[("pearson_with_other_sets", 10), "previous"] == 5
    opposite = written.sets(more_photos=-written.truth, photos=-written.truth)  # of the same source
    again = analysed(tmp_path, parameters(), opposite, written.by_size())
    pd.testing.assert_frame_equal(table, again)


def test_another_width_of_the_kernel_is_another_metric(written, tmp_path, caplog):
    with caplog.at_level("INFO"):
        table = analysed(tmp_path, parameters(), written.sets('{"rows":"raw","sigma":0.2}'), written.by_size())
    assert "pearson_with_other_sets" not in table.index.get_level_values(0) and len(table) == 6
    assert (
        "no pearson_with_other_sets, rbf_4 of photos: sets of other sources lack the metric with these parameters"
        in caplog.text
    )


def test_a_model_without_scores_at_a_size_is_left_out_and_told(written, tmp_path, caplog):
    with caplog.at_level("INFO"):
        table = analysed(tmp_path, parameters(), written.sets(), written.by_size(without=[(5, "m3")]))
    assert table.loc["mean_change"][["models", "pairs"]].values.tolist() == [[7, 21], [7, 21]]
    assert "rbf_4 of photos, 5 a class: no scores of m3, left out everywhere" in caplog.text
    upper = np.triu_indices(7, 1)
    kept = [i for i in range(8) if i != 3]
    changes = abs(written.changes[5] - written.changes[1])[np.ix_(kept, kept)][upper]
    assert table.loc[("mean_change", 5), "value"] == pytest.approx(changes.mean(), abs=1e-12)
    assert table.loc["pearson_with_other_sets"]["models"].tolist() == [7, 7, 7]


def test_two_families_have_no_interval_of_a_correlation(written, tmp_path, caplog):
    with caplog.at_level("INFO"):
        table = analysed(tmp_path, parameters(family="one"), written.sets(), written.by_size())
    assert table.loc["pearson_with_other_sets"][["ci_low", "ci_high"]].isna().all(axis=None)
    assert table.loc["mean_change"]["ci_low"].notna().all()
    assert "no interval of pearson_with_other_sets, rbf_4 of photos, 5 a class: there are 1 families" in caplog.text


def test_sizes_of_a_set_outside_the_study_are_compared_with_all_sets(written, tmp_path, caplog):
    given = parameters()
    given = given.model_copy(update={"sets": {k: v for k, v in given.sets.items() if k != "photos"}})
    with caplog.at_level("INFO"):
        table = analysed(tmp_path, given, written.sets(), written.by_size())
    assert "photos is no set of the study, and its source unknown: all sets count as others" in caplog.text
    assert len(table.loc["pearson_with_other_sets"]) == 3


def test_the_table_of_sizes_has_the_same_bytes_a_second_time(written, tmp_path):
    analysed(tmp_path, parameters(), written.sets(), written.by_size())
    first = (tmp_path / "sizes_table.parquet").read_bytes()
    analysed(tmp_path, parameters(), written.sets(), written.by_size())
    assert (tmp_path / "sizes_table.parquet").read_bytes() == first
