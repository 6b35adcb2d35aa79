"""t-SNE and its three tests: what is drawn is what the tables and activations hold."""

import numpy as np
import pandas as pd
import pytest
from figure_tables import dataset_study, representations, task_study

from whyalike.figures.tsne import Representations, draw
from whyalike.statistics.explanations import correlation_within_seeds, feature_norm, participation_ratio

N = 40
LABELS = pd.DataFrame({"digit": [str(i % 4) for i in range(N)], "hue": ["red", "blue"] * (N // 2)})
ATTRIBUTES = ["digit", "hue"]


@pytest.fixture(scope="module")
def task(tmp_path_factory):
    """A task study on one stimulus set, and the representations of its runs."""
    scores = task_study(3)
    path = tmp_path_factory.mktemp("task") / "digits_test.layer1.0.parquet"
    return scores, representations(path, scores, N), Representations([path])


@pytest.fixture(scope="module")
def drawn(task):
    scores, _, found = task
    return draw(scores, found, LABELS, ATTRIBUTES, points=25)


def test_the_layer_is_named_by_the_file_and_may_have_points(task, drawn):
    assert task[2].layer == "layer1.0"
    assert drawn[0].get_suptitle() == (
        "digits on digits_test, layer1.0: t-SNE of 25 of 40 stimuli; scores on classes of both models"
    )


def test_stimuli_stand_once_at_both_ends_with_their_class(drawn):
    stimuli = drawn[1].query("mark == 'stimulus'")
    assert stimuli.groupby("panel")["level"].unique().map(list).to_dict() == {"a": [0.2], "b": [1.0]}
    for _, panel in stimuli.groupby("panel"):
        assert panel["stimulus_id"].is_unique and len(panel) == 25
        assert (panel["class"] == LABELS["digit"].iloc[panel["stimulus_id"]].to_numpy()).all()
    # 25 of 40 were chosen alike in both panels
    assert stimuli.groupby("stimulus_id").size().eq(2).all()


def test_pairs_stand_at_their_classes_ratio_and_norm(task, drawn):
    scores, of_run, _ = task
    common = scores.query("stimuli_kind == 'common'").reset_index(drop=True)
    pairs = drawn[1].query("mark == 'pair'")
    quantities = {"d": participation_ratio, "e": feature_norm}
    for panel, quantity in quantities.items():
        expected = [(quantity(of_run[one.run_a]) + quantity(of_run[one.run_b])) / 2 for one in common.itertuples()]
        shown = pairs[pairs["panel"] == panel].sort_values(["seed", "level"])
        # activations are stored in float32
        assert shown["x"].to_numpy() == pytest.approx(np.array(expected), rel=1e-5)
        assert shown["y"].to_numpy() == pytest.approx(common["value"].to_numpy())
    classes = pairs[pairs["panel"] == "c"].sort_values(["seed", "level"])
    assert classes["x"].tolist() == common["classes"].tolist()


def test_the_tests_are_the_mean_correlation_within_seeds(drawn):
    numbers = drawn[1]
    for _, panel in numbers[numbers["panel"].isin(["c", "d", "e"])].groupby("panel"):
        pairs = panel[panel["mark"] == "pair"]
        [row] = panel[panel["mark"] == "correlation"].itertuples()
        expected = correlation_within_seeds(*(pairs[name].to_numpy(float) for name in ("seed", "x", "y")))
        assert (row.y, row.low, row.high) == pytest.approx((expected.value, *expected.interval))
        assert row.n_seeds == 3


def test_the_same_numbers_come_again(task, drawn):
    again = draw(task[0], task[2], LABELS, ATTRIBUTES, points=25)[1]
    pd.testing.assert_frame_equal(again, drawn[1])


def test_what_does_not_vary_is_no_test(tmp_path):
    scores = dataset_study(2, sets=1)
    representations(tmp_path / "a.b.parquet", scores, N)
    figure, numbers = draw(scores, Representations([tmp_path / "a.b.parquet"]), LABELS, ATTRIBUTES, color_by="hue")
    assert set(numbers.query("mark == 'correlation'")["panel"]) == {"d", "e"}  # ten classes at every level
    titles = [axes.get_title(loc="left") for sub in figure.subfigs for axes in sub.axes]
    assert "c  no test: no seed has three pairs\nthat differ in it" in titles
    assert set(numbers["class"].dropna()) == {"red", "blue"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seed": 9}, r"seed must be one of 0, 1, 2; got 9"),
        ({"color_by": "shape"}, r"color_by must be one of digit, hue; got shape"),
        ({"stimuli_kind": "in_distribution"}, r"stimuli_kind must be one of common, .*; got in_distribution"),
        ({"metric": "svcca"}, r"no scores of svcca, exact"),
    ],
)
def test_an_option_that_names_nothing_is_refused_with_what_there_is(task, options, message):
    with pytest.raises(ValueError, match=message):
        draw(task[0], task[2], LABELS, ATTRIBUTES, **options)


def test_one_level_has_no_two_ends(task):
    scores = task[0].query("condition == '1'")
    with pytest.raises(ValueError, match=r"two levels of overlap: seed 0 has 1"):
        draw(scores, task[2], LABELS, ATTRIBUTES)


def test_each_of_sixteen_classes_has_a_colour_of_its_own_and_the_legend_reads_in_order(task):
    scores, _, found = task
    labels = pd.DataFrame({"digit": [f"class{i % 16}" for i in range(N)]})
    figure, _ = draw(scores, found, labels, ["digit"])
    above = figure.subfigs[0]
    colours = [tuple(one.get_facecolor()[0]) for one in above.axes[0].collections]
    assert len(set(colours)) == len(colours) == 16
    [legend] = above.legends
    figure.draw_without_rendering()
    places = {text.get_text(): text.get_window_extent() for text in legend.get_texts()}
    rows = sorted(places, key=lambda name: (-round(places[name].y0), places[name].x0))
    assert rows == [f"class{i}" for i in range(16)]
