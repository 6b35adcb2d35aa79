"""The figures of groups, factors and reach show the numbers of their tables, and say what is missing."""

import numpy as np
import pandas as pd
import pytest
from claim_tables import factorial_table, groups_table
from tables import Tables

from whyalike.figures.style import look_of
from whyalike.studies.consistency.figures import ceilings, factorial, families, group_rows, null, rangefree, reach

GROUPS = groups_table({("self_supervised", "self_supervised", "supervised", "supervised", "pearson"): (0.9, 0.01)})


def labels(axes):
    return [text.get_text() for text in axes.get_yticklabels()]


def test_ceilings_stand_beside_r_of_all_models_and_each_pair_of_groups():
    figure, numbers = ceilings.draw(GROUPS)
    figure.draw_without_rendering()
    assert len(figure.axes) == 4  # R and its share of the ceiling, of both analyses
    assert labels(figure.axes[0])[:2] == ["all models (24)", "within image text (24)"]
    assert len(labels(figure.axes[0])) == 7
    assert set(numbers["measure"]) == {"pearson", "ceiling", "pearson_of_ceiling"}
    [marks] = [one for one in figure.axes[0].collections if len(one.get_offsets()) == 7]
    assert marks.get_offsets()[:, 0].tolist() == pytest.approx([0.97] * 7)
    assert "8 sets from 6 sources: 25 pairs of sets" in figure.legends[0].get_title().get_text()


def test_measures_free_of_range_have_a_column_each():
    figure, numbers = rangefree.draw(GROUPS[GROUPS["analysis"] == "corrected"])
    figure.draw_without_rendering()
    assert len(figure.axes) == 3
    assert numbers.groupby("measure").size().tolist() == [7, 7, 7]
    assert figure.axes[2].get_xlim()[0] >= 0


def test_an_interval_that_goes_on_beyond_the_panel_ends_in_an_arrow():
    wide = GROUPS.assign(ci_low=np.where(GROUPS["theta"] == "supervised", -0.99, GROUPS["ci_low"]))
    figure, _ = ceilings.draw(wide[wide["analysis"] == "corrected"])
    figure.draw_without_rendering()
    arrows = [one for one in figure.axes[0].lines if one.get_marker() == "<"]
    assert [one.get_xdata().tolist() for one in arrows] == [[figure.axes[0].get_xlim()[0]]] * len(arrows)
    places = [label.startswith(("within supervised", "supervised ×")) for label in labels(figure.axes[0])]
    assert [int(one.get_ydata()[0]) for one in arrows] == np.flatnonzero(places).tolist()


def test_a_group_without_a_cell_of_its_own_has_its_colour_all_the_same():
    rows = pd.DataFrame({"category": "objective", "theta": ["a", "a", "b"], "phi": ["b", "c", "b"]})
    shown = group_rows.cell_looks(rows, "objective")
    assert list(shown) == [("b", "b"), ("a", "b"), ("a", "c")]
    assert shown["b", "b"] == look_of(1)


def test_a_group_without_an_interval_is_a_point():
    bare = GROUPS.assign(ci_low=np.nan, ci_high=np.nan)
    figure, numbers = ceilings.draw(bare)
    figure.draw_without_rendering()
    assert len(numbers) == 42


def test_shares_that_chance_explains_are_hollow():
    table = factorial_table({"objective": 0.7, "data": 0.2, "seed": 0.1})
    table.loc[table["factor"] == "data", "p"] = 0.4
    figure, _ = factorial.draw(table)
    figure.draw_without_rendering()
    assert [one.get_title(loc="left") for one in figure.axes[:3]] == list(factorial.QUANTITIES.values())
    assert labels(figure.axes[0]) == ["objective (3 levels)", "data (2 levels)", "models of equal levels"]
    marks = [one for one in figure.axes[0].lines if len(one.get_xdata()) == 1]
    assert sum(one.get_markerfacecolor() == "white" for one in marks) == 3  # a metric
    assert "95 % jackknife" in figure.legends[0].get_title().get_text()
    figure, _ = factorial.draw(table.assign(ci_low=np.nan, ci_high=np.nan))
    assert "too few seeds for intervals" in figure.legends[0].get_title().get_text()


def test_contrasts_stand_on_their_bands_with_both_p_and_the_false_alarms():
    figure, numbers = null.draw(GROUPS)
    figure.draw_without_rendering()
    contrasts = numbers[(numbers["kind"] == "contrast") & (numbers["analysis"] == "corrected")]
    assert len(labels(figure.axes[0])) == len(contrasts) == 13 + 3 * 2
    assert "self supervised less supervised" in labels(figure.axes[0])
    assert ".010 | <.001" in [one.get_text() for one in figure.axes[0].texts]
    assert set(numbers.loc[numbers["kind"] == "false_alarms", "value"]) == {0.6}


def test_families_show_the_one_that_matters_most():
    figure, numbers = families.draw(GROUPS)
    figure.draw_without_rendering()
    assert {one.get_text() for one in figure.axes[0].texts} == {"vit large"}
    assert numbers["without"].nunique() == 2 and numbers["without"].isna().sum() == 14
    one_left = GROUPS[(GROUPS["kind"] != "without_family") | (GROUPS["theta"] == "all")]
    figure, _ = families.draw(one_left)
    assert len(labels(figure.axes[0])) == 7  # a cell of one family stands there too
    assert [len(axes.texts) for axes in figure.axes] == [1, 1]


def test_the_reach_is_a_share_of_the_stimuli_of_each_model():
    tables = Tables(count=12, sets=3)
    similarity = tables.similarity.copy()
    rbf = similarity["metric"] == "cka_rbf_unbiased"
    for side in "ab":
        similarity.loc[rbf, f"neighbours_{side}"] = 0.25 * (similarity.loc[rbf, "n"] - 1)
    figure, numbers = reach.draw(similarity, tables.models, tables.consistency)
    figure.draw_without_rendering()
    assert len(numbers) == 24 and len(figure.axes) == 3
    assert {"0.2", "0.5", "1"} <= {*labels(figure.axes[0])}  # plain: formulas of names of the user stay unset
    assert numbers["share"].tolist() == pytest.approx([0.25] * 24)
    assert numbers["group"].unique().tolist() == ["image_text", "self_supervised", "supervised"]


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: ceilings.draw(GROUPS[GROUPS["kind"] == "contrast"]), "no consistency"),
        (lambda: null.draw(GROUPS[GROUPS["kind"] == "mean"]), "no contrast of groups"),
        (lambda: families.draw(GROUPS[GROUPS["kind"] == "mean"]), "no consistency without a family"),
        (lambda: factorial.draw(pd.DataFrame(columns=["factor"])), "no factor that trained models cross"),
        (lambda: reach.draw(pd.DataFrame({"neighbours_a": [np.nan]}), None, None), "no metric with a kernel"),
    ],
)
def test_what_has_nothing_to_draw_says_so(draw, told):
    with pytest.raises(ValueError, match=told):
        draw()
