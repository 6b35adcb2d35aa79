"""The table of grids of starts and orders, of planted scores."""

import numpy as np
import pandas as pd
import pytest
from studies.convergence.planted_scores import analysed, grid, one, parameters, relation_of, score_rows, seeds

from whyalike.studies.convergence.statistics import grid as of_grid
from whyalike.studies.convergence.statistics.reading import place_of

CHECKPOINTS = {"start": 0, "step8": 8, "step64": 64, "final": 128}
LEVELS = {  # from both sides to one
    "start": {"same_start": 1.0, "same_order": 0.2, "independent": 0.2},
    "step8": {"same_start": 0.7, "same_order": 0.5, "independent": 0.4},
    "step64": {"same_start": 0.81, "same_order": 0.8, "independent": 0.8},
    "final": {"same_start": 0.85, "same_order": 0.85, "independent": 0.85},
}


def _planted(checkpoint, depth, a, b):
    return LEVELS[checkpoint][relation_of(a, b)]


def _noisy(seed, of_models=0.0, of_pairs=0.02):
    g = np.random.default_rng(seed)
    effects = {}

    def value(checkpoint, depth, a, b):
        own = [effects.setdefault((checkpoint, depth, name), of_models * g.normal()) for name in (a, b)]
        return _planted(checkpoint, depth, a, b) + sum(own) + of_pairs * g.normal()

    return value


def _table(tmp_path, value=_planted, models=None, layers=2, checkpoints=CHECKPOINTS, **more):
    models = grid(3, 3) if models is None else models
    return analysed(of_grid, tmp_path, parameters("resnet"), score_rows(value, models, checkpoints, layers, **more))


def test_means_of_relations_and_their_difference_are_those_that_were_planted(tmp_path):
    table = _table(tmp_path)
    at = {"layer": "conv1", "checkpoint": "step8"}
    for relation, (level, pairs) in {"same_start": (0.7, 9), "same_order": (0.5, 9), "independent": (0.4, 18)}.items():
        found = one(table, relation, **at)
        assert found.value == pytest.approx(level) and (found["pairs"], found["models"]) == (pairs, 9)
        assert found["step"] == 8
    difference = one(table, "order_less_start", **at)
    assert difference.value == pytest.approx(0.2) and difference["pairs"] == 18
    assert difference.ci_low == pytest.approx(0.2) == difference.ci_high


def test_shares_are_all_of_the_variance_where_nothing_else_varies_and_none_where_sharing_does_nothing(tmp_path):
    table = _table(tmp_path)
    start = {"layer": "conv0", "checkpoint": "start"}
    assert one(table, "start_share", **start).value == pytest.approx(1)
    assert not (table[(table["checkpoint"] == "start")]["quantity"] == "order_share").any()  # nothing varies
    noisy = one(_table(tmp_path, _noisy(0)), "order_share", **start)
    assert noisy.value < 0.2 and 0 <= noisy.ci_low <= noisy.value <= noisy.ci_high <= 1


def test_a_share_is_that_of_an_analysis_of_variance_by_hand():
    values, start = np.array([0.9, 0.7, 0.5, 0.3]), np.array([True, True, False, False])
    # means .8 and .4 about .6: between 4 * .04, within 4 * .01
    assert of_grid.share_of_kind(values, start) == pytest.approx(0.16 / 0.20)
    assert np.isnan(of_grid.share_of_kind(values, np.zeros(4, bool)))
    assert np.isnan(of_grid.share_of_kind(np.ones(4), start))


def test_crossing_is_the_first_step_whose_whole_interval_is_within_the_bound(tmp_path):
    table = _table(tmp_path)
    assert one(table, "crossing", layer="conv0").value == one(table, "crossing_to_end", layer="conv0").value == 64
    assert one(table, "crossing", layer="conv0").checkpoint == "step64"


def test_a_gap_that_closes_and_opens_again_crosses_but_not_to_the_end(tmp_path, caplog):
    def value(checkpoint, depth, a, b):
        return _planted("step8" if checkpoint == "final" else checkpoint, depth, a, b)

    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, value)
    assert one(table, "crossing", layer="conv0").value == 64
    assert not (table["quantity"] == "crossing_to_end").any() and "no crossing_to_end" in caplog.text


def test_the_mean_over_layers_is_that_of_pairs_that_have_all_and_has_its_own_time(tmp_path):
    def value(checkpoint, depth, a, b):
        if depth and (a, b) == ("seed0", "seed0.order1"):  # one of nine that share a start
            return None
        return _planted(checkpoint, depth, a, b) + (0.1 if depth and relation_of(a, b) == "same_start" else 0)

    table = _table(tmp_path, value)
    found = one(table, "order_less_start", layer=None, checkpoint="step8")
    assert found.value == pytest.approx(0.2 + 0.1 / 2) and found["pairs"] == 17
    assert one(table, "order_less_start", layer=None, checkpoint="final").value == pytest.approx(0.05)
    assert one(table, "crossing_to_end", layer="conv0").value == 64
    assert not ((table["quantity"] == "crossing_to_end") & table["layer"].isna()).any()


