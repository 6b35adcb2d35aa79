"""What the tables say to each claim of the study: the numbers, and the verdict by the rules of `claims`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from whyalike.files import read_table
from whyalike.statistics.power import LEVEL
from whyalike.studies.claims import BESIDE, HOLDS, MAIN, NOT, UNDECIDED, Evidence, Seen, numbers, untestable
from whyalike.studies.convergence.claims_table import FORGOTTEN, MOST, NEARLY
from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.section import CORRECTED, FINAL, PUBLISHED, SHUFFLED, START

LINEAR, PROCRUSTES, PERMUTATION, SOFT = "linear", "procrustes", "permutation", "soft_matching"
CONVOLUTIONAL = ("cnn", "self_supervised")
Decide = Callable[[Evidence], bool]


class Tables:
    """What the claims read: statistics by name, of given labels alone if not asked otherwise.

    Parameters
    ----------
    parameters : of the study's statistics. inputs : name of a table -> its file.
    """

    def __init__(self, parameters: ConvergenceStatistics, inputs: Mapping[str, Path | Sequence[Path]]):
        self.parameters = parameters
        self.files = {name: of if isinstance(of, str | Path) else of[0] for name, of in inputs.items()}

    def rows(
        self,
        table: str,
        quantity: str,
        analysis: str = CORRECTED,
        kinds: Sequence[str] = (),
        layers: bool | None = False,
        **having: str | None,
    ) -> pd.DataFrame:
        """Rows of a quantity, without those of shuffled labels; none where there is no such table.

        Parameters
        ----------
        kinds : of groups; all if empty. layers : rows of single layers, of the whole group, or (None) both.
        having : column -> its value.
        """
        if table not in self.files:
            return pd.DataFrame(columns=["group", "value"])
        found = read_table(self.files[table]).to_pandas()
        kept = (found["quantity"] == quantity) & (found["analysis"] == analysis)
        for side in {"group", "group_b"} & {*found}:
            kept &= ~found[side].str.endswith(SHUFFLED).fillna(False).astype(bool)
        if kinds:
            kept &= found["kind"].isin(kinds)
        if layers is not None:
            kept &= found["layer"].notna() == layers
        if "comparison" in found:
            kept &= found["comparison"].isna() | (found["comparison"] == "pearson")
        for column, value in having.items():
            kept &= found[column].isna() if value is None else found[column] == value
        return found[kept]


def evidence(
    rows: pd.DataFrame, words: str, direction: int = 1, role: str = MAIN, sets: bool = False
) -> list[Evidence]:
    """Rows as evidence, a panel a group; the interval over models, or over sets. Layers of a group are one family."""
    ends = ("ci_low_sets", "ci_high_sets") if sets else ("ci_low", "ci_high")
    return [
        Evidence(
            metric=_known(row.get("scoring")) or "",
            panel=_panel(row),
            estimand=", ".join([words, _panel(row), *([row["layer"]] if _known(row["layer"]) else [])]),
            value=_known(row["value"]),
            low=_known(row[ends[0]]),
            high=_known(row[ends[1]]),
            p=None if sets else _known(row.get("p")),
            n=_counts(row),
            direction=direction,
            role=role,
            analysis=row["analysis"],
            family=_panel(row) if _known(row["layer"]) else "",
        )
        for _, row in rows.iterrows()
    ]


def decided(rows: Sequence[Evidence], holds: Decide, fails: Decide) -> Seen:
    """It holds where every main row says so; it fails where in a panel every one says the opposite."""
    main = [one for one in rows if one.role == MAIN]
    if not main:
        return untestable("no group has these numbers", rows)
    if all(holds(one) for one in main):
        return Seen(tuple(rows), HOLDS)
    panels = list(dict.fromkeys(one.panel for one in main))
    failing = [panel for panel in panels if all(fails(one) for one in main if one.panel == panel)]
    if failing:
        return Seen(tuple(rows), NOT + (f": {', '.join(failing)}" if len(panels) > 1 else ""))
    if all(one.low is None for one in main):
        return Seen(tuple(rows), f"{UNDECIDED}: no interval, which takes three models of different start and order")
    agreeing = sum(all(holds(one) for one in main if one.panel == panel) for panel in panels)
    return Seen(tuple(rows), f"{UNDECIDED}: {agreeing} of {len(panels)} say so")


def above(bound: float) -> Decide:
    """Whether the interval lies above a bound."""
    return lambda one: one.low is not None and one.low > bound


def below(bound: float) -> Decide:
    """Whether the interval lies below a bound."""
    return lambda one: one.high is not None and one.high < bound


def within(bound: float) -> Decide:
    """Whether the interval lies within plus and minus a bound."""
    return lambda one: one.low is not None and -bound < one.low and one.high < bound


def outside(bound: float) -> Decide:
    """Whether no part of the interval lies within plus and minus a bound."""
    return lambda one: one.low is not None and (one.low > bound or one.high < -bound)


def falls_with_depth(tables: Tables) -> Seen:
    """The slope of each group and metric below 0; that of layers of one width must not have the other sign."""
    metrics = (LINEAR, PROCRUSTES, PERMUTATION)
    rows = [one for metric in metrics for one in evidence(tables.rows("depth", "slope", metric=metric), "slope", -1)]
    same = [one for metric in metrics
            for one in evidence(tables.rows("depth", "slope_equal_width", metric=metric), "slope at one width", -1,
                                BESIDE)]  # fmt: skip
    seen = decided([*rows, *same], below(0), above(0))
    turned = sorted({one.panel for one in same if above(0)(one)})
    if seen.verdict == HOLDS and turned:
        return Seen(seen.rows, f"{UNDECIDED}: at one width it rises ({', '.join(turned)})")
    return seen


def rotations_suffice(tables: Tables) -> Seen:
    """What linear maps gain over rotations is below the bound."""
    words = "linear less Procrustes"
    rows = evidence(tables.rows("depth", "linear_less_procrustes"), words)
    limit = evidence(tables.rows("baselines", "linear_less_procrustes_limit"), f"{words}, many stimuli")
    return decided([*rows, *limit], below(NEARLY), above(NEARLY))


def privileged_basis(tables: Tables) -> Seen:
    """Native units above rotated ones in every layer of convolutional models."""
    rows = evidence(tables.rows("bases", "effect", kinds=CONVOLUTIONAL, layers=True, checkpoint=FINAL), "effect")
    sure = _sure(rows)
    means = evidence(tables.rows("bases", "effect", kinds=CONVOLUTIONAL, checkpoint=FINAL), "mean effect", 1, BESIDE)
    return decided([*rows, *means], lambda one: one.right and id(one) in sure, below(0))


def no_basis_in_transformers(tables: Tables) -> Seen:
    """Equivalence of native and rotated units in transformers."""
    rows = evidence(tables.rows("bases", "effect", kinds=("transformer",), layers=True, checkpoint=FINAL), "effect")
    start = evidence(tables.rows("bases", "effect", kinds=("transformer",), checkpoint=START), "untrained", 1, BESIDE)
    if not rows:
        return untestable("no group is named under `transformers`")
    others = tables.rows("bases", "effect", kinds=CONVOLUTIONAL, checkpoint=FINAL)
    start += evidence(others, "mean effect of convolutional models", 1, BESIDE)
    return decided([*rows, *start], within(NEARLY), outside(NEARLY))


def training_raises(tables: Tables) -> Seen:
    """Gains early and late, and their slope on depth, in both modes of BatchNorm."""
    words = {
        "early_gain": "gain, depth below .5",
        "late_gain": "gain, depth above .5",
        "gain_slope": "slope of the gain",
    }
    rows = []
    for quantity, name in words.items():
        one, other = (
            tables.rows("depth", quantity, analysis, metric=PROCRUSTES) for analysis in (CORRECTED, PUBLISHED)
        )
        # two analyses by Procrustes differ in BatchNorm alone: of models without it they are the same numbers
        same = set(other["group"]) - set(
            pd.concat([one, other]).drop_duplicates(["group", "value"], keep=False)["group"]
        )
        rows += evidence(one[one["group"].isin(same)], name)
        for of, mode in ((one, "recalibrated"), (other, "as trained")):
            rows += evidence(of[~of["group"].isin(same)], f"{name}, BatchNorm {mode}")
    ratios = {
        "early_ratio": "early gain in %, as published (there 145.26)",
        "late_ratio": "late gain in %, as published (there 493.84)",
    }
    beside = [
        one
        for quantity, name in ratios.items()
        for one in evidence(tables.rows("depth", quantity, PUBLISHED, metric=PROCRUSTES), name, 1, BESIDE)
    ]
    return decided([*rows, *beside], above(0), below(0))


def first_epoch(tables: Tables) -> Seen:
    """The share of the gain at the end of epoch 1, of groups that gain."""
    rows = evidence(tables.rows("time", "share_epoch1", metric=PROCRUSTES), "share at epoch 1")
    raw = evidence(tables.rows("time", "share_epoch1", PUBLISHED, metric=PROCRUSTES), "share, as published", 1,
                   BESIDE)  # fmt: skip
    return decided([*rows, *raw], above(MOST), below(MOST))


def alignment_first(tables: Tables) -> Seen:
    """Updates by which accuracy is behind alignment."""
    rows = evidence(tables.rows("time", "lag90", metric=PROCRUSTES, unit="updates"), "lag of accuracy, updates")
    half = tables.rows("time", "lag50", metric=PROCRUSTES, unit="updates")
    return decided([*rows, *evidence(half, "the same at half the gain", 1, BESIDE)], above(0), below(0))


def input_driven(tables: Tables) -> Seen:
    """What is left without the input, and shuffled labels beside given ones."""
    rows = evidence(tables.rows("baselines", "partial_share", metric=PROCRUSTES, checkpoint=FINAL), "ratio left", -1)
    rows += evidence(tables.rows("depth", "shuffled_less_given", metric=PROCRUSTES), "shuffled less given labels")
    if not any(one.estimand.startswith("shuffled") for one in rows):
        return untestable("no group has shuffled labels", rows)

    def holds(one: Evidence) -> bool:
        return above(-NEARLY)(one) if one.direction == 1 else below(MOST)(one)

    def fails(one: Evidence) -> bool:
        return below(-NEARLY)(one) if one.direction == 1 else above(MOST)(one)

    seen = decided(rows, holds, fails)
    if seen.verdict.startswith(UNDECIDED) and any(fails(one) for one in rows if one.direction == 1):
        return Seen(seen.rows, f"{NOT}: models of shuffled labels are less alike")
    return seen


def shift_parts_deep_layers(tables: Tables) -> Seen:
    """The slope on depth of the gap, at equal n, over models and over sets, beside that of untrained models."""
    over_all = {"metric": PROCRUSTES, "shift": None}
    gaps = tables.rows("shifts", "gap_slope", **over_all, checkpoint=FINAL)
    rows = evidence(gaps, "slope of the gap, over models", -1) + evidence(
        gaps, "slope of the gap, over sets", -1, sets=True
    )
    start = tables.rows("shifts", "gap_slope", **over_all, checkpoint=START)
    return decided([*rows, *evidence(start, "untrained", -1, BESIDE)], below(0), above(0))


def accuracy_follows(tables: Tables) -> Seen:
    """r and partial r in the last layer and the slope of r on depth, over models and over sets."""
    rows = []
    for quantity, words in (("r", "r, last layer"), ("partial_r", "partial r, last layer"), ("r_slope", "slope of r")):
        found = tables.rows("shifts", quantity, layers=quantity != "r_slope", metric=PROCRUSTES)
        if quantity != "r_slope" and len(found):
            found = found[found["depth"] == 1]
        rows += evidence(found, f"{words}, over models") + evidence(found, f"{words}, over sets", sets=True)
    return decided(rows, above(0), below(0))


def depth_matches(tables: Tables) -> Seen:
    """The distance of best matches less its mean over permutations of layers."""
    own, null = (tables.rows("layers", quantity) for quantity in ("match_distance", "null_mean"))
    if own.empty:
        return untestable("no two groups see the same stimuli")
    keys = ["group", "group_b", "scoring"]
    expected = own[keys].merge(null[[*keys, "value"]], on=keys, how="left")["value"].to_numpy(float)
    less = own.assign(**{end: own[end] - expected for end in ("value", "ci_low", "ci_high")})
    rows = evidence(less, "distance of best matches less that of permuted layers", -1)
    return decided(rows, lambda one: one.right and one.p is not None and one.p <= LEVEL, above(0))


def start_forgotten(tables: Tables) -> Seen:
    """The difference between sharing a start and sharing an order, at the end, and from when on it is none."""
    rows = evidence(
        tables.rows("grid", "order_less_start", metric=PROCRUSTES, checkpoint=FINAL), "difference at the end"
    )
    since = tables.rows("grid", "crossing_to_end", metric=PROCRUSTES)
    since = evidence(since, f"updates from which on its interval is within ±{FORGOTTEN}", 1, BESIDE)
    if not rows:
        return untestable("no group has a grid of starts and orders")
    return decided([*rows, *since], within(FORGOTTEN), outside(FORGOTTEN))


def language_peaks_early(tables: Tables) -> Seen:
    """How far alignment falls from a peak that other models choose; it fails where all of them choose the end."""
    own = {"kinds": ("language",), "metric": PROCRUSTES}
    rows = evidence(tables.rows("time", "decline_crossed", **own), "decline from the peak of other models")
    beside = (("peak", "updates at the peak of all models"), ("decline", "decline from it, which is never below 0"))
    rows += [one for name, words in beside for one in evidence(tables.rows("time", name, **own), words, 1, BESIDE)]
    if "language" not in tables.parameters.kinds.values():
        return untestable("no group is named under `language`")
    return decided(rows, above(0), lambda one: one.value == 0 or below(0)(one))


def _sure(rows: Sequence[Evidence]) -> set[int]:
    """Rows with p at most `LEVEL` after Holm over the rows of their family and metric, as the page shows it."""
    return {id(one) for one, shown in zip(rows, numbers(rows), strict=True)
            if shown["p_holm"] is not None and shown["p_holm"] <= LEVEL}  # fmt: skip


def _panel(row: pd.Series) -> str:
    other = row.get("group_b")
    return row["group"] if not isinstance(other, str) or other == row["group"] else f"{row['group']} and {other}"


def _known(value: object) -> object:
    return None if value is None or pd.isna(value) else value


def _counts(row: pd.Series) -> str:
    numbers = {name: _known(row.get(name)) for name in ("models", "pairs", "sets", "n")}
    words = {"n": "stimuli"}
    return ", ".join(f"{value:.0f} {words.get(name, name)}" for name, value in numbers.items() if value is not None)


EVIDENCE: Mapping[str, Callable[[Tables], Seen]] = {
    "falls-with-depth": falls_with_depth,
    "rotations-suffice": rotations_suffice,
    "privileged-basis": privileged_basis,
    "no-basis-in-transformers": no_basis_in_transformers,
    "training-raises": training_raises,
    "first-epoch": first_epoch,
    "alignment-first": alignment_first,
    "input-driven": input_driven,
    "shift-parts-deep-layers": shift_parts_deep_layers,
    "accuracy-follows": accuracy_follows,
    "depth-matches": depth_matches,
    "start-forgotten": start_forgotten,
    "language-peaks-early": language_peaks_early,
}
