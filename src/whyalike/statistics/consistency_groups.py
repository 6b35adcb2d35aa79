"""Groups of models in the consistency of similarity over stimulus sets: means, contrasts, and what could be chance.

A cell (theta, phi) is all pairs of a model of one group and one of another. A contrast is a mean of cells less a mean
of cells, on the scale of the measure (Fisher's z, or the logarithm of the residual SD). Its interval leaves out models
(or families) and sources; its p permutes the models' labels on all sets at once, within strata. The rank-sum test over
pairs of sets, which takes them as independent, stands beside it with the share of permuted labels that it calls
different: pairs of sets share the models, so it says nothing of groups of models.
"""

import itertools
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.randomness import keyed
from whyalike.statistics.consistency import (
    FEWEST_PAIRS,
    SCALES,
    SCALES_OF_HALVES,
    agreement,
    cells_of_pairs,
    mean_over_sets,
    measures,
)
from whyalike.statistics.crossed import (
    FEWEST_TO_LEAVE_OUT,
    ROUNDING,
    CrossedEstimate,
    crossed_jackknife,
    permutation_p,
    permuted_labels,
)

SIMILARITY = "similarity"  # the mean of the similarities themselves, over pairs and sets
#: every measure of a cell -> its scale and back
MEASURES = SCALES | SCALES_OF_HALVES | {SIMILARITY: (np.asarray, np.asarray)}
OTHERS, SAME, DIFFERENT = "others", "same", "different"
NAIVE_LEVEL = 0.01  # of the rank-sum test whose false alarms are counted
ROUNDED = 12  # digits of what is ranked
BATCH = 20  # permutations at once: some MB
UNKNOWN = -1  # number of the group of a model without the attribute


@dataclass(frozen=True)
class Scores:
    """Similarities of every two of M models on S sets.

    Attributes
    ----------
    values : S x M(M - 1)/2, pairs in the order of `numpy.triu_indices`.
    halves : 2 x S x M(M - 1)/2, on both halves of the stimuli; NaN where there are none.
    models, sets : their names. sources : of each set.
    """

    values: np.ndarray
    halves: np.ndarray
    models: tuple[str, ...]
    sets: tuple[str, ...]
    sources: tuple[str, ...]

    @cached_property
    def pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """The places i < j of the models of each pair."""
        return np.triu_indices(len(self.models), 1)

    def square(self) -> np.ndarray:
        """The similarities as symmetric tables, S x M x M with 1 in the diagonals."""
        found = np.ones((len(self.sets), len(self.models), len(self.models)))
        i, j = self.pairs
        found[:, i, j] = found[:, j, i] = self.values
        return found

    def distance(self) -> np.ndarray:
        """M x M: 1 less the mean similarity over sets, 0 in the diagonal."""
        return 1 - self.square().mean(axis=0)

    def apart(self, sets: np.ndarray | None = None) -> np.ndarray:
        """S x S: which pairs of sets count, once each: those of different sources (and of ``sets``)."""
        own = np.asarray(self.sources)
        found = np.triu(own[:, None] != own)
        if sets is not None:
            kept = np.isin(np.arange(len(own)), sets)
            found &= kept[:, None] & kept
        return found


@dataclass(frozen=True)
class Contrast:
    """Cell (theta, phi) less cell (theta_2, phi_2), as weights of the cells of a category."""

    theta: str
    phi: str
    theta_2: str
    phi_2: str
    weights: np.ndarray

    @property
    def question(self) -> tuple[bool, str]:
        """What it is one of several answers to: whether it is of a group, and what it is compared with."""
        named = self.theta_2 if self.theta_2 in (OTHERS, DIFFERENT) else "a group"
        return self.theta == self.phi, named


@dataclass(frozen=True)
class Null:
    """Contrasts under permuted labels: K contrasts of P measures, in D draws.

    Attributes
    ----------
    p, low, high : K x P, of the contrasts as they are, and the middle 95 % of the permuted ones; NaN of a contrast that
        no draw changes.
    false_alarms : K, share of draws (that have a p) in which the rank-sum over pairs of sets has p < `NAIVE_LEVEL`.
    """

    p: np.ndarray
    low: np.ndarray
    high: np.ndarray
    false_alarms: np.ndarray


