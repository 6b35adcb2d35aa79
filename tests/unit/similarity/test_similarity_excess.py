"""Excess beyond what classes explain: its formula, for distances too, split halves, and when there is none."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from whyalike.randomness import keyed
from whyalike.similarity.api import pairwise, score
from whyalike.similarity.excess import SPLIT_HALVES, SPLITS, excess
from whyalike.similarity.nulls import p_value, row_orders, within_class_orders
from whyalike.similarity.precomputed import rdm

N = 60
LABELS = np.arange(N) % 4


@pytest.fixture
def xy():
    """Two representations that share classes, and some of what differs within them."""
    g = np.random.default_rng(0)
    signal = g.normal(size=(4, 3))[LABELS] + g.normal(size=(N, 3))
    return [signal @ g.normal(size=(3, d)) + g.normal(size=(N, d)) for d in (7, 6)]


@pytest.mark.parametrize(
    ("metric", "ceiling", "params"),
    [("cka_unbiased", 0.9, {}), ("mutual_knn", 0.8, {"k": 5}), ("procrustes_distance", 0.1, {}), ("rsa", 1, {})],
)
def test_excess_and_nulls_are_those_of_a_plain_loop(metric, ceiling, params, xy):
    x, y = xy
    found = score(metric, x, y, labels=LABELS, ceiling=ceiling, **params)
    kind = "distance" if metric == "procrustes_distance" else "similarity"
    value = score(metric, x, y, **params)
    rows = [score(metric, x, y[order], **params) for order in row_orders(keyed("rows", 0, N), N, 99)]
    orders = within_class_orders(keyed("within class", 0, N), LABELS, 99)
    within = [score(metric, x, y[order], **params) for order in orders]
    assert (found.value, found.null_mean) == pytest.approx((value, np.mean(rows)), abs=1e-9)
    assert (found.p_value, found.p_within_class) == (p_value(value, rows, kind), p_value(value, within, kind))
    assert found.null_within_class == pytest.approx(np.mean(within), abs=1e-9)
    assert found.ceiling == ceiling and found.no_excess is None and found.n == N
    assert found.excess == pytest.approx((value - np.mean(within)) / (ceiling - np.mean(within)), abs=1e-9)
    assert 0 < found.excess < 1  # of a distance too
    assert found.excess_of(value) == pytest.approx(found.excess, abs=1e-9)
    assert found.excess_of(ceiling) == 1 and found.excess_of(found.null_within_class) == 0


def test_models_that_share_classes_alone_have_no_excess_and_a_copy_has_all_of_it():
    g, shares = np.random.default_rng(1), []
    for world in range(40):
        x, y = (3 * g.normal(size=(4, d))[LABELS] + g.normal(size=(N, d)) for d in (7, 6))
        found = score("cka_unbiased", x, y, labels=LABELS, ceiling=1, seed=world)
        assert found.null_within_class > 0.2  # classes alone make a high score
        shares.append(found.excess)
    assert abs(np.mean(shares)) < 3 * np.std(shares) / np.sqrt(40)
    assert score("cka_unbiased", x, 2 * x, labels=LABELS, ceiling=1).excess == pytest.approx(1, abs=1e-9)


def halves(metric, x, **params):
    """The mean score of two random halves of the units."""
    half, scores = x.shape[1] // 2, []
    for split in range(SPLITS):
        order = keyed(0, "halves of units", x.shape[1], split).permutation(x.shape[1])
        scores.append(score(metric, x[:, order[:half]], x[:, order[half : 2 * half]], **params))
    return np.mean(scores)


@pytest.mark.parametrize(
    ("metric", "params"),
    [("cka", {}), ("procrustes_distance", {}), ("mutual_knn", {"k": 5}), ("cka", {"protocol": "as_published"})],
)
def test_the_ceiling_of_split_halves_is_the_mean_of_both_models(metric, params, xy):
    x, y = xy
    found = score(metric, x, y, labels=LABELS, ceiling="split_halves", permutations=9, **params)
    assert found == score(metric, x, y, labels=LABELS, ceiling="split-halves", permutations=9, **params)
    assert found.ceiling == pytest.approx((halves(metric, x, **params) + halves(metric, y, **params)) / 2, abs=1e-9)


def test_halves_leave_the_confound_out_too(xy):
    x, y = xy
    z = np.random.default_rng(2).normal(size=(N, 2)) + x[:, :2]
    found = score("cka", x, y, labels=LABELS, ceiling="split_halves", permutations=9, confound=z)
    expected = (halves("cka", x, confound=z) + halves("cka", y, confound=z)) / 2
    assert found.ceiling == pytest.approx(expected, abs=1e-9)


def test_two_samples_of_one_population_have_more_than_one_the_less_the_more_units():
    """The bias of halves, as the module says it: they are smaller than the models."""
    g = np.random.default_rng(3)
    signal, other = g.normal(size=(2, N, 6))

    def of_units(signal, d):
        return signal @ g.normal(size=(6, d)) + g.normal(size=(N, d))

    def mean_excess(d, second):
        pairs = [(of_units(signal, d), of_units(second, d)) for _ in range(12)]
        return np.mean([score("cka_unbiased", *p, labels=LABELS, ceiling=SPLIT_HALVES).excess for p in pairs])

    few, many = mean_excess(16, signal), mean_excess(256, signal)
    assert few > many > 1
    assert many == pytest.approx(1, abs=0.1)
    half_shared = np.hstack([signal[:, :3], other[:, 3:]])
    assert 0.2 < mean_excess(256, half_shared) < 0.8


@pytest.mark.parametrize(
    ("metric", "ceiling", "words"),
    [
        ("cka", 0.0, "the ceiling, 0, is not above the mean within class, 0."),
        ("procrustes_distance", 1.4, "the ceiling, 1.4, is not below the mean within class"),
    ],
)
def test_a_ceiling_on_the_wrong_side_gives_no_excess_and_says_so(metric, ceiling, words, xy):
    found = score(metric, *xy, labels=LABELS, ceiling=ceiling, permutations=9)
    assert np.isnan(found.excess) and np.isnan(found.excess_of(0.5)) and words in found.no_excess
    assert found.ceiling == ceiling and np.isfinite(found.p_within_class)  # the rest stands
    with pytest.raises(ValueError, match="is not above"):
        excess(0.5, 0.3, 0.3, "cka")  # equal is no scale


def test_without_halves_or_a_mean_within_class_there_is_no_excess(xy):
    x, y = xy
    found = score("cka", x, y[:, :1], labels=LABELS, ceiling="split_halves", permutations=9)
    assert np.isnan([found.ceiling, found.excess]).all()
    assert "split halves need two units or more; y has one" in found.no_excess
    found = score("rsa", rdm(1 - np.corrcoef(x)), y, labels=LABELS, ceiling="split_halves", permutations=9)
    assert "split halves need units; x is dissimilarities" in found.no_excess
    found = score("cka", np.hstack([x[:, :1], np.ones((N, 3))]), y, labels=LABELS, ceiling="split_halves")
    assert "all 60 rows of layer 'x' of half" in found.no_excess
    found = score("mutual_knn", x, y, labels=LABELS, ceiling=0.9, permutations=0)
    assert np.isnan(found.excess) and "no mean within class without draws" in found.no_excess
    found = score("mutual_knn", x, y, labels=LABELS, ceiling=0.9)
    assert {type(one) for one in (found.value, found.ceiling, found.excess)} == {float}
    found = score("cka", x, y, labels=LABELS, ceiling=0.9, permutations=0)  # in closed form
    assert found.excess == pytest.approx((found.value - found.null_within_class) / (0.9 - found.null_within_class))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ceiling": 0.9}, "ceiling needs labels: excess begins at the mean within class"),
        ({"ceiling": 90, "labels": LABELS}, "ceiling must be a score of cka, from 0 to 1; got 90"),
        ({"ceiling": "halves", "labels": LABELS}, "ceiling must be a number or 'split_halves'; got 'halves'"),
        ({"ceiling": True, "labels": LABELS}, "ceiling must be a number or 'split_halves'; got True"),
        ({"ceiling": np.nan, "labels": LABELS}, "ceiling must be a number or 'split_halves'; got nan"),
        ({"ceiling": np.array([0.9, 0.8]), "labels": LABELS}, "ceiling must be a number or 'split_halves'; got array"),
    ],
    ids=["labels", "range", "word", "truth", "nan", "array"],
)
def test_what_is_no_ceiling_is_refused(given, words, xy):
    with pytest.raises(ValueError, match=words):
        score("cka", *xy, **given)


def test_pairwise_has_the_columns_of_score(xy):
    x, y = xy
    named = {"x": x, "y": y, "one": x[:, :1]}
    options = {"labels": LABELS, "ceiling": "split_halves", "permutations": 9}
    table = pairwise(["cka", "procrustes_distance"], named, **options)
    for row in table.itertuples():
        expected = asdict(score(row.metric, named[row.a], named[row.b], **options))
        expected.pop("no_excess")
        found = {name: getattr(row, name) for name in expected}
        assert found == pytest.approx(expected, abs=1e-9, nan_ok=True)
    assert table.excess.notna().tolist() == [True, False, False] * 2
    assert [(one["a"], one["b"]) for one in table.attrs["no_excess"]] == [("x", "one"), ("y", "one")] * 2
    assert json.loads(json.dumps(table.attrs)) == table.attrs
    assert list(pairwise("cka", named, permutations=0).columns[5:]) == ["null_mean", "null_p95", "p_value"]
