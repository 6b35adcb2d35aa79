"""Shares of variance by crossed factors, and spread over sets, on planted worlds."""

import itertools

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from whyalike.files import made_by, read_table, write_table
from whyalike.statistics.pair_variance import crossing, p_of_shares, shares
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model, StimuliSet
from whyalike.studies.consistency.statistics import shares as of_shares
from whyalike.studies.consistency.statistics import spread

FACTORS = {"objective": ("u", "v", "w"), "data": ("x", "y")}


def models_of(levels, seeds, trained=True):
    """A model a combination and seed."""
    return [
        Model(name=".".join([*one, f"seed{seed}"]), setting=".".join(one), view="v", seed=seed, trained=trained,
              attributes=dict(zip(levels, one, strict=True)))
        for one in itertools.product(*levels.values()) for seed in range(seeds)
    ]  # fmt: skip


def table_of(values, models, stimuli, source):
    i, j = np.triu_indices(len(models), 1)
    names = np.array([model.name for model in models])
    shared = {"stimuli": stimuli, "source": source, "metric": "cka_unbiased", "analysis": "corrected",
              "scoring": "cka_unbiased"}  # fmt: skip
    halves = {"value_half_1": values[i, j], "value_half_2": values[i, j]}
    frame = pd.DataFrame({"a": names[i], "b": names[j], "value": values[i, j]}).assign(**shared, **halves)
    return pa.Table.from_pandas(frame, preserve_index=False)


def parameters_of(models, sets, **changed):
    given = {"categories": ("objective",), "families": "family", "strata": (), "factorial": tuple(FACTORS),
             "anchors": (), "draws": 39, "seed": 0} | changed  # fmt: skip
    return ConsistencyStatistics(models=models, sets={name: StimuliSet(source=name, category="c") for name in sets},
                                 **given)  # fmt: skip


def analysed(tmp_path, stack, models, module=of_shares, order=None, **changed):
    """The table of statistics of a stack, whose rows are shuffled."""
    paths, sets = [], [f"set{k}" for k in range(len(stack))]
    for k, (name, values) in enumerate(zip(sets, stack, strict=True)):
        rows = table_of(values, models, name, name)
        rows = rows.take(np.random.default_rng(k).permutation(len(rows)))
        paths.append(tmp_path / f"{name}.parquet")
        write_table(paths[-1], rows, {})
    module.analyse(parameters_of(order or models, sets, **changed), paths, tmp_path / "out.parquet")
    return read_table(tmp_path / "out.parquet").to_pandas(), made_by(tmp_path / "out.parquet")


def effects(codes, generator, sd):
    """Symmetric normal effects of each unordered pair of levels, M x M."""
    own = generator.normal(0, sd, (9, 9))
    return np.triu(own)[np.minimum.outer(codes, codes), np.maximum.outer(codes, codes)]


def codes_of(models, factor):
    levels = FACTORS[factor]
    return np.array([levels.index(model.attributes[factor]) for model in models])


def noise(generator, count, models, sd):
    drawn = generator.normal(0, sd, (count, models, models))
    return np.triu(drawn) + np.triu(drawn, 1).transpose(0, 2, 1)


def test_where_objective_alone_matters_it_has_nearly_all_of_similarity_and_the_rest_nothing(tmp_path):
    models, generator = models_of(FACTORS, 4), np.random.default_rng(0)
    own = 0.5 + effects(codes_of(models, "objective"), generator, 0.1)
    by_set = np.stack([effects(codes_of(models, "objective"), generator, 0.05) for _ in range(5)])
    table, _ = analysed(tmp_path, own + by_set + noise(generator, 5, len(models), 0.01), models)
    of = table.set_index(["quantity", "factor"])
    for quantity in ("similarity", "similarity_by_set"):
        assert of.loc[(quantity, "objective"), "share"] > 0.9
        assert of.loc[(quantity, "objective"), "p"] == 1 / 40  # the smallest that 39 draws have
        assert of.loc[(quantity, "data"), "share"] < 0.01
        assert of.loc[(quantity, "data"), "p"] > 0.05
        assert of.loc[quantity]["share"].sum() == pytest.approx(1)
        assert of.loc[(quantity, "objective"), "ci_low"] > 0.85
    assert table["models"].unique().tolist() == [24]
    assert of.loc[("similarity", "objective"), "levels"] == 3


