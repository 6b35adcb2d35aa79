"""The table of time, of planted curves: times, shares, lags, peaks, and what is absent."""

import numpy as np
import pytest
from studies.convergence.planted_scores import accuracy_rows, analysed, grid, one, parameters, score_rows, seeds

from whyalike.statistics.growth import time_to
from whyalike.studies.convergence.statistics import time

STEPS = (1, 2, 4, 8, 16, 32, 64)
CHECKPOINTS = {"start": 0, **{f"step{step}": step for step in STEPS}, "epoch1": 10, "final": 128}
STEP_OF = CHECKPOINTS.get


def _effect(model):
    return 0.004 * (int(model[4:]) - 2.5) if "." not in model else 0.0


def _grown(step):
    """0 at the start and at step 1, 1 at step 128, linear in the logarithm."""
    return np.log2(max(step, 1)) / 7


def _rising(checkpoint, depth, a, b):
    """From .2 to .9, half of it at step 2^3.5, nine tenths at 2^6.3."""
    return 0.2 + 0.7 * _grown(STEP_OF(checkpoint)) + _effect(a) + _effect(b)


def _accuracy(step, model):
    """Has each share of its gain at half as many steps as alignment."""
    return 0.1 + 0.8 * min(_grown(2 * step) if step else 0.0, 1.0) + _effect(model)


def _loss(step, model):
    return 2.3 - 2 * _grown(step) + _effect(model)


def _table(tmp_path, value=_rising, models=6, checkpoints=CHECKPOINTS, accuracy=_accuracy, loss=_loss, **more):
    names = seeds(models)
    return analysed(
        time, tmp_path, parameters("resnet"), score_rows(value, names, checkpoints, layers=2, **more),
        accuracy_rows(accuracy, loss, names, checkpoints),
    )  # fmt: skip


FIRST = {"layer": "conv0", "of": "alignment"}


def test_times_in_updates_samples_learning_rate_and_loss_are_those_that_were_planted(tmp_path):
    table = _table(tmp_path)
    for name, at in (("t50", 2**3.5), ("t90", 2**6.3)):
        assert one(table, name, unit="updates", **FIRST).value == pytest.approx(at)
        assert one(table, name, unit="samples", **FIRST).value == pytest.approx(64 * at)
        assert one(table, name, unit="lr_sum", **FIRST).value == pytest.approx(0.1 * at)
        assert one(table, name, unit="loss", **FIRST).value == pytest.approx(2.3 - 2 * np.log2(at) / 7)
    found = one(table, "t50", unit="updates", **FIRST)
    # models differ in level alone, so without any of them the time is the same
    assert found.ci_low == pytest.approx(found.value) == found.ci_high
    assert (found["models"], found["pairs"], found["n"]) == (6, 15, 600)


def test_times_of_accuracy_and_loss_are_theirs_and_a_loss_gains_by_falling(tmp_path):
    table = _table(tmp_path)
    accuracy = one(table, "t50", of="accuracy", unit="updates", layer=None)
    # 2 step/2^7 in the logarithm: half at 2^2.5; from the start, which has nothing, to step 1 it is linear
    assert accuracy.value == pytest.approx(2**2.5) and np.isnan(accuracy["pairs"])
    assert one(table, "t50", of="loss", unit="updates", layer=None).value == pytest.approx(2**3.5)
    assert one(table, "t50_of_models", of="accuracy").value == pytest.approx(2**2.5)
    assert one(table, "accuracy", checkpoint="final").value == pytest.approx(0.9)
    assert one(table, "loss", checkpoint="start").value == pytest.approx(2.3)


def test_lags_are_below_0_where_accuracy_is_first(tmp_path):
    table = _table(tmp_path)
    for name, share in (("lag50", 3.5), ("lag90", 6.3)):
        found = one(table, name, layer="conv0")
        assert found.value == pytest.approx(2 ** (share - 1) - 2**share) and found.value < 0
        assert one(table, f"{name}_of_pairs", layer="conv1").value == pytest.approx(found.value)
    assert one(table, "lag50_of_loss", layer="conv0").value == pytest.approx(0)


