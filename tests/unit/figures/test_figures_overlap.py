"""The overlap figure draws what the tables hold, and says so in its numbers."""

import numpy as np
import pandas as pd
import pytest
from figure_tables import dataset_study, label_study, statistics_of, task_study

from whyalike.figures import overlap
from whyalike.figures.marks import slots
from whyalike.figures.score_panels import score_panels
from whyalike.statistics.findings import overlap_findings


@pytest.fixture(scope="module")
def study():
    scores = dataset_study(levels=(0.0, 0.25, 0.5, 1.0))
    return scores, statistics_of(scores)


@pytest.fixture(scope="module")
def drawn(study):
    """The study's figure and numbers, drawn once: these tests only look at them."""
    return overlap.draw(*study)


@pytest.fixture(scope="module")
def label_drawn():
    scores = label_study()
    return overlap.draw(scores, statistics_of(scores))


@pytest.fixture(scope="module")
def task_drawn():
    scores = task_study(seeds=3)
    return overlap.draw(scores, statistics_of(scores))


def visible(figure):
    return [axes for axes in figure.axes if axes.axison]


def legend_text(axes):
    return "\n".join(text.get_text() for text in axes.get_legend().get_texts())


def figure_text(figure):
    texts = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        texts += [axes.get_title(), axes.get_title(loc="left"), legend_text(axes) if axes.get_legend() else ""]
    return "\n".join(texts)


def test_one_panel_a_stimulus_set_with_n_classes_and_seeds_in_words(drawn):
    figure, _ = drawn
    titles = [axes.get_title(loc="left").replace("\n", ", ") for axes in visible(figure)]
    assert titles == [
        "a  digits on digits_test, in distribution, n = 637, 10 classes, 5 seeds",
        "b  digits on glyphs_test, out of distribution, n = 800, 5 seeds",
        "c  digits on photographs, out of distribution, n = 512, 5 seeds",
    ]
    assert figure.axes[0].get_ylabel() == "CKA (linear, exact)"


def test_numbers_hold_every_score_and_the_statistics_drawn(study, drawn):
    scores, statistics = study
    _, numbers = drawn
    points = numbers[numbers["mark"] == "score"]
    expected = scores.sort_values(["stimuli", "seed", "data_overlap"])[["stimuli", "seed", "data_overlap", "value"]]
    listed = points.sort_values(["stimuli", "seed", "x"])[["stimuli", "seed", "x", "y"]]
    assert listed.to_numpy().tolist() == expected.to_numpy().tolist()
    for estimator in ("slope", "ols_slope", "ols_intercept", "ols_r2"):
        values = statistics.loc[statistics["estimator"] == estimator, "value"].tolist()
        assert numbers.loc[numbers["mark"] == estimator, "y"].tolist() == values


def test_points_in_the_picture_are_the_numbers(drawn):
    figure, numbers = drawn
    for letter, axes in zip("abc", visible(figure), strict=True):
        heights = np.concatenate([dots.get_offsets()[:, 1] for dots in axes.collections if dots.get_offsets().size > 2])
        listed = numbers.loc[(numbers["panel"] == letter) & (numbers["mark"] == "score"), "y"]
        assert sorted(heights) == sorted(listed)


def test_boxes_hold_medians_and_quartiles(study, drawn):
    scores, _ = study
    _, numbers = drawn
    values = scores.query("stimuli == 'digits_test' and data_overlap == 0.5")["value"]
    box = numbers.query("panel == 'a' and mark == 'box' and x == 0.5").iloc[0]
    # numpy and pandas interpolate quartiles alike, up to rounding
    np.testing.assert_allclose(box[["low", "y", "high"]].astype(float), values.quantile([0.25, 0.5, 0.75]), rtol=1e-12)


