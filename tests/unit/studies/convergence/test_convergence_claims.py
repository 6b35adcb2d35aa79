"""Verdicts on planted tables: each turns when the planted effect does, and what is missing is told."""

import pyarrow as pa
import pytest

from whyalike.figures.registry import FIGURES
from whyalike.files import read_table, write_table
from whyalike.studies.claims import HOLDS, NOT, UNDECIDED, UNTESTABLE, numbers
from whyalike.studies.convergence.claims import named, write_claims
from whyalike.studies.convergence.claims_table import CLAIMS
from whyalike.studies.convergence.evidence import EVIDENCE, Tables
from whyalike.studies.convergence.parameters import ConvergenceStatistics, Scored

GROUPS = {"resnet": "cnn", "resnet_shuffled": "cnn", "vit": "transformer", "gpt": "language", "resnet_b": "cnn"}
PARAMETERS = ConvergenceStatistics(
    groups={group: group.removesuffix("_shuffled") for group in GROUPS}, kinds=GROUPS,
    scored=[Scored(scoring=name, metric=name) for name in ("linear", "procrustes")], over_time=["procrustes"],
    draws=99, seed=0,
)  # fmt: skip
MISSING = dict.fromkeys(("layer", "p", "checkpoint", "unit", "group_b", "ci_low_sets", "ci_high_sets", "shift"))


def row(quantity, value, half=0.01, group="resnet", metric="procrustes", **other):
    """A row of statistics with the interval value +- half."""
    return {
        "group": group, "kind": GROUPS[group], "analysis": "corrected", "scoring": metric, "metric": metric,
        "comparison": "pearson", "quantity": quantity, "value": value, "ci_low": value - half, "ci_high": value + half,
        "models": 6, "pairs": 15, "n": 600, **MISSING, "ci_low_sets": value - half, "ci_high_sets": value + half,
        **other,
    }  # fmt: skip


def judged(tmp_path, key, **tables):
    """The verdict on one claim, from rows of tables by name."""
    return seen(tmp_path, key, **tables).verdict


def seen(tmp_path, key, **tables):
    """What is seen of one claim."""
    inputs = {}
    for name, rows in tables.items():
        inputs[name] = tmp_path / f"{name}.parquet"
        write_table(inputs[name], pa.Table.from_pylist(rows), {})
    return EVIDENCE[key](Tables(PARAMETERS, inputs))


def test_every_claim_has_evidence_and_figures_that_are_known():
    assert [claim.key for claim in CLAIMS] == list(EVIDENCE)
    assert len(CLAIMS) == 13
    kinds = {name.removeprefix("convergence_") for name in FIGURES}
    assert {part.split(" (")[0] for claim in CLAIMS for part in claim.figure.split(", ")} <= kinds


@pytest.mark.parametrize(("key", "table", "quantity", "holds", "fails", "other"), [
    ("falls-with-depth", "depth", "slope", -0.2, 0.2, {}),
    ("rotations-suffice", "depth", "linear_less_procrustes", 0.01, 0.2, {}),
    ("no-basis-in-transformers", "bases", "effect", 0.0, 0.2,
     {"group": "vit", "layer": "block", "checkpoint": "final"}),
    ("first-epoch", "time", "share_epoch1", 0.8, 0.05, {}),
    ("alignment-first", "time", "lag90", 15.0, -15.0, {"unit": "updates"}),
    ("shift-parts-deep-layers", "shifts", "gap_slope", -0.2, 0.2, {"checkpoint": "final"}),
    ("start-forgotten", "grid", "order_less_start", 0.0, 0.1, {"checkpoint": "final"}),
    ("language-peaks-early", "time", "decline_crossed", 0.1, -0.1, {"group": "gpt"}),
])  # fmt: skip
def test_a_verdict_turns_with_the_effect(tmp_path, key, table, quantity, holds, fails, other):
    assert judged(tmp_path, key, **{table: [row(quantity, holds, **other)]}) == HOLDS
    assert judged(tmp_path, key, **{table: [row(quantity, fails, **other)]}).startswith(NOT)
    assert judged(tmp_path, key, **{table: [row(quantity, holds, 100.0, **other)]}).startswith(UNDECIDED)