def test_lags_are_tested_and_the_p_is_adjusted_over_layers(tmp_path):
    def value(checkpoint, depth, a, b):
        return _grown(STEP_OF(checkpoint)) ** (1 + (int(a[4:]) + int(b[4:])) / 10)

    rows = _table(tmp_path, value).query("quantity == 'lag50' and layer.notna()")
    assert (rows["p"] < 0.05).all() and np.allclose(rows["p_holm"], 2 * rows["p"])


def test_the_share_at_the_end_of_epoch_1_is_that_of_the_gain(tmp_path):
    table = _table(tmp_path)
    found = one(table, "share_epoch1", **FIRST)
    assert found.value == pytest.approx(np.log2(10) / 7) and (found["step"], found["epoch"]) == (10, 1)
    assert one(table, "share_epoch1", of="loss").value == pytest.approx(np.log2(10) / 7)


def test_without_the_checkpoint_of_epoch_1_there_is_no_share(tmp_path):
    without = {name: step for name, step in CHECKPOINTS.items() if name != "epoch1"}
    table = _table(tmp_path, checkpoints=without)
    assert not (table["quantity"] == "share_epoch1").any() and (table["quantity"] == "t50").any()


def test_a_gain_that_is_less_than_2_errors_has_no_time_and_no_share(tmp_path, caplog):
    def flat(checkpoint, depth, a, b):
        # .01 from start to end, of an error of .011: models move by -.012 to .012
        step = STEP_OF(checkpoint)
        return (
            0.5 + _grown(step) * (0.01 + 1.2 * (_effect(a) + _effect(b)))
            if depth == 0
            else _rising(checkpoint, 1, a, b)
        )

    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, flat)
    gone = table[(table["layer"] == "conv0") & table["quantity"].isin(["t50", "t90", "share_epoch1", "lag50", "lag90"])]
    assert gone.empty and (table["layer"] == "conv1").any()
    assert "no t and share of alignment: its gain is less than 2 errors above 0 (1)" in caplog.text
    assert one(table, "t50", layer="conv1", unit="updates").value == pytest.approx(2**3.5)
    assert one(table, "alignment", layer="conv0", checkpoint="final").value == pytest.approx(0.51)


def test_alignment_that_falls_has_no_time(tmp_path):
    table = _table(tmp_path, lambda *at: 1 - _rising(*at))
    assert table[table["layer"].notna() & table["quantity"].str.startswith(("t50", "lag", "share"))].empty


def test_the_interval_leaves_out_models_that_differ_in_speed(tmp_path):
    def value(checkpoint, depth, a, b):
        late = (int(a[4:]) + int(b[4:])) / 10  # 0.1 to .9
        return _grown(STEP_OF(checkpoint)) ** (1 + late)

    found = one(_table(tmp_path, value), "t50", unit="updates", **FIRST)
    steps = [STEP_OF(one) for one in CHECKPOINTS if one != "epoch1"]
    fastest, slowest = (time_to(steps, [_grown(s) ** power for s in steps], 0.5) for power in (1.1, 1.9))
    assert fastest < found.ci_low < found.value < found.ci_high < slowest


def test_no_interval_of_a_time_begins_before_the_start(tmp_path):
    def value(checkpoint, depth, a, b):  # seed0 is done at step 1, the others at the end
        step = STEP_OF(checkpoint)
        return min(step, 1) if "seed0" in a + b else step / 128

    found = one(_table(tmp_path, value, models=4), "t50", unit="updates", **FIRST)
    assert found.ci_low == 0 and found.value > 0


def test_peak_and_decline_are_those_of_the_mean_curve(tmp_path):
    def value(checkpoint, depth, a, b):
        step = STEP_OF(checkpoint)
        return 0.2 + 0.1 * min(step, 16) / 16 - (0.05 if step > 32 else 0) + _effect(a) + _effect(b)

    table = _table(tmp_path, value)
    peak = one(table, "peak", layer="conv0")
    assert (peak.value, peak.checkpoint) == (16, "step16") and np.isnan(peak.ci_low)
    assert one(table, "decline", layer="conv0").value == pytest.approx(0.05)
    at_the_end = one(_table(tmp_path), "decline", layer="conv0")
    assert at_the_end.value == 0 and np.isnan(at_the_end.ci_low)
    # times are on the way up: the gain is .05, half of it is reached at .225, by step 4
    assert one(table, "t50", unit="updates", **FIRST).value == pytest.approx(4)