def test_the_legend_of_a_panel_tells_the_gain_as_the_findings_do_and_the_slopes_of_its_lines(study, drawn):
    figure, numbers = drawn
    _, statistics = study
    a = numbers[numbers["panel"] == "a"].set_index("mark")
    text = legend_text(figure.axes[0])
    slope = a.loc["slope"]
    assert f"R² = {a.loc['ols_r2', 'y']:.3f}, y = {a.loc['ols_slope', 'y']:.3f}x + " in text
    assert f"line: slope {slope['y']:.3f} [{slope['low']:.3f}, {slope['high']:.3f}]" in text
    share, low, high = 100 * a.loc["gain_share", ["y", "low", "high"]].astype(float)
    assert f"gain share {share:.0f} % [{low:.0f}, {high:.0f}]" in text.replace("\N{MINUS SIGN}", "-")
    own = statistics.query("stimuli == 'digits_test' and estimator == 'gain' and score_protocol == 'exact'")
    assert a.loc["gain", "y"] == own["value"].item()
    assert a.loc["gain", "p_holm"] == own["p_holm"].item()
    said = overlap_findings(statistics)[1]
    assert text.splitlines()[0] in said
    assert f"5 seeds\np (Holm, 3 panels) = {own['p_holm'].item():.3f}" in text
    assert said.endswith(f"p (Holm, 3 panels) = {own['p_holm'].item():.3f}.")


@pytest.mark.parametrize("study", [label_study, task_study, dataset_study])
def test_three_panels_share_the_page_whatever_their_legends_say(study):
    scores = study(5)
    figure, _ = overlap.draw(scores, statistics_of(scores))
    figure.draw_without_rendering()
    widths = [axes.get_window_extent().width / figure.dpi for axes in visible(figure)]
    assert min(widths) > 0.8 * figure.get_figwidth() / 3


def test_lines_that_lie_on_each_other_are_said(study, drawn):
    figure, _ = drawn
    assert "(both lines are the same)" in legend_text(figure.axes[0])
    scores, _ = study
    uneven = scores[(scores["seed"] > 1) | (scores["condition"].isin(["0", "1"]))]
    uneven = uneven.assign(value=uneven["value"] + 0.2 * (uneven["seed"] > 1))
    moved, _ = overlap.draw(uneven, statistics_of(uneven))
    assert "both lines" not in legend_text(moved.axes[0])


def test_a_line_over_all_points_is_called_as_published_for_published_scores_alone(study, drawn):
    scores, _ = study

    def shared(figure):
        return [text.get_text() for text in figure.legends[0].get_texts()]

    assert "one line over all points" in shared(drawn[0])
    scores = scores.assign(score_protocol="as_published")
    published, _ = overlap.draw(scores, statistics_of(scores), score_protocol="as_published")
    assert "as published: one line over all points" in shared(published)


def test_the_share_of_the_gap_is_that_of_the_statistics_and_absent_without_untrained_pairs(study, drawn):
    scores, statistics = study
    shares = statistics[statistics["estimator"] == "gain_share"]["value"].tolist()
    assert drawn[1].query("mark == 'gain_share'")["y"].tolist() == shares
    alone = scores.assign(untrained=np.nan)
    figure, numbers = overlap.draw(alone, statistics_of(alone))
    assert "gain_share" not in set(numbers["mark"])
    assert "of the gap" not in legend_text(figure.axes[0])


def test_corrected_line_is_the_mean_of_the_lines_of_the_seeds(study, drawn):
    scores, _ = study
    _, numbers = drawn
    of_a = scores[scores["stimuli"] == "digits_test"]
    lines = [np.polyfit(rows["data_overlap"], rows["value"], 1) for _, rows in of_a.groupby("seed")]
    line = numbers.query("panel == 'a' and mark == 'corrected_line'")
    np.testing.assert_allclose(line["y"], np.polyval(np.mean(lines, axis=0), line["x"]), rtol=1e-9)  # rounding


