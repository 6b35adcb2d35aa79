"""score, pairwise and describe: tensors, work done once, and errors that name metric, array, number and remedy."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from similarity_cases import PUBLISHED, SEVERAL_UNITS, SMALL, WITH_PROTOCOLS, fitting

from whyalike.similarity.api import pairwise, score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.descriptions import describe, metrics
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS

NAN, INFINITE = ("NaN", np.nan), ("infinite", np.inf)


def _score(metric, x, y, **others):
    return score(metric, x, y, **SMALL.get(metric, {}), **others)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("metric", METRICS)
def test_a_tensor_scores_as_the_array_of_its_values(metric, dtype, xy):
    tensors = [torch.tensor(z).to(dtype).requires_grad_() for z in fitting(metric, *xy)]
    arrays = [z.detach().double().numpy() for z in tensors]
    assert _score(metric, *tensors) == _score(metric, *arrays)
    assert _score(metric, tensors[0], arrays[1]) == _score(metric, *arrays)


def test_scores_of_arrays_import_no_torch():
    code = (
        "import sys, numpy as np; from whyalike.similarity.api import score;"
        "x = np.random.default_rng(0).normal(size=(30, 3)); [score(m, x, x) for m in ('cka', 'linear', 'rsa')];"
        "print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_half_precision_that_would_overflow_is_scored_in_float64():
    x = np.random.default_rng(0).normal(size=(40, 4)) * 1e4
    assert score("cka", x.astype(np.float16), x.astype(np.float16)) == pytest.approx(1, abs=1e-9)


# ---- pairwise ----


@pytest.fixture
def models(xy):
    return {"a": xy[0], "b": torch.tensor(xy[1]), "c": xy[0][:, :3] ** 2}


def test_pairwise_is_score_of_all_pairs_in_order(models):
    metrics = {"cka": {}, "pwcca": {}, "mutual_knn": {"k": 4}, "procrustes": {"folds": 3}}
    frame = pairwise(metrics, models)
    assert list(frame.columns) == ["metric", "a", "b", "value", "n"]
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    both = [pair for a, b in pairs for pair in ((a, b), (b, a))]
    expected = [(m, a, b) for m in metrics for a, b in (both if m == "pwcca" else pairs)]
    assert [*zip(frame.metric, frame.a, frame.b, strict=True)] == expected
    assert (frame.n == 30).all()
    for row in frame.itertuples():
        assert row.value == score(row.metric, models[row.a], models[row.b], **metrics[row.metric])


@pytest.mark.parametrize(("metric", "protocol"), WITH_PROTOCOLS)
def test_pairwise_follows_the_protocol(metric, protocol, xy):
    x, y = fitting(metric, *xy)
    frame = pairwise({metric: SMALL.get(metric, {})}, {"x": x, "y": y}, protocol=protocol)
    assert frame.value[0] == _score(metric, x, y, protocol=protocol)


def test_pairwise_prepares_each_representation_once(models, monkeypatch):
    prepared = []
    form = METRICS["cca"].load()["exact"]

    def counting(x, parameters):
        prepared.append(x.shape)
        return form.prepare(x, parameters)

    monkeypatch.setattr("whyalike.similarity.metrics.cca.CCA", {"exact": Form(counting, form.compare, form.permute)})
    assert len(pairwise("cca", models)) == 3
    assert len(prepared) == 3


def test_the_seed_is_that_of_the_folds(models):
    first, second, third = (pairwise(["procrustes", "cka"], models, seed=seed).value for seed in (None, 42, 1))
    pd.testing.assert_series_equal(first, second)
    assert ((first == third) == [False] * 3 + [True] * 3).all()
    assert score("procrustes", models["a"], models["c"], seed=1) == third[1]


def test_pairwise_says_which_array_is_wrong(models):
    with pytest.raises(ValueError, match=r"cka, rsa: a and d need the same stimuli.*a has 30 rows, d 29"):
        pairwise(["cka", "rsa"], {**models, "d": models["a"][:29]})
    with pytest.raises(ValueError, match=r"pairwise needs at least two representations; got a\. Add another"):
        pairwise("cka", {"a": models["a"]})
    with pytest.raises(ValueError, match=r"pairwise needs representations by name, such as .*; got a list\. Name them"):
        pairwise("cka", [models["a"], models["b"]])
    with pytest.raises(ValueError, match="scores need at least one metric; got none"):
        pairwise([], models)
    with pytest.raises(KeyError, match="Did you mean 'procrustes'"):
        pairwise("procrust", models)


@pytest.mark.parametrize("kernels", [True, False], ids=["in kernels", "in features"])
@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "mutual_knn", "procrustes"])
def test_a_pair_without_a_value_is_nan_with_its_reason_and_the_others_stand(models, metric, kernels, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.all_pairs.kernels_pay", lambda *given: kernels)
    frame = pairwise([metric, "permutation"], {**models, "dead": np.ones((30, 5))})
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs  # so that Parquet takes the frame
    first = frame[frame.metric == metric]
    assert first.value.isna().tolist() == ["dead" in pair for pair in zip(first.a, first.b, strict=True)]
    alone = pairwise(metric, models)
    assert first.value.dropna().tolist() == alone.value.tolist()
    assert alone.attrs == {"undefined": []}
    undefined = frame.attrs["undefined"]
    assert [one["b"] for one in undefined if one["metric"] == metric] == ["dead"] * 3
    assert f"{metric} needs features that vary; all 30 rows of layer 'x' of dead" in undefined[0]["reason"]
    reasons = {(one["a"], one["b"]): one["reason"] for one in undefined if one["metric"] == "permutation"}
    assert "needs equally many units that vary; there are 7 and 5" in reasons["a", "b"]


def test_too_few_stimuli_leave_all_pairs_without_a_value(models):
    frame = pairwise("cka_unbiased", {name: x[:3] for name, x in models.items()})
    assert frame.value.isna().all()
    assert {one["reason"] for one in frame.attrs["undefined"]} == {
        "cka_unbiased needs at least 4 stimuli; there are 3. Use more stimuli."
    }


# ---- metrics and describe ----


def test_the_metrics_are_those_of_the_table():
    assert metrics() == list(METRICS)
    assert metrics("as_published") == PUBLISHED


@pytest.mark.parametrize("metric", [*METRICS, *OTHER_METRICS])
def test_a_description_says_everything(metric):
    found, facts = describe(metric), (OTHER_METRICS if metric in OTHER_METRICS else METRICS)[metric].facts
    assert (found.name, found.range, found.kind, found.parameters) == (
        metric,
        facts.range,
        facts.kind,
        facts.parameters,
    )
    assert found.protocols == facts.protocols
    assert all((found.formula, found.cost, found.use, found.source))
    assert ("not said" in repr(found)) == (not found.chance)
    assert found.chance or metric in OTHER_METRICS  # of distances between distributions, which have no largest value


def test_a_description_reads_as_a_line_a_fact():
    lines = dict(line.split(maxsplit=1) for line in repr(describe("procrustes_distance")).splitlines())
    assert lines["kind"] == "distance"
    assert lines["range"] == "0 to 1.41421"
    assert lines["symmetric"] == "yes"
    assert lines["parameters"] == "angular: no"
    assert "self_value    depends on X" in repr(describe("cycle_knn"))


# ---- errors ----


@pytest.mark.parametrize("which", ["x", "y"])
@pytest.mark.parametrize(("word", "value"), [NAN, INFINITE])
@pytest.mark.parametrize("metric", METRICS)
def test_rows_that_are_not_finite_are_named(metric, word, value, which, xy):
    arrays = dict(zip("xy", (z.copy() for z in fitting(metric, *xy)), strict=True))
    arrays[which][[6, 11], 1] = value
    message = f"{metric}: {which} must be finite; 2 of 30 rows hold NaN or infinity, the first is row 6. Drop these"
    with pytest.raises(ValueError, match=message):
        _score(metric, **arrays)


@pytest.mark.parametrize("metric", METRICS)
def test_different_numbers_of_stimuli_are_named(metric, xy):
    x, y = fitting(metric, *xy)
    with pytest.raises(ValueError, match=rf"{metric}: x and y need the same stimuli.*x has 30 rows, y 28\. Select"):
        _score(metric, x, y[:28])


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
@pytest.mark.parametrize("metric", METRICS)
def test_empty_arrays_are_named(metric, shape, xy):
    with pytest.raises(ValueError, match=rf"{metric}: y must not be empty; it has shape \({shape[0]}, {shape[1]}\)"):
        _score(metric, xy[0], np.zeros(shape))


@pytest.mark.parametrize(("factor", "largest"), [(1e200, "200"), (1e-200, "-200")])
@pytest.mark.parametrize("metric", METRICS)
def test_features_whose_products_float64_cannot_hold_are_named(metric, factor, largest, xy):
    x, y = fitting(metric, *xy)
    with pytest.raises(
        ValueError, match=rf"{metric}: x must have a largest entry between.*it is .*e\+?{largest}\. Divide"
    ):
        _score(metric, x.astype(float) * factor, y)


@pytest.mark.parametrize("factor", [1e50, 1e-9, 1e-40])
@pytest.mark.parametrize("metric", METRICS)
def test_other_sizes_of_features_give_the_same_score(metric, factor, xy):
    x, y = (z.astype(float) for z in fitting(metric, *xy))
    parameters = {"sigma_median": 1.0} if metric == "cka_rbf" else {}
    expected = _score(metric, x, y, **parameters)
    assert _score(metric, x * factor, y * factor, **parameters) == pytest.approx(expected, abs=1e-9)


def test_a_score_that_is_no_number_is_an_error(xy, monkeypatch):
    form = METRICS["cca"].load()["exact"]
    broken = Form(form.prepare, lambda *_: float("nan"), form.permute)
    monkeypatch.setattr("whyalike.similarity.metrics.cca.CCA", {"exact": broken})
    with pytest.raises(UndefinedScore, match="cca must be a finite number; it is nan"):
        score("cca", *xy)


@pytest.mark.parametrize("metric", [name for name in METRICS if name not in SEVERAL_UNITS])
def test_one_unit_is_enough(metric, xy):
    parameters = {"dims": 1} if metric == "svcca" else {}
    assert np.isfinite(score(metric, xy[0][:, :1], xy[1][:, :1], **parameters))


@pytest.mark.parametrize("metric", [name for name in METRICS if METRICS[name].facts.protocols == ("exact",)])
def test_a_metric_without_a_published_form_names_those_that_have_one(metric, xy):
    others = ", ".join(PUBLISHED)
    with pytest.raises(ValueError, match=rf"{metric} has no form as_published.*'exact', or one of: {others}\.$"):
        _score(metric, *fitting(metric, *xy), protocol="as_published")