class Groups:
    """The cells of one category of models, and their measures.

    Parameters
    ----------
    scores : of the models.
    labels : the group of each model; None where it has none, and then it is in no cell.
    families : of each model: what is left out together.
    within : the group of each model whose pairs' means `pearson_within` takes off; there is none if left out.
    """

    def __init__(
        self,
        scores: Scores,
        labels: Sequence[str | None],
        families: Sequence[Hashable],
        within: Sequence[str | None] | None = None,
    ):
        self.scores, self.families = scores, families
        self.levels = list(dict.fromkeys(label for label in labels if label is not None))
        self.codes = numbered(labels)
        self.within = None if within is None else numbered(within) - UNKNOWN
        self.everyone, self.every_set = np.arange(len(labels)), np.arange(len(scores.sets))
        possible = list(itertools.combinations_with_replacement(range(len(self.levels)), 2))
        counts = {cell: len(one) for cell, one in zip(possible, self._columns(possible, self.codes), strict=True)}
        self.cells = [cell for cell in possible if counts[cell] >= FEWEST_PAIRS]
        #: cells with pairs, but too few
        self.too_few = [self._named(cell) for cell in possible if 0 < counts[cell] < FEWEST_PAIRS]

    @property
    def names(self) -> list[tuple[str, str]]:
        """The groups of each cell."""
        return [self._named(cell) for cell in self.cells]

    def _named(self, cell: tuple[int, int]) -> tuple[str, str]:
        return self.levels[cell[0]], self.levels[cell[1]]

    def columns(self) -> list[np.ndarray]:
        """The places of each cell's pairs."""
        return self._columns(self.cells, self.codes)

    def _columns(
        self, cells: Iterable[tuple[int, int]], codes: np.ndarray, models: np.ndarray | None = None
    ) -> list[np.ndarray]:
        i, j = self.scores.pairs
        low, high = np.minimum(codes[i], codes[j]), np.maximum(codes[i], codes[j])
        there = low != UNKNOWN
        if models is not None:
            kept = np.isin(self.everyone, models)
            there &= kept[i] & kept[j]
        number = np.where(there, low * len(self.levels) + high, UNKNOWN)
        return [np.flatnonzero(number == a * len(self.levels) + b) for a, b in cells]

    def on_sets(self, columns: np.ndarray, common: np.ndarray | None) -> dict[str, np.ndarray]:
        """The measures of some pairs on every two sets, ... x S x S each; `SIMILARITY` on each set, ... x S.

        ``columns`` : ... x k, places of pairs.
        """
        if columns.shape[-1] < FEWEST_PAIRS:
            return {}
        i, j = self.scores.pairs
        cells = None if self.within is None else cells_of_pairs(self.within, i[columns], j[columns])
        x, *halves = (np.moveaxis(one[:, columns], 0, -2) for one in (self.scores.values, *self.scores.halves))
        return {**measures(x, common, cells, np.stack(halves)), SIMILARITY: x.mean(axis=-1)}

    def matrices(self, models: np.ndarray) -> list[dict[str, np.ndarray]]:
        """`on_sets` of each cell, without models that are left out."""
        common = self.common if len(models) == len(self.everyone) else self._spread(models)
        return [self.on_sets(columns, common) for columns in self._columns(self.cells, self.codes, models)]

    @cached_property
    def common(self) -> np.ndarray | None:
        """The spread of all pairs, on every two sets, which labels do not change; None where there is one group."""
        return self._spread(self.everyone)

    def _spread(self, models: np.ndarray) -> np.ndarray | None:
        if len(self.levels) == 1:
            return None
        i, j = self.scores.pairs
        kept = np.isin(self.everyone, models)
        return agreement(self.scores.values[:, kept[i] & kept[j]]).spread

    def means(self, models: np.ndarray | None = None, sets: np.ndarray | None = None) -> np.ndarray:
        """C x P: each of `MEASURES` of each cell, its mean over pairs of sets (or sets) on its scale; NaN: has none."""
        sets = self.every_set if sets is None else sets
        if models is None or len(models) == len(self.everyone):
            return self._means(self.on_all_sets(), sets)
        return self._means(self.matrices(models), sets)

    def on_all_sets(self) -> list[dict[str, np.ndarray]]:
        """`on_sets` of each cell, of all models."""
        return self._of_everyone

    @cached_property
    def _of_everyone(self) -> list[dict[str, np.ndarray]]:
        return self.matrices(self.everyone)

    def _means(self, found: Sequence[dict[str, np.ndarray]], sets: np.ndarray) -> np.ndarray:
        apart = self.scores.apart(sets)
        draws = next((one[SIMILARITY].shape[:-1] for one in found if one), ())
        means = np.full((*draws, len(found), len(MEASURES)), np.nan)
        for at, of_cell in enumerate(found):
            of_pairs = {name: values for name, values in of_cell.items() if name != SIMILARITY}
            own = mean_over_sets(of_pairs, apart)
            if of_cell:
                own[SIMILARITY] = of_cell[SIMILARITY][..., sets].mean(axis=-1)
            for place, name in enumerate(MEASURES):
                means[..., at, place] = own.get(name, np.nan)
        return means

    # ---- intervals ----

    def estimates(self, contrasts: Sequence[Contrast] = ()) -> CrossedEstimate:
        """The C cells' means and the K contrasts, (C + K) x P, with crossed intervals on their scale.

        Raises
        ------
        ValueError : fewer than three families or sources.
        """
        own = [self._families(columns) for columns in self.columns()]
        of_contrasts = [set().union(*(own[c] for c in np.flatnonzero(one.weights))) for one in contrasts]
        taking_part = np.array([[len(one)] for one in (*own, *of_contrasts)])

        def statistic(models: np.ndarray, sets: np.ndarray) -> np.ndarray:
            means = self.means(models, sets)
            return np.concatenate([means, contrasted(means, contrasts)])

        return crossed_jackknife(statistic, self.families, self.scores.sources, taking_part)

    def can_be_left_out(self) -> bool:
        """Whether there are enough families and sources for intervals."""
        return min(len(set(self.families)), len(set(self.scores.sources))) >= FEWEST_TO_LEAVE_OUT

    def models_of(self, columns: np.ndarray) -> np.ndarray:
        """The places of the models of some pairs."""
        i, j = self.scores.pairs
        return np.unique(np.concatenate([i[columns], j[columns]]))

    def _families(self, columns: np.ndarray) -> set[Hashable]:
        return {self.families[model] for model in self.models_of(columns)}

    def at_equal_size(self, draws: int, seed: int) -> dict[int, np.ndarray]:
        """R within each group (Fisher's z) of as many models as the smallest group has, drawn anew: cell -> draws.

        R of few models is less sure than that of many, and no test of unequal groups says by how much.
        """
        within = {c: np.flatnonzero(self.codes == a) for c, (a, b) in enumerate(self.cells) if a == b}
        least, found = min(map(len, within.values()), default=0), {}
        for c, models in within.items():
            generator = keyed(seed, "models of groups of equal size", self.names[c][0])
            drawn = [generator.permutation(models)[:least] for _ in range(draws if len(models) > least else 1)]
            columns = np.stack([self._columns([self.cells[c]], self.codes, one)[0] for one in drawn])
            r = self.on_sets(columns, None)["pearson"]
            found[c] = mean_over_sets({"pearson": r}, self.scores.apart())["pearson"]
        return found

    # ---- contrasts ----

    def contrasts(self, first: bool) -> list[Contrast]:
        """Every cell within a group less every other, and the mean of cells within less that of cells between.

        Of the ``first`` category also each cell between two groups less the mean of all other cells, and less that
        within each of its groups.
        """
        within = [c for c, (a, b) in enumerate(self.cells) if a == b]
        between = [c for c, (a, b) in enumerate(self.cells) if a != b]
        found = [self._contrast(self.names[c], [c], self.names[d], [d]) for c, d in itertools.combinations(within, 2)]
        if within and between:
            found.append(self._contrast((SAME, SAME), within, (DIFFERENT, DIFFERENT), between))
        if first and len(self.cells) > 1:
            for c in between:
                others = [d for d in range(len(self.cells)) if d != c]
                found.append(self._contrast(self.names[c], [c], (OTHERS, OTHERS), others))
                found += [self._contrast(self.names[c], [c], self.names[d], [d])
                          for d in within if self.cells[d][0] in self.cells[c]]  # fmt: skip
        return found

    def _contrast(self, one: tuple[str, str], cells: list[int], other: tuple[str, str], others: list[int]) -> Contrast:
        weights = np.zeros(len(self.cells))
        weights[cells], weights[others] = 1 / len(cells), -1 / len(others)
        return Contrast(*one, *other, weights)

    def strata(self, given: Sequence[Hashable] | None) -> list[Hashable] | None:
        """Strata in which models without a label change places with none."""
        if given is None and UNKNOWN not in self.codes:
            return None
        known = self.codes != UNKNOWN
        own = given or [None] * len(known)
        return [(bool(here), one if here else None) for here, one in zip(known, own, strict=True)]

    def null(self, contrasts: Sequence[Contrast], draws: int, seed: int, strata: Sequence[Hashable] | None) -> Null:
        """The contrasts under permuted labels; ``strata`` as `strata` makes them.

        Raises
        ------
        ValueError : no permutation changes the labels within strata.
        """
        apart, permuted, pearson = self.scores.apart(), [], []
        drawn = permuted_labels(self.codes, draws, seed, strata)
        while batch := list(itertools.islice(drawn, BATCH)):  # cells keep their number of pairs
            columns = [self._columns(self.cells, codes) for codes in batch]
            found = [self.on_sets(np.stack(own), self.common) for own in zip(*columns, strict=True)]
            permuted.append(self._means(found, self.every_set))
            pearson.append(np.stack([one["pearson"][..., apart] for one in found], axis=1))
        null, value = contrasted(np.concatenate(permuted), contrasts), contrasted(self.means(), contrasts)
        with np.errstate(invalid="ignore"):
            moved = ~(np.ptp(null, axis=0) < ROUNDING)  # strata may fix the labels of both sides of a contrast
        low, high = (np.where(moved, end, np.nan) for end in middle(null))
        p = np.where(moved, permutation_p(value, null, draws), np.nan)
        alarms = [_share_below(rank_sum(np.concatenate(pearson), one.weights)) for one in contrasts]
        return Null(p, low, high, np.where(moved[:, list(MEASURES).index("pearson")], alarms, np.nan))

    def naive_p(self, contrasts: Sequence[Contrast]) -> np.ndarray:
        """K x P: p of the rank-sum test over pairs of sets, which are not independent; NaN of the similarity."""
        of_cells, apart = self.on_all_sets(), self.scores.apart()
        found = np.full((len(contrasts), len(MEASURES)), np.nan)
        for at, name in enumerate(MEASURES):
            if name != SIMILARITY and all(name in one for one in of_cells):
                values = np.array([one[name][apart] for one in of_cells])
                found[:, at] = [rank_sum(values, one.weights) for one in contrasts]
        return found


