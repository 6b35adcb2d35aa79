"""What the tables say to each claim of the study: the numbers, and the verdict by the rules of `claims`."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from whyalike.statistics.inference import holm
from whyalike.statistics.power import LEVEL
from whyalike.studies.claims import BESIDE, HOLDS, MAIN, NOT, UNDECIDED, Evidence, Seen, untestable
from whyalike.studies.consistency.decisions import FAMILIES, RANGE_FREE, by_panels, directional, lacking_metric
from whyalike.studies.consistency.of_sets import categories_of_sets, gap_by_category
from whyalike.studies.consistency.tables import Cell, Tables, cell_words, counts, known

SUPERVISED, SELF, IMAGE_TEXT = "supervised", "self_supervised", "image_text"
MINOR = 0.05  # a difference of R that is called none
TRANSFERS = 0.5  # R above it: most of the order is kept
SMALL, FROM, TO = 0.01, 10, 20  # a change of similarity that is called none; stimuli of each class


def ordering_transfers(tables: Tables) -> Seen:
    """The interval of R above .5, and within groups above 0."""
    rows = [
        *tables.mean("all", ("all", "all"), "pearson"),
        *(_as_panel(one, "within") for one in tables.mean("all", ("all", "all"), "pearson_within")),
        *tables.mean("all", ("all", "all"), "ceiling", BESIDE),
        *tables.mean("all", ("all", "all"), "pearson_of_ceiling", BESIDE),
    ]
    if not rows:
        return untestable("no consistency of all models")
    least = {"all": TRANSFERS, "within": 0.0}
    return by_panels(
        rows,
        lambda one: one.low is not None and one.low > least[one.panel],
        lambda one: one.high is not None and one.high < TRANSFERS and (one.panel == "all" or one.low <= 0),
    )


def objective_first(tables: Tables) -> Seen:
    """The share of the first factor above that of every other one, by intervals."""
    if tables.speaking("shares") is None:
        return untestable("no factors that trained models cross")
    first, rows = tables.parameters.factorial[0], _shares(tables)
    others = [one for one in rows if one.role != "main"]
    if not others or len(others) == len(rows):
        return untestable(f"trained models do not cross {first} with another factor", rows)

    if all(one.low is None for one in rows) and not lacking_metric(rows):
        return Seen(tuple(rows), f"{UNDECIDED}: shares have no intervals, which need three seeds of each combination")

    def apart(one: Evidence, above: bool) -> bool:
        rivals = [other for other in others if (other.metric, other.panel) == (one.metric, one.panel)]
        pairs = [(one, other) if above else (other, one) for other in rivals]
        clear = [a.low is not None and b.high is not None and a.low > b.high for a, b in pairs]
        return all(clear) if above else any(clear)

    sure = _holm_of([one for one in rows if one.role == "main"])
    return by_panels(rows, lambda one: apart(one, True) and sure.get(id(one), 1) <= LEVEL,
                     lambda one: apart(one, False))  # fmt: skip


def ssl_most(tables: Tables) -> Seen:
    """R within self-supervised above R within the others, and by a measure free of range."""
    rows = [one for other in (SUPERVISED, IMAGE_TEXT) for one in _of_both(tables, (SELF, SELF), (other, other))]
    lacking = tables.lacking(SELF, SUPERVISED, IMAGE_TEXT)
    return untestable(lacking, rows) if lacking else _decided(rows)


def ssl_with_others(tables: Tables) -> Seen:
    """R of self-supervised with another objective above R within that, without each family, too."""
    others = [one for one in tables.levels(tables.first) if one != SELF]
    if lacking := tables.lacking(SELF) or ("" if others else "no model of another objective"):
        return untestable(lacking)
    cells = [((SELF, one), (one, one)) for one in others]
    rows = [one for of in cells for one in _of_both(tables, *of)]
    without = [one for of in cells for one in _without_a_family(tables, *of)]
    seen = _decided([*rows, *without]) if rows else _decided(rows)
    if seen.verdict == HOLDS and (turned := [one for one in without if not one.right]):
        return Seen(seen.rows, f"{UNDECIDED}: not {turned[0].estimand.partition(', ')[2]} ({turned[0].metric})")
    return seen


def it_sup_weak(tables: Tables) -> Seen:
    """R of image-text with supervised below the mean of the other pairs of groups."""
    lacking = tables.lacking(IMAGE_TEXT, SUPERVISED)
    rows = _of_both(tables, (IMAGE_TEXT, SUPERVISED), ("others", "others"), -1)
    return untestable(lacking) if lacking else _decided(rows)


def it_alike(tables: Tables) -> Seen:
    """Mean similarity within image-text above that within every other objective."""
    others = [one for one in tables.levels(tables.first) if one != IMAGE_TEXT]
    if lacking := tables.lacking(IMAGE_TEXT) or ("" if others else "no model of another objective"):
        return untestable(lacking)
    cell = (IMAGE_TEXT, IMAGE_TEXT)
    return _decided([row for one in others for row in tables.contrast(tables.first, cell, (one, one), "similarity")])


def minor(category: str) -> Callable[[Tables], Seen]:
    """No difference of R within two values of a category: equivalence. No share above that of the first category."""

    def seen(tables: Tables) -> Seen:
        if category not in tables.parameters.categories:
            return untestable(f"{category} is no category of the study")
        levels = tables.levels(category)
        if len(levels) < 2:
            return untestable(f"{category} does not vary" + (f": all are {levels[0]}" if levels else ""))
        rows = [
            _on_r(one, tables, category, a, b)
            for a, b in itertools.combinations(levels, 2)
            for one in tables.contrast(category, (a, a), (b, b))
        ]
        if not rows:
            return untestable(f"no two groups by {category} have enough models")
        found = by_panels(
            rows,
            lambda one: one.low is not None and one.low >= -MINOR and one.high <= MINOR,
            lambda one: one.low is not None and (one.low > MINOR or one.high < -MINOR),
        )
        shares = [one for one in _shares(tables) if one.role in (MAIN, category)]
        beside = [Evidence(**{**vars(one), "role": BESIDE}) for one in shares]
        above = _above_the_first(shares, category)
        verdict = f"{NOT}: more than {tables.first} decides {' and '.join(above)}" if above else found.verdict
        return Seen((*found.rows, *beside), verdict)

    return seen


def size_secondary(tables: Tables) -> Seen:
    """Same size above different size, by less than the first category."""
    same, different = ("same", "same"), ("different", "different")
    if "size" not in tables.parameters.categories or len(tables.levels("size")) < 2:
        return untestable("the models have one size, or none is told")
    rows = _of_both(tables, same, different, category="size")
    first = tables.contrast(tables.first, same, different, role=BESIDE)
    seen = _decided([*rows, *first])
    of_r = [one for one in rows if one.role == MAIN]
    above = {one.metric for one in of_r for other in first if one.metric == other.metric and one.value > other.value}
    if seen.verdict == HOLDS and above:
        return Seen(seen.rows, f"{UNDECIDED}: by {', '.join(sorted(above))} size is not below {tables.first}")
    return seen


def metric_free(tables: Tables) -> Seen:
    """The signs of contrasts of R within groups agree between metrics; beside it R of one metric against another."""
    rows = []
    for a, b in itertools.combinations(tables.levels(tables.first), 2):
        rows += tables.contrast(tables.first, (a, a), (b, b))
    if missing := lacking_metric(rows):
        return untestable(missing, rows)
    rows = [*_between_metrics(tables), *rows]
    sure = _holm_of([one for one in rows if one.role != BESIDE])
    panels = dict.fromkeys(one.panel for one in rows if one.role != BESIDE)
    by_panel = [[one for one in rows if one.panel == panel] for panel in panels]
    clear = [[one for one in own if sure.get(id(one), 1) <= LEVEL and one.clear] for own in by_panel]
    if any(any(one.right for one in own) and any(one.wrong for one in own) for own in clear):
        return Seen(tuple(rows), f"{NOT}: a contrast has opposite signs by two metrics")
    agree = sum(all(one.right for one in own) or all(one.wrong for one in own) for own in by_panel)
    shown = sum(len(own) == len(FAMILIES) for own in clear)
    if agree == len(by_panel) and shown:
        return Seen(tuple(rows), HOLDS)
    told = f"signs agree in {agree} of {len(by_panel)} contrasts, of which {shown} can be told from 0 by all three"
    return Seen(tuple(rows), f"{UNDECIDED}: {told}")


def inverse_u(tables: Tables) -> Seen:
    """The coefficient of the squared mean below 0 on the logit scale."""
    rows = []
    if tables.groups is not None:
        for row in tables.groups[tables.groups["kind"] == "inverse_u"].itertuples():
            role = "main" if row.measure == "quadratic_logit" else BESIDE
            rows.append(Tables.evidence(row, row.measure.replace("_", ", "), row.measure, False, -1, role))
    if not rows:
        return untestable("no curve of the SD over sets on the mean")
    return by_panels(
        rows,
        lambda one: one.high is not None and one.high < 0,
        lambda one: one.low is not None and one.low > 0,
    )


def sets_by_domain(tables: Tables) -> Seen:
    """R of its ceiling of sets of one category above that of two."""
    rows, lacking = categories_of_sets(tables)
    return untestable(lacking) if lacking else _decided(rows)


def gap_by_domain(tables: Tables) -> Seen:
    """Similarity goes with a small gap on single-domain sets more than on multi-domain ones."""
    rows, lacking = gap_by_category(tables)
    return untestable(lacking) if lacking else _decided(rows)


def ten_a_class(tables: Tables) -> Seen:
    """The largest change from 10 to 20 stimuli a class below .01, by all scorings but one local one; and that of R."""
    found = tables.table("sizes")
    if found is None or found[(found["per_class"] == TO) & (found["previous"] == FROM)].empty:
        return untestable(f"no similarities of {FROM} and {TO} stimuli of each class")
    step = found[(found["per_class"] == TO) & (found["previous"] == FROM) & (found["measure"] == "largest_change")]
    rows = [
        _of_size(row, f"largest change by {row.scoring}, {FROM} to {TO}", known(row.value)) for row in step.itertuples()
    ]
    moved = [one for one in rows if one.value is None or one.value >= SMALL]
    of_r = found[(found["measure"] == "pearson_with_other_sets") & found["per_class"].isin([FROM, TO])]
    beside = []
    for scoring, own in of_r.groupby("scoring", sort=False):
        values = own.set_index("per_class")["value"]
        if {FROM, TO} <= set(values.index):
            change = known(values[TO] - values[FROM])
            beside.append(
                _of_size(
                    next(own[own["per_class"] == TO].itertuples()),
                    f"change of R with other sets by {scoring}",
                    change,
                    False,
                )
            )
    rows += beside
    local = [one for one in moved if one.metric == FAMILIES["local kernel"]]
    if len(moved) > 1 or local != moved or any(one.value is not None and abs(one.value) >= SMALL for one in beside):
        return Seen(tuple(rows), NOT)
    return Seen(tuple(rows), HOLDS)


EVIDENCE: dict[str, Callable[[Tables], Seen]] = {
    "ordering-transfers": ordering_transfers,
    "objective-first": objective_first,
    "ssl-most": ssl_most,
    "ssl-with-others": ssl_with_others,
    "it-sup-weak": it_sup_weak,
    "it-alike": it_alike,
    "architecture-minor": minor("architecture"),
    "data-minor": minor("data"),
    "size-secondary": size_secondary,
    "metric-free": metric_free,
    "inverse-u": inverse_u,
    "sets-by-domain": sets_by_domain,
    "gap-by-domain": gap_by_domain,
    "10-a-class": ten_a_class,
}


def _decided(rows: Sequence[Evidence]) -> Seen:
    """As `directional`; without rows nothing is to be decided."""
    return directional(rows) if rows else untestable("the groups have too few models for such a contrast")


def _of_both(
    tables: Tables, cell: Cell, other: Cell, direction: int = 1, category: str | None = None
) -> list[Evidence]:
    """A contrast of R, and of the measures free of range: a larger residual SD is less consistent."""
    of = category or tables.first
    return [
        *tables.contrast(of, cell, other, direction=direction),
        *tables.contrast(of, cell, other, "pearson_at_common_spread", direction, RANGE_FREE),
        *tables.contrast(of, cell, other, "residual_sd", -direction, RANGE_FREE),
    ]


def _without_a_family(tables: Tables, cell: Cell, other: Cell) -> list[Evidence]:
    """The least that a contrast of R (Fisher's z) is without one family, by each metric."""
    if tables.groups is None:
        return []
    found, rows = [], tables.groups[tables.groups["kind"].isin(["mean", "without_family"])]
    rows = rows[(rows["category"] == tables.first) & (rows["measure"] == "pearson")]
    for metric, of_metric in rows.groupby("metric", sort=False):
        sides = []
        for one in (cell, other):
            own = of_metric[[{*of} == {*one} for of in zip(of_metric["theta"], of_metric["phi"], strict=True)]]
            z = np.arctanh(own.set_index("without")["value"])
            sides.append((z[own["kind"].to_numpy() == "mean"], z[own["kind"].to_numpy() == "without_family"]))
        families = list(dict.fromkeys(name for _, without in sides for name in without.index))
        if not families or any(mean.empty for mean, _ in sides):
            continue
        # a family that a cell has no model of changes nothing in it
        first, second = (without.reindex(families).fillna(mean.iloc[0]) for mean, without in sides)
        less = first - second
        words = f"least pearson, {cell_words(cell)} less {cell_words(other)}, without {less.idxmin()} (Fisher's z)"
        n = f"{len(families)} families left out in turn"
        found.append(Evidence(metric, "family", words, float(less.min()), None, None, None, n, role=BESIDE))
    return found


def _shares(tables: Tables) -> list[Evidence]:
    """The shares of each factor of the trained models, by quantity; the first is main, others are their role."""
    found, rows = tables.speaking("shares"), []
    if found is None:
        return []
    found = found[found["quantity"].isin(["consistency", "similarity_by_set"])]
    for row in found[~found["factor"].isin(["residual", "seed"])].itertuples():
        role = MAIN if row.factor == tables.parameters.factorial[0] else row.factor
        numbers = (known(one) for one in (row.share, row.ci_low, row.ci_high, row.p))
        words = f"share of {row.quantity} by {row.factor}"
        rows.append(Evidence(row.metric, row.quantity, words, *numbers, counts(row), role=role))
    return rows


def _above_the_first(shares: Sequence[Evidence], factor: str) -> list[str]:
    """The quantities of which a factor has clearly more than the first one, by all three metrics."""
    found = []
    for quantity in dict.fromkeys(one.panel for one in shares):
        low = {one.metric: one.low for one in shares if (one.panel, one.role) == (quantity, factor)}
        high = {one.metric: one.high for one in shares if (one.panel, one.role) == (quantity, MAIN)}
        if all(None not in (low.get(of), high.get(of)) and low[of] > high[of] for of in FAMILIES.values()):
            found.append(quantity)
    return found


def _as_panel(one: Evidence, panel: str) -> Evidence:
    return Evidence(**{**vars(one), "panel": panel})


def _holm_of(rows: Sequence[Evidence]) -> dict[int, float]:
    """The p of rows after Holm over the panels of their metric, by `id`."""
    found: dict[int, float] = {}
    for metric in FAMILIES.values():
        own = [one for one in rows if one.metric == metric and one.p is not None]
        found |= dict(zip(map(id, own), holm([one.p for one in own]), strict=True)) if own else {}
    return found


def _on_r(one: Evidence, tables: Tables, category: str, a: str, b: str) -> Evidence:
    """A contrast in Fisher's z as a difference of R, with its interval: times 1 - R^2 at the mean of both."""
    means = [row.value for level in (a, b) for row in tables.mean(category, (level, level), "pearson")
             if row.metric == one.metric]  # fmt: skip
    slope = 1 - float(np.mean(means)) ** 2 if means else 1.0
    changed = {name: None if vars(one)[name] is None else vars(one)[name] * slope for name in ("value", "low", "high")}
    return Evidence(**{**vars(one), **changed, "estimand": f"R, {cell_words((a, a))} less {cell_words((b, b))}"})


def _between_metrics(tables: Tables) -> list[Evidence]:
    """The correlation of R by one metric with R by another, over groups and pairs of sets of different sources."""
    found = tables.speaking("consistency")
    if found is None:
        return []
    found = found[~found["same_source"].astype(bool) & (found["category"] != "anchor")]
    keys = ["category", "theta", "phi", "set_a", "set_b"]
    wide = found.pivot_table(index=keys, columns="metric", values="pearson")
    rows = []
    for a, b in itertools.combinations([one for one in FAMILIES.values() if one in wide], 2):
        own = wide[[a, b]].dropna()
        if len(own) > 2:
            sets = len({*own.index.get_level_values("set_a"), *own.index.get_level_values("set_b")})
            n = f"{len(own)} cells of groups and pairs of sets, {sets} sets"
            r, words = float(own.corr().iloc[0, 1]), f"correlation of R with that by {b}"
            rows.append(Evidence(a, "between metrics", words, r, None, None, None, n, role=BESIDE))
    return rows


def _of_size(row, estimand: str, value: float | None, interval: bool = True) -> Evidence:
    low, high = (known(row.ci_low), known(row.ci_high)) if interval else (None, None)
    n = f"{row.models} models, {row.pairs} pairs, {row.n} stimuli"
    return Evidence(row.metric, row.scoring, estimand, value, low, high, None, n, -1)