def test_null_band_and_untrained_pair_are_means_of_each_level(study, drawn):
    scores, _ = study
    _, numbers = drawn
    rows = scores.query("stimuli == 'photographs' and data_overlap == 0.25")
    band = numbers.query("panel == 'c' and mark == 'null_band' and x == 0.25").iloc[0]
    assert [band["low"], band["high"]] == pytest.approx([rows["null_mean"].mean(), rows["null_p95"].mean()])
    untrained = numbers.query("panel == 'c' and mark == 'untrained' and x == 0.25")["y"].item()
    assert untrained == pytest.approx(rows["untrained"].mean())


def test_conditions_of_level_two_are_drawn_apart_with_markers_of_their_own(label_drawn):
    [panel, _] = score_panels(label_study(), pd.DataFrame(), metrics=["cka"], score_protocol="exact")
    place = slots(panel).place
    assert (place[1, "1"], place[2, "2B"], place[3, "3"]) == (1, 2, 3)
    assert 1.5 < place[2, "2A"] < 2 < place[2, "2C"] < 2.5
    figure, _ = label_drawn
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["1", "2A", "2B", "2C", "3"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    shared = {"1": "0", "2A": "0.475", "2B": "0.513", "2C": "0.513", "3": "1"}
    assert legend[:5] == [f"{condition} (label information {number})" for condition, number in shared.items()]
    markers = [handle.get_marker() for handle in figure.legends[0].legend_handles[:5]]
    assert len(set(markers)) == 5


def test_boxes_of_level_two_do_not_overlap():
    [panel, _] = score_panels(label_study(), pd.DataFrame(), metrics=["cka"], score_protocol="exact")
    where = slots(panel)
    places = sorted(where.place.values())
    assert min(np.diff(places)) > where.width


def test_label_gram_is_drawn_where_it_is_known_and_only_there(drawn, label_drawn):
    figure, numbers = label_drawn
    assert set(numbers.loc[numbers["mark"] == "label_gram", "panel"]) == {"a"}
    assert "label Gram (the labels alone)" in figure_text(figure)
    assert "label Gram" not in figure_text(drawn[0])


def test_published_line_of_a_label_study_runs_over_levels_and_the_corrected_slope_over_overlap(label_drawn):
    _, numbers = label_drawn
    a = numbers[numbers["panel"] == "a"]
    for mark, rise in (("published_line", 2 * a.loc[a["mark"] == "ols_slope", "y"].item()),
                       ("corrected_line", a.loc[a["mark"] == "slope", "y"].item())):  # fmt: skip
        ends = a[a["mark"] == mark]
        assert ends["x"].tolist() == [1, 3]
        assert np.diff(ends["y"]).item() == pytest.approx(rise)


def test_three_seeds_get_no_star_and_no_p_value(label_drawn, task_drawn):
    for figure, _ in (label_drawn, task_drawn):
        text = figure_text(figure)
        assert "3 seeds" in text
        assert "*" not in text
        assert "p =" not in text


def test_missing_kinds_are_absent_panels(task_drawn):
    scores = task_study()
    assert len(visible(task_drawn[0])) == 4
    fewer = scores[scores["stimuli_kind"] != "ood_both"]
    figure, numbers = overlap.draw(fewer, pd.DataFrame())
    assert len(visible(figure)) == 3
    assert set(numbers["stimuli_kind"]) == {"common", "ood_one", "fixed_classes_1"}


def test_counts_that_grow_with_the_level_are_given_as_a_range(task_drawn):
    figure, _ = task_drawn
    assert "n = 64–320, 1–5 classes" in figure.axes[0].get_title(loc="left")


def test_panels_have_a_fixed_order_whatever_the_order_of_the_table():
    task = task_study(seeds=1)
    other = task[task["stimuli_kind"] == "common"]
    own = other.assign(stimuli="zoo_test", stimuli_kind="in_distribution")
    outside = [other.assign(stimuli=name, stimuli_kind="out_of_distribution") for name in ("photographs", "alphabet")]
    scores = pd.concat([*outside, own, task])
    for rows in (scores, scores.iloc[::-1]):
        panels = score_panels(rows, pd.DataFrame(), metrics=None, score_protocol="exact")
        assert [(panel.key["stimuli"], panel.key["stimuli_kind"]) for panel in panels] == [
            ("digits_test", "common"),
            ("digits_test", "fixed_classes_1"),
            ("digits_test", "ood_one"),
            ("digits_test", "ood_both"),
            ("zoo_test", "in_distribution"),
            ("alphabet", "out_of_distribution"),
            ("photographs", "out_of_distribution"),
        ]


def test_metrics_have_a_fixed_order_with_unlisted_ones_last():
    scores = dataset_study(1, ("svcca", "procrustes", "cka"), levels=(0.0, 1.0), sets=1)
    panels = score_panels(scores, pd.DataFrame(), metrics=None, score_protocol="exact")
    assert [panel.key["metric"] for panel in panels] == ["cka", "svcca", "procrustes"]


def test_ticks_leave_out_levels_that_have_no_room():
    levels = tuple(i / 10 for i in range(11))
    figure, _ = overlap.draw(dataset_study(1, levels=levels), pd.DataFrame())
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]


