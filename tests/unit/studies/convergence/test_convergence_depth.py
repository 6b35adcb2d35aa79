"""The table of depth, of planted scores."""

import numpy as np
import pytest
from studies.convergence.planted_scores import accuracy_rows, analysed, one, parameters, score_rows, seeds

from whyalike.files import read_table
from whyalike.studies.convergence.statistics import depth
from whyalike.studies.convergence.statistics.reading import SCHEMA, Pairs, over_models

ENDS = {"start": 0, "final": 100}


def _accuracy(models=6, **more):
    return accuracy_rows(lambda step, _: 0.1 + 0.008 * step, lambda step, _: 2.0, seeds(models), ENDS, **more)


def _effect(model):
    """A model's own, mean 0 over the first six."""
    return 0.01 * (int(model[4:]) - 2.5)


def _planted(checkpoint, at, a, b):
    """.9 - .4 depth at the end, .6 - .4 depth at the start: a gain of .3 everywhere."""
    return 0.6 - 0.4 * at + 0.3 * (checkpoint == "final") + _effect(a) + _effect(b)


def _table(tmp_path, value=_planted, models=6, given=None, **more):
    scores = score_rows(value, seeds(models), ENDS, **more)
    return analysed(depth, tmp_path, given or parameters("resnet"), scores, _accuracy(models))


def test_ends_gains_and_slopes_are_those_that_were_planted(tmp_path):
    table = _table(tmp_path, layers=5)
    assert one(table, "final", layer="conv1").value == pytest.approx(0.8)
    assert one(table, "start", layer="conv1").value == pytest.approx(0.5)
    assert one(table, "gain", layer="conv4").value == pytest.approx(0.3)
    assert one(table, "gain_ratio", layer="conv4").value == pytest.approx(150)  # .3 of .2
    assert [one(table, name).value for name in ("slope", "slope_start")] == pytest.approx([-0.4, -0.4])
    assert one(table, "gain_slope").value == pytest.approx(0, abs=1e-12)
    assert [one(table, name).value for name in ("accuracy", "accuracy_start")] == pytest.approx([0.9, 0.1])
    final = one(table, "final", layer="conv0")
    assert (final["models"], final["pairs"], final["n"], final["depth"]) == (6, 15, 600, 0)
    assert final.ci_low < 0.9 < final.ci_high and list(table.columns) == SCHEMA.names


def test_ratios_of_means_differ_from_means_of_ratios(tmp_path):
    # depths 0, .25 (early), .5 (neither), .75, 1 (late); at the start .6 .5 . .3 .2, at the end .3 more
    table = _table(tmp_path, layers=5)
    assert one(table, "early_ratio").value == pytest.approx(100 * 0.6 / 1.1)
    assert one(table, "late_ratio").value == pytest.approx(100 * 0.6 / 0.5)
    assert one(table, "late_ratio_of_layers").value == pytest.approx(100 * (0.3 / 0.3 + 0.3 / 0.2) / 2)
    assert one(table, "early_gain").value == one(table, "late_gain").value == pytest.approx(0.3)


def test_slope_at_equal_width_is_of_the_layers_of_the_commonest_width(tmp_path):
    def value(checkpoint, at, a, b):
        return 0.9 - 0.4 * at if at < 1 else 0.0

    scores = [{**row, "width": 16 if row["index"] < 3 else 512} for row in score_rows(value, seeds(4), ENDS, layers=4)]
    table = analysed(depth, tmp_path, parameters("resnet"), scores, _accuracy(4))
    found = one(table, "slope_equal_width")
    assert found.value == pytest.approx(-0.4) and found["width"] == 16
    assert one(table, "slope").value < -0.5


