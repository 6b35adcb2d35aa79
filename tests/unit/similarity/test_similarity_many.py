"""All pairs among many representations in little memory: values are those of each pair alone."""

import tracemalloc

import numpy as np
import pytest

from whyalike.similarity import engines, kernel_blocks, many, triangles
from whyalike.similarity.api import LAYER, pairwise, score, workbench_of
from whyalike.similarity.metrics import rbf
from whyalike.similarity.metrics.rsa import average_ranks
from whyalike.similarity.protocols import scoring

ASKED = [
    ("cka", {}),
    ("cka_unbiased", {}),
    ("cka_rbf", {}),
    ("cka_rbf", {"sigma_median": 0.2}),
    ("cka_rbf", {"sigma": 1000.0}),
    ("cka_rbf_unbiased", {}),
    ("cka_rbf_unbiased", {"sigma": 0.4, "rows": "l2"}),
    ("cka_rbf_unbiased", {"sigma_median": 0.1}),
    ("rsa", {}),
    ("rsa", {"rdm": "cosine", "comparison": "pearson"}),
    ("rsa", {"rdm": "euclidean"}),
    ("mutual_knn", {"k": 5}),
    ("procrustes_distance", {}),
    ("procrustes_distance", {"angular": True}),
]


def representations(n, widths, dtype=np.float64):
    g = np.random.default_rng(0)
    signal = g.normal(size=(n, max(widths)))
    return {f"m{i}": (signal[:, :d] + g.normal(size=(n, d)) + 2).astype(dtype) for i, d in enumerate(widths)}


def together(arrays, metric, parameters, kept=1):
    """All pairs, of which the workbench may keep next to nothing; pair -> value, pair -> reason."""
    bench = workbench_of(arrays, 0, metric, kept)
    names, undefined = list(arrays), {}
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    chosen = scoring(metric, "exact", parameters)
    return many.scores(bench, pairs, LAYER, chosen, kept, undefined), undefined


