"""Table 3: how much the overlap tells about CKA in each study.

As published: the KSG estimate, averaged over stimuli, then over the comparisons of an architecture, then over
architectures. Corrected: (MI - null)/(H - null) averaged in the same way, on the levels that all studies have, at equal
numbers of seeds and points, with a delete-one-seed jackknife interval. The published estimates have another ceiling H
in every study (more levels, higher ceiling), so only the corrected rows may be compared with each other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce

import numpy as np
import pandas as pd

from whyalike.designs.registry import DESIGNS, design
from whyalike.randomness import keyed
from whyalike.statistics import information
from whyalike.statistics.inference import jackknife_interval
from whyalike.statistics.panels import Panel, Points, panels
from whyalike.statistics.table import speaking

MUTUAL_INFORMATION_COLUMNS = [
    *("study", "factor", "protocol", "score_protocol", "estimator", "value", "ci_low", "ci_high"),
    *("entropy", "levels", "panels", "n", "n_seeds"),
]
#: Not in the published table: subsets of another panel's stimuli that hold the number of classes fixed.
_REPEATED_KINDS = "fixed_classes"


def mutual_information_table(
    scores: Mapping[str, pd.DataFrame],
    *,
    architectures: Mapping[str, str] | None = None,
    permutations: int = 50,
    seed: int = 0,
    corrected_scores: str = "exact",
) -> pd.DataFrame:
    """Table 3: how much the overlap tells about CKA, a study and protocol a row.

    Parameters
    ----------
    scores : study -> its score table.
    architectures : comparison -> architecture; None takes every comparison for an architecture of its own.
    permutations : draws for the null of the corrected rows.
    seed : key of the permutations.
    corrected_scores : score protocol of the corrected rows; published tables have scores "as_published" only.

    Returns
    -------
    Columns `MUTUAL_INFORMATION_COLUMNS`. value and entropy: nats in the mi_ksg rows (entropy is the ceiling of value),
    in the mi_adjusted rows value is a share of that ceiling. levels: distinct levels used; n: points over all panels. A
    study has no row where its scores do not allow one: no level shared with the other studies, or fewer than two seeds.

    Raises
    ------
    KeyError : a comparison has no architecture.
    """
    published = {study: _cka(table, "as_published") for study, table in scores.items()}
    exact = {study: _cka(table, corrected_scores) for study, table in scores.items()}
    weighted = _weights(architectures)
    rows = [*_published_rows(published, weighted), *_corrected_rows(exact, weighted, permutations, seed)]
    frame = pd.DataFrame(rows, columns=MUTUAL_INFORMATION_COLUMNS)
    return frame.astype(dict.fromkeys(("value", "ci_low", "ci_high", "entropy"), "float64"))


def _cka(scores: pd.DataFrame, score_protocol: str) -> list[Panel]:
    scores = speaking(scores)
    mask = (scores["metric"] == "cka") & (scores["score_protocol"] == score_protocol)
    # what the user gives as overlap is no level that the other studies have
    given = [name for name in DESIGNS if design(name).overlap_is_given]
    mask &= ~scores["stimuli_kind"].str.startswith(_REPEATED_KINDS) & ~scores["factor"].isin(given)
    return list(panels(scores[mask]))


def _weights(architectures: Mapping[str, str] | None) -> Callable[[Sequence[Panel]], np.ndarray]:
    """The function that gives each panel its share: of its comparison, of its architecture, of all architectures."""

    def weights(used: Sequence[Panel]) -> np.ndarray:
        comparisons = [panel.key["comparison"] for panel in used]
        unknown = sorted(set(comparisons) - set(comparisons if architectures is None else architectures))
        if unknown:
            raise KeyError(
                f"every comparison needs an architecture: {', '.join(unknown)} has none. Add it to the mapping."
            )
        named = {one: one if architectures is None else architectures[one] for one in set(comparisons)}
        siblings = {one: sum(named[other] == named[one] for other in named) for one in named}
        total = len(set(named.values()))
        return np.array([1 / (comparisons.count(one) * siblings[one] * total) for one in comparisons])

    return weights


def _published_rows(published: Mapping[str, Sequence[Panel]], weighted: Callable) -> Iterator[dict]:
    for study, found in published.items():
        every = [(panel, panel.by_pair()) for panel in found]
        estimates = [(panel, points, information.mi_ksg(points.x, points.y)) for panel, points in every]
        estimates = [one for one in estimates if one[2] is not None]
        if not estimates:
            continue
        used, points, values = zip(*estimates, strict=True)
        weights = weighted(used)
        ceiling = weights @ [information.entropy(one.x) for one in points]
        names = ("as_published", "as_published", "mi_ksg")
        yield _row(study, used, points, names, weights @ values, ceiling)


def _corrected_rows(
    exact: Mapping[str, Sequence[Panel]], weighted: Callable, permutations: int, seed: int
) -> Iterator[dict]:
    for study, found in _on_equal_terms({study: used for study, used in exact.items() if used}).items():
        estimates = [
            information.jackknifed_information(points, permutations, keyed(seed, "information null"))
            for _, points in found
        ]
        kept = [i for i, one in enumerate(estimates) if one is not None and one.full.adjusted is not None]
        if not kept:
            continue
        used, points = [found[i][0] for i in kept], [found[i][1] for i in kept]
        weights = weighted(used)
        value = weights @ [estimates[i].full.adjusted for i in kept]
        # the seed of one rank is left out of every panel at once: panels of a seed may share runs
        without = zip(*(estimates[i].left_out for i in kept), strict=True)
        left_out = [_mean_adjusted(weights, one) for one in without]
        ceiling = weights @ [estimates[i].full.entropy for i in kept]
        names = ("corrected", used[0].key["score_protocol"], "mi_adjusted")
        yield _row(study, used, points, names, value, ceiling, jackknife_interval(value, left_out))


def _mean_adjusted(weights: np.ndarray, found: Sequence[information.Information | None]) -> float | None:
    if any(one is None or one.adjusted is None for one in found):
        return None
    return float(weights @ [one.adjusted for one in found])


def _on_equal_terms(exact: Mapping[str, Sequence[Panel]]) -> dict[str, list[tuple[Panel, Points]]]:
    """Each study's panels with their points at the levels that all studies have, for equally many complete seeds.

    A panel without two seeds that have every common level is left out (the shared classes of a task study, which do not
    exist at overlap 0).
    """
    points = {study: [panel.by_level() for panel in found] for study, found in exact.items()}
    of_study = [np.unique(np.concatenate([one.x for one in found])) for found in points.values()]
    common = reduce(np.intersect1d, of_study) if of_study else np.empty(0)
    if len(common) < 2:
        return {}
    usable: dict[str, list[tuple[Panel, Points]]] = {}
    for study, found in exact.items():
        complete = [(panel, _complete_seeds(one, common)) for panel, one in zip(found, points[study], strict=True)]
        usable[study] = [(panel, one) for panel, one in complete if len(one.seeds) > 1]
    seeds = min((len(one.seeds) for found in usable.values() for _, one in found), default=0)
    return {
        study: [(panel, one.where(np.isin(one.seed, one.seeds[:seeds]))) for panel, one in found]
        for study, found in usable.items()
    }


def _complete_seeds(points: Points, levels: np.ndarray) -> Points:
    """The points at ``levels`` of the seeds that have all of them; one point a (seed, level)."""
    at = points.where(np.isin(points.x, levels))
    complete = [seed for seed in at.seeds if np.sum(at.seed == seed) == len(levels)]
    return at.where(np.isin(at.seed, complete))


def _row(
    study: str,
    used: Sequence[Panel],
    points: Sequence[Points],
    names: tuple[str, str, str],
    value: float,
    ceiling: float,
    interval: tuple[float, float] | None = None,
) -> dict:
    low, high = interval or (None, None)
    row = {"study": study, "factor": used[0].key["factor"], "value": value, "ci_low": low, "ci_high": high}
    row |= dict(zip(("protocol", "score_protocol", "estimator"), names, strict=True))
    seeds = np.unique(np.concatenate([one.seed for one in points]))
    levels = np.unique(np.concatenate([one.x for one in points]))
    counts = {"levels": len(levels), "panels": len(used), "n": sum(map(len, points)), "n_seeds": len(seeds)}
    return {**row, "entropy": ceiling, **counts}
