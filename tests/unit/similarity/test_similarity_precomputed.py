"""Dissimilarities and kernels in place of features, and pandas frames: the same scores, and what is refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

import whyalike as wa
from whyalike.similarity.api import workbench_of
from whyalike.similarity.nulls import closed_null
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows

LINEAR = ["cka", "cka_unbiased"]


@pytest.fixture
def xy(xy):
    """In float64: a kernel that was made in float32 has its digits."""
    return tuple(z.astype(float) for z in xy)


def _kernel(x):
    return wa.kernel(x @ x.T)


@pytest.mark.parametrize("metric", LINEAR)
def test_a_linear_kernel_scores_as_its_features(metric, xy):
    x, y = xy
    expected = wa.score(metric, x, y)
    for a, b in ((_kernel(x), y), (x, _kernel(y)), (_kernel(x), _kernel(y))):
        assert wa.score(metric, a, b) == pytest.approx(expected, abs=1e-12)
    assert wa.interval(metric, _kernel(x), y).low == pytest.approx(wa.interval(metric, x, y).low, abs=1e-12)


def test_an_rbf_kernel_scores_as_its_features(xy):
    x, y = xy
    squared = ((x[:, None] - x) ** 2).sum(axis=2)
    assert wa.score("cka_rbf", wa.kernel(np.exp(-squared / 18)), y, sigma=3) == pytest.approx(
        wa.score("cka_rbf", x, y, sigma=3), abs=1e-12
    )


@pytest.mark.parametrize("comparison", ["spearman", "pearson"])
def test_an_rdm_scores_as_its_features(comparison, xy):
    x, y = xy
    given = wa.rdm(torch.tensor(1 - np.corrcoef(x)))
    expected = wa.score("rsa", x, y, comparison=comparison)
    assert wa.score("rsa", given, y, comparison=comparison) == pytest.approx(expected, abs=1e-12)
    assert wa.score("rsa", y, given, comparison=comparison) == pytest.approx(expected, abs=1e-12)
    found, alike = (wa.interval("rsa", one, y, comparison=comparison) for one in (given, x))
    assert found.standard_error == pytest.approx(alike.standard_error, abs=1e-12)


def test_judgements_are_ranked_with_their_ties_and_their_diagonal_does_not_count(xy):
    g = np.random.default_rng(1)
    ratings = np.triu(g.integers(1, 8, (30, 30)), 1)
    ratings = ratings + ratings.T + 9 * np.eye(30, dtype=int)
    upper = np.triu_indices(30, 1)
    of_units = 1 - np.corrcoef(xy[0])
    expected = spearmanr(ratings[upper], of_units[upper]).statistic
    assert wa.score("rsa", wa.rdm(ratings), xy[0]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "cka_rbf"])
def test_the_null_in_closed_form_is_that_of_the_features(metric, xy):
    x, y = xy
    nulls = []
    for one in (x, wa.kernel(_rbf(x) if metric == "cka_rbf" else x @ x.T)):
        bench = workbench_of({"x": one, "y": y}, 0, metric)
        scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), scoring(metric, "exact", {}), "x")
        nulls.append(closed_null(scorable.value(), [scorable.kernels()]))
    assert nulls[0] == pytest.approx(nulls[1], abs=1e-9)


def _rbf(x):
    distances = np.sqrt(((x[:, None] - x) ** 2).sum(axis=2))
    return np.exp(-((distances / np.median(distances[np.triu_indices(len(x), 1)])) ** 2) / 2)


def test_pairwise_takes_matrices_among_features(xy):
    x, y = xy
    frame = wa.pairwise("cka", {"x": _kernel(x), "y": y, "z": x**2})
    assert frame.value.tolist() == pytest.approx(wa.pairwise("cka", {"x": x, "y": y, "z": x**2}).value.tolist())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda x: wa.score("cca", _kernel(x), x), "cca needs features here, not a kernel.*cka or cka_rbf or cka_unb"),
        (lambda x: wa.score("cka", wa.rdm(x @ x.T), x), "cka needs features here, not dissim.*features, or use rsa on"),
        (lambda x: wa.score("cka", _kernel(x), x, protocol="as_published"), "cka as published needs features"),
        (lambda x: wa.rdm(x), r"rdm must be n x n to be dissimilarities; it has shape \(30, 7\)"),
        (lambda x: wa.kernel(np.triu(x @ x.T)), r"must be symmetric; entry \(\d+, \d+\) is .*average them"),
        (lambda x: wa.kernel(x @ x.T * np.nan), "kernel must be finite; 30 of 30 rows"),
        (lambda x: wa.score("cka", _kernel(x[:29]), x), "x has 29 rows, y 30"),
        (lambda x: wa.score("cka", wa.kernel(np.full((30, 30), 0.1)), x), "cka needs a kernel that varies"),
        (lambda x: wa.score("rsa", wa.rdm(np.ones((30, 30))), x), "rsa needs dissimilarities that differ"),
    ],
    ids=["features only", "another kind", "as published", "not square", "not symmetric", "NaN", "rows", "constant",
         "equal"],
)  # fmt: skip
def test_what_is_no_such_matrix_is_refused(make, words, xy):
    with pytest.raises(ValueError, match=words):
        make(xy[0])


# ---- frames ----


def _frame(x):
    return pd.DataFrame(x, index=[f"stimulus {i}" for i in range(len(x))])


def test_rows_of_frames_are_matched_by_index(xy):
    x, y = xy
    shuffled = _frame(y).sample(frac=1, random_state=0)
    assert wa.score("cka", _frame(x), shuffled) == wa.score("cka", x, y)
    assert wa.interval("cka", _frame(x), shuffled) == wa.interval("cka", x, y)
    assert wa.pairwise("cka", {"x": _frame(x), "z": x, "y": shuffled}).value[1] == wa.score("cka", x, y)
    assert wa.score("cka", _frame(x), y) == wa.score("cka", x, y)  # an array has no index: its order counts


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda y: y.iloc[:-1], "29 labels are in both and 1 in one alone"),
        (lambda y: y.reset_index(drop=True), "0 labels are in both and 60 in one alone"),
        (lambda y: y.rename(index={"stimulus 3": "stimulus 4"}), "labels of an index stand twice"),
    ],
    ids=["one missing", "another index", "twice"],
)
def test_frames_of_other_stimuli_are_refused(change, words, xy):
    with pytest.raises(ValueError, match=f"cka: x and y need the same index.*{words}.*Select the common stimuli, or"):
        wa.score("cka", _frame(xy[0]), change(_frame(xy[1])))


@pytest.mark.parametrize("dtype", ["Float64", "Float32", "Int64", "boolean", "float64[pyarrow]"])
def test_nullable_columns_are_numbers_and_what_is_missing_is_told(dtype, xy):
    plain = _frame(np.round(xy[0]) > 0) if dtype == "boolean" else _frame(np.round(xy[0]))
    frame = plain.astype({"boolean": bool, "Int64": "int64"}.get(dtype, float)).astype(dtype)
    expected = wa.score("cka", plain.to_numpy().astype(np.float32 if dtype == "Float32" else float), xy[1])
    assert wa.score("cka", frame, xy[1]) == expected
    frame.iloc[4, 0] = pd.NA
    with pytest.raises(ValueError, match="x must be finite; 1 of 30 rows hold NaN or infinity, the first is row 4"):
        wa.score("cka", frame, xy[1])


def test_a_series_and_text_are_no_representations(xy):
    for wrong in (pd.Series(np.arange(30.0)), pd.DataFrame({"a": [1.0] * 30, "b": pd.array(["u"] * 30, "string")})):
        with pytest.raises(ValueError, match="x must be a matrix of real numbers, stimuli x units; it has shape"):
            wa.score("cka", wrong, xy[1])
