"""Heatmaps: the order of models, what is marked, what stands in the cells."""

import itertools

import numpy as np
import pandas as pd
import pytest

from whyalike.figures.heatmap import draw

ROW = {
    "study": "s", "comparison": "theirs", "setting": "theirs", "setting_b": None, "condition": "a-b",
    "stimuli": "cells_test", "stimuli_kind": "in_distribution", "layer_a": "late", "layer_b": "late",
    "step_a": pd.NA, "step_b": pd.NA, "metric": "cka", "scoring": "cka", "score_protocol": "exact",
    "null_mean": 0.1, "null_p95": 0.2, "untrained": 0.3, "p_value": 0.05, "n": 16, "ci_low": np.nan, "ci_high": np.nan,
}  # fmt: skip


def pairs(values, **given):
    """A pair table of {(a, b): value}."""
    rows = [{**ROW, **given, "name_a": a, "name_b": b, "value": value} for (a, b), value in values.items()]
    return pd.DataFrame(rows)


def two_groups(**given):
    """Models a, c and b, d: alike within each of the two."""
    near = [{"a", "c"}, {"b", "d"}]
    return pairs({pair: 0.9 if set(pair) in near else 0.15 for pair in itertools.combinations("abcd", 2)}, **given)


def labels(figure):
    return [text.get_text() for text in figure.axes[0].get_yticklabels()]


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_models_that_are_alike_stand_together():
    figure, numbers = draw(two_groups())
    order = labels(figure)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset("ac"), frozenset("bd")}
    assert "models clustered, average linkage" in figure.axes[0].get_title(loc="left")
    assert numbers[["a", "b", "value"]].to_numpy().tolist()[0] == ["a", "b", 0.15]
    assert len(numbers) == 6


def test_of_a_distance_what_is_near_stands_together_and_is_bright():
    figure, _ = draw(two_groups(metric="procrustes_distance", scoring="d").assign(
        value=lambda table: 1 - table["value"]), metric="d")  # fmt: skip
    order = labels(figure)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset("ac"), frozenset("bd")}
    assert figure.axes[0].collections[0].cmap.name == "viridis_r"


def test_where_a_pair_is_missing_models_stand_as_configured():
    figure, _ = draw(two_groups()[1:])
    assert labels(figure) == list("abcd")
    assert "models as configured" in figure.axes[0].get_title(loc="left")


def test_cells_within_the_null_and_at_most_as_alike_as_untrained_are_marked_and_counted():
    figure, numbers = draw(pairs({("a", "b"): 0.15, ("a", "c"): 0.25, ("b", "c"): 0.9}))
    assert numbers["beyond_null"].tolist() == [0, 1, 1]
    assert numbers["beyond_untrained"].tolist() == [0, 0, 1]
    assert "score not beyond the end of its null (95 %): 1 of 3" in legend(figure)
    assert "score not beyond its untrained pair: 2 of 3" in legend(figure)
    marks = [line.get_marker() for line in figure.axes[0].lines]
    assert (marks.count("x"), marks.count("o")) == (2, 4)  # on both sides of the diagonal


def test_untrained_pairs_that_are_not_known_are_said():
    figure, _ = draw(pairs({("a", "b"): 0.5}, untrained=np.nan))
    assert "no untrained pair is known" in legend(figure)


def test_a_comparison_of_several_layers_is_layers_by_layers_in_their_order():
    given = {"comparison": "deep", "setting_b": "others"}
    tables = [pairs({("a", "x"): value, ("b", "x"): value + 0.2}, layer_a=a, layer_b=b, **given)
              for (a, b), value in {("early", "l1"): 0.1, ("early", "l2"): 0.2, ("late", "l1"): 0.3,
                                    ("late", "l2"): 0.4}.items()]  # fmt: skip
    figure, numbers = draw(pd.concat(tables))
    assert labels(figure) == ["early", "late"]
    assert "mean of 2 pairs" in figure.axes[0].get_title(loc="left")
    assert numbers["value"].tolist() == pytest.approx([0.2, 0.3, 0.4, 0.5])
    assert numbers["pairs"].tolist() == [2] * 4
    assert "mean score not beyond the mean of the ends of nulls (95 %): 1 of 4" in legend(figure)
    assert "mean score not beyond the mean of untrained pairs: 1 of 4" in legend(figure)


def test_an_asymmetric_metric_fills_one_side_alone():
    figure, _ = draw(pairs({("a", "b"): 0.5, ("a", "c"): 0.6, ("b", "c"): 0.7}, metric="cknna", scoring="cknna"),
                     metric="cknna")  # fmt: skip
    assert labels(figure) == list("abc")
    assert np.ma.count(figure.axes[0].collections[0].get_array()) == 3


def test_layers_of_a_setting_are_panels():
    tables = [two_groups(layer_a=layer, layer_b=layer) for layer in ("early", "late")]
    figure, numbers = draw(pd.concat(tables))
    assert [axes.get_title(loc="left").splitlines()[0] for axes in figure.axes[:2]] == [
        "a  theirs on cells_test", "b  theirs on cells_test",
    ]  # fmt: skip
    assert numbers.groupby("panel")["layer_a"].unique().map(list).tolist() == [["early"], ["late"]]


def test_names_stand_as_the_user_wrote_them_and_text_is_large_enough():
    figure, _ = draw(pairs({("vit_b", "a_long_name_of_a_model_from_the_hub"): 0.5}))
    assert labels(figure)[0] == "vit_b"
    assert "…" in labels(figure)[1]
    figure.draw_without_rendering()
    sizes = [text.get_fontsize() for text in figure.findobj(match=lambda one: hasattr(one, "get_fontsize"))]
    assert min(sizes) >= 6


def test_scores_that_are_not_there_are_named_with_those_that_are():
    with pytest.raises(ValueError, match="no score of svcca, exact is here to draw: the table holds cka, exact"):
        draw(two_groups(), metric="svcca")


def test_representations_are_named_by_what_tells_them_apart():
    """A model of a library has the name of its setting: it stands once."""
    sides = [("cnn", "seed0", "late"), ("cnn", "seed1", "late"), ("clip", "clip", "block1"), ("clip", "clip", "block2")]
    rows = [
        {**ROW, "condition": "all", "setting": a[0], "setting_b": b[0] if b[0] != a[0] else None, "value": 0.5,
         "name_a": a[1], "name_b": b[1], "layer_a": a[2], "layer_b": b[2]}
        for a, b in itertools.combinations(sides, 2)
    ]  # fmt: skip
    figure, _ = draw(pd.DataFrame(rows))
    assert set(labels(figure)) == {"cnn seed0 late", "cnn seed1 late", "clip block1", "clip block2"}
    assert "4 representations" in figure.axes[0].get_title(loc="left")
