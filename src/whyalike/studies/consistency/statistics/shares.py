"""How far each factor that trained models cross decides how alike they are, and how consistent that is over sets.

Of models that cross the factors fully, and trained ones alone, so that no factor stands in for another one. Quantities:
similarity: share of the variance over pairs of the mean similarity over sets;
similarity_by_set: share of what a pair has on a set beyond its own mean and the set's;
consistency: variance over a factor's pairs of levels of R (Fisher's z, mean over pairs of sets of different sources),
less its mean under permuted levels, nothing where this is below 0, as a share of the sum over the factors.
Each p is over permutations of a factor's levels within those of all others. Intervals leave out a seed with all its
models; with fewer than three seeds a model. For consistency the mean under permuted levels is that of all models.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.randomness import keyed
from whyalike.similarity.table import to_frame
from whyalike.statistics.consistency_groups import Scores
from whyalike.statistics.inference import jackknife_interval
from whyalike.statistics.pair_variance import (
    FEWEST,
    Crossing,
    Pairs,
    consistency_variances,
    crossing,
    p_of_shares,
    permuted_within,
    shares,
)
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model
from whyalike.studies.consistency.statistics.reading import models_of, read_scores

FEWEST_UNITS = 3  # of an interval
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "analysis", "scoring")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("quantity", "factor")),
        *(pa.field(name, pa.float64()) for name in ("share", "ci_low", "ci_high", "p")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("models", "sets", "sources")),
        pa.field("levels", pa.int64()),
    ]
)
Shares = dict[str, float]
Row = dict[str, Any]


def analyse(parameters: ConsistencyStatistics, similarity: list[Path], output: Path) -> None:
    """Write the shares of every scoring; metadata: what was left out, and what the intervals leave out in turn."""
    rows: list[Row] = []
    left_out: dict[str, list[str]] = {}
    intervals: dict[str, str] = {}
    for of, scores in read_scores(parameters, similarity)[0].items():
        models = models_of(parameters, scores)
        places = np.array([at for at, one in enumerate(models) if one.trained], int)
        models = [models[at] for at in places]
        labels = {factor: [model.attributes.get(factor) for model in models] for factor in parameters.factorial}
        crossed = crossing(labels)
        key = f"{of.analysis}.{of.scoring}"
        left_out[key] = list(crossed.left_out)
        if not crossed.levels:
            note(f"{key}: no factor is crossed by trained models; {'; '.join(crossed.left_out) or 'none is trained'}")
            continue
        own = [models[i] for i in crossed.kept]
        units, intervals[key] = _units(own, crossed)
        found = _Factorial(scores, places[crossed.kept], crossed, units).rows(parameters.draws, parameters.seed)
        rows += [{**of._asdict(), **row} for row in found]
    work = {"work": parameters.plain(), "left_out": left_out, "intervals": intervals}
    write_table(output, pa.Table.from_pandas(to_frame(rows, SCHEMA), SCHEMA, preserve_index=False), work)
    told = list(dict.fromkeys(one for each in left_out.values() for one in each))
    note(f"factorial · {len(rows)} numbers" + (f"; left out: {'; '.join(told)}" if told else ""))


def _units(models: list[Model], crossed: Crossing) -> tuple[list[Any], str]:
    """What each model is left out with, and a word for it; none where a combination would keep too few."""
    for word, units in (("seeds", [model.seed for model in models]), ("models", [model.name for model in models])):
        without = [np.array([one != unit for one in units]) for unit in dict.fromkeys(units)]
        combinations = crossed.combinations
        least = min(np.unique(combinations[kept], return_counts=True)[1].min(initial=len(models)) for kept in without)
        complete = all(len(np.unique(combinations[kept])) == len(np.unique(combinations)) for kept in without)
        if len(without) >= FEWEST_UNITS and complete and least >= FEWEST:
            return units, word
    note("the factorial has no intervals: three seeds or more of each combination are needed")
    return [], "none"


class _Factorial:
    """The shares of one scoring, of the models at ``places``.

    ``units`` : what each of them is left out with; empty for no intervals.
    """

    def __init__(self, scores: Scores, places: np.ndarray, crossed: Crossing, units: list[Any]):
        self.values, self.crossed = scores.square()[:, places][:, :, places], crossed
        self.sources, self.units = scores.sources, units
        self.sizes = tuple(map(len, crossed.levels.values()))
        self.counts = {"models": len(places), "sets": len(scores.sets), "sources": len(set(scores.sources))}

    def rows(self, draws: int, seed: int) -> Iterator[Row]:
        """A row a quantity and factor."""
        mean = self.values.mean(axis=0)[None]
        yield from self._rows("similarity", lambda kept: shares(mean[:, kept][:, :, kept], self._of(kept)),
                              p_of_shares(mean, self.crossed, draws, seed))  # fmt: skip
        if self.counts["sets"] > 1:
            yield from self._rows("similarity_by_set",
                                  lambda kept: shares(self.values[:, kept][:, :, kept], self._of(kept), True),
                                  p_of_shares(self.values, self.crossed, draws, seed, True))  # fmt: skip
        if self.counts["sources"] > 1:
            null, p = self._permuted(draws, seed)
            yield from self._rows("consistency", lambda kept: self._consistency(kept, null), p)

    def _of(self, kept: np.ndarray) -> Crossing:
        return Crossing(self.crossed.levels, self.crossed.codes[:, kept], kept, ())

    def _rows(self, quantity: str, statistic: Callable[[np.ndarray], Shares], p: Shares) -> Iterator[Row]:
        everyone = np.arange(self.counts["models"])
        value = statistic(everyone)
        of = np.array(self.units)
        without = [statistic(np.flatnonzero(of != unit)) for unit in dict.fromkeys(self.units)]
        for factor, share in value.items():
            left_out = [None if np.isnan(one[factor]) else one[factor] for one in without]
            low, high = (None if np.isnan(share) else jackknife_interval(share, left_out)) or (None, None)
            low, high = (None if end is None else float(np.clip(end, 0, 1)) for end in (low, high))  # of a share
            levels = len(self.crossed.levels[factor]) if factor in self.crossed.levels else None
            yield {"quantity": quantity, "factor": factor, "share": None if np.isnan(share) else share,
                   "ci_low": low, "ci_high": high, "p": p.get(factor), **self.counts, "levels": levels}  # fmt: skip

    def _variances(self, kept: np.ndarray, codes: np.ndarray, factors: list[int]) -> np.ndarray:
        pairs = Pairs.of(self.values[:, kept][:, :, kept], self.sources)
        return consistency_variances(pairs, codes, self.sizes, factors)

    def _permuted(self, draws: int, seed: int) -> tuple[np.ndarray, Shares]:
        """Of each factor the mean variance under permuted levels, and the p of its own."""
        pairs, null, p = Pairs.of(self.values, self.sources), [], {}
        own = consistency_variances(pairs, self.crossed.codes, self.sizes, list(range(len(self.sizes))))
        for f, name in enumerate(self.crossed.levels):
            generator = keyed(seed, "levels within strata, consistency", name)
            codes = (permuted_within(self.crossed, f, generator) for _ in range(draws))
            drawn = np.array([consistency_variances(pairs, one, self.sizes, [f])[0] for one in codes])
            null.append(drawn.mean())
            reached = np.count_nonzero(drawn >= own[f] * (1 - 1e-9))  # equal but for rounding counts
            p[name] = None if np.isnan(own[f]) else (1 + reached) / (1 + draws)
        return np.array(null), p

    def _consistency(self, kept: np.ndarray, null: np.ndarray) -> Shares:
        """The factors' shares of what goes beyond permuted levels."""
        own = self._variances(kept, self.crossed.codes[:, kept], list(range(len(self.sizes))))
        beyond = np.maximum(own - null, 0)
        found = beyond / beyond.sum() if beyond.sum() > 0 else np.full(len(beyond), np.nan)
        return dict(zip(self.crossed.levels, found, strict=True))
