"""How evidence on a claim becomes a verdict: three metric families must agree, in every panel."""

from collections.abc import Callable, Sequence

from whyalike.statistics.inference import holm
from whyalike.statistics.power import LEVEL
from whyalike.studies.claims import HOLDS, MAIN, NOT, UNDECIDED, Evidence, Seen, untestable

#: Family -> the metric that speaks for it; fixed before any number is seen.
FAMILIES = {"linear kernel": "cka_unbiased", "local kernel": "cka_rbf_unbiased", "ranks of distances": "rsa"}
RANGE_FREE = "range-free"  # role of a number that must have the claimed sign

Decide = Callable[[Evidence], bool]


def lacking_metric(rows: Sequence[Evidence]) -> str:
    """The metrics of the three families without a main row, in words; empty if all are there."""
    there = {one.metric for one in rows if one.role == MAIN and one.value is not None}
    missing = [metric for metric in FAMILIES.values() if metric not in there]
    return f"no number by {', '.join(missing)}" if missing else ""


def by_panels(rows: Sequence[Evidence], holds: Decide, fails: Decide) -> Seen:
    """Three families must say so in every panel; it fails where in one panel all of three say that it fails."""
    if missing := lacking_metric(rows):
        return untestable(missing, rows)
    panels = [
        [one for one in rows if one.panel == panel and one.role == MAIN]
        for panel in dict.fromkeys(o.panel for o in rows)
    ]
    panels = [own for own in panels if own]
    if all(_all_three(own, holds) for own in panels):
        return Seen(tuple(rows), HOLDS)
    if failing := [own[0].panel for own in panels if _all_three(own, fails)]:
        return Seen(tuple(rows), NOT + (f": {'; '.join(failing)}" if len(panels) > 1 else ""))
    agreeing = sum(_all_three(own, holds) for own in panels)
    words = f"{agreeing} of {len(panels)} panel{'' if len(panels) == 1 else 's'}"
    return Seen(tuple(rows), f"{UNDECIDED}: the three metrics say so in {words}")


def _all_three(rows: Sequence[Evidence], decide: Decide) -> bool:
    said = {one.metric for one in rows if decide(one)}
    return set(FAMILIES.values()) <= said and all(decide(one) for one in rows)


def directional(rows: Sequence[Evidence]) -> Seen:
    """As `by_panels`, of signs with p after Holm and intervals without 0, and of range-free measures."""
    sure = _sure(rows)
    if missing := lacking_metric(rows):
        return untestable(missing, rows)
    beside = {(one.panel, one.metric): [] for one in rows if one.role == RANGE_FREE}
    for one in rows:
        if one.role == RANGE_FREE:
            beside[one.panel, one.metric].append(one)
    turned = {
        panel
        for panel in dict.fromkeys(one.panel for one in rows)
        if all(
            any(_surely_wrong(own) for own in beside.get((panel, metric), []))
            and not any(own.right for own in beside.get((panel, metric), []))
            for metric in FAMILIES.values()
        )
    }
    if turned:
        return Seen(tuple(rows), f"{NOT}: a measure that is free of range has the other sign ({', '.join(turned)})")

    def holds(one: Evidence) -> bool:
        others = beside.get((one.panel, one.metric), [])
        return one.right and id(one) in sure and (not beside or any(other.right for other in others))

    return by_panels(rows, holds, lambda one: one.wrong and id(one) in sure)


def _surely_wrong(one: Evidence) -> bool:
    return one.wrong and one.clear and one.p is not None and one.p <= LEVEL


def _sure(rows: Sequence[Evidence]) -> set[int]:
    """The main rows with p at most `LEVEL` after Holm over the panels of their metric, and an interval without 0."""
    found: set[int] = set()
    for metric in dict.fromkeys(one.metric for one in rows):
        own = [one for one in rows if one.metric == metric and one.role == MAIN and one.p is not None]
        if own:
            found |= {id(one) for one, p in zip(own, holm([o.p for o in own]), strict=True)
                      if p <= LEVEL and one.clear}  # fmt: skip
    return found