def test_slopes_and_gains_have_a_p_and_gains_one_that_is_adjusted_over_layers(tmp_path):
    def value(checkpoint, at, a, b):
        return 0.5 + (0.1 + _effect(a) + _effect(b)) * (checkpoint == "final")

    table = _table(tmp_path, value, layers=4)
    gains = table[table["quantity"] == "gain"]
    assert (gains["p"] < 0.05).all() and np.allclose(gains["p_holm"], 4 * gains["p"])
    assert 0 <= one(_table(tmp_path), "slope").p < 0.05


def test_linear_less_procrustes_is_by_layer_analysis_and_pair(tmp_path):
    rows = [
        row
        for metric, more in (("linear", 0.05), ("procrustes", 0.0))
        for row in score_rows(lambda *at, more=more: _planted(*at) + more * (1 + at[1]), seeds(5), ENDS, metric=metric)
    ]
    table = analysed(depth, tmp_path, parameters("resnet"), rows, _accuracy(5))
    found = [one(table, "linear_less_procrustes", layer=f"conv{at}") for at in range(3)]
    assert [row.value for row in found] == pytest.approx([0.05, 0.075, 0.1])
    assert all(row.scoring == "linear" for row in found)
    assert found[0].ci_high - found[0].ci_low < 1e-9  # models' own effects are in both, and cancel


def test_p_of_linear_less_procrustes_is_adjusted_over_layers_and_not_their_mean(tmp_path):
    def value(checkpoint, at, a, b):
        return 0.55 + 0.01 * (_effect(a) + _effect(b))

    rows = [
        row
        for metric, of in (("linear", value), ("procrustes", lambda *at: 0.5))
        for row in score_rows(of, seeds(5), ENDS, layers=3, metric=metric)
    ]
    table = analysed(depth, tmp_path, parameters("resnet"), rows, _accuracy(5))
    own = table[table["quantity"] == "linear_less_procrustes"]
    of_layers = own[own["layer"].notna()]
    assert len(own) == 4 and np.allclose(of_layers["p_holm"], 3 * of_layers["p"])
    assert own.loc[own["layer"].isna(), "p_holm"].isna().all()


def test_shuffled_less_given_labels_is_over_the_layers_that_both_have_and_says_so(tmp_path, caplog):
    def shuffled(checkpoint, at, a, b):
        return None if at == 1 else _planted(checkpoint, at, a, b) - 0.1 * (1 + at)

    rows = [*score_rows(_planted, seeds(5), ENDS, layers=3),
            *score_rows(shuffled, seeds(5), ENDS, layers=3, group="resnet_shuffled", setting="resnet")]  # fmt: skip
    with caplog.at_level("INFO", "whyalike"):
        table = analysed(depth, tmp_path, parameters("resnet", "resnet_shuffled"), rows, _accuracy(5))
    found = one(table, "shuffled_less_given")
    assert found.value == pytest.approx(-0.125) and found["group"] == "resnet"
    assert "shuffled_less_given is over the 2 of 3 layers that both groups have scores of" in caplog.text


def test_both_analyses_and_rank_correlations_have_rows_of_their_own(tmp_path):
    rows = [
        *score_rows(_planted, seeds(4), ENDS),
        *score_rows(lambda *at: _planted(*at) - 0.1, seeds(4), ENDS, analysis="as_published"),
        *score_rows(lambda *at: _planted(*at) - 0.2, seeds(4), ENDS, comparison="spearman"),
    ]
    table = analysed(depth, tmp_path, parameters("resnet"), rows, _accuracy(4))
    first = {"layer": "conv0"}
    own = one(table, "final", analysis="corrected", comparison="pearson", **first).value
    assert one(table, "final", analysis="as_published", **first).value == pytest.approx(own - 0.1)
    assert one(table, "final", comparison="spearman", **first).value == pytest.approx(own - 0.2)


def test_a_start_near_0_has_no_ratio_and_a_note_counts_it(tmp_path, caplog):
    def value(checkpoint, at, a, b):
        return 0.5 if checkpoint == "final" else 0.003 + _effect(a) + _effect(b)  # its error is .015

    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, value)
    assert not table["quantity"].str.contains("ratio").any()
    assert (
        "depth, resnet: layers without gain_ratio: the start is not 2 errors above 0, or has no scores (3)"
        in caplog.text
    )
    assert one(table, "gain", layer="conv0").value == pytest.approx(0.5, abs=0.01)


