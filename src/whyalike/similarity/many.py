"""All pairs among many representations whose intermediates together are larger than the memory that is kept of them.

The workbench would make them again and again. An engine does the work on each once, whatever their number: what does
not fit into memory lies in temporary files (`whyalike.activations.scratch`). Values are those of the workbench but for
rounding. What fits goes through `whyalike.similarity.all_pairs`, to the same bits as ever.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyalike.activations.scratch import Scratch
from whyalike.similarity import all_pairs
from whyalike.similarity.all_pairs import MEMORY, Pair, kernels_pay
from whyalike.similarity.checks import UndefinedScore, check_defined, check_not_constant
from whyalike.similarity.deconfounding import CONFOUND
from whyalike.similarity.engine_registry import ENGINES
from whyalike.similarity.implementation import Form
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.precomputed import Precomputed
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.workbench import Workbench, form_of

Fault = Callable[[int, UndefinedScore], None]
Values = dict[tuple[int, int], float]
FEWEST = 3  # representations: of fewer nothing is made twice


@dataclass(frozen=True)
class Asked:
    """M representations and what is asked of them.

    Parameters
    ----------
    arrays : M of n x d_i, not constant.
    pairs : of places among them.
    fault : takes the place of a representation without a value, and why.
    memory : bytes for what is held beside the representations.
    """

    arrays: Sequence[np.ndarray]
    pairs: Sequence[tuple[int, int]]
    parameters: Mapping[str, Any]
    form: Form
    fault: Fault
    memory: int

    @property
    def n(self) -> int:
        """How many stimuli."""
        return len(self.arrays[0])

    def scratch(self, numbers: int, size: int) -> Scratch:
        """Where so many numbers of so many bytes are held: in memory if they take half of it."""
        return Scratch(None if numbers * size <= self.memory // 2 else 0)

    def each(self, make: Callable[[np.ndarray], Any]) -> dict[int, Any]:
        """What is made of each representation that has it, by place."""
        found = {}
        for i, x in enumerate(self.arrays):
            try:
                found[i] = make(x)
            except UndefinedScore as reason:
                self.fault(i, reason)
        return found


def engine_of(
    workbench: Workbench, pairs: Sequence[Pair], layer: str, chosen: Scoring, kept: int
) -> Callable[[Asked], Values] | None:
    """What scores all pairs of representations; None where the workbench does, which keeps what is made of all.

    Parameters
    ----------
    pairs : names of runs, (x, y). kept : bytes of intermediates that the workbench keeps.
    """
    names, memory = dict.fromkeys(name for pair in pairs for name in pair), workbench.memory
    arrays = [workbench.representations[name][layer] for name in names]
    mixed = any(isinstance(x, Precomputed) for x in arrays) or CONFOUND in workbench.representations
    if chosen.metric not in ENGINES or chosen.layers_together or len(arrays) < FEWEST or mixed:
        return None
    if workbench.forms(chosen) is not form_of(chosen):  # on a GPU
        return None
    entry, n, widths = ENGINES[chosen.metric], len(arrays[0]), [x.shape[1] for x in arrays]
    needs = entry.facts
    if memory is not None and needs.needed(n, max(widths), len(widths)) > memory:
        return None
    if needs.kept is None:  # `all_pairs` makes linear kernels in blocks too, of copies that are held
        fits = memory is None or 2 * 8 * n * sum(widths) <= memory
        return None if fits or not kernels_pay(n, widths, len(pairs)) else entry.load()
    return None if sum(needs.kept(n, d) for d in widths) <= kept else entry.load()


def scores(
    workbench: Workbench,
    pairs: Sequence[Pair],
    layer: str,
    chosen: Scoring,
    memory: int = MEMORY,
    undefined: dict[Pair, str] | None = None,
) -> dict[Pair, float]:
    """The score of each pair on all stimuli; parameters, returns and errors are those of `all_pairs.scores`."""
    engine = engine_of(workbench, pairs, layer, chosen, memory)
    if engine is None:
        return all_pairs.scores(workbench, pairs, layer, chosen, memory, undefined)
    arrays = {name: workbench.representations[name][layer] for pair in pairs for name in pair}
    names: list[str] = []

    def lacking(reason: UndefinedScore, name: str | None = None) -> None:
        if undefined is None:
            raise reason
        for pair in pairs:
            if name is None or name in pair:
                undefined.setdefault(pair, str(reason))

    try:
        check_defined(chosen.metric, METRICS[chosen.metric].facts, len(next(iter(arrays.values()))), chosen.parameters)
    except UndefinedScore as reason:
        lacking(reason)
        return dict.fromkeys(pairs, math.nan)
    for name, x in arrays.items():
        try:
            check_not_constant(chosen.metric, x, f"layer '{layer}' of {name}")
            names.append(name)
        except UndefinedScore as reason:
            lacking(reason, name)

    def fault(place: int, reason: UndefinedScore) -> None:
        lacking(UndefinedScore(f"{reason} (layer '{layer}' of {names[place]})"), names[place])

    at = {name: place for place, name in enumerate(names)}
    both = [(at[x], at[y]) for x, y in pairs if x in at and y in at]
    beside = workbench.memory or memory
    asked = Asked([arrays[name] for name in names], both, chosen.parameters, workbench.forms(chosen), fault, beside)
    found = engine(asked) if both else {}
    values = {(names[x], names[y]): chosen.in_range(value) for (x, y), value in found.items()}
    return {pair: values.get(pair, math.nan) for pair in pairs}
