"""The published figures of consistency show the numbers of their tables, tell what is missing, and fit the page."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from studies.consistency.tables import Tables

from whyalike.figures.registry import FIGURES
from whyalike.figures.style import PAGE_INCHES, RC, look_of
from whyalike.statistics.dyadic import correlation_interval
from whyalike.studies.consistency.figures import (
    anchors,
    groups,
    matrices,
    metrics,
    scatters,
    selection,
    sets,
    sizes,
    spread,
    tsne,
)

KINDS = ("matrices", "spread", "tsne", "scatters", "groups", "sets", "sizes", "convergence", "transforms", "metrics",
         "rsa", "anchors", "logit")  # fmt: skip
TALLEST = 10.0  # inches of a page of letter or A4 paper without its margins
MAIN = {"metric": "cka_unbiased", "scoring": "cka_unbiased"}


def drawn(kind, tables):
    entry = FIGURES[f"consistency_{kind}"]
    return entry.load()(*(getattr(tables, name) for name in entry.facts.inputs))


def rows_of(table, **values):
    for name, value in values.items():
        table = table[table[name] == value]
    return table


@pytest.fixture(scope="module")
def tables():
    return Tables()


@pytest.fixture(scope="module")
def figures(tables):
    return {kind: drawn(kind, tables) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_a_figure_lies_outside_of_it(kind, figures):
    figure, numbers = figures[kind]
    with rc_context(RC):
        figure.draw_without_rendering()
    box, page = figure.get_tightbbox(), figure.get_size_inches()
    assert (box.x0, box.y0) > (-0.01, -0.01)  # inches: a hair of a marker
    assert (box.x1, box.y1) < (page[0] + 0.01, page[1] + 0.01)
    assert page[0] <= PAGE_INCHES
    assert page[1] <= TALLEST
    assert len(numbers) and figure.get_suptitle()


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_table_is_said_to_be_one_and_by_which_stage_it_is_made(kind):
    entry, table = FIGURES[f"consistency_{kind}"], pd.DataFrame(columns=["metric"])
    with pytest.raises(ValueError, match=r"holds no row to draw\. Run the (similarity|statistics) stage again"):
        entry.load()(*[table] * len(entry.facts.inputs))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("metrics", "rsa", "transforms", "sizes")])
def test_one_metric_of_one_analysis_without_groups_is_drawn(kind):
    few = Tables(5, 3, metrics=1, analyses=("corrected",))
    few.__dict__["consistency"] = few.consistency[few.consistency["category"].isin(["all", "anchor"])]
    few.__dict__["spread"] = few.spread.assign(group_a="all", group_b="all")
    if kind == "groups":
        assert set(drawn(kind, few)[1]["theta"]) == {"all"}
    elif kind == "anchors":
        with pytest.raises(ValueError, match="no anchor"):
            drawn(kind, few)
    else:
        assert len(drawn(kind, few)[1])


# ---- what all figures share ----


def test_models_of_two_blocks_stand_by_block_and_one_without_scores_at_the_end():
    block = np.array([0, 1, 0, 1, 0, 1, 0])
    mean = np.where(block[:, None] == block, 0.9, 0.1)
    mean[2] = mean[:, 2] = np.nan
    order = selection.clustered(mean)
    assert order[-1] == 2
    assert np.count_nonzero(np.diff(block[order[:-1]])) == 1


def test_sets_that_are_shown_are_the_first_of_each_category_and_of_sources_of_their_own():
    table = pd.DataFrame({"stimuli": list("abcde"), "source": list("xxyzx"), "category": list("uuvvw")})
    assert selection.shown_sets(table) == ["a", "c", "e"]  # e alone is of category w, though its source is a's
    assert selection.shown_sets(table.assign(category="u")) == ["a", "c", "d"]
    assert selection.shown_sets(table[:2]) == ["a", "b"]


def test_the_main_scoring_of_the_published_analysis_is_that_of_the_same_metric():
    table = pd.DataFrame(
        [("corrected", "rbf", "local"), ("as_published", "cka", "cka"), ("as_published", "rbf", "wide"),
         ("as_published", "rbf", "narrow")], columns=["analysis", "metric", "scoring"],
    )  # fmt: skip
    found = selection.main_scoring(table)
    assert {name: rows["scoring"].tolist() for name, rows in found.items()} == {
        "corrected": ["local"], "as_published": ["wide"]
    }  # fmt: skip
    assert list(selection.scorings(table, "as_published")) == ["wide", "cka", "narrow"]
    assert list(selection.main_scoring(table[:2])) == ["corrected"]  # CKA is not set beside the RBF kernel


def test_groups_have_one_colour_in_the_order_of_the_models(tables):
    known = ["image_text", "self_supervised", "supervised"]
    assert selection.values_of(tables.consistency, "objective") == known
    assert list(selection.looks(selection.groups_of(tables.models, "objective"))) == known
    assert selection.looks(known)["supervised"] == look_of(2)
    assert selection.groups_of(pd.DataFrame({"depth": [1.0, None]}), "depth") == ["1", None]


# ---- figure 2 ----


def test_matrices_have_the_mean_and_sd_over_sets_in_one_order(tables, figures):
    figure, numbers = figures["matrices"]
    assert list(dict.fromkeys(numbers["panel"])) == ["set_1", "set_2", "set_3", matrices.MEAN, matrices.SPREAD]
    a, b = tables.models["model"][[1, 7]]
    for analysis, of in numbers.groupby("analysis"):
        own = rows_of(tables.similarity, analysis=analysis, a=a, b=b, **MAIN)["value"]
        cells = of[(of["a"].isin([a, b])) & (of["b"].isin([a, b]))].set_index("panel")["value"]
        assert cells[matrices.MEAN] == pytest.approx(own.mean())
        assert cells[matrices.SPREAD] == pytest.approx(own.std(ddof=0))
        assert cells["set_2"] == pytest.approx(own.iloc[1])
    first = numbers.groupby("analysis")["a"].agg(list)
    assert first["corrected"] == first["as_published"]
    image = figure.axes[3].images[0].get_array()  # mean, corrected: after three sets
    mean = rows_of(numbers, analysis="corrected", panel=matrices.MEAN)
    assert image[mean["place_a"], mean["place_b"]].tolist() == pytest.approx(mean["value"].tolist())
    assert np.diagonal(np.ma.getmaskarray(image)).all()


def test_a_model_that_lacks_a_set_has_no_mean_and_is_named():
    lacking = Tables(8, 4, metrics=1, analyses=("corrected",), absent=(("set_2", 3),))
    figure, numbers = drawn("matrices", lacking)
    name = lacking.models["model"][3]
    own = numbers[(numbers["a"] == name) | (numbers["b"] == name)]
    assert own.groupby("panel")["value"].count().to_dict() == {
        "set_1": 7, "set_2": 0, "set_3": 7, matrices.MEAN: 0, matrices.SPREAD: 0
    }  # fmt: skip
    assert f"corrected: {name} lacks a set" in figure.get_suptitle()


# ---- figures 3, 11, N7 ----


def test_means_of_two_metrics_have_their_correlation_with_an_interval_over_models(tables, figures):
    figure, numbers = figures["spread"]
    found = rows_of(numbers[numbers["value"].notna()], analysis="corrected", scoring_y="rsa").iloc[0]
    mean = {name: tables.stacks["corrected", name].mean(axis=0) for name in ("cka_unbiased", "rsa")}
    upper = np.triu_indices(12, 1)
    assert found["value"] == pytest.approx(np.corrcoef(*(one[upper] for one in mean.values()))[0, 1])
    assert (found["ci_low"], found["ci_high"]) == pytest.approx(correlation_interval(*mean.values()))
    assert found["models"] == 12
    assert f"r = {found['value']:.3f} [" in figure.axes[2].get_title(loc="left")
    assert len(rows_of(numbers, panel="corrected, spread")) == 66


def test_each_transform_is_a_panel_and_a_missing_one_is_named(tables, figures):
    _, numbers = figures["logit"]
    own = rows_of(numbers, panel="as published, logit")
    wanted = rows_of(tables.spread, analysis="as_published", scale="logit", **MAIN)
    assert own["y"].tolist() == wanted["sd"].tolist()
    assert list(dict.fromkeys(figures["transforms"][1]["panel"]))[:3] == [
        "corrected, plain", "corrected, arccos", "corrected, tan"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no scale logit"):
        spread.draw_logit(tables.spread[tables.spread["scale"] != "logit"])


# ---- figure 4 ----


def test_the_plane_is_the_same_each_time_and_says_a_perplexity_below_the_published_one(tables, figures):
    figure, numbers = figures["tsne"]
    one = rows_of(tables.similarity, analysis="as_published", stimuli="set_2", **MAIN)
    again = tsne._embedded(one, tables.models, "as_published", "set_2")
    first = rows_of(numbers, analysis="as_published", stimuli="set_2")
    assert again[["x", "y"]].to_numpy().tolist() == first[["x", "y"]].to_numpy().tolist()
    assert set(numbers["perplexity"]) == {11 / 3}
    assert "perplexity 3.67" in figure.get_suptitle() and "no test" in figure.get_suptitle()
    assert numbers.groupby(["analysis", "stimuli"]).size().tolist() == [12] * 6
    assert figure.axes[5].get_legend().get_texts()[0].get_text() == "image text"


def test_models_of_one_block_lie_together_in_the_plane():
    block, (i, j) = np.arange(16) % 2, np.triu_indices(16, 1)
    names = np.array([f"m{n}" for n in range(16)])
    value = np.where(block[i] == block[j], 0.9, 0.1)
    rows = pd.DataFrame({"stimuli": "s", "scoring": "cka", "a": names[i], "b": names[j], "value": value})
    found = tsne._embedded(rows, pd.DataFrame({"model": names}), "corrected", "s")[["x", "y"]].to_numpy()
    apart = np.linalg.norm(found[:, None] - found, axis=2)[i, j]
    assert apart[value == 0.9].max() < apart[value == 0.1].min()


def test_models_without_scores_on_a_set_are_left_out_of_its_plane_and_this_is_said():
    lacking = Tables(8, 4, metrics=1, analyses=("corrected",), absent=(("set_2", 3),))
    none = lacking.consistency[lacking.consistency["category"] == "all"]
    figure, numbers = tsne.draw(lacking.similarity, lacking.models, none)
    assert numbers.groupby("stimuli").size().to_dict() == {"set_1": 8, "set_2": 7, "set_3": 8}
    assert "7\N{EN DASH}8 models of 8" in figure.get_suptitle()


# ---- figure 5 ----


def test_scatters_have_the_correlations_of_the_table_of_consistency(tables, figures):
    _, numbers = figures["scatters"]
    told = rows_of(numbers, mark="correlation", analysis="corrected", set_a="set_1", set_b="set_3").set_index("group")
    table = rows_of(tables.consistency, analysis="corrected", set_a="set_1", set_b="set_3", **MAIN)
    for category, group, name in (("all", "all", "all pairs"), ("objective", "supervised", "supervised")):
        wanted = rows_of(table, category=category, theta=group, phi=group).iloc[0]
        assert told.loc[name, "value"] == pytest.approx(wanted["pearson"])
        assert told.loc[name, "residual_sd"] == pytest.approx(wanted["residual_sd"])
        assert told.loc[name, "pairs"] == wanted["pairs"]
        assert told.loc[name, "ci_low"] < wanted["pearson"] < told.loc[name, "ci_high"]
    assert list(told.index) == ["all pairs", "image_text", "self_supervised", "supervised"]


def test_scatters_take_no_two_sets_of_one_source(tables):
    one = tables.similarity.assign(source="x")
    with pytest.raises(ValueError, match="no two sets of different sources"):
        scatters.draw(one, tables.models, tables.consistency)


# ---- figures 6, 13, 14 ----


def test_boxes_are_of_pairs_of_sets_from_different_sources(tables, figures):
    _, numbers = figures["groups"]
    cell = {"analysis": "as_published", "category": "architecture", "theta": "convolutional", "phi": "transformer"}
    found = rows_of(numbers, **cell).iloc[0]
    own = rows_of(tables.consistency, **cell, **MAIN)
    assert found["n"] == 5 and len(own) == 6  # set_4 is from the source of set_1
    assert found["median"] == pytest.approx(own.loc[~own["same_source"], "pearson"].median())
    assert list(dict.fromkeys(numbers["category"])) == ["all", "objective", "architecture", "data", "size"]


def test_the_boxes_of_rsa_are_those_of_the_first_category_and_need_rsa(tables, figures):
    assert set(figures["rsa"][1]["category"]) == {"all", "objective"}
    assert set(figures["rsa"][1]["scoring"]) == {"rsa"}
    without = tables.consistency[tables.consistency["metric"] != "rsa"]
    with pytest.raises(ValueError, match=r"no metric rsa to draw: it has cka_unbiased, cka_rbf_unbiased"):
        groups.draw_rsa(without)
    with pytest.raises(ValueError, match="no two sets of different sources"):
        groups.draw(tables.consistency.assign(same_source=True))


def test_anchors_have_a_box_a_group_scoring_and_analysis(tables, figures):
    _, numbers = figures["anchors"]
    name = tables.models["model"][1]
    found = rows_of(numbers, anchor=name, phi="supervised", analysis="corrected", scoring="rsa").iloc[0]
    own = rows_of(
        tables.consistency, category="anchor", theta=name, phi="supervised", analysis="corrected", scoring="rsa"
    )
    assert found["median"] == pytest.approx(own.loc[~own["same_source"], "pearson"].median())
    assert found["models"] == 4
    assert len(numbers) == 3 * 3 * 3 * 2
    with pytest.raises(ValueError, match=r"Name settings in consistency\.anchors"):
        anchors.draw(tables.consistency[tables.consistency["category"] != "anchor"])


# ---- figures 7, 12 ----


def test_corrected_stands_above_the_diagonal_and_published_below_it_by_category_of_sets(tables):
    category = {"set_1": "u", "set_2": "v", "set_3": "u", "set_4": "v"}
    similarity = tables.similarity.assign(category=tables.similarity["stimuli"].map(category))
    figure, numbers = sets.draw(tables.consistency, similarity)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["set 1", "set 3", "set 2", "set 4"]
    image = figure.axes[0].images[0].get_array()
    of = rows_of(numbers, category="all", set_a="set_2", set_b="set_3").set_index("analysis")["pearson"]
    assert image[1, 2] == pytest.approx(of["corrected"])
    assert image[2, 1] == pytest.approx(of["as_published"])
    crosses = [tuple(line.get_xydata()[0]) for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert sorted(crosses) == [(0, 3), (3, 0)]  # set_1 and set_4 are of one source


def test_metrics_are_set_against_the_main_one_with_an_interval_over_sources(tables, figures):
    _, numbers = figures["metrics"]
    told = numbers[numbers["value"].notna()]
    assert told[["analysis", "scoring_y"]].to_numpy().tolist() == [
        [analysis, name] for analysis in ("corrected", "as_published") for name in ("cka_rbf_unbiased", "rsa")
    ]
    points = rows_of(numbers[numbers["value"].isna()], analysis="corrected", scoring_y="rsa")
    assert len(points) == 5 * 6  # pairs of sets of different sources, pairs of three groups
    first = told.iloc[1]
    assert first["value"] == pytest.approx(points[["x", "y"]].corr().iloc[0, 1])
    assert first["ci_low"] < first["value"] < first["ci_high"]
    assert (first["sets"], first["sources"], first["points"]) == (4, 3, 30)


def test_the_interval_over_sources_leaves_out_all_sets_of_one():
    names = ["a", "b", "c", "d"]
    table = pd.DataFrame({"set_a": list("aaabbc"), "set_b": list("bcdcdd"), "same_source": [True] + [False] * 5})
    assert metrics.sources_of(table) == dict(zip(names, "aacd", strict=True))
    generator = np.random.default_rng(0)
    x = generator.normal(size=(9, 6))
    points = pd.concat([table.assign(x=one, y=one + generator.normal(size=6)) for one in x])
    r, (low, high) = metrics.correlation(points, metrics.sources_of(table))

    def z(kept):
        return np.arctanh(np.corrcoef(points["x"][kept], points["y"][kept])[0, 1])

    sides = points[["set_a", "set_b"]].replace({"b": "a"})
    left = np.array([z((sides != one).all(axis=1).to_numpy()) for one in "acd"])
    half = 4.302653 * np.sqrt(2 / 3 * ((left - left.mean()) ** 2).sum())  # t quantile on 2 degrees of freedom
    assert (np.arctanh(low), np.arctanh(high)) == pytest.approx((np.arctanh(r) - half, np.arctanh(r) + half), abs=1e-6)


def test_one_metric_is_set_against_none(tables):
    with pytest.raises(ValueError, match="no second metric"):
        metrics.draw(rows_of(tables.consistency, **MAIN))


# ---- figures 9, 10 ----


def test_matrices_by_size_are_a_row_a_size_and_a_column_a_scoring(tables, figures):
    figure, numbers = figures["sizes"]
    assert len(numbers) == 6 * 5 * 66
    one = rows_of(numbers, scoring="cka_rbf_2", per_class=5)
    wanted = rows_of(tables.size_scores, scoring="cka_rbf_2", per_class=5)
    assert sorted(one["value"]) == pytest.approx(sorted(wanted["value"]))
    assert set(one["n"]) == {5000}
    assert figure.axes[5].get_ylabel() == "5 of a class\nn = 5,000"
    assert figure.axes[0].get_title(loc="left").endswith("(sigma\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.2)")


def test_changes_are_between_consecutive_sizes_and_end_with_the_largest(tables, figures):
    figure, numbers = figures["convergence"]
    wide = rows_of(tables.size_scores, scoring="cka_rbf_4").pivot(index=["a", "b"], columns="per_class", values="value")
    change = (wide[20] - wide[10]).abs()
    found = rows_of(numbers, mark="change", scoring="cka_rbf_4", previous=10, per_class=20).iloc[0]
    assert (found["median"], found["largest"]) == pytest.approx((change.median(), change.max()))
    assert found["share_below"] == pytest.approx((change < 0.01).mean())
    assert len(rows_of(numbers, mark="change")) == 5 * 5
    assert rows_of(numbers, mark="consistency")["value"].tolist() == pytest.approx(
        rows_of(tables.sizes, measure="pearson_with_other_sets")["value"].tolist()
    )
    assert figure.axes[0].get_yscale() == "log"


def test_without_sets_of_the_same_metric_the_changes_stand_alone_and_this_is_said(tables):
    own = tables.sizes[tables.sizes["measure"] != "pearson_with_other_sets"]
    figure, _ = sizes.draw_changes(tables.size_scores, own)
    assert len(figure.axes) == 1
    assert "no R with other sets" in figure.get_suptitle()
    with pytest.raises(ValueError, match="no two sizes"):
        sizes.draw_changes(rows_of(tables.size_scores, per_class=10), own)