def test_every_comparison_starts_a_row_and_is_named():
    scores = dataset_study(1, levels=(0.0, 1.0), comparisons=("cnn", "resnet18"))
    figure, _ = overlap.draw(scores, pd.DataFrame())
    titles = [axes.get_title(loc="left") for axes in visible(figure)]
    assert len(titles) == 6
    assert titles[3].startswith("d  resnet18 on digits_test")


def test_layer_pairs_of_one_pair_are_averaged_and_named():
    scores = dataset_study(3, levels=(0.0, 1.0))
    other = scores.assign(layer_a="logvar", value=scores["value"] + 0.2)
    figure, numbers = overlap.draw(pd.concat([scores, other], ignore_index=True), pd.DataFrame())
    drawn = numbers.loc[numbers["mark"] == "score", "y"].sort_values().to_numpy()
    np.testing.assert_allclose(drawn, np.sort(scores["value"]) + 0.1, rtol=1e-12)  # rounding of the mean
    assert all("mean of penultimate, logvar" in axes.get_title(loc="left") for axes in visible(figure))


def test_without_statistics_there_are_points_and_no_lines():
    figure, numbers = overlap.draw(dataset_study(3, levels=(0.0, 1.0)), pd.DataFrame())
    assert set(numbers["mark"]) == {"score", "box", "whiskers", "null_band", "untrained"}
    assert figure.axes[0].get_legend() is None


def test_empty_table_names_study_and_remedy(study):
    scores, statistics = study
    with pytest.raises(ValueError, match=r"study 'dataset_study' has no score .* is empty.*run the similarity stage"):
        overlap.draw(scores.iloc[:0], statistics)
    with pytest.raises(ValueError, match=r"study 'dataset_study'.*metric svcca .*holds dataset_study, cka, exact"):
        overlap.draw(scores, statistics, metric="svcca")


def test_several_studies_need_a_name(study):
    scores, statistics = study
    both = pd.concat([scores, task_study()], ignore_index=True)
    with pytest.raises(ValueError, match="the tables hold dataset_study, task_study"):
        overlap.draw(both, statistics)
    figure, _ = overlap.draw(both, statistics, study="dataset_study")
    assert len(visible(figure)) == 3


def test_missing_column_unknown_factor_and_missing_overlap_are_named(study):
    scores, statistics = study
    with pytest.raises(ValueError, match="stimuli_kind missing"):
        overlap.draw(scores.drop(columns="stimuli_kind"), statistics)
    with pytest.raises(ValueError, match="the score table has width"):
        overlap.draw(scores.assign(factor="width"), statistics)
    with pytest.raises(ValueError, match="20 of 20 rows of digits have none"):
        overlap.draw(scores.assign(data_overlap=None), statistics)
