"""What metrics refuse, and what the messages say; preprocessing and parameters."""

import numpy as np
import pandas as pd
import pytest
import torch
from similarity_cases import WITH_PROTOCOLS, fitting

from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.implementation import Form
from whyalike.similarity.intervals import interval
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.preprocessing import ALL_LAYERS, clamp_limit, published_layers
from whyalike.similarity.protocols import scoring


def test_rows_with_nan_are_counted_and_named(xy):
    x = xy[0].copy()
    x[[4, 9], 2] = np.nan, np.inf
    with pytest.raises(ValueError, match="x must be finite; 2 of 30 rows hold NaN or infinity, the first is row 4"):
        score("cka", x, xy[1])


def test_different_numbers_of_stimuli_are_refused(xy):
    with pytest.raises(ValueError, match="x has 30 rows, y 28"):
        score("mutual_knn", xy[0], xy[1][:28])


@pytest.mark.parametrize("bad", [np.zeros(5), np.zeros((2, 2, 2)), np.array([["a"]])])
def test_what_is_no_matrix_of_numbers_is_refused(bad, xy):
    with pytest.raises(ValueError, match="y must be a matrix of real numbers, stimuli x units; it has shape"):
        score("cka", xy[0], bad)


class _Wrapped(torch.Tensor):
    """As libraries have them: of another module."""


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ([[1, 2], [3]], "a matrix of real numbers, stimuli x units; its rows differ in length. Give each stimulus all"),
        (np.ones((30, 2), complex), r"it has shape \(30, 2\) and type complex128. Convert its entries to real numbers"),
        (np.ones((30, 2), object), r"it has shape \(30, 2\) and type object. Convert its entries to real numbers"),
        (pd.DataFrame({"a": [1, 2], "b": ["u", "v"]}), r"it has shape \(2, 2\) and type object. Convert its entries"),
        (np.zeros((2, 2, 2)), "and type float64. Flatten each stimulus to one row"),
        (
            np.ma.masked_greater(np.eye(30), 0),
            "no masked entries; 30 of 900 are masked. Fill them or drop these stimuli",
        ),
        (torch.eye(30).to_sparse(), "a dense matrix of real numbers on a device that holds data; it is torch.float32 "),
        (
            torch.eye(30).to(torch.float8_e4m3fn),
            "a dense matrix of .*; it is torch.float8_e4m3fn of layout torch.strid",
        ),
        (torch.eye(30, device="meta"), "a dense matrix of real .* that holds data; it is .* on meta. Convert it"),
    ],
    ids=["ragged", "complex", "object", "frame", "cube", "masked", "sparse", "float8", "meta"],
)
def test_what_is_no_matrix_of_numbers_has_its_own_remedy(bad, words, xy):
    with pytest.raises(ValueError, match=f"^cka: y must (be|have) .*{words}"):
        score("cka", xy[0], bad)


