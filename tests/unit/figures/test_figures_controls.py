"""The ladder's figure: its rows from the top, its numbers those of the tables."""

import pandas as pd
import pytest
from control_tables import controls_scores

from whyalike.designs.controls import RUNGS
from whyalike.designs.factorial import CONDITIONS
from whyalike.figures.accuracy import draw as draw_accuracy
from whyalike.figures.controls import ROWS, draw
from whyalike.statistics.study import study_statistics


def test_every_rung_has_its_seeds_its_mean_and_its_place_on_the_scale():
    scores = controls_scores()
    statistics = study_statistics(scores)
    figure, numbers = draw(scores, statistics)
    figure.draw_without_rendering()
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == list(ROWS.values())
    assert figure.axes[0].yaxis_inverted()
    table = statistics.set_index("estimator")
    means = numbers[numbers["mark"] == "mean"].set_index("rung")
    assert list(means.index) == list(ROWS)
    for name in set(ROWS) - {"across_seeds"}:
        assert means.loc[name, "y"] == table.loc[f"rung_{name}", "value"]
        assert (numbers[numbers["rung"] == name]["mark"] == "seed").sum() == 5
    assert means.loc["shuffled_labels", "share"] == table.loc["share_shuffled_labels", "value"]
    assert means.loc["across_seeds", "y"] == table.loc["across_seeds", "value"]
    assert (numbers["mark"] == "pair").sum() == 10
    [expected] = numbers[numbers["mark"] == "expected"]["y"]
    assert expected == pytest.approx(table.loc["across_seeds", "value"] - table.loc["across_seeds_less_line", "value"])


def test_without_pairs_across_seeds_their_row_is_empty_and_nothing_is_expected():
    scores = controls_scores()
    scores = scores[scores["condition"] != "across_seeds"]
    _, numbers = draw(scores, study_statistics(scores))
    assert "across_seeds" not in set(numbers["rung"])
    assert "expected" not in set(numbers["mark"])


def test_nothing_to_draw_says_what_the_table_holds():
    scores = controls_scores()
    with pytest.raises(ValueError, match=r"no score of controls, svcca, exact.*the table holds controls, cka, exact"):
        draw(scores, study_statistics(scores), metric="svcca")


def test_accuracies_stand_over_conditions_that_are_no_numbers_and_crowded_names_stand_on_end():
    given = {"setting": "s", "seed": 0, "replica": "0", "classes": 10, "accuracy": 0.9,
             "loss": 1.0, "loss_unit": "nats", "device": "cpu"}  # fmt: skip
    facts = "shape.0.0_digit.0.0_color.0.0"
    for factor, labels, levels in (("controls", "digit", RUNGS), ("factorial", facts, CONDITIONS)):
        levels = [None, *levels]
        runs = pd.DataFrame({"level": levels, "run": [f"r{i}" for i in range(len(levels))]})
        figure, numbers = draw_accuracy(runs.assign(factor=factor, labelling=labels, **given))
        assert set(numbers["category"]) == {"A", *levels} - {None}
        assert {label.get_rotation() for label in figure.axes[0].get_xticklabels()} == {90}
