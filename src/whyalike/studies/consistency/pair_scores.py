"""The scores of all pairs of models by one scoring: the work on a model is done once, in memory that is bounded.

What has no score is absent: the log and the table's metadata name it and say why.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from whyalike.job import note
from whyalike.similarity import many
from whyalike.similarity.all_pairs_parameters import memory_of
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring, scoring
from whyalike.similarity.workbench import Workbench
from whyalike.studies.consistency import reach
from whyalike.studies.consistency.parameters import Scored

MEMORY = 8 << 30  # bytes beside the representations: normalised rows of 64 models on 10,000 stimuli stay in memory
NAMED = 5  # models that a line names
LAYER = "features"  # the one layer of each model on the workbench, as messages name it
Pair = tuple[str, str]


@dataclass(frozen=True)
class PairScores:
    """The scores of all pairs of models, (a, b) -> a number, and the reason of each pair that has none.

    ``neighbours`` : model -> effective number of neighbours of its RBF kernel; of other metrics nothing.
    """

    values: Mapping[Pair, float]
    reasons: Mapping[Pair, str]
    neighbours: Mapping[str, float]


def chosen_of(scored: Scored) -> Scoring:
    """The metric with all of its parameters, defaults included."""
    return scoring(scored.scoring, "exact", scored.parameters)


def score_pairs(arrays: Mapping[str, np.ndarray], scored: Scored) -> PairScores:
    """The scores of every two models, each pair once, in the order of the models.

    Parameters
    ----------
    arrays : name -> n x d, of the same n stimuli. Of a metric with directions the mean of both counts.
    """
    chosen, pairs = chosen_of(scored), list(combinations(arrays, 2))
    facts, reasons, neighbours = METRICS[chosen.metric].facts, {}, {}
    if not pairs:
        return PairScores({}, {}, {})
    memory = max(MEMORY, memory_of([facts.family], len(next(iter(arrays.values())))))
    if facts.family == reach.FAMILY:
        found, neighbours = reach.scores_and_reach(arrays, pairs, chosen, memory, reasons)
    else:
        bench = Workbench({name: {LAYER: x} for name, x in arrays.items()}, 0, permuted=False, memory=memory)
        asked = pairs if facts.symmetric else [*pairs, *((b, a) for a, b in pairs)]
        both = many.scores(bench, asked, LAYER, chosen, memory // 4, reasons)
        found = both if facts.symmetric else {(a, b): (both[a, b] + both[b, a]) / 2 for a, b in pairs}
    values = {pair: found[pair] for pair in pairs if math.isfinite(found.get(pair, math.nan))}
    why = {(a, b): reasons.get((a, b)) or reasons.get((b, a), "not a finite number") for a, b in pairs}
    return PairScores(values, {pair: why[pair] for pair in pairs if pair not in values}, neighbours)


def absent_of(found: PairScores, models: list[str], facts: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What the metadata of a table say of what has no score: a model that has none, or a pair of others.

    Parameters
    ----------
    facts : what else is said of each, such as stimuli and scoring.
    """
    scored = {name for pair in found.values for name in pair}
    lost = [name for name in models if name not in scored and len(models) > 1]
    for name in lost:
        own = [reason for pair, reason in found.reasons.items() if name in pair]
        named = [reason for reason in own if _names(reason, name)] or own
        yield {"model": name, **facts, "reason": named[0]}
    for (a, b), reason in found.reasons.items():
        if a not in lost and b not in lost:
            yield {"a": a, "b": b, **facts, "reason": reason}


def _names(reason: str, name: str) -> bool:
    """Whether a reason names a model, and not one whose name goes on from there."""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w|\.\w)", reason) is not None


def tell(absent: Iterable[Mapping[str, Any]]) -> None:
    """A line of the log for each reason."""
    lines: dict[tuple[str, str], list[str]] = {}
    for one in absent:
        where = ", ".join(str(one[key]) for key in ("stimuli", "analysis", "scoring", "half") if key in one)
        where += f", {one['per_class']} a class" if "per_class" in one else ""
        lines.setdefault((where, one["reason"]), []).append(one.get("model") or f"{one['a']} x {one['b']}")
    for (where, reason), names in lines.items():
        told = ", ".join([*names[:NAMED], *[f"... ({len(names)})"] * (len(names) > NAMED)])
        note(f"no scores of {told}, {where}: {reason}")
