"""Classes at a time: which ones are scored together, nested from overlap to overlap, and what the score table says."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from job_parameters import score_parameters

from whyalike.activations.table import write_activations
from whyalike.data.prepared import write_prepared
from whyalike.files import write_table
from whyalike.similarity.comparison import fixed_classes, score_comparison

NAMES = ["ant", "bee", "cat", "dog", "eel", "fox"]
A, B = ["cat", "ant", "fox", "dog"], ["cat", "ant", "fox", "bee"]  # three in common; in the order of A's labels
EACH, UNITS = 8, 5  # images of a class, units of a layer


def test_one_at_a_time_is_every_shared_class_in_the_order_of_its_code():
    assert fixed_classes([5, 0, 3], 1) == [(0,), (3,), (5,)]
    assert fixed_classes([], 1) == []


def test_two_at_a_time_are_all_pairs_of_three_classes_and_neighbours_of_many():
    assert fixed_classes([4, 2, 0], 2) == [(0, 2), (0, 4), (2, 4)]
    assert fixed_classes([4, 2, 0, 1], 2) == [(0, 1), (0, 2), (0, 4), (1, 2), (2, 4)]  # not (1, 4), the ends
    assert fixed_classes([7], 2) == []
    many = fixed_classes(list(range(100)), 2)
    assert len(many) == 99 + 98
    assert max(b - a for a, b in many) == 2


def test_pairs_of_a_smaller_overlap_are_among_those_of_a_larger_one():
    shared = np.random.default_rng(0).permutation(50).tolist()
    for smaller, larger in itertools.pairwise(range(0, 51, 5)):
        assert set(fixed_classes(shared[:smaller], 2)) <= set(fixed_classes(shared[:larger], 2))


@pytest.fixture
def scores(tmp_path):
    """CKA of two models under task overlap on classes at a time, and the representations behind it."""

    def score(counts):
        labels = pd.DataFrame({"part": "test", "class": np.repeat(NAMES, EACH)})
        write_prepared(tmp_path / "data", np.zeros((len(labels), 2, 2, 3), np.uint8), labels, ["class"], {})
        random = np.random.default_rng(1)
        x = {run: random.normal(size=(len(labels), UNITS)).astype(np.float32) for run in ("a", "b", "u", "v")}
        write_activations(tmp_path / "x.parquet", np.arange(len(labels)), x.items(), UNITS, {})
        runs = pa.table({"run": ["a", "b"], "labelling": ["class"] * 2, "class_names": [A, B]})
        write_table(tmp_path / "m.parquet", runs, {})
        pair = {"run_a": "a", "run_b": "b", "untrained_a": "u", "untrained_b": "v", "seed": 0, "condition": "0.75",
                "name_a": "A", "name_b": "B@0.75", "data_overlap": 0.75, "label_overlap": 0.75}  # fmt: skip
        parameters = score_parameters(
            factor="task", shares="classes", fixed_classes=counts, pairs=[pair], metrics={"cka": {}}
        )
        folder = tmp_path / "data"
        score_comparison(parameters, {"l": [tmp_path / "x.parquet"]}, [tmp_path / "m.parquet"], folder, folder,
                         tmp_path / "s.parquet")  # fmt: skip
        return pq.read_table(tmp_path / "s.parquet").to_pandas().set_index("stimuli_kind"), x

    return score


def cka(x, y):
    x, y = (one.astype(float) - one.mean(0, dtype=float) for one in (x, y))
    xy, xx, yy = ((one.T @ other) ** 2 for one, other in ((x, y), (x, x), (y, y)))
    return xy.sum() / np.sqrt(xx.sum() * yy.sum())


def test_the_score_is_the_mean_over_sets_of_classes_and_says_how_many_there_are_in_one(scores):
    table, x = scores([1, 2])
    own = {name: slice(EACH * i, EACH * (i + 1)) for i, name in enumerate(NAMES)}
    for count in (1, 2):
        row = table.loc[f"fixed_classes_{count}"]
        values = [
            cka(*(np.concatenate([x[run][own[name]] for name in chosen]) for run in "ab"))
            for chosen in itertools.combinations(sorted({*A} & {*B}), count)
        ]
        assert row["value"] == pytest.approx(np.mean(values), rel=1e-5)  # of float32 features
        assert row[["classes", "n"]].tolist() == [count, count * EACH]
    assert table.loc["common", ["classes", "n"]].tolist() == [3, 3 * EACH]


def test_what_is_not_asked_for_is_not_scored(scores):
    assert set(scores([])[0].index) == {"common", "ood_one", "ood_both"}
    assert set(scores([2])[0].index) == {"common", "ood_one", "ood_both", "fixed_classes_2"}