def test_a_decline_from_a_peak_that_other_models_choose_is_0_on_average_where_there_is_none(tmp_path):
    def flat(generator):
        # 12 checkpoints of one level, of models that differ at each: the largest of noise is not a peak
        noise = generator.normal(0, 0.05, (12, 6))
        i, j = np.triu_indices(6, 1)
        pairs = time.Pairs(tuple(f"seed{at}" for at in i), tuple(f"seed{at}" for at in j))
        return pairs, 0.5 + noise[:, i] + noise[:, j]

    generator = np.random.default_rng(0)
    worlds = [flat(generator) for _ in range(200)]
    same = [(values.mean(axis=1).max() - values[-1].mean()) for _, values in worlds]
    crossed = [time.declined(*world) for world in worlds]
    # the SD of a mean is 2 * .05/sqrt(6) = .04; the largest of twelve is 1.6 of them above the last
    assert np.mean(same) > 0.05
    # of 200 worlds the mean has an error of about .004
    assert abs(np.mean([one.value for one in crossed])) < 0.012
    above = np.mean([one.low is not None and one.low > 0 for one in crossed])
    assert above < 0.05  # one end of a 95 % interval


def test_a_peak_that_all_models_share_has_its_decline_and_one_at_the_end_has_none(tmp_path):
    def value(checkpoint, depth, a, b):
        step = STEP_OF(checkpoint)
        return 0.2 + 0.1 * min(step, 16) / 16 - (0.05 if step > 32 else 0) + _effect(a) + _effect(b)

    fallen = one(_table(tmp_path, value), "decline_crossed", layer="conv0")
    assert fallen.value == pytest.approx(0.05) == fallen.ci_low and fallen["models"] == 6
    risen = one(_table(tmp_path), "decline_crossed", layer=None)
    assert risen.value == 0 and np.isnan(risen.ci_low)
    assert (_table(tmp_path, value, models=3)["quantity"] != "decline_crossed").all()


def test_the_mean_over_layers_has_a_curve_of_its_own_and_no_part_in_holm(tmp_path):
    def value(checkpoint, depth, a, b):
        step = STEP_OF(checkpoint)
        return 0.2 + depth * 0.1 + (0.7 * _grown(step) if depth else 0.3 * min(step, 1)) + _effect(a) + _effect(b)

    table = _table(tmp_path, value)
    assert one(table, "alignment", layer=None, checkpoint="start").value == pytest.approx(0.25)
    # gains .3 at once and .7 in the logarithm: half of 1 is there where this is at 2/7
    found = one(table, "t50", layer=None, of="alignment", unit="updates")
    assert found.value == pytest.approx(4) and found.scoring == "procrustes"
    assert np.isnan(one(table, "lag50", layer=None)["p_holm"])


def test_alignment_with_the_end_is_the_mean_of_models_and_of_both_directions(tmp_path):
    def rows():
        yield from score_rows(_rising, seeds(3), CHECKPOINTS, layers=1)
        for value, (a, b) in zip(
            (0.5, 0.6, 0.7), (("seed0", "seed0"), ("seed1", "seed1"), ("seed2", "seed2")), strict=True
        ):
            yield from _between(a, b, value, "own_end")
        for at, (a, b) in enumerate((a, b) for a in seeds(3) for b in seeds(3) if a != b):
            yield from _between(a, b, at / 10, "other_end")

    def _between(a, b, value, relation):
        own = next(iter(score_rows(lambda *_: value, ["seed0", "seed1"], {"step8": 8}, layers=1)))
        yield {**own, "a": a, "b": b, "relation": relation}

    table = analysed(time, tmp_path, parameters("resnet"), rows(),
                     accuracy_rows(_accuracy, _loss, seeds(3), CHECKPOINTS))  # fmt: skip
    own, other = (one(table, name, checkpoint="step8") for name in ("own_end", "other_end"))
    assert own.value == pytest.approx(0.6) and own["models"] == 3 and own.ci_low < 0.6 < own.ci_high
    assert other.value == pytest.approx(0.25) and other["pairs"] == 3


