"""All pairs among several representations: in which space, in which order, in how much memory."""

import tracemalloc

import numpy as np
import pytest

from whyalike.similarity.all_pairs import kernel_products, kernels_pay, reuse_order, scores
from whyalike.similarity.api import pairwise, score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Workbench


def _wide(n, d, count, dtype=np.float64):
    g = np.random.default_rng(0)
    signal = g.normal(size=(n, d))
    return [(signal + g.normal(size=(n, d)) + 3).astype(dtype) for _ in range(count)]


def test_kernels_pay_where_the_square_of_the_width_exceeds_the_stimuli():
    # M = 4, one pair each and the selves: d^2 against about n (1 + 2 d / M) / 2
    assert kernels_pay(100, [400] * 4, 6)
    assert not kernels_pay(100_000, [400] * 4, 6)
    assert not kernels_pay(10_000, [512] * 8, 28)  # 512^2 < 5,000 * (1 + 128)
    assert kernels_pay(10_000, [512] * 40, 780)  # 512^2 > 5,000 * (1 + 25.6)
    assert kernels_pay(50, [60] * 2, 1)


@pytest.mark.parametrize("memory", [1, 3 * 8 * 30 * 7, 1 << 20])  # a row, seven rows, all rows at a time
def test_products_of_kernels_in_blocks_equal_those_of_features(memory):
    arrays = [*_wide(30, 8, 2), _wide(30, 50, 1)[0]]
    squares, diagonals = kernel_products(arrays, memory)
    kernels = [(x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T for x in arrays]
    np.testing.assert_allclose(squares, [[(k * m).sum() for m in kernels] for k in kernels], rtol=1e-12)
    np.testing.assert_allclose(diagonals, [np.diag(k) for k in kernels], rtol=1e-12)


def test_products_of_float32_kernels_are_those_of_float64():
    arrays = _wide(1100, 60, 3, np.float32)
    single, _ = kernel_products(arrays, 1 << 20)
    double, _ = kernel_products([x.astype(float) for x in arrays], 1 << 20)
    np.testing.assert_allclose(single, double, rtol=1e-7)


@pytest.mark.parametrize("metric", ["cka", "cka_unbiased"])
def test_all_pairs_in_kernels_score_as_each_pair_alone(metric, monkeypatch):
    arrays = dict(zip("abc", _wide(25, 40, 3), strict=True))
    together = pairwise(metric, arrays).set_index(["a", "b"]).value
    monkeypatch.setattr("whyalike.similarity.all_pairs.kernels_pay", lambda *given: False)
    for (a, b), value in together.items():
        assert value == pytest.approx(score(metric, arrays[a], arrays[b]), abs=1e-12)


def test_kernels_are_held_some_rows_at_a_time():
    n, arrays = 3000, _wide(3000, 50, 2, np.float32)
    tracemalloc.start()
    kernel_products(arrays, memory=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n  # 9 MB; one kernel in float32 would take 36


def test_faults_in_kernels_are_those_of_a_pair():
    x, [y] = np.ones((10, 40)), _wide(10, 40, 1)
    for metric in ("cka", "cka_unbiased"):
        with pytest.raises(UndefinedScore, match=f"{metric} needs features that vary; all 10 rows of layer 'x' of one"):
            _scores(metric, {"one": x, "two": y})
    far = r"HSIC_1 of a representation with itself.* Use more stimuli, or cka\. \(layer 'x' of far\)"
    with pytest.raises(UndefinedScore, match=far):
        _scores("cka_unbiased", {"two": y, "far": np.eye(10, 40)})
    with pytest.raises(UndefinedScore, match="cka_unbiased needs at least 4 stimuli; there are 3"):
        _scores("cka_unbiased", {"one": y[:3], "two": y[3:6]})


def _scores(metric, arrays):
    bench = Workbench({name: {"x": x} for name, x in arrays.items()}, 0)
    return scores(bench, [tuple(arrays)], "x", scoring(metric, "exact", {}))


def test_the_order_of_pairs_makes_intermediates_again_less_often():
    pairs = [(str(i), str(j)) for i in range(32) for j in range(i + 1, 32)]

    def made(order, room):
        kept, count = [], 0
        for i in order:
            for name in pairs[i]:
                if name in kept:
                    kept.remove(name)
                else:
                    count += 1
                kept.append(name)
                del kept[:-room]
        return count

    order = reuse_order(pairs)
    assert sorted(order) == list(range(len(pairs)))
    assert made(order, 64) == 32  # with room for all, each is made once
    for room in (8, 12, 16):
        assert made(order, room) < 0.5 * made(range(len(pairs)), room)


def test_scores_come_in_the_order_of_the_pairs_and_intermediates_are_made_once(monkeypatch):
    arrays = dict(zip("abcd", _wide(60, 3, 4), strict=True))
    bench = Workbench({name: {"l": x} for name, x in arrays.items()}, 0)
    pairs = [("d", "a"), ("a", "b"), ("c", "b"), ("d", "c")]
    found = scores(bench, pairs, "l", scoring("rsa", "exact", {}))
    assert list(found) == pairs
    assert len(bench._store) == 4
    for (a, b), value in found.items():
        assert value == pytest.approx(score("rsa", arrays[a], arrays[b]), abs=1e-12)
