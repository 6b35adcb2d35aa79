"""The factorial's figure: its numbers are those of the tables, its words those of the findings, and it can be read."""

import numpy as np
import pytest
from figure_tables import crossed_study as study
from figure_tables import statistics_of

from whyalike.designs.factorial import BRIDGE, overlaps
from whyalike.figures.factorial import draw
from whyalike.statistics.inference import t_interval


def test_numbers_are_those_of_the_tables():
    scores, statistics = study()
    _, numbers = draw(scores, statistics)
    means = numbers[numbers["mark"] == "mean"]
    assert len(means) == 12
    for row in means.itertuples():
        own = scores[(scores["data_overlap"] == row.data_overlap) & (scores["label_overlap"] == row.label_overlap)]
        assert row.y == pytest.approx(own["value"].mean())
        assert (row.low, row.high) == pytest.approx(t_interval(own["value"]))
    assert (numbers["mark"] == "seed").sum() == 60
    table = statistics.set_index("estimator")
    for name in ("effect_data", "effect_label", "label_minus_data", "interaction"):
        [row] = numbers[numbers["mark"] == name].itertuples()
        assert (row.y, row.low, row.high) == tuple(table.loc[name, ["value", "ci_low", "ci_high"]])
        assert row.share == table.loc[f"share_{name.removeprefix('effect_')}", "value"]
        assert numbers[numbers["mark"] == f"{name}, seed"]["y"].mean() == pytest.approx(row.y)
    assert numbers[numbers["mark"] == "floor"]["y"].tolist() == pytest.approx([0.1])


def test_the_paper_s_labels_have_stars_an_effect_and_a_legend_entry_and_leave_the_lines_as_they_are():
    scores, statistics = study(bridge=BRIDGE)
    figure, numbers = draw(scores, statistics)
    of_bridge = scores["condition"].isin(BRIDGE)
    stars = numbers[numbers["mark"] == "paper's labels"]
    assert {(row.data_overlap, row.label_overlap) for row in stars.itertuples()} == set(map(overlaps, BRIDGE))
    for row in stars.itertuples():
        own = scores[of_bridge & (scores["data_overlap"] == row.data_overlap)]
        by_seed = own[own["label_overlap"] == row.label_overlap].groupby("seed")["value"].mean()
        assert row.y == pytest.approx(by_seed.mean())
        assert (row.low, row.high) == pytest.approx(t_interval(by_seed))
    [effect] = numbers[numbers["mark"] == "bridge_label"].itertuples()
    assert effect.y == statistics.set_index("estimator").loc["bridge_label", "value"]
    _, alone = draw(scores[~of_bridge], statistics)
    lines = ["seed", "mean", "labels alone", "effect_label"]
    kept = numbers[numbers["mark"].isin(lines)].reset_index(drop=True)
    assert kept.equals(alone[alone["mark"].isin(lines)].reset_index(drop=True))
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "paper's labels: shape, digit" in said


def test_the_right_axis_runs_from_untrained_to_same_data_and_labels():
    scores, statistics = study()
    figure, _ = draw(scores, statistics)
    figure.draw_without_rendering()
    above = figure.axes[0]
    [right] = above.child_axes
    ceiling = statistics.set_index("estimator").loc["ceiling", "value"]
    low, high = above.get_ylim()
    assert right.get_ylim() == pytest.approx([100 * (y - 0.1) / (ceiling - 0.1) for y in (low, high)])


def test_where_untrained_pairs_are_more_alike_there_is_no_scale_of_shares():
    scores, statistics = study(untrained=0.95)
    figure, numbers = draw(scores, statistics)
    assert not figure.axes[0].child_axes
    assert figure.axes[1].get_xlabel() == "change of the score"
    assert "floor" in set(numbers["mark"])


def test_intervals_of_two_seeds_do_not_hide_the_points():
    scores, _ = study(seeds=2)
    scores["value"] += 0.2 * scores["seed"]
    figure, numbers = draw(scores, statistics_of(scores))
    drawn = numbers[~numbers["mark"].str.contains("effect|interaction|minus")]
    low, high = figure.axes[0].get_ylim()
    spread = drawn["y"].max() - drawn["y"].min()
    assert low <= drawn["y"].min() and high >= drawn["y"].max()
    assert high - low <= 1.8 * spread + 1e-9  # 0.4 of the range on both sides; rounding
    assert numbers["high"].max() - numbers["low"].min() > 2 * spread  # what the frame cuts off


def test_without_untrained_pairs_and_labels_there_is_no_second_axis_and_no_mark_of_them():
    scores, statistics = study(untrained=np.nan, label_gram=np.nan)
    figure, numbers = draw(scores, statistics)
    assert not figure.axes[0].child_axes
    assert not {"floor", "labels alone"} & set(numbers["mark"])
    assert numbers["share"].isna().all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seeds": 3}, "interaction: no claim with 3 seeds, 6 needed"),
        ({"seeds": 8}, "no interaction claimed"),
        ({"metric": "mutual_knn"}, "no angle to check interaction on"),
    ],
)
def test_the_answer_stands_over_the_effects(changes, words):
    scores, statistics = study(**changes)
    figure, _ = draw(scores, statistics, metric=changes.get("metric", "cka"))
    assert figure.axes[1].get_title(loc="left") == words


def test_four_comparisons_take_two_lines_and_leave_no_empty_axes():
    scores, statistics = study(comparisons=("a", "b", "c", "d"), kinds=("in_distribution", "out_of_distribution"))
    figure, numbers = draw(scores, statistics)
    figure.draw_without_rendering()
    assert sum(axes.axison for axes in figure.axes) == 8
    assert set(numbers["stimuli_kind"]) == {"in_distribution"}
    assert list(numbers["panel"].unique()) == ["a", "b", "c", "d"]
    _, others = draw(scores, statistics, stimuli_kind="out_of_distribution")
    assert set(others["stimuli_kind"]) == {"out_of_distribution"}


def test_nothing_to_draw_says_what_the_table_holds():
    scores, statistics = study()
    with pytest.raises(ValueError, match=r"svcca.*the table holds factorial, cka, exact, in_distribution"):
        draw(scores, statistics, metric="svcca")