def test_an_interval_that_is_wide_does_not_cross(tmp_path):
    table = _table(tmp_path, _noisy(1, of_pairs=0.2))
    assert not table["quantity"].str.startswith("crossing").any()


def test_a_seed_without_a_grid_is_in_no_mean(tmp_path):
    def value(checkpoint, depth, a, b):
        return 0.0 if "seed1" in a + b or "seed2" in a + b else _planted(checkpoint, depth, a, b)

    found = one(
        _table(tmp_path, value, [*grid(3, 3), "seed1", "seed2"]), "independent", layer="conv0", checkpoint="step8"
    )
    assert found.value == pytest.approx(0.4) and found["pairs"] == 18


def test_groups_without_a_grid_are_absent(tmp_path, caplog):
    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, models=seeds(3))
    assert table.empty and "no two models of a seed that share a start or an order" in caplog.text


def test_two_starts_and_two_orders_have_no_interval_but_of_three_seeds(tmp_path):
    at = {"layer": "conv0", "checkpoint": "step8"}
    few = one(_table(tmp_path, models=grid(2, 2)), "order_less_start", **at)
    assert few.value == pytest.approx(0.2) and np.isnan(few.ci_low)
    more = one(_table(tmp_path, _noisy(2), [m for s in seeds(3) for m in grid(2, 2, s)]), "order_less_start", **at)
    assert more.ci_low < more.value < more.ci_high and (more["pairs"], more["models"]) == (12, 12)


def test_without_intervals_there_is_no_crossing(tmp_path, caplog):
    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, models=grid(2, 2))
    assert not table["quantity"].str.startswith("crossing").any()
    assert "no time of crossing: the difference, its interval or its step is not known (3)" in caplog.text


def test_orders_alone_have_no_pairs_of_one_order_and_no_difference(tmp_path):
    table = _table(tmp_path, models=grid(1, 3))
    assert set(table["quantity"]) == {"same_start"}


def test_a_missing_score_leaves_its_pair_out(tmp_path):
    def value(checkpoint, depth, a, b):
        return None if (a, b) == ("seed0", "seed0.order1") else _planted(checkpoint, depth, a, b)

    found = one(_table(tmp_path, value), "same_start", layer="conv0", checkpoint="step8")
    assert found["pairs"] == 8 and found.value == pytest.approx(0.7)


def test_all_analyses_and_scorings_have_rows(tmp_path):
    rows = [row for analysis in ("corrected", "as_published") for metric in ("linear", "procrustes")
            for row in score_rows(_planted, grid(3, 3), CHECKPOINTS, 1, analysis=analysis, metric=metric)]  # fmt: skip
    table = analysed(of_grid, tmp_path, parameters("resnet"), rows)
    crossings = table[table["quantity"] == "crossing"]
    assert len(crossings) == 8 and len(crossings[["analysis", "scoring"]].drop_duplicates()) == 4


def _keys(name):
    seed, start, order = place_of(name)
    return ("start", seed, start), ("order", seed, order), ("model", name)


@pytest.mark.parametrize("names", [grid(3, 3), [*grid(3, 3), *grid(3, 3, "seed1")]], ids=["one seed", "two seeds"])
def test_intervals_hold_the_difference_where_starts_orders_and_pairs_vary(names):
    """300 worlds: levels of starts, orders and models, of pairs, and of what sharing one start (order) does.

    The bound of 92 % is 95 % less two and a half standard errors of a share of 300.
    """
    g, held = np.random.default_rng(3), 0
    for _ in range(300):
        effects = {}

        def drawn(*key, sd, effects=effects):
            return effects.setdefault(key, sd * g.normal())

        def value(_, __, a, b, drawn=drawn):
            (seed, start, order), relation = place_of(a), relation_of(a, b)
            level = sum(drawn(*key, sd=0.02) for name in (a, b) for key in _keys(name))
            shared = {"same_start": lambda: 0.1 + drawn("of start", seed, start, sd=0.03),
                      "same_order": lambda: drawn("of order", seed, order, sd=0.03)}  # fmt: skip
            return 0.6 + level + shared.get(relation, lambda: 0.0)() + 0.01 * g.normal()

        rows = list(score_rows(value, names, {"final": 128}, layers=1))
        found = of_grid.of_layer(of_grid.grids(of_grid.of_grids(pd.DataFrame(rows))))["order_less_start"]
        held += found.low <= 0.1 <= found.high
    assert held / 300 >= 0.92
