"""The metrics as they are computed on a GPU, beside the same on the CPU. Without a GPU PyTorch runs them on the CPU."""

from functools import partial

import numpy as np
import pytest
import torch
from similarity_cases import SMALL, WITH_PROTOCOLS, fitting

from whyalike.similarity import on_device
from whyalike.similarity.api import LAYER, pairwise, score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.intervals import over_stimuli
from whyalike.similarity.metrics import cka
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench, form_of

GPU = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))
DEVICES = ["cpu", GPU]
CHANGED = on_device.metrics()
ROUNDING = 1e-10  # between two ways to sum float64 numbers; promised are 1e-6


def _forms(device):
    return form_of if device is None else partial(on_device.forms_on, device)


def _scorable(metric, x, y, device, protocol="exact", **parameters):
    bench = Workbench({"x": {LAYER: x}, "y": {LAYER: y}}, 0, forms=_forms(device))
    chosen = scoring(metric, protocol, parameters)
    return bench.scorable("x", "y", Rows.of(np.arange(len(x))), chosen, None if chosen.layers_together else LAYER)


def _random(n, d, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(size=(n, d)).astype(dtype)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("metric", "protocol"), WITH_PROTOCOLS)
def test_scores_and_their_permutations_are_those_of_the_cpu(metric, protocol, device, xy):
    x, y = fitting(metric, *xy)
    here, there = (_scorable(metric, x, y, one, protocol, **SMALL.get(metric, {})) for one in (None, device))
    order = np.random.default_rng(0).permutation(len(x))
    assert there.value() == pytest.approx(here.value(), abs=ROUNDING)
    assert there.value(order) == pytest.approx(here.value(order), abs=ROUNDING)
    assert (there.form is not here.form) is (metric in CHANGED)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("metric", CHANGED)
def test_many_rows_score_as_on_the_cpu_in_blocks_too(metric, dtype, device, many_rows, monkeypatch):
    n = many_rows
    x, y = (_random(n, 12) + _random(n, 12, seed) for seed in (1, 2))
    x, y = x.astype(dtype), y.astype(dtype)
    here = _scorable(metric, x, y, None)
    order = np.random.default_rng(0).permutation(n)
    for entries in (on_device.ENTRIES, 7 * n):
        monkeypatch.setattr(on_device, "ENTRIES", entries)
        there = _scorable(metric, x, y, device)
        assert there.value() == pytest.approx(here.value(), abs=1e-6)  # promised
        assert there.value(order) == pytest.approx(here.value(order), abs=1e-6)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("p", "q"), [(60, 60), (60, 8), (8, 60)])
@pytest.mark.parametrize("metric", ["cka", "cka_unbiased"])
def test_features_wider_than_the_stimuli_are_many(metric, p, q, device):
    x, y = _random(40, p), _random(40, q, 1)
    order = np.random.default_rng(0).permutation(40)
    here, there = (_scorable(metric, x, y, one) for one in (None, device))
    assert there.value() == pytest.approx(here.value(), abs=ROUNDING)
    assert there.value(order) == pytest.approx(here.value(order), abs=ROUNDING)
    assert there.layer_pairs[0][0].matrix.shape == (40, min(40, p))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("parameters", [{"sigma": 0.3}, {"sigma_median": 0.1}, {"sigma_median": 1000.0}], ids=str)
@pytest.mark.parametrize("n", [30, 31, 33])  # distances: odd and even in number
def test_rbf_kernels_of_all_widths(n, parameters, device):
    x, y = _random(n, 3), _random(n, 3) + _random(n, 3, 1)
    expected = _scorable("cka_rbf", x, y, None, **parameters).value()
    assert _scorable("cka_rbf", x, y, device, **parameters).value() == pytest.approx(expected, abs=ROUNDING)