@pytest.mark.parametrize(("metric", "parameters"), ASKED, ids=str)
def test_all_pairs_together_score_as_each_pair_alone(metric, parameters):
    arrays = representations(60, (5, 9, 30, 70))
    values, undefined = together(arrays, metric, parameters)
    assert not undefined and len(values) == 6
    for (a, b), value in values.items():
        assert value == pytest.approx(score(metric, arrays[a], arrays[b], **parameters), abs=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("metric", ["cka", "cka_unbiased"])
def test_linear_kernels_whose_features_do_not_fit_score_as_each_pair_alone(metric, dtype):
    arrays = representations(60, (200, 300, 400, 500), dtype) | {"flat": np.full((60, 300), 2.0, dtype)}
    bench, chosen = workbench_of(arrays, 0, metric, bound=10**6), scoring(metric, "exact", {})
    pairs = [(a, b) for a in arrays for b in arrays if a < b]
    assert many.engine_of(bench, pairs, LAYER, chosen, 1) is engines.linear
    undefined = {}
    for (a, b), value in many.scores(bench, pairs, LAYER, chosen, 1, undefined).items():
        if "flat" in (a, b):
            assert np.isnan(value) and "rows of layer 'x' of flat are the same" in undefined[a, b]
        else:
            assert value == pytest.approx(score(metric, arrays[a], arrays[b]), abs=1e-10)


@pytest.mark.parametrize("metric", ["cka_rbf", "cka_rbf_unbiased", "rsa", "procrustes_distance"])
def test_many_float32_rows_score_as_each_pair_alone(metric, many_rows):
    arrays = representations(many_rows, (6, 8, 11), np.float32)
    values, _ = together(arrays, metric, {}, kept=1 << 16)
    for (a, b), value in values.items():
        assert value == pytest.approx(score(metric, arrays[a], arrays[b]), abs=1e-6)


def test_those_whose_work_fits_are_scored_as_before_to_the_bit(monkeypatch):
    arrays = representations(60, (5, 9, 30))
    metrics = {name: {} for name in ("cka_rbf", "cka_rbf_unbiased", "rsa", "procrustes_distance")}
    found = pairwise(metrics, arrays)
    monkeypatch.setattr(many, "ENGINES", {})
    assert found.equals(pairwise(metrics, arrays))


@pytest.mark.parametrize(("metric", "parameters"), ASKED[2:9:2] + ASKED[-1:], ids=str)
def test_one_without_a_value_is_absent_with_its_reason_and_the_others_stand(metric, parameters):
    arrays = representations(60, (5, 9, 30))
    with_dead = {"dead": np.full((60, 4), 3.0), **arrays}
    values, undefined = together(with_dead, metric, parameters)
    assert {pair for pair, value in values.items() if np.isnan(value)} == set(undefined)
    assert set(undefined) == {("dead", name) for name in arrays}
    assert all("all 60 rows of layer 'x' of dead are the same" in reason for reason in undefined.values())
    alone, _ = together(arrays, metric, parameters)
    assert {pair: values[pair] for pair in alone} == alone


@pytest.mark.parametrize(
    ("metric", "x", "why"),
    [
        ("cka_rbf", np.eye(20)[np.maximum(np.arange(20) - 15, 0)], "cka_rbf needs a median distance above 0"),
        ("cka_rbf_unbiased", np.eye(20)[np.maximum(np.arange(20) - 15, 0)], "cka_rbf_unbiased needs a median"),
        ("cka_rbf_unbiased", np.eye(20), "cka_rbf_unbiased needs distances that differ"),
        ("rsa", np.eye(20), "rsa needs dissimilarities that differ"),
        ("rsa", np.vstack([np.ones((1, 3)), np.random.default_rng(0).normal(size=(19, 3))]), "the first is row 0"),
    ],
)
def test_each_kind_of_missing_value_has_the_words_of_a_pair_alone(metric, x, why):
    arrays = {"a": representations(20, (4,))["m0"], "bad": x, **representations(20, (5, 6))}
    values, undefined = together(arrays, metric, {})
    assert set(undefined) == {pair for pair in values if "bad" in pair}
    assert all(why in reason and "(layer 'x' of bad)" in reason for reason in undefined.values())
    assert np.isfinite([value for pair, value in values.items() if "bad" not in pair]).all()
    with pytest.raises(ValueError, match=why):
        score(metric, arrays["a"], x)


@pytest.mark.parametrize("n", [29, 30, 1100])
@pytest.mark.parametrize("few", [0, 1 << 20])  # of few pairs all distances are held, of many a bracket
def test_the_median_distance_is_that_of_the_metric_to_the_bit(n, few, monkeypatch):
    monkeypatch.setattr(kernel_blocks, "FEW_PAIRS", few)
    for x in (np.random.default_rng(n).normal(size=(n, 6)), np.random.default_rng(n).integers(0, 2, (n, 4)) * 1.0):
        with many.Scratch() as scratch:
            distances = kernel_blocks.Distances.of(x, False, scratch)
            squared = np.zeros((n, n), np.float32 if n >= 1000 else np.float64)
            for start in range(0, n, rbf.BLOCK):
                distances.block(slice(start, min(start + rbf.BLOCK, n)), squared[start : start + rbf.BLOCK, start:])
            assert distances.median() == rbf.median_distance(squared)


def test_a_bracket_that_misses_the_median_is_widened(monkeypatch):
    monkeypatch.setattr(kernel_blocks, "FEW_PAIRS", 0)
    x = np.random.default_rng(0).normal(size=(80, 3))
    with many.Scratch() as scratch:
        distances = kernel_blocks.Distances.of(x, False, scratch)
        expected = distances.median()
        far = np.linspace(40, 50, 1000)  # a sample that holds nothing of the truth
        monkeypatch.setattr(kernel_blocks.Distances, "_sampled", lambda self: far)
        assert distances.median() == expected


@pytest.mark.parametrize(("metric", "megabytes"), [("cka_rbf", 14), ("cka_rbf_unbiased", 14), ("rsa", 44),
                                                   ("procrustes_distance", 5), ("cka", 40)])  # fmt: skip
def test_memory_is_bounded_whatever_the_number_of_models(metric, megabytes):
    """What is held is far below the kernels, triangles or bases of all, and files take no memory of the process."""
    n, wide = 1500, {"cka": 800}.get(metric, 40)
    arrays = representations(n, (wide,) * 8, np.float32)
    bench = workbench_of(arrays, 0, metric, bound=megabytes * 10**6)
    chosen = scoring(metric, "exact", {})
    pairs = [(a, b) for a in arrays for b in arrays if a < b]
    assert many.engine_of(bench, pairs, LAYER, chosen, 10**6)
    tracemalloc.start()
    values = many.scores(bench, pairs, LAYER, chosen, 10**6)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < megabytes * 10**6
    assert values["m0", "m1"] == pytest.approx(score(metric, arrays["m0"], arrays["m1"]), abs=1e-6)


@pytest.mark.parametrize("entries", [3, 1 << 20])
def test_ranks_in_place_are_those_of_the_metric(entries, monkeypatch):
    monkeypatch.setattr(triangles, "RANKED", entries)
    for values in (
        np.random.default_rng(0).integers(0, 4, 40) / 3,
        np.random.default_rng(0).normal(size=41),
        np.ones(5),
    ):
        expected = average_ranks(values)
        triangles.rank(values)
        assert values.tolist() == expected.tolist()