def test_one_layer_has_no_slope_and_is_early(tmp_path, caplog):
    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, layers=1)
    assert not table["quantity"].str.contains("slope").any()
    assert "no slope: it needs two layers (1)" in caplog.text and "no late layers (1)" in caplog.text
    assert one(table, "early_gain").value == pytest.approx(0.3)


def test_two_models_have_values_without_intervals(tmp_path):
    table = _table(tmp_path, models=2)
    found = one(table, "final", layer="conv0")
    assert np.isfinite(found.value) and np.isnan([found.ci_low, found.ci_high, found.p]).all()
    assert (found["models"], found["pairs"]) == (2, 1) and np.isfinite(one(table, "slope").value)


def test_a_pair_that_lacks_a_score_is_left_out_of_the_gain_alone(tmp_path, caplog):
    def value(checkpoint, at, a, b):
        gone = checkpoint == "start" and at == 0 and (a, b) == ("seed0", "seed1")
        return None if gone else _planted(checkpoint, at, a, b)

    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, value)
    assert "depth, resnet: scores of single pairs are missing, which are left out (1)" in caplog.text
    assert one(table, "gain", layer="conv0")["pairs"] == 14 and one(table, "final", layer="conv0")["pairs"] == 15
    assert one(table, "gain", layer="conv0").value == pytest.approx(0.3)


def test_without_untrained_scores_there_are_final_ones_alone(tmp_path):
    scores = [row for row in score_rows(_planted, seeds(4), ENDS) if row["checkpoint"] == "final"]
    table = analysed(depth, tmp_path, parameters("resnet"), scores, _accuracy(4))
    assert set(table["quantity"]) == {"final", "fold_sd", "slope", "slope_equal_width", "accuracy", "accuracy_start"}


def test_other_models_of_a_grid_are_in_no_main_pair(tmp_path):
    models = [*seeds(4), "seed0.start1", "seed0.order1"]

    def value(checkpoint, at, a, b):
        return 0.5 if "." not in a + b else 0.9

    table = analysed(depth, tmp_path, parameters("resnet"), score_rows(value, models, ENDS), _accuracy(4))
    assert one(table, "final", layer="conv0").value == 0.5 and one(table, "final", layer="conv0")["pairs"] == 6


def test_two_scores_of_one_pair_are_refused(tmp_path):
    rows = list(score_rows(_planted, seeds(3), ENDS))
    with pytest.raises(ValueError, match="seed0, seed1 have several scores of one checkpoint, layer"):
        analysed(depth, tmp_path, parameters("resnet"), [*rows, rows[0]], _accuracy(3))


def test_equal_scores_give_equal_files(tmp_path):
    _table(tmp_path)
    first = (tmp_path / "statistics.parquet").read_bytes()
    _table(tmp_path)
    assert (tmp_path / "statistics.parquet").read_bytes() == first
    assert read_table(tmp_path / "statistics.parquet").schema.names == SCHEMA.names


def test_intervals_of_the_mean_gain_hold_it_as_often_as_they_say():
    """400 worlds of 6 models whose gain is .2 + g_a + g_b + noise of the pair: 95 % +- 2 SE (1.1 %), or more."""
    g = np.random.default_rng(5)
    i, j = np.triu_indices(6, 1)
    pairs = Pairs(tuple(f"seed{at}" for at in i), tuple(f"seed{at}" for at in j))
    held = 0
    for _ in range(400):
        own = 0.03 * g.normal(size=6)
        found = over_models(pairs, 0.2 + own[i] + own[j] + 0.01 * g.normal(size=len(i)))
        held += found.low <= 0.2 <= found.high
    assert 0.928 <= held / 400 <= 0.99