TIED = {
    "whole numbers": lambda g: g.integers(0, 3, size=(200, 4)).astype(float),
    "bits": lambda g: (g.random((200, 16)) > 0.5).astype(float),
    "rows of 0": lambda g: g.normal(size=(200, 6)) * (g.random((200, 1)) > 0.2),
    "every row twice": lambda g: np.repeat(g.normal(size=(100, 6)), 2, axis=0),
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind", TIED)
@pytest.mark.parametrize("metric", ["mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"])
def test_ties_are_those_of_the_cpu(metric, kind, device, monkeypatch):
    x, y = (TIED[kind](np.random.default_rng(seed)) for seed in (1, 2))
    monkeypatch.setattr(on_device, "ENTRIES", 70 * 200)
    expected = _scorable(metric, x, y, None).value()
    assert _scorable(metric, x, y, device).value() == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("rdm", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize("comparison", ["spearman", "pearson"])
def test_dissimilarities_of_all_kinds_with_ties(rdm, comparison, device):
    x, y = (np.round(2 * _random(50, 4, seed)) + np.arange(4) for seed in (0, 1))
    given = {"rdm": rdm, "comparison": comparison}
    expected = _scorable("rsa", x, y, None, **given).value()
    assert _scorable("rsa", x, y, device, **given).value() == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("metric", "x", "why"),
    [
        ("cka_rbf", np.eye(20)[np.maximum(np.arange(20) - 15, 0)], "needs a median distance above 0"),
        ("rsa", np.eye(20), "needs dissimilarities that differ"),
        ("rsa", np.vstack([np.ones((1, 3)), _random(19, 3)]), "1 of 20 do not, the first is row 0"),
        ("cka", np.ones((20, 3)), "needs features that vary"),
        ("cka_unbiased", np.eye(20), "HSIC_1 of a representation with itself must be positive"),
    ],
)
def test_what_has_no_score_says_why_in_the_same_words(metric, x, why, device):
    messages = []
    for one in (None, device):
        with pytest.raises(UndefinedScore, match=why) as raised:
            _scorable(metric, x, x, one)
        messages.append(str(raised.value).partition(";")[0])
    assert messages[0] == messages[1]


def test_ten_metrics_are_computed_on_the_device():
    neighbours = {"mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna"}
    assert set(CHANGED) >= {"cka", "cka_unbiased", "cka_rbf", "cka_rbf_unbiased", "rsa", *neighbours}


def test_a_metric_that_shares_intermediates_of_the_device_alone_stays_on_the_cpu(monkeypatch, xy):
    ours = Form(cka.prepare_linear, lambda x, y, parameters: 0.5, cka.permute_features, single=True)
    monkeypatch.setattr(cka, "LINEAR", {"exact": ours})
    assert _scorable("cka", *xy, "cpu").form is ours


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("metric", CHANGED)
def test_arrays_of_any_layout(metric, device):
    x, y = _random(30, 5), _random(30, 5, 1)
    readonly = np.asfortranarray(x)
    readonly.flags.writeable = False
    expected = _scorable(metric, x, y, device).value()
    assert _scorable(metric, readonly, y[::-1][::-1], device).value() == pytest.approx(expected, abs=ROUNDING)
    assert _scorable(metric, x[::-1], y[::-1].copy(), device).value() == pytest.approx(expected, abs=ROUNDING)


def test_metrics_that_share_lists_make_them_once(monkeypatch):
    made = []
    original = on_device._search
    monkeypatch.setattr(on_device, "_search", lambda x, k: made.append(k) or original(x, k))
    bench = Workbench({name: {LAYER: _random(40, 5, seed)} for seed, name in enumerate("xy")}, 0, forms=_forms("cpu"))
    for metric in ("mutual_knn", "lcs_knn", "edit_distance_knn", "cycle_knn"):
        bench.scorable("x", "y", Rows.of(np.arange(40)), scoring(metric, "exact", {}), LAYER)
    assert made == [10, 10]


def test_intermediates_on_the_device_are_dropped_when_there_are_too_many():
    bench = Workbench({name: {LAYER: _random(40, 5)} for name in "abc"}, 0, kept=2 * 40 * 6 * 8, forms=_forms("cpu"))
    for a, b in ("ab", "bc"):
        bench.scorable(a, b, Rows.of(np.arange(40)), scoring("cka", "exact", {}), LAYER)
    assert len(bench._store) == 2


def full(*_):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 74 GiB.\nSee documentation")


@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "cka_rbf"])
def test_too_little_memory_for_a_pair_is_an_error_as_on_the_cpu(metric, monkeypatch):
    scorable = _scorable(metric, _random(40, 5), _random(40, 5, 1), "cpu")
    monkeypatch.setattr(on_device, "_inner" if metric == "cka_rbf" else "_square", full)
    with pytest.raises(MemoryError, match=r"CUDA out of memory. Tried to allocate 74 GiB\.$"):
        scorable.value()


def test_too_little_memory_on_the_device_is_said_with_metric_and_size(monkeypatch):
    monkeypatch.setattr(torch.Tensor, "double", full)
    message = (
        r"rsa of layer 'x' of x, 40 stimuli, needs more memory than there is \(CUDA.*74 GiB\.\)\. Use fewer stimuli"
    )
    with pytest.raises(MemoryError, match=message):
        _scorable("rsa", _random(40, 5), _random(40, 5, 1), "cpu")


@pytest.mark.parametrize("device", DEVICES)
def test_intervals_are_those_of_the_cpu(device, xy):
    found = [
        over_stimuli(
            Workbench({n: {LAYER: z} for n, z in zip("xy", xy, strict=True)}, 0, forms=_forms(one)),
            *"xy", scoring("cka_unbiased", "exact", {}), 0,
        )
        for one in (None, device)
    ]  # fmt: skip
    assert found[1].low == pytest.approx(found[0].low, abs=ROUNDING)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_tensors_on_a_gpu_are_scored_there(dtype, xy):
    x, y = (torch.tensor(z).to(dtype) for z in xy)
    torch.cuda.reset_peak_memory_stats()
    for metric in CHANGED:
        assert score(metric, x.cuda(), y) == pytest.approx(score(metric, x, y), abs=1e-6)
    assert torch.cuda.max_memory_allocated() > 30 * 30 * 8
    on_gpu, here = (pairwise(CHANGED, {"x": move(x), "y": move(y)}) for move in (torch.Tensor.cuda, torch.Tensor.cpu))
    np.testing.assert_allclose(on_gpu.value, here.value, atol=1e-6)
