"""Pictures of scores of files: the map of all pairs, and the rows of single ones."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest

from whyalike.figures.heatmap import short
from whyalike.figures.scores_of_files import draw_map, draw_rows
from whyalike.similarity.protocols import scoring

ROW = {
    "metric": "cka", "ci_low": 0.31, "ci_high": 0.58, "interval": "jackknife", "null_mean": 0.1, "null_p95": 0.2,
    "p_value": 0.01, "n": 60, "preprocessing": "none", "estimator": "hsic_biased", "score_protocol": "exact",
}  # fmt: skip


def scores(values, **given):
    """Score rows of {"ab": value}."""
    return pd.DataFrame([{**ROW, "a": a, "b": b, "value": value, **given} for (a, b), value in values.items()])


def chosen(name="cka", **parameters):
    return scoring(name, "exact", parameters)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def cells(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def title(axes):
    return axes.get_title(loc="left")


def two_groups(names="abcd", **given):
    near = [set(names[::2]), set(names[1::2])]
    pairs = itertools.combinations(names, 2)
    return scores({pair: 0.9 if any(set(pair) <= one for one in near) else 0.15 for pair in pairs}, **given)


def test_a_map_has_clustered_order_marks_and_intervals_in_its_cells():
    figure, numbers = draw_map(two_groups(), chosen())
    order = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset("ac"), frozenset("bd")}
    assert title(figure.axes[0]) == "all pairs of 4 representations\nn = 60, models clustered, average linkage"
    assert cells(figure).count("0.90\n[.31, .58]") == 4  # two pairs, on both sides of the diagonal
    assert legend(figure)[0] == "score not beyond the end of its null (95 %): 4 of 6"
    assert "95 % intervals over stimuli: in brackets" in legend(figure)
    assert not [text for text in legend(figure) if "untrained" in text]  # a file has no untrained pair
    assert numbers[["ci_low", "ci_high"]].to_numpy().tolist() == [[0.31, 0.58]] * 6


def test_where_intervals_do_not_fit_the_legend_says_where_they_are():
    figure, numbers = draw_map(two_groups("abcdefghij"), chosen())
    assert not [text for text in cells(figure) if "[" in text]
    assert "95 % intervals over stimuli: in the CSV" in legend(figure)
    assert numbers["ci_low"].notna().all()


def test_a_map_of_long_names_takes_a_page_and_cuts_nothing():
    names = [f"resnet50_imagenet_seed{i}_final" for i in range(4)]
    figure, _ = draw_map(scores(dict.fromkeys(itertools.combinations(names, 2), 0.5)), chosen())
    figure.draw_without_rendering()
    assert figure.get_figwidth() == 7
    axes = figure.axes[0]
    boxes = [text.get_window_extent() for text in [*axes.get_yticklabels(), axes._left_title]]
    assert all(box.x0 >= 0 and box.y1 <= figure.bbox.y1 for box in boxes)


def test_what_has_no_null_and_no_interval_says_so():
    nothing = {"ci_low": np.nan, "ci_high": np.nan, "null_mean": np.nan, "null_p95": np.nan}
    figure, _ = draw_map(two_groups(**nothing), chosen())
    assert "no null is known: nothing is marked beside it" in legend(figure)
    assert not [text for text in legend(figure) if "interval" in text]
    assert set(cells(figure)) == {"0.90", "0.15"}


def test_a_missing_pair_leaves_its_cells_empty_and_models_as_given():
    figure, _ = draw_map(two_groups()[1:], chosen())
    assert "models as given" in title(figure.axes[0])
    assert np.ma.count(figure.axes[0].collections[0].get_array()) == 10


def test_both_directions_of_an_asymmetric_metric_are_cells_of_their_own():
    rows = scores({pair: number / 10 for number, pair in enumerate(itertools.permutations("abc", 2))}, metric="pwcca")
    figure, _ = draw_map(rows, chosen("pwcca"))
    values = figure.axes[0].collections[0].get_array().reshape(3, 3)
    assert (values[0, 1], values[1, 0]) == (0.0, 0.2)
    assert "models as given" in title(figure.axes[0])


def test_a_confound_and_parameters_are_said():
    rows = two_groups(estimator="overlap_deconfounded")
    figure, _ = draw_map(rows.assign(metric="mutual_knn"), chosen("mutual_knn", k=5))
    assert "confound taken out" in title(figure.axes[0])
    assert "k\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}5" in figure.axes[1].get_xlabel()


def test_a_row_has_its_score_interval_and_null():
    figure, numbers = draw_rows(scores({"ab": 0.45, "cd": 0.15}), [chosen()])
    [axes] = figure.axes
    first, second = axes.lines[1], axes.lines[3]
    assert (first.get_xdata()[0], first.get_fillstyle()) == (0.45, "full")
    assert (second.get_xdata()[0], second.get_fillstyle()) == (0.15, "none")  # not beyond its null
    assert list(axes.lines[0].get_xdata()) == [0.31, 0.58]
    band = axes.patches[0]
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((0.1, 0.2))
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a x b", "c x d"]
    assert title(axes) == "CKA (linear, exact), n = 60"
    assert legend(figure) == [
        "score", "score not beyond the end of its null", "95 % interval over stimuli",
        "null: mean to its 95 % end towards likeness",
    ]  # fmt: skip
    assert numbers["beyond_null"].tolist() == [1, 0]


@pytest.mark.parametrize("length", [1, 12, 30, 90])
def test_rows_of_names_of_any_length_fit_and_are_shortened(length):
    a, b = (f"{'left'[:length]:_<{length - 1}}{end}" for end in "yz")
    both = [chosen(), chosen("mutual_knn", k=10)]
    rows = [scores({(a, b): 0.45, (b, a): 0.4}, metric=one.metric, estimator="x_deconfounded") for one in both]
    figure, numbers = draw_rows(pd.concat(rows), both)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib's where it finds no room
        figure.draw_without_rendering()
    shown = {text.get_text() for axes in figure.axes for text in axes.get_yticklabels()}
    assert shown == (
        {f"{a} x {b}", f"{b} x {a}"} if length <= 28 else {f"{short(a)} x {short(b)}", f"{short(b)} x {short(a)}"}
    )
    assert figure.get_figwidth() == (3.4 if length <= 12 else 7)
    for axes in figure.axes:
        for text in [axes.title, axes._left_title, *axes.get_yticklabels()]:
            box = text.get_window_extent().transformed(figure.transSubfigure.inverted())
            assert 0 <= box.x0 <= box.x1 <= 1 and 0 <= box.y0 <= box.y1 <= 1
        assert axes.get_position().width * figure.get_figwidth() > 1.2  # inches
    assert set(numbers["a"]) == {a, b}  # whole


def test_each_metric_has_a_panel_and_a_distance_is_beyond_below():
    rows = pd.concat([scores({"ab": 0.45}), scores({"ab": 1.0}, metric="procrustes_distance", null_p95=1.2,
                                                    null_mean=1.3)])  # fmt: skip
    figure, numbers = draw_rows(rows, [chosen(), chosen("rsa"), chosen("procrustes_distance")])
    assert [title(axes).split(" (")[0] for axes in figure.axes] == ["CKA", "procrustes distance"]  # rsa has no score
    assert numbers["beyond_null"].tolist() == [1, 1]
    assert figure.axes[1].lines[1].get_fillstyle() == "full"


def test_a_row_without_null_and_interval_is_a_point():
    nothing = {"ci_low": np.nan, "ci_high": np.nan, "null_mean": np.nan, "null_p95": np.nan}
    figure, _ = draw_rows(scores({"ab": 0.45}, **nothing), [chosen()])
    assert legend(figure) == ["score", "no null"]
    assert not figure.axes[0].patches
