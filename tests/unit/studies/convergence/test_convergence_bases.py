"""Native and rotated units: what a planted basis gives, what rotations leave alone, and the table of statistics."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from studies.convergence.planted_models import analyses, group_of, pairs_of, permuted, turned

from whyalike.files import read_table, write_table
from whyalike.statistics.dyadic import node_jackknife, square
from whyalike.statistics.inference import holm
from whyalike.studies.convergence.bases import SCHEMA, basis_rows
from whyalike.studies.convergence.parameters import BasisScores, ConvergenceStatistics, Scored
from whyalike.studies.convergence.statistics.bases import analyse

LAYERS = ("conv1", "conv2", "conv3")


def of_group(models=4, layers=("conv1",), rotations=4, seed=0, published=True):
    return BasisScores(group=group_of(models, layers), analyses=analyses(published), folds=5, folds_seed=42, seed=seed,
                       rotations=rotations)  # fmt: skip


def scored(parameters, seen, checkpoint="final"):
    rows = basis_rows(parameters, parameters.analyses, checkpoint, pairs_of(parameters.group), seen)
    return pa.Table.from_pylist(list(rows), SCHEMA).to_pandas()


def responses(parameters, make, n=60, d=6, seed=0):
    g = np.random.default_rng(seed)
    latents = g.normal(size=(n, d))
    return {one.model: {layer: make(latents, g) for layer in parameters.group.layers}
            for one in parameters.group.members}  # fmt: skip


@pytest.fixture
def statistics(tmp_path):
    parameters = ConvergenceStatistics(
        groups={"resnet": "resnet"}, kinds={"resnet": "cnn"}, over_time=["permutation"], draws=19, seed=0,
        scored=[Scored(scoring="permutation", metric="permutation")],
    )  # fmt: skip

    def made(rows):
        table = pa.Table.from_pandas(rows, SCHEMA, preserve_index=False)
        write_table(tmp_path / "bases.parquet", table, {})
        analyse(parameters, [tmp_path / "bases.parquet"], tmp_path / "out.parquet")
        return read_table(tmp_path / "out.parquet").to_pandas()

    return made


def planted(native, rotated, models=4, layers=LAYERS, analysis="corrected"):
    """A table whose native and rotated scores are functions of both models' places and the layer's index."""
    rows = []
    for index, layer in enumerate(layers):
        for i in range(models):
            for j in range(i + 1, models):
                rows.append({
                    "group": "resnet", "setting": "resnet", "analysis": analysis, "checkpoint": "final",
                    "a": f"seed{i}", "b": f"seed{j}", "layer": layer, "index": index, "depth": index / 2, "width": 8,
                    "n": 100, "native": native(i, j, index), "rotated": rotated(i, j, index), "rotated_sd": 0.01,
                    "rotated_both": rotated(i, j, index), "draws": 20, "participation_a": 2.0 + i,
                    "participation_b": 2.0 + j,
                })  # fmt: skip
    return pd.DataFrame(rows)


def only(table, quantity, layer=None):
    of = table["layer"].isna() if layer is None else table["layer"] == layer
    [row] = table[(table["quantity"] == quantity) & of].to_dict("records")
    return row


@pytest.mark.parametrize(("make", "is_found"), [(permuted, True), (turned, False)])
def test_a_planted_basis_is_found_and_a_rotated_one_is_not(statistics, make, is_found):
    parameters, found = of_group(published=False), []
    worlds = 20
    for seed in range(worlds):
        row = only(statistics(scored(parameters, responses(parameters, make, seed=seed))), "effect", "conv1")
        found.append(row["p"] < 0.05 and row["value"] > 0)
    # 150 worlds of each kind, offline: all and none but one
    assert np.mean(found) >= 0.95 if is_found else np.mean(found) <= 0.05


def test_after_standardising_the_spread_of_unit_variances_does_not_matter():
    parameters = of_group()
    equal = responses(parameters, permuted)
    g = np.random.default_rng(1)
    spread = {model: {"conv1": own["conv1"] * np.exp(1.5 * g.normal(size=6))} for model, own in equal.items()}
    tables = [scored(parameters, seen) for seen in (equal, spread)]
    (corrected, published), (corrected_spread, published_spread) = (
        [table[table["analysis"] == name] for name in ("corrected", "as_published")] for table in tables
    )
    for column in ("native", "rotated", "rotated_both"):
        np.testing.assert_allclose(corrected[column], corrected_spread[column], atol=1e-9)
    np.testing.assert_allclose(published["native"], published_spread["native"], atol=1e-9)
    # the same draws of raw responses follow the units of most variance
    assert np.abs(published["rotated"].to_numpy() - published_spread["rotated"].to_numpy()).max() > 0.05


def test_published_scores_are_of_one_rotation_of_one_model():
    parameters = of_group()
    table = scored(parameters, responses(parameters, permuted))
    published, corrected = (table[table["analysis"] == name] for name in ("as_published", "corrected"))
    assert (published["draws"] == 1).all() and published[["rotated_sd", "rotated_both"]].isna().all(axis=None)
    assert (corrected["draws"] == 4).all() and corrected[["rotated_sd", "rotated_both"]].notna().all(axis=None)
    assert published["native"].tolist() == corrected["native"].tolist()


def test_rotations_are_keyed_by_seed_layer_and_pair_and_the_same_at_every_checkpoint():
    parameters = of_group(models=3, layers=("conv1", "conv2"), published=False)
    one = responses(parameters, permuted)["seed0"]["conv1"]
    seen = {member.model: {"conv1": one, "conv2": one} for member in parameters.group.members}
    final, start = scored(parameters, seen), scored(parameters, seen, "start")
    assert final["rotated"].tolist() == start["rotated"].tolist()
    assert final["rotated"].nunique() == 6  # 3 pairs of 2 layers, though all responses are equal
    other = scored(of_group(models=3, layers=("conv1", "conv2"), published=False, seed=1), seen)
    assert final["native"].tolist() == other["native"].tolist()
    assert not set(final["rotated"]) & set(other["rotated"])


def test_a_layer_that_does_not_vary_or_lost_a_unit_has_no_rows_of_its_pairs(caplog):
    parameters = of_group(models=3, layers=LAYERS[:2], published=False)
    seen = responses(parameters, permuted)
    seen["seed1"]["conv1"][:, 0] = 1.0
    for own in seen.values():
        own["conv2"] = np.ones((60, 6))
    caplog.set_level("INFO", "whyalike")
    table = scored(parameters, seen)
    assert table[["layer", "a", "b"]].to_numpy().tolist() == [["conv1", "seed0", "seed2"]]
    assert "no basis of conv1, resnet, final, seed0 and seed1" in caplog.text


def test_participation_is_that_of_each_models_covariance():
    parameters = of_group(models=2, published=False)
    g = np.random.default_rng(0)
    white, line = (
        g.normal(size=(2000, 4)),
        np.outer(g.normal(size=2000), [1, 2, 3, 4]) + 1e-3 * g.normal(size=(2000, 4)),
    )
    [row] = scored(parameters, {"seed0": {"conv1": white}, "seed1": {"conv1": line}}).to_dict("records")
    assert row["participation_a"] == pytest.approx(4, abs=0.05)  # sampling of 2,000 rows: about 1 + d/n
    assert row["participation_b"] == pytest.approx(1, abs=1e-3)


def test_effects_ratios_and_extremes_are_those_of_the_means_over_pairs(statistics):
    table = statistics(
        planted(lambda i, j, index: 0.4 + 0.1 * index + 0.01 * (i + j), lambda i, j, index: 0.2 + 0.02 * i * j)
    )
    rotated = np.mean([0.2 + 0.02 * i * j for i in range(4) for j in range(i + 1, 4)])
    native = [0.43 + 0.1 * index for index in range(3)]  # i + j is 3 on average
    for index, layer in enumerate(LAYERS):
        assert only(table, "native", layer)["value"] == pytest.approx(native[index])
        assert only(table, "effect", layer)["value"] == pytest.approx(native[index] - rotated)
        assert only(table, "ratio_to_rotated", layer)["value"] == pytest.approx(100 * (native[index] / rotated - 1))
        assert only(table, "ratio_to_native", layer)["value"] == pytest.approx(100 * (1 - rotated / native[index]))
        assert only(table, "participation", layer)["value"] == pytest.approx(3.5)
    assert [only(table, f"native_{end}")["value"] for end in ("min", "max")] == pytest.approx([native[0], native[2]])
    assert [only(table, f"rotated_{end}")["value"] for end in ("min", "max")] == pytest.approx([rotated, rotated])
    ratios = [only(table, f"ratio_to_rotated_{end}")["value"] for end in ("min", "max")]
    assert ratios == pytest.approx([100 * (native[0] / rotated - 1), 100 * (native[2] / rotated - 1)])
    expected = np.mean([100 * (1 - rotated / one) for one in native])
    assert only(table, "mean_ratio_to_native")["value"] == pytest.approx(expected)
    assert np.isnan(only(table, "native_min")["ci_low"])  # a jackknife does not hold for a maximum
    assert only(table, "effect")["value"] == pytest.approx(np.mean(native) - rotated)
    assert (table["n"] == 100).all() and (table["draws"] == 20).all()


def test_intervals_and_tests_leave_out_models_and_holm_counts_layers(statistics):
    g = np.random.default_rng(3)
    noise = g.normal(0, 0.02, size=(5, 5, 3))
    rows = planted(lambda i, j, index: 0.3 + noise[i, j, index], lambda i, j, index: 0.3 - 0.02 * index, models=5)
    table, p = statistics(rows), []
    for layer, own in rows.groupby("layer"):
        found = node_jackknife(square(own.assign(value=own["native"] - own["rotated"])))
        row = only(table, "effect", layer)
        assert [row["ci_low"], row["ci_high"]] == pytest.approx([found.low, found.high])
        assert (row["models"], row["pairs"]) == (5, 10)
        p.append(2 * stats.t.sf(abs(found.value / found.standard_error), 4))
        assert row["p"] == pytest.approx(p[-1])
    assert [only(table, "effect", layer)["p_holm"] for layer in LAYERS] == pytest.approx(holm(p))


@pytest.mark.parametrize(("apart", "layers", "group"), [(0.01, [1, 1, 1], 1), (0.04, [1, 1, 0], 0)])
def test_equivalence_needs_the_whole_interval_of_every_layer_within_the_bound(statistics, apart, layers, group):
    table = statistics(planted(lambda i, j, index: 0.5 + 0.001 * (i + j) + apart * index, lambda i, j, index: 0.5))
    assert [only(table, "equivalence", layer)["value"] for layer in LAYERS] == layers
    assert only(table, "equivalence")["value"] == group


def test_a_ratio_to_a_score_of_nothing_is_absent_and_said_so(statistics, caplog):
    caplog.set_level("INFO", "whyalike")
    table = statistics(planted(lambda i, j, index: 0.5, lambda i, j, index: 0.05 * (i + j - 3)))
    assert "ratio_to_rotated" not in set(table["quantity"]) and "ratio_to_native" in set(table["quantity"])
    assert "no ratio_to_rotated: the mean rotated score of a layer is not 2 errors above 0 (3)" in caplog.text


def test_of_two_models_there_are_values_without_intervals_and_tests(statistics, caplog):
    caplog.set_level("INFO", "whyalike")
    table = statistics(planted(lambda i, j, index: 0.5, lambda i, j, index: 0.2, models=2))
    assert only(table, "effect", "conv1")["value"] == pytest.approx(0.3)
    assert table[["ci_low", "ci_high", "p", "p_holm"]].isna().all(axis=None)
    assert "equivalence" not in set(table["quantity"])
    assert "no intervals" in caplog.text