def numbered(labels: Sequence[str | None]) -> np.ndarray:
    """Groups as numbers, in the order of their first appearance; `UNKNOWN` for None.

    Example
    -------
    >>> numbered(["v", None, "u", "v"]).tolist()
    [0, -1, 1, 0]
    """
    number = {label: place for place, label in enumerate(dict.fromkeys(one for one in labels if one is not None))}
    return np.array([UNKNOWN if label is None else number[label] for label in labels])


def contrasted(means: np.ndarray, contrasts: Sequence[Contrast]) -> np.ndarray:
    """The contrasts (... x K x P) of cells (... x C x P); cells of weight 0 need no value."""
    found = np.full((*means.shape[:-2], len(contrasts), means.shape[-1]), np.nan)
    for at, one in enumerate(contrasts):
        used = np.flatnonzero(one.weights)
        with np.errstate(invalid="ignore"):  # of infinite values there is no difference
            found[..., at, :] = one.weights[used] @ means[..., used, :]
    return found


def middle(null: np.ndarray) -> np.ndarray:
    """The ends of the middle 95 % of draws (first axis) that have a value; NaN where none has."""
    known = np.where(np.isfinite(null), null, np.nan)
    found = np.full((2, *null.shape[1:]), np.nan)
    there = ~np.isnan(known).all(axis=0)
    found[:, there] = np.nanpercentile(known[:, there], [2.5, 97.5], axis=0)
    return found


