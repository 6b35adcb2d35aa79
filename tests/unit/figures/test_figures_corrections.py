"""What the corrections change: both estimates of every cell, and the sentence that counts them."""

import numpy as np
import pandas as pd
import pytest
from figure_tables import both_protocols, dataset_study, label_study

from whyalike.figures.corrections import cells, draw, sentence


@pytest.fixture(scope="module")
def statistics():
    return both_protocols(dataset_study(3), label_study())


def value(statistics, **where):
    rows = statistics
    for name, one in where.items():
        rows = rows[rows[name] == one]
    [found] = rows["value"]
    return found


def test_every_cell_has_the_estimates_of_its_protocols(statistics):
    numbers = cells(statistics, "cka").set_index(["study", "stimuli", "quantity"])
    assert len(numbers) == 2 * (3 + 2)
    own = {"study": "dataset_study", "stimuli": "digits_test"}
    published = {**own, "protocol": "as_published", "score_protocol": "as_published"}
    exact = {**own, "protocol": "corrected", "score_protocol": "exact"}
    slope = numbers.loc[("dataset_study", "digits_test", "slope")]
    assert slope["as_published"] == value(statistics, **published, estimator="ols_slope")
    assert slope["corrected"] == value(statistics, **exact, estimator="slope")
    share = numbers.loc[("dataset_study", "digits_test", "information")]
    information = value(statistics, **published, estimator="mi_ksg")
    assert share["as_published"] == pytest.approx(information / np.log(5))  # five levels, a pair a seed at each
    assert share["corrected"] == value(statistics, **exact, estimator="mi_adjusted")


def test_published_information_of_labels_is_a_share_of_the_entropy_over_its_pairs(statistics):
    [share] = cells(statistics, "cka").query("stimuli == 'csd_test' and quantity == 'information'")["as_published"]
    where = {
        "study": "label_study",
        "stimuli": "csd_test",
        "protocol": "as_published",
        "score_protocol": "as_published",
    }
    over_pairs = -(2 * 0.2 * np.log(0.2) + 0.6 * np.log(0.6))  # three of five pairs are of level 2; over levels ln 3
    assert share == pytest.approx(value(statistics, **where, estimator="mi_ksg") / over_pairs)


def test_slopes_of_labels_are_per_unit_of_overlap(statistics):
    numbers = cells(statistics, "cka").query("study == 'label_study' and quantity == 'slope'")
    # scores as published are exact ones plus .1 per unit of overlap; levels 1, 2, 3 would halve the published slope
    assert numbers["as_published"].to_numpy() == pytest.approx(numbers["corrected"].to_numpy() + 0.1, abs=0.02)


def test_published_tables_have_no_exact_scores_and_are_cells_all_the_same(statistics):
    theirs = statistics[statistics["score_protocol"] == "as_published"].assign(comparison="published", study="theirs")
    numbers = cells(pd.concat([statistics, theirs]), "cka")
    assert len(numbers.query("comparison == 'published'")) == len(numbers.query("comparison != 'published'"))


def test_the_sentence_counts_signs_sizes_and_intervals():
    rows = [("slope", 1.0, -1.0, -2.0, -0.5), ("slope", 1.0, 0.5, -0.1, 0.9), ("slope", 1.0, 0.95, 0.9, 1.0),
            ("information", 0.5, 0.1, -0.2, 0.4)]  # fmt: skip
    numbers = pd.DataFrame(rows, columns=["quantity", "as_published", "corrected", "low", "high"])
    assert sentence(numbers) == (
        "Corrected, with exact scores where there are any, 1 of 3 slopes have another sign and 1 others another size "
        "(by over 10\N{NO-BREAK SPACE}%); 1 of 3 intervals, over seeds and not over points, include zero; 1 of 1 "
        "shares of information are smaller."
    )


def test_the_figure_shows_its_numbers_and_names_studies_and_cells(statistics):
    figure, numbers = draw(statistics)
    pd.testing.assert_frame_equal(numbers, cells(statistics, "cka"))
    left = figure.axes[0]
    labels = [tick.get_text() for tick in left.get_yticklabels()]
    assert labels[:2] == ["dataset study", "digits on digits_test, in distribution"]
    drawn = {line.get_label(): line.get_xdata() for line in left.lines}
    slopes = numbers[numbers["quantity"] == "slope"]
    assert drawn["as published (no interval)"].tolist() == slopes["as_published"].tolist()
    assert drawn["corrected, 95 % interval over seeds"].tolist() == slopes["corrected"].tolist()


def test_a_metric_that_is_not_there_is_refused(statistics):
    with pytest.raises(ValueError, match=r"no panel has a slope of svcca as published and corrected"):
        draw(statistics, metric="svcca")
