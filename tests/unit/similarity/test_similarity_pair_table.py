"""The pair table: the score table, and beside each score its interval over stimuli."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from whyalike.activations.table import write_activations
from whyalike.files import write_table
from whyalike.similarity.intervals import interval
from whyalike.similarity.pair_table import PAIR_SCHEMA, write_pairs
from whyalike.similarity.parameters import PairParameters
from whyalike.similarity.table import to_frame, to_table

METRICS = {"cka": {}, "near": {"metric": "mutual_knn", "k": 5}}


@pytest.fixture
def written(tmp_path):
    """A maker of the pair table of two runs under two scorings, exact and as published, and the two representations."""
    random = np.random.default_rng(0)
    x = random.normal(size=(60, 4)).astype(np.float32)
    y = (x + random.normal(size=(60, 4))).astype(np.float32)
    write_activations(tmp_path / "s.late.parquet", np.arange(60), [("1", x), ("2", y)], 4, {})
    core = {
        "study": "theirs", "comparison": "theirs", "setting": "theirs", "factor": "external", "seed": 0,
        "condition": "a-b", "run_a": "1", "run_b": "2", "layer_a": "late", "layer_b": "late", "stimuli": "s",
        "stimuli_kind": "in_distribution", "n": 60, "preprocessing": "", "estimator": "", "eps": 0.0, "value": 0.5,
    }  # fmt: skip
    rows = [{**core, "scoring": name, "metric": given.get("metric", name), "score_protocol": protocol}
            for name, given in METRICS.items() for protocol in ("exact", "as_published")]  # fmt: skip
    write_table(tmp_path / "scores.parquet", to_table(to_frame(rows)), {})

    def write(intervals=True):
        parameters = PairParameters(study="theirs", comparison="theirs", stimuli="s", metrics=METRICS,
                                    intervals=intervals, seed=3, code="")  # fmt: skip
        activations = {"late": [tmp_path / "s.late.parquet"]}
        write_pairs(parameters, tmp_path / "scores.parquet", activations, tmp_path / "pairs.parquet")
        return pq.read_table(tmp_path / "pairs.parquet")

    return write, x, y


def test_each_exact_score_has_the_interval_that_two_arrays_get(written):
    write, x, y = written
    table = write()
    assert table.schema.names == PAIR_SCHEMA.names
    rows = {(row["scoring"], row["score_protocol"]): row for row in table.to_pylist()}
    for name, wanted in {
        "cka": interval("cka", x, y, seed=3),
        "near": interval("mutual_knn", x, y, seed=3, k=5),
    }.items():
        row = rows[name, "exact"]
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((wanted.low, min(wanted.high, 1)))
        assert row["interval"] == wanted.method


def test_scores_as_published_have_no_interval(written):
    write, *_ = written
    rows = [row for row in write().to_pylist() if row["score_protocol"] == "as_published"]
    assert len(rows) == 2 and all(row["ci_low"] is None and row["interval"] is None for row in rows)


def test_without_intervals_the_scores_stand_alone(written):
    write, *_ = written
    table = write(intervals=False)
    assert table["value"].to_pylist() == [0.5] * 4
    assert table["ci_low"].null_count == 4