def rank_sum(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """p of the rank-sum test of the cells with weights above 0 against those below, over pairs of sets.

    Parameters
    ----------
    values : ... x C x pairs of sets. weights : C.
    """
    values = values.round(ROUNDED)  # equal but for rounding is equal
    one, other = (values[..., side, :].reshape(*values.shape[:-2], -1) for side in (weights > 0, weights < 0))
    if not values.shape[-1]:
        return np.full(values.shape[:-2], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return scipy.stats.mannwhitneyu(one, other, axis=-1, method="asymptotic", nan_policy="propagate").pvalue


def _share_below(p: np.ndarray) -> float:
    """The share of the draws that have a p in which it is below `NAIVE_LEVEL`."""
    known = p[~np.isnan(p)]
    return float(np.mean(known < NAIVE_LEVEL)) if len(known) else np.nan


# ---- what does not concern pairs of sets ----


def quadratic(mean: np.ndarray, sd: np.ndarray) -> float:
    """How much pairs in the middle vary more over sets: the coefficient of mean^2 in SD ~ 1 + mean + mean^2.

    The mean is standardised and the SD a share of its mean: -.2 says that one standard deviation of the mean away from
    the top of the curve the SD is lower by a fifth of its average. Similarity that ends at 0 and 1 forces it below 0.

    Example
    -------
    >>> mean = np.linspace(0, 1, 101)
    >>> round(quadratic(mean, mean * (1 - mean)), 3)
    -0.515
    """
    if min(np.ptp(mean), np.ptp(sd)) == 0 or len(mean) <= FEWEST_PAIRS:
        return np.nan
    z = (mean - mean.mean()) / mean.std()
    return float(np.polyfit(z, sd / sd.mean(), 2)[0])


def silhouette(distance: np.ndarray, codes: np.ndarray) -> float:
    """How much nearer models are to their own group than to the next one (Rousseeuw 1987), -1 to 1.

    Parameters
    ----------
    distance : M x M, 0 in the diagonal. codes : the group of each model, a number; two or more groups.

    Example
    -------
    >>> silhouette(abs(np.subtract.outer([0.0, 1, 4, 5], [0.0, 1, 4, 5])), np.array([0, 0, 1, 1])).__round__(3)
    0.746
    """
    places, own = np.arange(len(codes)), np.unique(codes, return_inverse=True)[1]
    member = np.equal.outer(own, np.arange(own.max() + 1)).astype(float)  # M x groups
    sums, counts = distance @ member, member.sum(axis=0)
    inside = sums[places, own] / np.maximum(counts[own] - 1, 1)
    nearest = np.where(member > 0, np.inf, sums / counts).min(axis=1)
    alone = counts[own] == 1  # of a group of one model there is no distance inside
    return float(np.where(alone, 0, (nearest - inside) / np.maximum(nearest, inside)).mean())


def r_squared(distance: np.ndarray, codes: np.ndarray) -> float:
    """The share of the squared distances that lies between groups (Anderson 2001), 0 to 1.

    Example
    -------
    >>> r_squared(abs(np.subtract.outer([0.0, 0, 4, 4], [0.0, 0, 4, 4])), np.array([0, 0, 1, 1]))
    1.0
    """
    squares = np.triu(distance, 1) ** 2
    inside = sum(squares[np.ix_(codes == one, codes == one)].sum() / (codes == one).sum() for one in np.unique(codes))
    return float(1 - inside / (squares.sum() / len(codes)))
