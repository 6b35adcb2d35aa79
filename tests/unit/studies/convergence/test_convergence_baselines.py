"""What the input explains and what is left, how maps depend on the number of stimuli, and the table of statistics."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from studies.convergence.planted_models import analyses, group_of, noisy, pairs_of, sheared, turned

from whyalike.data.prepared import Prepared
from whyalike.files import read_table, write_table
from whyalike.similarity.folds import fold_of_rows
from whyalike.statistics.dyadic import node_jackknife_of_two, square
from whyalike.studies.convergence.baselines import SCHEMA, baseline_rows, nested_draws
from whyalike.studies.convergence.input_components import (
    LARGEST,
    Input,
    explained,
    field_of,
    penalty,
    pixels,
    principal_components,
)
from whyalike.studies.convergence.input_components import (
    images_of as images_seen,
)
from whyalike.studies.convergence.parameters import BaselineScores, ConvergenceStatistics, Scored
from whyalike.studies.convergence.representations import Given
from whyalike.studies.convergence.statistics.baselines import analyse

SIDE = 4  # pixels
D = 6  # units
MODELS = 4


def of_group(models=MODELS, counts=(), components=16, folds=5, published=True, **given):
    group = group_of(models, size=SIDE, **given)
    return BaselineScores(group=group, analyses=analyses(published), folds=folds, folds_seed=42, seed=0,
                          components=components, counts=counts)  # fmt: skip


def images_of(n=300, seed=0):
    """Images, and their pixels: n x 16, of equal variance."""
    x = np.random.default_rng(seed).normal(size=(n, SIDE * SIDE)).astype(np.float32)
    return torch.from_numpy(x).reshape(n, SIDE, SIDE, 1), x.astype(float)


def seen_by(parameters, make, seed=1):
    g = np.random.default_rng(seed)
    return {one.model: {"conv1": make(g)} for one in parameters.group.members}


def scored(parameters, seen, images=None, checkpoint="final"):
    n = len(next(iter(seen.values()))["conv1"])
    given = None if images is None else Input(images, fold_of_rows(n, parameters.folds, 42), parameters.components)
    rows = baseline_rows(parameters, parameters.analyses, checkpoint, pairs_of(parameters.group), seen, given)
    return pa.Table.from_pylist(list(rows), SCHEMA).to_pandas()


def mean(table, kind, scoring="procrustes", analysis="corrected"):
    of = (table["kind"] == kind) & (table["scoring"] == scoring) & (table["analysis"] == analysis)
    assert of.any()
    return table.loc[of, "value"].mean()


@pytest.fixture
def statistics(tmp_path):
    parameters = ConvergenceStatistics(
        groups={"resnet": "resnet"}, kinds={"resnet": "cnn"}, scored=[Scored(scoring="linear", metric="linear")],
        over_time=["linear"], draws=19, seed=0,
    )  # fmt: skip

    def made(rows):
        table = pa.Table.from_pandas(rows, SCHEMA, preserve_index=False)
        write_table(tmp_path / "baselines.parquet", table, {})
        analyse(parameters, [tmp_path / "baselines.parquet"], tmp_path / "out.parquet")
        return read_table(tmp_path / "out.parquet").to_pandas()

    return made


def only(table, quantity, layer="conv1", analysis="corrected", scoring="procrustes", **where):
    of = (table["quantity"] == quantity) & (table["analysis"] == analysis) & (table["scoring"] == scoring)
    of &= table["layer"].isna() if layer is None else table["layer"] == layer
    for column, value in where.items():
        of &= table[column] == value
    [row] = table[of].to_dict("records")
    return row


# ---- the input ----


def test_nothing_is_left_of_alignment_that_is_all_of_the_input():
    parameters, (images, x) = of_group(), images_of()
    weights = np.random.default_rng(5).normal(size=(SIDE * SIDE, D))
    table = scored(parameters, seen_by(parameters, lambda g: turned(x @ weights, g, noise=2.0)), images)
    assert mean(table, "full") > 0.6 and mean(table, "input", "linear") > 0.7
    for scoring in ("linear", "procrustes", "permutation", "soft_matching"):
        # of 6 pairs, 6 units and 300 stimuli: 4 standard errors of a mean correlation of independent noise
        assert abs(mean(table, "partial", scoring)) < 4 / np.sqrt(6 * 6 * 300)


def test_alignment_beside_the_input_stays():
    parameters, (images, _) = of_group(), images_of()
    latents = np.random.default_rng(6).normal(size=(300, D))
    table = scored(parameters, seen_by(parameters, lambda g: turned(latents, g)), images)
    for scoring in ("linear", "procrustes"):
        # 16 components of noise take 1/15 of the training rows' freedom, and change a correlation of .8 by less
        assert mean(table, "partial", scoring) == pytest.approx(mean(table, "full", scoring), abs=0.02)
    assert abs(mean(table, "input", "linear")) < 0.05  # 4 models x 6 units x 300 stimuli: an error of .012


@pytest.mark.parametrize("folds", [3, 5])
def test_without_components_what_is_left_has_the_full_scores(folds):
    parameters = of_group(folds=folds)
    latents = np.random.default_rng(6).normal(size=(120, D))
    table = scored(parameters, seen_by(parameters, lambda g: sheared(latents, g)), torch.zeros(120, SIDE, SIDE, 1))
    columns = ["analysis", "scoring", "a", "b"]
    full, partial = (table[table["kind"] == kind].set_index(columns)["value"] for kind in ("full", "partial"))
    assert len(full) == 2 * 4 * 6  # analyses, scorings, pairs
    np.testing.assert_allclose(partial.loc[full.index], full, atol=1e-9)  # two ways to sum the same products
    assert (table.loc[table["kind"] == "partial", "components"] == 0).all()


def test_held_out_stimuli_have_no_part_in_components_and_ridge():
    g = np.random.default_rng(0)
    x, y, is_training = g.normal(size=(60, 9)), g.normal(size=(60, 4)), np.arange(60) >= 12
    components = principal_components(x, is_training, 5)
    found = explained(y, components, is_training)
    x[~is_training] *= 100
    other = principal_components(x, is_training, 5)
    np.testing.assert_array_equal(other[is_training], components[is_training])
    y[~is_training] += 1000
    again = explained(y, components, is_training)
    np.testing.assert_array_equal(again.predicted, found.predicted)
    np.testing.assert_array_equal(again.left[is_training], found.left[is_training])


def test_components_are_those_of_the_training_rows_also_where_pixels_outnumber_them():
    g = np.random.default_rng(0)
    for n, p in ((50, 8), (20, 40)):
        x, is_training = g.normal(size=(n, p)), np.arange(n) < n - 5
        training = x[is_training] - x[is_training].mean(axis=0)
        u, s, _ = np.linalg.svd(training, full_matrices=False)
        found = principal_components(x, is_training, 3)
        np.testing.assert_allclose(np.abs(found[is_training]), np.abs(u[:, :3] * s[:3]), atol=1e-9)


def test_the_ridge_predicts_no_more_of_noise_than_there_is():
    g = np.random.default_rng(0)
    z, y = g.normal(size=(60, 20)), g.normal(size=(60, 30))
    found = explained(y, principal_components(z, np.ones(60, bool), 20), np.ones(60, bool))
    assert found.predicted.var() < 0.05 * y.var()  # least squares give 20 components of 60 stimuli a third


def test_the_penalty_is_the_one_of_least_generalised_cross_validation_error():
    g = np.random.default_rng(0)
    x = g.normal(size=(80, 6)) * np.arange(1.0, 7.0)
    z = principal_components(x, np.ones(80, bool), 6)
    y = z @ g.normal(size=(6, 3)) * 0.1 + g.normal(size=(80, 3))
    y = y - y.mean(axis=0)
    squares = (z**2).sum(axis=0)

    def error(c):
        hat = z @ np.diag(1 / (squares + c)) @ z.T
        return (((y - hat @ y) ** 2).sum(axis=0) / (y**2).sum(axis=0)).sum() / (79 - np.trace(hat)) ** 2

    chosen = penalty(squares, z.T @ y, (y**2).sum(axis=0), 80)
    grid = np.array([0.0, *np.logspace(-6, 2, 17)]) * squares.mean()
    assert chosen == pytest.approx(min(grid, key=error)) and 0 < chosen < grid[-1]


def test_a_layer_is_explained_by_its_receptive_field_alone():
    images, x = images_of(n=400)
    corner = x[:, [0]]  # of the image, outside a field of 3 about (2, 2)
    made = lambda g: noisy(corner @ np.ones((1, D)), g, 0.5)  # noqa: E731
    for fields, least, most in (({"conv1": 3}, -0.1, 0.1), ({}, 0.8, 1.0), ({"conv1": 5}, 0.8, 1.0)):
        parameters = of_group(models=2, fields=fields)
        table = scored(parameters, seen_by(parameters, made), images)
        assert least < mean(table, "input", "linear") < most


def test_only_the_position_in_the_middle_has_a_receptive_field():
    group = group_of(2, fields={"conv1": 3})
    assert field_of(group, "conv1", 8) == 3
    assert field_of(group, "conv1", 3) is None and field_of(group, "fc", 8) is None
    assert field_of(group.model_copy(update={"cells": ({"model": {}},)}), "conv1", 8) is None  # the mean of all


def test_large_images_are_averaged_and_small_fields_are_not():
    images = torch.arange(2 * 64 * 64 * 3.0).reshape(2, 64, 64, 3)
    assert pixels(images, None).shape == (2, 3 * LARGEST**2)
    np.testing.assert_allclose(pixels(images, None)[0, 0], images[0, :2, :2, 0].mean())
    np.testing.assert_array_equal(pixels(images, 3)[1, :9], images[1, 31:34, 31:34, 0].flatten())


def test_models_are_compared_with_the_images_that_they_see():
    g = np.random.default_rng(0)
    stored = g.integers(0, 256, size=(6, 5, 4, 3), dtype=np.uint8)
    data = Prepared(stored, pd.DataFrame({"id": range(6)}), (), "")
    seen, ids = torch.from_numpy(stored[:2, :4, :4]), np.array([4, 1])
    assert images_seen(Given(data, ids, {}, seen)) is seen
    np.testing.assert_array_equal(images_seen(Given(data, ids, {}, None)), stored[ids])  # of another library's models
    text = Prepared(np.zeros(100, np.uint16), pd.DataFrame({"id": range(6)}), (), "")
    assert images_seen(Given(text, ids, {}, torch.zeros(2, 16))) is None


def test_nothing_is_left_of_a_layer_that_is_linear_in_its_field():
    parameters, (images, x) = of_group(fields={"conv1": 3}), images_of()
    field = x.reshape(-1, SIDE, SIDE)[:, 1:4, 1:4].reshape(-1, 9)
    seen = seen_by(parameters, lambda g: (field @ g.normal(size=(9, D))).astype(np.float32))
    table = scored(parameters, seen, images)
    assert (table.loc[table["kind"] == "partial", "value"] == 0).all()  # and not the correlation of rounding
    assert (table.loc[table["kind"] == "partial", "components"] == 9).all()
    assert mean(table, "input", "linear") == pytest.approx(1, abs=1e-6)


def test_text_has_no_rows_of_the_input():
    parameters = of_group(models=2)
    latents = np.random.default_rng(6).normal(size=(60, D))
    assert set(scored(parameters, seen_by(parameters, lambda g: turned(latents, g)))["kind"]) == {"full", "count"}


# ---- the number of stimuli ----


def test_draws_of_stimuli_are_nested_and_do_not_depend_on_one_another():
    draws = nested_draws(of_group(counts=(80, 40, 500)), 120)
    assert list(draws) == [40, 80] and [len(rows) for rows in draws.values()] == [40, 80]
    assert set(draws[40]) < set(draws[80]) < set(range(120))
    assert draws[40].tolist() == nested_draws(of_group(counts=(40,)), 120)[40].tolist()


def test_scores_of_all_stimuli_are_counted_and_draws_too_small_for_folds_are_told(caplog):
    caplog.set_level("INFO", "whyalike")
    parameters = of_group(models=2, counts=(8,))  # of 5 folds two stimuli each, whose correlation is 1 or -1
    latents = np.random.default_rng(6).normal(size=(60, D))
    table = scored(parameters, seen_by(parameters, lambda g: turned(latents, g)))
    assert table.loc[table["kind"] == "count", "n"].tolist() == [60] * 4  # 2 scorings of 2 analyses
    assert mean(table, "count") == mean(table, "full")
    assert "resnet: no scores of 8 stimuli, which are too few for 5 folds" in caplog.text


def test_untrained_models_are_not_counted_and_least_squares_of_few_stimuli_are_absent():
    parameters = of_group(models=2, counts=(20,))  # 16 train, fewer than 5 x 6
    latents = np.random.default_rng(6).normal(size=(60, D))
    seen = seen_by(parameters, lambda g: turned(latents, g))
    assert "count" not in set(scored(parameters, seen, checkpoint="start")["kind"])
    table = scored(parameters, seen)
    of = table[(table["kind"] == "count") & (table["scoring"] == "linear")]
    assert of.loc[of["analysis"] == "corrected", ["n", "n_train"]].to_numpy().tolist() == [[20, 16], [60, 48]]
    assert of.loc[of["analysis"] == "as_published", "n"].tolist() == [60]


@pytest.mark.parametrize(("make", "truth"), [(turned, 0.0), (sheared, None)])
def test_linear_less_procrustes_has_the_limit_of_its_world(statistics, make, truth):
    counts, total = (20, 50, 100, 200), 400
    parameters = of_group(counts=counts, published=False)
    large = np.random.default_rng(8).normal(size=(20_000, D))
    seen = seen_by(parameters, lambda g: make(large, g))
    table = statistics(scored(parameters, {model: {"conv1": own["conv1"][:total]} for model, own in seen.items()}))
    if truth is None:
        whole = scored(of_group(published=False), seen)
        truth = mean(whole, "full", "linear") - mean(whole, "full", "procrustes")
        assert truth > 0.1
    by_count = [only(table, "linear_less_procrustes", scoring="linear", n=n) for n in (*counts, total)]
    assert by_count[0]["n_per_unit"] == pytest.approx(16 / D)
    assert by_count[0]["value"] < truth - 0.02  # a linear map loses more to few stimuli
    found = only(table, "linear_less_procrustes_limit", scoring="linear")
    # one world's error in the module's simulation, bias and SD together, was up to .01 at this many stimuli a unit
    assert found["value"] == pytest.approx(truth, abs=0.015)
    assert found["ci_low"] < found["value"] < found["ci_high"]
    group = only(table, "linear_less_procrustes_limit", layer=None, scoring="linear")
    assert group["value"] == pytest.approx(found["value"])  # of one layer


# ---- statistics ----


def planted(values, models=4, layers=("conv1", "conv2")):
    """A table of values (kind, i, j, index), of one scoring."""
    rows = []
    for index, layer in enumerate(layers):
        shared = {
            "group": "resnet", "setting": "resnet", "analysis": "corrected", "checkpoint": "final", "layer": layer,
            "index": index, "depth": float(index), "width": 8, "n": 100, "n_train": 80,
        }  # fmt: skip
        for i in range(models):
            row = {"kind": "input", "a": f"seed{i}", "b": None, "metric": "linear", "scoring": "linear"}
            rows.append({**shared, **row, "components": 5, "value": values("input", i, 0, index)})
            for j in range(i + 1, models):
                row = {"a": f"seed{i}", "b": f"seed{j}", "metric": "procrustes", "scoring": "procrustes"}
                for kind, components in (("full", None), ("partial", 5)):
                    value = values(kind, i, j, index)
                    rows.append({**shared, **row, "kind": kind, "components": components, "value": value})
    return pd.DataFrame(rows).astype({"components": "Int64"})


def test_the_share_beyond_the_input_is_a_ratio_of_means_whose_interval_leaves_out_models(statistics):
    def values(kind, i, j, index):
        return {"full": 0.5 + 0.02 * (i + j), "partial": 0.2 + 0.03 * i * j, "input": 0.3 + 0.1 * i}[kind]

    rows = planted(values)
    table = statistics(rows)
    own = rows[rows["layer"] == "conv1"]
    full, partial = (square(own[own["kind"] == kind][["a", "b", "value"]]) for kind in ("full", "partial"))
    expected = node_jackknife_of_two(partial, full, lambda x, y: x.mean() / y.mean())
    found = only(table, "partial_share")
    assert [found["value"], found["ci_low"], found["ci_high"]] == pytest.approx(
        [expected.value, expected.low, expected.high]
    )
    assert (found["components"], found["n"], found["models"], found["pairs"]) == (5, 100, 4, 6)
    assert only(table, "partial_share", layer=None)["value"] == pytest.approx(expected.value)  # both layers are alike
    of_input = only(table, "input", scoring="linear")
    spread = np.std([0.3, 0.4, 0.5, 0.6], ddof=1) / 2
    assert of_input["value"] == pytest.approx(0.45)
    assert of_input["ci_high"] - 0.45 == pytest.approx(3.182446 * spread)  # t of 3 degrees of freedom


def test_of_alignment_that_is_not_there_no_share_is_given(statistics, caplog):
    caplog.set_level("INFO", "whyalike")
    table = statistics(planted(lambda kind, i, j, index: 0.1 * (i + j - 3) if kind == "full" else 0.2))
    assert "partial_share" not in set(table["quantity"]) and {"full", "partial"} < set(table["quantity"])
    assert "no partial_share: the mean full score is not 2 errors above 0 (3)" in caplog.text  # layers, group


def test_of_text_and_one_number_of_stimuli_there_is_no_limit_and_a_note(statistics, caplog):
    caplog.set_level("INFO", "whyalike")
    parameters = of_group(published=False)
    latents = np.random.default_rng(6).normal(size=(60, D))
    table = statistics(scored(parameters, seen_by(parameters, lambda g: turned(latents, g))))
    assert set(table["quantity"]) == {"full", "linear_less_procrustes"}
    assert "no limit of linear less Procrustes" in caplog.text