def test_two_factors_in_a_known_ratio_have_these_shares_however_many_pairs_a_cell_has():
    models = models_of(FACTORS, 3)
    a, b = codes_of(models, "objective"), codes_of(models, "data")
    pair_a = np.zeros((3, 3))
    pair_a[np.diag_indices(3)] = 1.0  # of the 6 pairs of levels 3 are 1: variance 1/4
    pair_b = np.array([[1.0, 0], [0, 1]])  # of the 3 pairs of levels 2 are 1: variance 2/9
    values = pair_a[np.ix_(a, a)] + 3 * pair_b[np.ix_(b, b)]
    crossed = crossing({name: [model.attributes[name] for model in models] for name in FACTORS})
    found = shares(values[None], crossed)
    assert found["objective"] == pytest.approx(0.25 / (0.25 + 9 * 2 / 9))
    assert found["data"] == pytest.approx(2 / 2.25)
    assert found["residual"] == pytest.approx(0, abs=1e-12)  # float64
    # one seed more of a single combination changes the numbers of pairs, and no share
    more = [*models, models[0].model_copy(update={"name": "more"})]
    at = [*range(len(models)), 0]
    crossed = crossing({name: [model.attributes[name] for model in more] for name in FACTORS})
    assert shares(values[np.ix_(at, at)][None], crossed) == pytest.approx(found)


def test_the_p_of_a_factor_that_does_not_matter_holds_its_level():
    models, worlds, draws = models_of(FACTORS, 3), 80, 19
    crossed = crossing({name: [model.attributes[name] for model in models] for name in FACTORS})
    small = 0
    for number in range(worlds):
        generator = np.random.default_rng(number)
        own = generator.normal(0, 1, len(models))
        values = np.add.outer(own, own) + noise(generator, 1, len(models), 0.5)[0]
        values = values + 3 * effects(codes_of(models, "objective"), generator, 1)
        small += p_of_shares(values[None], crossed, draws, number)["data"] <= 0.1
    assert small / worlds <= 0.1 + 2 * np.sqrt(0.1 * 0.9 / worlds)  # two standard errors
    assert small > 0


def consistent_world(models, factor, generator, sets=6):
    """Pairs whose similarities are the same on all sets to an extent that depends on one factor's levels alone."""
    m = len(models)
    codes = codes_of(models, factor)
    extent = np.where(np.equal.outer(codes, codes), 0.95, 0.3)
    return np.sqrt(extent) * noise(generator, 1, m, 0.1) + np.sqrt(1 - extent) * noise(generator, sets, m, 0.1)


@pytest.mark.parametrize("factor", list(FACTORS))
def test_the_factor_that_decides_consistency_has_its_share(tmp_path, factor):
    models = models_of(FACTORS, 4)
    table, about = analysed(tmp_path, consistent_world(models, factor, np.random.default_rng(3)), models)
    rows = table[table["quantity"] == "consistency"].set_index("factor")
    assert list(rows.index) == list(FACTORS)  # there is no variance within cells of R
    assert rows["share"].sum() == pytest.approx(1)
    assert rows.loc[factor, "share"] > 0.85
    assert rows.loc[factor, "p"] == 1 / 40
    assert 1 >= rows.loc[factor, "ci_high"] >= rows.loc[factor, "share"] > rows.loc[factor, "ci_low"]
    assert about["intervals"] == {"corrected.cka_unbiased": "seeds"}


def test_what_is_not_fully_crossed_is_left_out_and_named(tmp_path):
    models = [one for one in models_of(FACTORS, 3) if one.setting != "w.x"]
    models += [
        Model(name="external", setting="external", view="v", seed=0, trained=False, attributes={"objective": "u"}),
        Model(name="bare", setting="bare", view="v", seed=0, trained=True, attributes={"objective": "u"}),
    ]
    values = noise(np.random.default_rng(0), 3, len(models), 0.1)
    table, about = analysed(tmp_path, values, models)
    assert set(table["models"]) == {12}
    [left_out] = about["left_out"].values()
    assert left_out == ["1 models lack a level of objective or data", "objective w: fewer than 2 models of x"]