def test_one_group_against_the_others_leaves_a_claim_undecided_or_fails_it(tmp_path):
    rows = [row("slope", -0.2), row("slope", -0.2, metric="linear"), row("slope", 0.2, group="vit")]
    assert judged(tmp_path, "falls-with-depth", depth=rows) == f"{NOT}: vit"
    rows = [*rows, row("slope", -0.2, group="vit", metric="linear")]
    assert judged(tmp_path, "falls-with-depth", depth=rows) == f"{UNDECIDED}: 1 of 2 say so"


def test_a_fall_that_only_widths_make_is_undecided(tmp_path):
    rows = [row("slope", -0.2), row("slope_equal_width", 0.1)]
    assert judged(tmp_path, "falls-with-depth", depth=rows) == f"{UNDECIDED}: at one width it rises (resnet)"


def test_a_basis_needs_every_layer_after_holm(tmp_path):
    def layers(*values):
        return [row("effect", 0.2, layer=f"conv{i}", p=p, checkpoint="final") for i, p in enumerate(values)]

    assert judged(tmp_path, "privileged-basis", bases=layers(0.01, 0.02)) == HOLDS
    assert judged(tmp_path, "privileged-basis", bases=layers(0.01, 0.06)).startswith(UNDECIDED)
    assert judged(tmp_path, "privileged-basis", bases=layers(0.03, 0.03)).startswith(UNDECIDED)  # Holm: .06


def test_a_gain_that_depends_on_the_mode_of_batch_norm_does_not_hold(tmp_path):
    names = ("early_gain", "late_gain", "gain_slope")
    both = [row(name, 0.2, analysis=mode) for name in names for mode in ("corrected", "as_published")]
    assert judged(tmp_path, "training-raises", depth=both) == HOLDS
    turned = [{**one, "value": -0.2, "ci_low": -0.21, "ci_high": -0.19} if one["analysis"] == "corrected" else one
              for one in both]  # fmt: skip
    assert judged(tmp_path, "training-raises", depth=turned).startswith(UNDECIDED)


def test_models_of_shuffled_labels_that_are_less_alike_contradict_the_input(tmp_path):
    left = [row("partial_share", 0.2, checkpoint="final")]
    alike, apart = [row("shuffled_less_given", 0.0)], [row("shuffled_less_given", -0.3)]
    assert judged(tmp_path, "input-driven", baselines=left, depth=alike) == HOLDS
    assert judged(tmp_path, "input-driven", baselines=left, depth=apart).startswith(NOT)
    assert judged(tmp_path, "input-driven", baselines=left).startswith(UNTESTABLE)


def test_a_group_that_recalibrates_nothing_is_counted_once(tmp_path):
    rows = [row("late_gain", value, group=group, analysis=mode)
            for group, values in (("resnet", (0.2, 0.3)), ("vit", (0.1, 0.1)))
            for value, mode in zip(values, ("corrected", "as_published"), strict=True)]  # fmt: skip
    words = [one.estimand for one in seen(tmp_path, "training-raises", depth=rows).rows]
    assert words == ["gain, depth above .5, vit", "gain, depth above .5, BatchNorm recalibrated, resnet",
                     "gain, depth above .5, BatchNorm as trained, resnet"]  # fmt: skip


def test_language_that_other_models_see_most_alike_at_the_end_contradicts_an_early_peak(tmp_path):
    at_the_end = {**row("decline_crossed", 0.0, group="gpt"), "ci_low": None, "ci_high": None}
    assert judged(tmp_path, "language-peaks-early", time=[at_the_end, row("decline", 0.0, group="gpt")]) == NOT
    # the largest of the same scores decides nothing
    assert judged(tmp_path, "language-peaks-early", time=[row("decline", 0.1, group="gpt")]).startswith(UNTESTABLE)