def test_checkpoints_that_lie_at_one_step_count_once_and_keep_their_rows(tmp_path):
    same = {"epoch2": "step16", "epoch13": "final"}
    twice = {**CHECKPOINTS, "epoch2": 16, "epoch13": 128}
    table = _table(tmp_path, lambda name, *more: _rising(same.get(name, name), *more), checkpoints=twice)
    assert one(table, "t50", unit="updates", **FIRST).value == pytest.approx(2**3.5)
    assert one(table, "alignment", layer="conv0", checkpoint="epoch2").value == pytest.approx(0.2 + 0.7 * 4 / 7)


def test_a_checkpoint_that_is_missing_makes_times_coarser_and_a_start_that_is_none(tmp_path, caplog):
    def without(*names):
        return lambda name, *more: None if name in names else _rising(name, *more)

    steps = [0, 1, 2, 4, 10, 16, 32, 64, 128]
    table = _table(tmp_path, without("step8"))
    assert one(table, "t50", unit="updates", **FIRST).value == pytest.approx(
        time_to(steps, [_grown(s) for s in steps], 0.5)
    )
    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, without("start"))
    assert "layers, or their mean, without a score at the start or the end, which have no times (3)" in caplog.text
    assert not table["of"].eq("alignment").any() and (table["quantity"] == "alignment").sum() == 3 * 9


def test_a_step_that_nobody_knows_has_alignment_and_no_place_on_a_curve(tmp_path, caplog):
    unknown = {**CHECKPOINTS, "epoch1": None}
    with caplog.at_level("INFO", "whyalike"):
        table = _table(
            tmp_path, lambda name, *more: 0.9 if name == "epoch1" else _rising(name, *more), checkpoints=unknown,
            accuracy=lambda step, model: 0.5 if step is None else _accuracy(step, model),
            loss=lambda step, model: 1.0 if step is None else _loss(step, model),
        )  # fmt: skip
    assert "no step is known of epoch1, which no curve has (1)" in caplog.text
    assert np.isnan(one(table, "alignment", layer="conv0", checkpoint="epoch1")["step"])
    assert one(table, "t50", unit="updates", **FIRST).value == pytest.approx(2**3.5)


def test_two_models_have_times_without_intervals_and_start_and_end_alone_have_none(tmp_path, caplog):
    found = one(_table(tmp_path, models=2), "t50", unit="updates", **FIRST)
    assert found.value == pytest.approx(2**3.5) and np.isnan(found.ci_low) and found["models"] == 2
    with caplog.at_level("INFO", "whyalike"):
        table = _table(tmp_path, checkpoints={"start": 0, "final": 128})
    assert not table["quantity"].str.startswith("t50").any()
    assert "no times of alignment: no checkpoint between start and final (3)" in caplog.text


def test_models_without_accuracy_have_lags_of_loss_alone(tmp_path):
    table = _table(tmp_path, accuracy=lambda step, model: None)
    assert "lag50" not in set(table["quantity"]) and "lag50_of_loss" in set(table["quantity"])
    assert not (table["quantity"] == "accuracy").any()


def test_other_comparisons_and_scorings_are_not_followed(tmp_path):
    rows = [*score_rows(_rising, seeds(3), CHECKPOINTS), *score_rows(_rising, seeds(3), CHECKPOINTS, metric="linear"),
            *score_rows(_rising, seeds(3), {"final": 128}, comparison="spearman")]  # fmt: skip
    table = analysed(time, tmp_path, parameters("resnet"), rows, accuracy_rows(_accuracy, _loss, seeds(3), CHECKPOINTS))
    assert set(table["scoring"].dropna()) == {"procrustes"} and set(table["comparison"].dropna()) == {"pearson"}


