"""Which figures of the study have something to show, as far as the section and its models tell before any job."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

from whyalike.studies.consistency.parameters import Model, Scored
from whyalike.studies.consistency.section import Consistency

Cell = tuple[str, str]
# as the statistics and the figure have them, which are too heavy to import here: a test compares them
FEWEST_PAIRS = 3  # of models
FEWEST_TO_LEAVE_OUT = 3  # families, sources
FEWEST_IN_PLANE = 4  # models
OF_SOURCES = ("scatters", "groups", "metrics", "rsa", "anchors", "ceilings", "rangefree", "null", "families")


def left_out(section: Consistency, models: Sequence[Model], scored: Mapping[str, Sequence[Scored]]) -> dict[str, str]:
    """The figures that would be empty, and what each lacks.

    Parameters
    ----------
    models : with their attributes. scored : metric -> its scorings.
    """
    sources = len({one.source for one in section.stimuli.values()})
    first = section.categories[0]
    families = len({one.attributes.get(section.families, one.name) for one in models})
    told: dict[str, str] = {}
    if sources < 2:
        told |= dict.fromkeys(OF_SOURCES, "sets of two sources")
    if min(sources, families) < FEWEST_TO_LEAVE_OUT:
        told["families"] = f"{FEWEST_TO_LEAVE_OUT} families and sources"
    if len(models) < FEWEST_IN_PLANE:
        told["tsne"] = f"{FEWEST_IN_PLANE} models"
    if not any(_has_contrast(_cells(models, one), one == first) for one in section.categories):
        told["null"] = f"two groups with {FEWEST_PAIRS} pairs of models"
    if not any(_is_drawn(name, models, first) for name in section.anchors):
        told["anchors"] = f"an anchor, and a group with {FEWEST_PAIRS} other models"
    if max(Counter(one.analysis for of in scored.values() for one in of).values()) < 2:
        told["metrics"] = "an analysis with two metrics"
    told |= {figure: metric for figure, metric in (("rsa", "rsa"), ("reach", "cka_rbf_unbiased"))
             if metric not in scored}  # fmt: skip
    return told


def _cells(models: Sequence[Model], category: str) -> list[Cell]:
    """The pairs of groups that have enough pairs of models, each group with itself first."""
    counts = Counter(one.attributes[category] for one in models if category in one.attributes)
    within = [(name, name) for name, n in counts.items() if n * (n - 1) // 2 >= FEWEST_PAIRS]
    return [*within, *((a, b) for a, b in combinations(counts, 2) if counts[a] * counts[b] >= FEWEST_PAIRS)]


def _has_contrast(cells: Sequence[Cell], is_first: bool) -> bool:
    """Whether two cells are compared: two within groups, one within and one between, of the first category any two."""
    within = sum(a == b for a, b in cells)
    return len(cells) > 1 and (within > 0 or is_first)


def _is_drawn(anchor: str, models: Sequence[Model], category: str) -> bool:
    """Whether the first model of a setting has enough other ones in some group."""
    name = next(one.name for one in models if one.setting == anchor)
    groups = Counter(one.attributes.get(category) for one in models if one.name != name)
    return any(count >= FEWEST_PAIRS for group, count in groups.items() if group is not None)
