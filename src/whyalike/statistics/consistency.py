"""Consistency of similarity over stimulus sets: whether pairs of models that are alike on one set are so on another.

Source: Ciernik et al. 2025, Objective drives the consistency of representational similarity across datasets, whose
R(Theta, Phi) is `pearson` here: the correlation over all pairs of a model of one group and one of another, on two
sets. A correlation is low where a group's pairs hardly differ, however well they agree; so measures that do not depend
on that range stand beside it, and the correlation that the group would have at the spread of all pairs.
Pairs of models are no independent numbers, nor are pairs of sets: see `whyalike.statistics.crossed`.
"""

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second
from rich.table import Table

from whyalike.similarity.table import to_frame
from whyalike.statistics.crossed import ROUNDING, crossed_jackknife, label_permutation
from whyalike.statistics.printed import table_of

ALL = "all"
FEWEST_PAIRS = 3  # of models: a line through two points fits
#: how each measure is made linear for intervals, and back
SCALES = {
    "pearson": (np.arctanh, np.tanh),
    "pearson_within": (np.arctanh, np.tanh),
    "spearman": (np.arctanh, np.tanh),
    "concordance": (np.arctanh, np.tanh),
    "residual_sd": (np.log, np.exp),
    "pearson_at_common_spread": (np.arctanh, np.tanh),
}
#: the measures of halves of the stimuli; a ratio may be above 1
SCALES_OF_HALVES = {"ceiling": (np.arctanh, np.tanh), "pearson_of_ceiling": (np.asarray, np.asarray)}
#: A row a measure of a pair of groups: its mean over pairs of sets from different sources, on its scale.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "measure", "theta", "phi")),
        pa.field("value", pa.float64(), nullable=False),
        *(pa.field(name, pa.float64()) for name in ("ci_low", "ci_high", "se_models", "se_sources")),
        *(pa.field(name, pa.float64()) for name in ("beyond_all", "p_value")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("models", "pairs", "sets", "sources")),
        pa.field("pairs_of_sets", pa.int64(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Agreement:
    """How well the similarities of the same k pairs of models agree on every two of S sets: S x S each.

    Attributes
    ----------
    pearson, spearman : correlations.
    concordance : of Lin (1989): 1 where both are the same numbers.
    residual_sd : of the pairs about the line that is nearest to them at right angles, in units of the similarity.
    spread : geometric mean of the two standard deviations.
    slope : of that line, of the column's set over the row's.
    """

    pearson: np.ndarray
    spearman: np.ndarray
    concordance: np.ndarray
    residual_sd: np.ndarray
    spread: np.ndarray
    slope: np.ndarray


def agreement(x: np.ndarray) -> Agreement:
    """Every measure of the similarities of k pairs on S sets, ... x S x k; NaN where they do not vary, or k < 3.

    Example
    -------
    >>> found = agreement(np.array([[0.1, 0.4, 0.5], [0.2, 0.5, 0.6]]))
    >>> [round(float(one[0, 1]), 3) for one in (found.pearson, found.concordance, found.residual_sd, found.spread)]
    [1.0, 0.897, 0.0, 0.208]
    """
    if x.shape[-1] < FEWEST_PAIRS:
        return Agreement(*np.full((6, *x.shape[:-1], x.shape[-2]), np.nan))
    covariances, means = _covariances(x), x.mean(axis=-1)
    row, column = _both(np.diagonal(covariances, axis1=-2, axis2=-1))
    mean, other = _both(means)
    half = (column - row) / 2
    apart = np.hypot(half, covariances)
    with np.errstate(invalid="ignore", divide="ignore"):
        return Agreement(
            pearson=_correlations(covariances),
            spearman=correlations(_ranks(x)),
            concordance=2 * covariances / (row + column + (mean - other) ** 2),
            residual_sd=np.sqrt(np.maximum((row + column) / 2 - apart, 0)),
            spread=(row * column) ** 0.25,
            slope=(half + apart) / covariances,
        )


def correlations(x: np.ndarray) -> np.ndarray:
    """Pearson's r of every two of S sets, from ... x S x k; NaN where one does not vary, +-1 if it is but for rounding.

    Example
    -------
    >>> correlations(np.array([[1.0, 2, 4], [3, 2, 0]])).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    return _correlations(_covariances(x))


def _correlations(covariances: np.ndarray) -> np.ndarray:
    row, column = _both(np.diagonal(covariances, axis1=-2, axis2=-1))
    with np.errstate(invalid="ignore", divide="ignore"):
        r = covariances / np.sqrt(row * column)
    return np.where(np.abs(r) > 1 - ROUNDING, np.sign(r), r)


def _covariances(x: np.ndarray) -> np.ndarray:
    apart = np.where(np.ptp(x, axis=-1, keepdims=True) == 0, 0, x - x.mean(axis=-1, keepdims=True))  # no rounding
    return apart @ np.swapaxes(apart, -1, -2) / (x.shape[-1] - 1)


def _both(of_sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of S sets as those of the row's and of the column's in S x S."""
    return of_sets[..., :, None], of_sets[..., None, :]


def _ranks(x: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, their mean where values are equal."""
    order = np.argsort(x, axis=-1)
    if (np.diff(np.take_along_axis(x, order, -1), axis=-1) == 0).any():
        return scipy.stats.rankdata(x, axis=-1)
    ranks = np.empty(x.shape)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(1.0, x.shape[-1] + 1), x.shape), -1)
    return ranks


def at_common_spread(r: np.ndarray, spread: np.ndarray, common: np.ndarray) -> np.ndarray:
    """The correlations that a group would have if its similarities spread as far as others (Thorndike's case 2).

    They hold where the relation is linear with the same residual variance throughout.

    Example
    -------
    >>> at_common_spread(np.array([0.7, 0.7]), np.array([0.05, 0.1]), 0.1).round(3).tolist()
    [0.891, 0.7]
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # of similarities that do not vary
        ratio = common / spread
        return r * ratio / np.sqrt(1 - r**2 + (r * ratio) ** 2)


def reliability(halves: np.ndarray) -> np.ndarray:
    """How well each set orders k pairs of models, from similarities on two halves of its stimuli: ... x S.

    The correlation r of the halves, corrected for their length (Spearman and Brown): 2r/(1 + r). 1 where the stimuli
    leave no noise; 0 and below where the halves have nothing in common. NaN where a half does not vary.

    Parameters
    ----------
    halves : 2 x ... x S x k.

    Example
    -------
    >>> reliability(np.array([[[0.1, 0.2, 0.6]], [[0.1, 0.5, 0.4]]])).round(3).tolist()
    [0.624]
    """
    apart = halves - halves.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = (apart[0] * apart[1]).sum(axis=-1) / np.sqrt((apart[0] ** 2).sum(axis=-1) * (apart[1] ** 2).sum(axis=-1))
        return 2 * r / (1 + r)


def ceiling_of(reliabilities: np.ndarray) -> np.ndarray:
    """The correlation (S x S) of sets that agree wholly but for noise: sqrt(rel_a rel_b); NaN where one is <= 0."""
    row, column = _both(np.where(reliabilities > 0, reliabilities, np.nan))
    return np.sqrt(row * column)


def measures(
    x: np.ndarray, common: np.ndarray | None = None, cells: np.ndarray | None = None, halves: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """The measures of k pairs of models on every two of S sets, S x S each, by their names in `SCALES`.

    Parameters
    ----------
    x : similarities, ... x S x k.
    common : S x S, the spread of `Agreement` at which `pearson_at_common_spread` is told; without it there is none.
    cells : ... x k, a number from 0: `pearson_within` is that without the mean of the pairs of each number, NaN where
        fewer than two differences are left; none without it.
    halves : 2 x ... x S x k, the similarities on both halves of each set's stimuli, for those of `SCALES_OF_HALVES`.
    """
    own = agreement(x)
    found = {name: getattr(own, name) for name in ("pearson", "spearman", "concordance", "residual_sd")}
    if cells is not None:
        found["pearson_within"] = _within(x, cells)
    if common is not None:
        found["pearson_at_common_spread"] = at_common_spread(own.pearson, own.spread, common)
    if halves is not None:
        found["ceiling"] = ceiling_of(reliability(halves))
        found["pearson_of_ceiling"] = own.pearson / found["ceiling"]
    return found


def mean_over_sets(found: Mapping[str, np.ndarray], apart: np.ndarray) -> dict[str, np.ndarray]:
    """The mean of each measure over pairs of sets, on its scale; NaN where there is none.

    Parameters
    ----------
    found : as `measures` makes them, ... x S x S.
    apart : S x S, which pairs of sets count, each once. Of measures of halves those that have a value.

    Returns
    -------
    Of `pearson_of_ceiling` the mean R of these pairs of sets over their mean ceiling, so that it is below R only where
    sets without a ceiling make it so; a mean of ratios would be on another scale than both.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # infinite where two sets agree wholly
        scaled = {name: (SCALES | SCALES_OF_HALVES)[name][0](values[..., apart]) for name, values in found.items()}
        means = {name: values.mean(axis=-1) if values.shape[-1] else np.full(values.shape[:-1], np.nan)
                 for name, values in scaled.items()}  # fmt: skip
        if "ceiling" in found:
            known = ~np.isnan(scaled["ceiling"])
            r, ceiling = (np.where(known, scaled[name], 0).sum(axis=-1) / known.sum(axis=-1)
                          for name in ("pearson", "ceiling"))  # fmt: skip
            means |= {"ceiling": ceiling, "pearson_of_ceiling": np.tanh(r) / np.tanh(ceiling)}
    return means


def pairs_of_groups(groups: Sequence[str], theta: str, phi: str) -> tuple[np.ndarray, np.ndarray]:
    """The places (i, j), i < j, of pairs of a model of theta and one of phi; of "all" every pair.

    Example
    -------
    >>> [one.tolist() for one in pairs_of_groups(["u", "v", "u"], "u", "v")]
    [[0, 1], [1, 2]]
    """
    i, j = np.triu_indices(len(groups), 1)
    if ALL in (theta, phi):
        return i, j
    own = np.asarray(groups)
    kept = ((own[i] == theta) & (own[j] == phi)) | ((own[i] == phi) & (own[j] == theta))
    return i[kept], j[kept]


def consistency(
    metric: str,
    tables: Mapping[str, np.ndarray],
    groups: Sequence[str],
    sources: Mapping[str, str],
    families: Sequence[str] | None = None,
    draws: int = 999,
    seed: int = 0,
) -> pd.DataFrame:
    """Each measure for each pair of groups: its mean over pairs of sets of different sources, with a crossed interval.

    Parameters
    ----------
    metric : its name, for the rows.
    tables : set -> similarities of the same M models, M x M, symmetric.
    groups : of each model; one group for all gives "all" alone.
    sources : set -> the pool that its stimuli are from; pairs of sets of one source do not count.
    families : of each model: models of one family are left out together. Each alone if left out.
    draws, seed : permutations of the models' groups, for the p of "as consistent as all pairs together".

    Returns
    -------
    Columns of `SCHEMA`. ``beyond_all`` is the measure less that of all pairs, on the scale of its intervals (Fisher's
    z, or the logarithm of the residual SD), and ``p_value`` that of this difference; null of "all".

    Raises
    ------
    ValueError : fewer than three models, families or sources, or a set without a source.

    Example
    -------
    >>> place = np.arange(6.0)
    >>> sets = {name: np.exp(-abs(place[:, None] - place) / (n + 1)) for n, name in enumerate("abc")}
    >>> found = consistency("cka", sets, ["u"] * 6, dict(zip("abc", "abc")))
    >>> found["theta"].unique().tolist(), int(found["pairs_of_sets"][0]), bool(found["value"][0] > 0.8)
    (['all'], 3, True)
    """
    names = list(tables)
    if missing := [name for name in names if name not in sources]:
        raise ValueError(f"the set {missing[0]} has no source. Give it one.")
    stack = np.stack([tables[name] for name in names])
    of_sets = [sources[name] for name in names]
    made = _Measures(stack, of_sets, groups, families or range(len(groups)))
    apart = sum(a != b for a, b in itertools.combinations(of_sets, 2))
    counts = {"sets": len(names), "sources": len(set(of_sets)), "pairs_of_sets": apart}
    rows = [row for theta, phi in _cells(groups) for row in made.rows(theta, phi, draws, seed)]
    return to_frame([{"metric": metric, **row, **counts} for row in rows], SCHEMA)


def lacking(found: pd.DataFrame, metric: str, groups: Sequence[str]) -> list[str]:
    """The measures that a metric's rows lack, in words, a line for each pair of groups."""
    lines = []
    for theta, phi in _cells(groups):
        there = found.loc[(found["theta"] == theta) & (found["phi"] == phi), "measure"]
        if missing := [name for name in SCALES if name not in {*there, _left_out(theta, phi)}]:
            pairs = len(pairs_of_groups(groups, theta, phi)[0])
            few = f"it has {pairs} of the {FEWEST_PAIRS} pairs of models that are needed"
            why = few if pairs < FEWEST_PAIRS else "their similarities do not vary on some set"
            lines.append(f"no {', '.join(missing)} of {metric}, {theta} x {phi}: {why}")
    return lines


def _cells(groups: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs of models, then every two groups where there are several."""
    known = list(dict.fromkeys(groups))
    return [(ALL, ALL), *(itertools.combinations_with_replacement(known, 2) if len(known) > 1 else [])]


def _left_out(theta: str, phi: str) -> str:
    """Over all pairs the common spread is their own; within one pair of groups there is nothing to take off."""
    return "pearson_at_common_spread" if (theta, phi) == (ALL, ALL) else "pearson_within"


def joined(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of several metrics as one frame."""
    return to_frame([row for one in found for row in one.replace({np.nan: None}).to_dict("records")], SCHEMA)


def printed(found: pd.DataFrame) -> Table:
    """A row a measure of a pair of groups, for a terminal."""
    cells = {
        "metric": lambda row: row.metric,
        "models": lambda row: f"{row.theta} x {row.phi}" if row.theta != ALL else ALL,
        "measure": lambda row: row.measure,
        "value": lambda row: f"{row.value:.3f}",
        "95 %, models and sources": lambda row: "" if pd.isna(row.ci_low) else f"[{row.ci_low:.3f}, {row.ci_high:.3f}]",
        "beyond all": lambda row: "" if pd.isna(row.beyond_all) else f"{row.beyond_all:+.3f}",
        "p": lambda row: "" if pd.isna(row.p_value) else f"{row.p_value:.4f}",
        "M": lambda row: str(row.models),
        "pairs": lambda row: str(row.pairs),
        "sets": lambda row: str(row.sets),
        "sources": lambda row: str(row.sources),
    }
    return table_of(found, cells, left=3)


class _Measures:
    """The measures of one metric, from similarities of M models on S sets.

    Parameters
    ----------
    stack : S x M x M.
    sources : of each set.
    groups, families : of each model.
    """

    def __init__(self, stack: np.ndarray, sources: Sequence[str], groups: Sequence[str], families: Sequence[Hashable]):
        self.stack, self.groups, self.families = stack, np.asarray(groups), families
        self.sources = np.asarray(sources)
        self.everyone, self.every_set = np.arange(len(groups)), np.arange(len(stack))

    def rows(self, theta: str, phi: str, draws: int, seed: int) -> Iterator[dict[str, object]]:
        """A row a measure of one pair of groups; none where it has too few pairs of models."""
        i, j = pairs_of_groups(self.groups, theta, phi)
        if len(i) < FEWEST_PAIRS:
            return
        shared = {"theta": theta, "phi": phi, "models": len({*i.tolist(), *j.tolist()}), "pairs": len(i)}

        def means(models: np.ndarray, sets: np.ndarray) -> np.ndarray:
            return self.means(theta, phi, self.groups, models, sets)

        own = len({self.families[model] for model in (*i.tolist(), *j.tolist())})
        found = crossed_jackknife(means, self.families, self.sources, own)
        less = p = np.full(len(SCALES), np.nan)
        if (theta, phi) != (ALL, ALL):
            of_all = self.means(ALL, ALL, self.groups, self.everyone, self.every_set)
            less, p = label_permutation(
                lambda labels: self.means(theta, phi, labels, self.everyone, self.every_set) - of_all,
                self.groups,
                draws=draws,
                seed=seed,
            )
        for at, (measure, (_, back)) in enumerate(SCALES.items()):
            if measure != _left_out(theta, phi) and not np.isnan(found.value[at]):
                low, high = back(found.low[at]), back(found.high[at])
                yield {
                    **{"measure": measure, **shared, "value": float(back(found.value[at]))},
                    **{"ci_low": low, "ci_high": high, "se_models": found.se_models[at]},
                    **{"se_sources": found.se_sources[at], "beyond_all": less[at], "p_value": p[at]},
                }

    def means(self, theta: str, phi: str, groups: np.ndarray, models: np.ndarray, sets: np.ndarray) -> np.ndarray:
        """The mean of each measure over pairs of sets from different sources, on its scale; NaN where there is none."""
        i, j = pairs_of_groups(groups[models], theta, phi)
        apart = np.triu(self.sources[sets][:, None] != self.sources[sets])
        if len(i) < FEWEST_PAIRS or not apart.any():
            return np.full(len(SCALES), np.nan)
        kept = self.stack[np.ix_(sets, models, models)]
        every = agreement(kept[:, *pairs_of_groups(groups[models], ALL, ALL)]).spread
        number = np.unique(groups[models], return_inverse=True)[1]
        found = mean_over_sets(measures(kept[:, i, j], every, cells_of_pairs(number, i, j)), apart)
        return np.array([found[name] for name in SCALES])


def cells_of_pairs(groups: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """The number of the pair of groups of each pair of models (i, j), from numbers of the models' groups.

    Example
    -------
    >>> cells_of_pairs(np.array([0, 1, 1]), np.array([0, 0, 1]), np.array([1, 2, 2])).tolist()
    [1, 1, 3]
    """
    low, high = np.minimum(groups[i], groups[j]), np.maximum(groups[i], groups[j])
    return low * (groups.max() + 1) + high


def _within(x: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The correlations of the similarities (... x S x k) with the mean of each cell (... x k) taken off."""
    member = np.equal.outer(cells, np.unique(cells)).astype(float)  # ... x k x cells
    counts = member.sum(axis=-2, keepdims=True)
    left = x - (x @ (member / np.maximum(counts, 1))) @ np.swapaxes(member, -1, -2)
    differences = x.shape[-1] - np.count_nonzero(counts, axis=(-2, -1))  # of a single one, r is 1 or -1
    return np.where((differences < FEWEST_PAIRS - 1)[..., None, None], np.nan, correlations(left))