def test_masks_without_entries_and_lazy_tensors_are_read(xy):
    x, y = xy
    assert score("cka", np.ma.array(x), y) == score("cka", x, y)
    wrapped = torch.tensor(x).requires_grad_().as_subclass(_Wrapped)
    assert score("cka", wrapped, y) == score("cka", x, y)
    negated = torch.complex(*2 * [torch.tensor(x)]).conj().imag
    assert negated.is_neg()
    assert score("cka", negated, y) == score("cka", -x, y)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_empty_representations_are_refused(shape):
    with pytest.raises(ValueError, match=r"x must not be empty; it has shape \("):
        score("cka", np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("metric", METRICS)
def test_fewer_rows_than_the_smallest_n_are_undefined(metric, xy):
    n = METRICS[metric].facts.smallest_n - 1
    with pytest.raises(UndefinedScore, match=f"{metric} needs at least {n + 1} stimuli; there are {n}"):
        score(metric, xy[0][:n], xy[1][:n])


@pytest.mark.parametrize("metric", [name for name in METRICS if name != "svcca"])
def test_the_smallest_n_is_enough(metric, xy):
    n = METRICS[metric].facts.smallest_n
    small = {"k": n - 1, "folds": 2, "ridge": 1}
    parameters = {name: small[name] for name in METRICS[metric].facts.parameters if name in small}
    assert np.isfinite(score(metric, *fitting(metric, xy[0][:n], xy[1][:n]), **parameters))


@pytest.mark.parametrize("metric", [name for name in METRICS if "k" in METRICS[name].facts.parameters])
def test_as_many_neighbours_as_rows_are_undefined(metric, xy):
    with pytest.raises(
        UndefinedScore, match=f"{metric} needs fewer neighbours than stimuli: k = 30, n = 30. Use k <= 29"
    ):
        score(metric, *xy, k=30)


@pytest.mark.parametrize("metric", METRICS)
def test_constant_features_are_undefined(metric, xy):
    dims = {"dims": 4} if metric == "svcca" else {}
    with pytest.raises(UndefinedScore, match=f"{metric} needs features that vary; all 30 rows of layer 'x' of y"):
        score(metric, *fitting(metric, xy[0]), np.full((30, 4), 0.1), **dims)


def test_cknna_whose_masked_hsic_is_not_positive_is_undefined_and_never_nan():
    undefined = []
    for seed in range(100):
        x = np.random.default_rng(seed).normal(size=(5, 10))
        try:
            value = score("cknna", x, x, k=3)
        except UndefinedScore as error:
            undefined.append(str(error))
        else:
            assert value == pytest.approx(1)
    assert 0 < len(undefined) < 100  # 1 of 100 draws of so few rows
    start = "cknna needs a positive HSIC_1 of the masked kernel with itself; got "
    assert all(message.startswith(start) and "n = 5, k = 3" in message for message in undefined)


def test_median_distance_of_zero_is_undefined(xy):
    x = np.zeros((10, 2))
    x[0] = 1
    with pytest.raises(UndefinedScore, match="cka_rbf needs a median distance above 0"):
        score("cka_rbf", x, xy[0][:10])


@pytest.mark.parametrize(
    ("metric", "parameters", "message"),
    [
        ("cka", {"k": 3}, "cka has no parameter 'k'. Known: none"),
        ("mutual_knn", {"k": 0}, "mutual_knn needs a whole number k >= 1; got 0"),
        ("mutual_knn", {"k": 2.0}, "mutual_knn needs a whole number k >= 1; got 2.0"),
        ("cknna", {"k": 1}, "cknna needs a whole number k >= 2; got 1"),
        ("cka_rbf", {"sigma": -1}, r"cka_rbf needs sigma from 1e-60 to 1e\+60; got -1"),
        ("cka_rbf", {"sigma": 1e-200}, r"cka_rbf needs sigma from 1e-60 to 1e\+60; got 1e-200"),
        ("cka_rbf", {"sigma_median": 1e200}, r"cka_rbf needs sigma_median from 1e-60 to 1e\+60; got 1e\+200"),
        ("linear", {"ridge": 10**400}, r"linear needs ridge from 0 to 1e\+60, or 'inner'; got 1000"),
        ("linear", {"ridge": np.True_}, r"linear needs ridge from 0 to 1e\+60, or 'inner'; got np.True_"),
        ("mutual_knn", {"k": np.float64(5)}, r"needs a whole number k >= 1; got 5.0"),
        ("cka_rbf", {"sigma": 1, "sigma_median": 1}, "takes 'sigma' or 'sigma_median', not both"),
        ("svcca", {"variance": 1.5}, r"svcca needs variance in \(0, 1\]; got 1.5"),
        ("svcca", {"dims": 2, "variance": 0.9}, "takes 'dims' or 'variance', not both"),
    ],
)
def test_wrong_parameters_are_refused(metric, parameters, message):
    with pytest.raises(ValueError, match=message):
        scoring(metric, "exact", parameters)


@pytest.mark.parametrize(
    ("metric", "parameters"),
    [
        ("mutual_knn", {"k": np.int64(5)}),
        ("cka_rbf", {"sigma": np.float32(1)}),
        ("linear", {"ridge": np.float16(0.5), "folds": np.uint8(3), "seed": np.int64(1)}),
        ("svcca", {"dims": np.int32(2)}),
    ],
)
def test_numbers_of_numpy_are_parameters(metric, parameters, xy):
    plain = {name: value.item() for name, value in parameters.items()}
    found = scoring(metric, "exact", parameters)
    assert found == scoring(metric, "exact", plain)
    assert {type(found.parameters[name]) for name in plain} <= {int, float}
    assert score(metric, *xy, **parameters) == score(metric, *xy, **plain)


def test_numbers_of_numpy_are_seeds(xy):
    for protocol, metric in (("as_published", "svcca"), ("exact", "linear")):
        one, other = (
            score(metric, *xy, protocol=protocol, seed=s, **({"dims": 2} if metric == "svcca" else {"ridge": 1}))
            for s in (1, np.int64(1))
        )
        assert one == other
    assert interval("linear", *xy, seed=np.int64(1), ridge=1) == interval("linear", *xy, seed=1, ridge=1)


def test_unknown_metric_and_protocol_are_refused(xy):
    with pytest.raises(KeyError, match=r"unknown metric 'cka_unbaised'\. Did you mean 'cka_unbiased'"):
        score("cka_unbaised", *xy)
    with pytest.raises(ValueError, match="'exact' or 'as_published'; got 'published'"):
        score("cka", *xy, protocol="published")
    with pytest.raises(ValueError, match="svcca as published has a fixed number of dims"):
        score("svcca", *xy, protocol="as_published", variance=0.9)


@pytest.mark.parametrize(("metric", "protocol"), WITH_PROTOCOLS)
def test_arguments_are_not_changed(metric, protocol, xy):
    xy = fitting(metric, *xy)
    before = [z.copy() for z in xy]
    score(metric, *xy, protocol=protocol, **({"dims": 4} if metric == "svcca" else {}))
    for z, old in zip(xy, before, strict=True):
        np.testing.assert_array_equal(z, old)


@pytest.mark.parametrize("kind", ["rectified", "mostly zeros", "few values", "sorted", "one unit is large"])
def test_the_clamp_of_many_values_is_the_entry_of_the_sorted_ones(kind):
    x = np.random.default_rng(0).normal(size=(3000, 128)).astype(np.float32)
    x = {
        "rectified": np.maximum(x, 0),
        "mostly zeros": np.where(x > 2.5, x, 0),  # the quantile is one of them
        "few values": x.round(),
        "sorted": np.sort(x.ravel()).reshape(x.shape),
        "one unit is large": x * np.where(np.arange(128) == 0, 1000, 1).astype(np.float32),
    }[kind]
    assert clamp_limit({"layer": x}) == np.sort(np.abs(x).ravel())[int(0.95 * x.size)]


def test_the_clamp_is_found_where_the_sample_misleads():
    x = np.zeros((3000, 211), np.float32)
    x[:, 1:] = np.random.default_rng(0).normal(size=(3000, 210))  # the sample has every 211th value: zeros
    assert clamp_limit({"layer": x}) == np.sort(np.abs(x).ravel())[int(0.95 * x.size)]


def test_clamp_is_one_quantile_over_all_layers():
    layers = {"mu": np.arange(-10.0, 0).reshape(5, 2), "logvar": np.arange(10.0).reshape(5, 2)}
    assert clamp_limit(layers) == 10  # sorted |x|: 0, 1, 1, ... 9, 9, 10; index int(.95 * 20) = 19
    prepared = published_layers({name: x * [1, 3] for name, x in layers.items()})
    assert list(prepared) == ["mu", "logvar", ALL_LAYERS]
    for x in prepared.values():
        assert np.linalg.norm(x, axis=1) == pytest.approx(np.ones(5))


def test_clamp_acts_before_rows_are_normalised():
    x = np.array([[1.0, 1.0]] * 19 + [[1.0, 100.0]])  # the 95 % quantile of |x| is 1
    assert published_layers({"only": x})["only"][-1] == pytest.approx([0.5**0.5, 0.5**0.5])


def test_all_layers_together_are_normalised_as_one():
    layers = {"a": np.array([[3.0, 0], [0, 3]]), "b": np.array([[4.0], [4]])}
    assert published_layers(layers)[ALL_LAYERS] == pytest.approx(np.array([[0.6, 0, 0.8], [0, 0.6, 0.8]]))


def test_a_parameter_that_prepare_reads_must_be_named_by_its_form(xy, monkeypatch):
    prepare = METRICS["svcca"].load()["exact"].prepare
    form = Form(prepare, lambda x, y, parameters: 0.0, lambda y, order: y[order], reads=("variance",))
    monkeypatch.setattr("whyalike.similarity.metrics.svcca.SVCCA", {"exact": form})
    fault = (
        r"prepare of metric 'svcca' read the parameter 'dims', which its Form does not name in reads=\('variance',\)"
    )
    with pytest.raises(KeyError, match=fault):
        score("svcca", *xy, dims=4)


def test_a_parameter_that_is_named_and_not_set_is_missing_as_from_a_dict(xy, monkeypatch):
    form = Form(lambda x, given: given["variance"], lambda x, y, given: 0.0, lambda y, order: y, reads=("variance",))
    monkeypatch.setattr("whyalike.similarity.metrics.svcca.SVCCA", {"exact": form})
    with pytest.raises(KeyError, match=r"^'variance'$"):
        score("svcca", *xy, dims=4)