def test_without_a_factor_that_varies_the_table_is_empty_and_says_why(tmp_path):
    models = models_of({"objective": ("u",), "data": ("x",)}, 3)
    table, about = analysed(tmp_path, noise(np.random.default_rng(0), 2, 3, 0.1), models)
    assert table.empty and "share" in table
    assert about["left_out"]["corrected.cka_unbiased"][0] == "objective does not vary: all are u"


def test_with_two_seeds_there_is_no_interval_and_it_is_said(tmp_path):
    models = models_of(FACTORS, 2)
    table, about = analysed(tmp_path, noise(np.random.default_rng(0), 3, len(models), 0.1), models)
    assert table["ci_low"].isna().all() and table["share"].notna().any()
    assert about["intervals"]["corrected.cka_unbiased"] == "none"


def test_models_of_one_seed_are_left_out_one_by_one(tmp_path):
    models = [one.model_copy(update={"seed": 0}) for one in models_of(FACTORS, 3)]
    table, about = analysed(tmp_path, noise(np.random.default_rng(0), 3, len(models), 0.1), models)
    assert about["intervals"]["corrected.cka_unbiased"] == "models"
    assert table.loc[table["quantity"] == "similarity", "ci_low"].notna().all()


def test_pairs_are_joined_by_names_and_a_lacking_pair_is_told(tmp_path):
    models = models_of(FACTORS, 3)
    values = consistent_world(models, "data", np.random.default_rng(1), 3)
    one, _ = analysed(tmp_path, values, models)
    turned, _ = analysed(tmp_path, values[:, ::-1, ::-1], models[::-1], order=models)
    # permutations are drawn alike, and of the same order of models
    pd.testing.assert_frame_equal(one, turned)
    rows = table_of(values[0], models, "set0", "set0")
    write_table(tmp_path / "short.parquet", rows.slice(1), {})
    with pytest.raises(ValueError, match=r"set0, cka_unbiased, must have one score of .* u.x.seed0, u.x.seed1. Score"):
        of_shares.analyse(parameters_of(models, ["set0"]), [tmp_path / "short.parquet"], tmp_path / "out.parquet")


def test_spread_is_mean_and_sd_over_sets_of_transformed_similarities(tmp_path):
    models = models_of({"objective": ("u", "v")}, 2)
    stack = np.full((2, 4, 4), 0.5)
    stack[0, 0, 3] = stack[0, 3, 0] = 1.0
    table, _ = analysed(tmp_path, stack, models, module=spread)
    row = table[(table["a"] == "u.seed0") & (table["b"] == "v.seed1")].set_index("scale")
    assert row.loc["plain", ["mean", "sd"]].tolist() == pytest.approx([0.75, 0.25])
    assert row.loc["arccos", "mean"] == pytest.approx(np.arccos(0.5) / 2)
    assert row.loc["tan", "mean"] == pytest.approx((np.tan(1) + np.tan(0.5)) / 2)
    assert row.loc["logit", "sd"] == pytest.approx(np.log(999) / 2)
    assert row[["group_a", "group_b", "sets"]].iloc[0].tolist() == ["u", "v", 2]
    assert len(table) == 6 * 4


def test_a_model_that_one_set_lacks_has_no_spread(tmp_path):
    models, paths = models_of({"objective": ("u", "v")}, 2), []
    for number, there in enumerate((models, models[:3])):
        rows = table_of(np.full((4, 4), 0.5), there, f"set{number}", "s")
        paths.append(tmp_path / f"{number}.parquet")
        write_table(paths[-1], rows, {})
    spread.analyse(parameters_of(models, ["set0", "set1"]), paths, tmp_path / "out.parquet")
    table = read_table(tmp_path / "out.parquet").to_pandas()
    assert set(table["a"]) | set(table["b"]) == {"u.seed0", "u.seed1", "v.seed0"}