def test_groups_on_one_stimuli_are_compared_at_the_smallest_sum_of_learning_rates(tmp_path):
    names = ["resnet", "simclr", "gpt"]
    given = parameters(*names, stimuli={"resnet": "images", "simclr": "images", "gpt": "text"})
    scores = [row for name in names for row in score_rows(_rising, seeds(3), CHECKPOINTS, group=name, layers=1)]
    accuracies = [row for name, rate in zip(names, (0.1, 0.025, 0.001), strict=True)
                  for row in accuracy_rows(_accuracy, _loss, seeds(3), CHECKPOINTS, group=name, rate=rate)]  # fmt: skip
    table = analysed(time, tmp_path, given, scores, accuracies)
    rows = table[table["quantity"] == "at_equal_lr_sum"].set_index("group")
    assert set(rows.index) == {"resnet", "simclr"} and rows["lr_sum"].tolist() == pytest.approx([3.2, 3.2])
    end = 0.9 + 2 * np.mean([_effect(one) for one in seeds(3)])
    assert rows.loc["simclr", "value"] == pytest.approx(end)  # its own end
    assert rows.loc["resnet", "value"] == pytest.approx(end - 0.2)  # at step 32, two of seven doublings earlier


def test_a_transformer_whose_learning_rates_are_small_does_not_move_convolutional_networks_to_their_start(tmp_path):
    names = ["resnet", "simclr", "vit"]
    kinds = {"resnet": "cnn", "simclr": "self_supervised", "vit": "transformer"}
    scores = [row for name in names for row in score_rows(_rising, seeds(3), CHECKPOINTS, group=name, layers=1)]
    accuracies = [row for name, rate in zip(names, (0.1, 0.1, 0.001), strict=True)
                  for row in accuracy_rows(_accuracy, _loss, seeds(3), CHECKPOINTS, group=name, rate=rate)]  # fmt: skip
    table = analysed(time, tmp_path, parameters(*names, kinds=kinds), scores, accuracies)
    rows = table[table["quantity"] == "at_equal_lr_sum"].set_index("group")
    assert set(rows.index) == {"resnet", "simclr"} and rows["lr_sum"].tolist() == pytest.approx([12.8, 12.8])


def test_a_learning_rate_that_is_0_at_the_ends_makes_ties_that_keep_both_ends(tmp_path):
    rows = list(accuracy_rows(_accuracy, _loss, seeds(3), CHECKPOINTS))
    rows = [{**row, "lr_sum": float(np.clip(row["step"], 2, 64) - 2)} for row in rows]  # 0 until 2, 62 from 64 on
    table = analysed(time, tmp_path, parameters("resnet"), score_rows(_rising, seeds(3), CHECKPOINTS, layers=1), rows)
    # 0 has the start (0) and not step 2, 62 has the end (1); between them 8 - 2 and 16 - 2 are around the half
    expected = time_to([0, 2, 6, 8, 14, 30, 62], [0, 2 / 7, 3 / 7, np.log2(10) / 7, 4 / 7, 5 / 7, 1], 0.5)
    assert one(table, "t50", unit="lr_sum", **FIRST).value == pytest.approx(expected)


def test_the_grid_of_one_seed_has_curves_of_its_independent_pairs_with_intervals_over_starts_and_orders(tmp_path):
    models = grid(3, 3)
    scores = score_rows(_rising, models, CHECKPOINTS, layers=1)
    accuracies = accuracy_rows(lambda step, _: _accuracy(step, "seed0"), lambda *_: 2.0, models, CHECKPOINTS)
    table = analysed(time, tmp_path, parameters("resnet"), scores, accuracies)
    found = one(table, "t50", unit="updates", **FIRST)
    assert (found["models"], found["pairs"]) == (9, 18) and found.value == pytest.approx(2**3.5)
    assert np.isfinite(found.ci_low)


def test_both_analyses_have_rows_of_their_own(tmp_path):
    names = seeds(3)

    def fast(name, *more):
        return _rising("final" if STEP_OF(name) > 8 else name, *more)

    scores = [*score_rows(_rising, names, CHECKPOINTS, layers=1),
              *score_rows(fast, names, CHECKPOINTS, layers=1, analysis="as_published")]  # fmt: skip
    accuracies = [row for one in ("corrected", "as_published")
                  for row in accuracy_rows(_accuracy, _loss, names, CHECKPOINTS, analysis=one)]  # fmt: skip
    table = analysed(time, tmp_path, parameters("resnet"), scores, accuracies)
    corrected, published = (one(table, "t90", unit="updates", analysis=name, **FIRST).value
                            for name in ("corrected", "as_published"))  # fmt: skip
    assert corrected == pytest.approx(2**6.3) and 8 < published < 10