def test_a_gap_is_that_over_all_shifts(tmp_path):
    rows = [row("gap_slope", -0.2, checkpoint="final"), row("gap_slope", 0.2, checkpoint="final", shift="contrast")]
    assert judged(tmp_path, "shift-parts-deep-layers", shifts=rows) == HOLDS
    wide = [row("gap_slope", -0.2, checkpoint="final", ci_high_sets=0.1)]  # over models it is clear, over sets not
    assert judged(tmp_path, "shift-parts-deep-layers", shifts=wide).startswith(UNDECIDED)


def test_best_matches_are_nearer_than_those_of_permuted_layers_of_all_groups_of_given_labels(tmp_path):
    def rows(distance, p, other="vit"):
        of = {"group_b": other}
        return [row("match_distance", distance, p=p, **of), {**row("null_mean", 0.4, **of), "ci_low": None}]

    found = seen(tmp_path, "depth-matches", layers=[*rows(0.1, 0.02), *rows(0.3, 0.04, "resnet")])
    assert found.verdict == HOLDS and [round(one.value, 9) for one in found.rows] == [-0.3, -0.1]
    assert judged(tmp_path, "depth-matches", layers=[*rows(0.1, 0.02), *rows(0.3, 0.06, "resnet")]).startswith(
        UNDECIDED
    )
    assert judged(tmp_path, "depth-matches", layers=rows(0.6, 0.9)).startswith(NOT)
    assert judged(tmp_path, "depth-matches", layers=rows(0.1, 0.02, "resnet_shuffled")).startswith(UNTESTABLE)


def test_the_p_that_a_page_shows_is_the_one_that_decides(tmp_path):
    rows = [row("effect", 0.2, group=group, layer=layer, p=0.02, checkpoint="final")
            for group in ("resnet", "resnet_b") for layer in ("conv1", "conv2")]  # fmt: skip
    found = seen(tmp_path, "privileged-basis", bases=rows)
    assert found.verdict == HOLDS and [one["p_holm"] for one in numbers(found.rows)] == [0.04] * 4


def test_a_verdict_that_holds_names_its_groups(tmp_path):
    found = named(seen(tmp_path, "falls-with-depth", depth=[row("slope", -0.2), row("slope", -0.2, group="vit")]))
    assert found.verdict == f"{HOLDS}: resnet, vit"
    assert named(seen(tmp_path, "falls-with-depth", depth=[row("slope", 0.2)])).verdict == f"{NOT}: resnet"


def test_accuracy_must_go_with_alignment_over_models_and_over_sets(tmp_path):
    def rows(low_sets):
        return [row(name, 0.6, ci_low_sets=low_sets, ci_high_sets=0.9, layer=layer, depth=1.0)
                for name, layer in (("r", "conv5"), ("partial_r", "conv5"), ("r_slope", None))]  # fmt: skip

    assert judged(tmp_path, "accuracy-follows", shifts=rows(0.1)) == HOLDS
    assert judged(tmp_path, "accuracy-follows", shifts=rows(-0.1)).startswith(UNDECIDED)


def test_rows_of_shuffled_labels_are_no_evidence_elsewhere(tmp_path):
    rows = [row("slope", -0.2), row("slope", 0.3, group="resnet_shuffled")]
    assert judged(tmp_path, "falls-with-depth", depth=rows) == HOLDS


def test_without_an_interval_nothing_is_decided(tmp_path):
    rows = [{**row("slope", -0.2), "ci_low": None, "ci_high": None}]
    assert judged(tmp_path, "falls-with-depth", depth=rows).startswith(f"{UNDECIDED}: no interval")


def test_a_page_is_written_of_nothing_and_every_claim_is_told_untestable(tmp_path):
    page, table = tmp_path / "claims.md", tmp_path / "claims.parquet"
    write_claims(PARAMETERS, page, table, {})
    verdicts = read_table(table)["verdict"].to_pylist()
    assert len(verdicts) == 13
    assert all(one.startswith(UNTESTABLE) for one in verdicts)
    assert page.read_text().count("not testable here:") >= 13
