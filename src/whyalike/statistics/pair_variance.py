"""How much of the variance over pairs of models goes with each factor that the models cross.

A pair has, of each factor, an unordered pair of levels: {simclr, simclr}, {simclr, supervised} ... A cell is one such
pair of levels of every factor at once; the cells of fully crossed models form a full grid, so that sums of squares of
the factors are orthogonal. Each cell weighs the same, however many pairs it has: two models of one level are rarer than
two of different levels. Models with equal levels of all factors, such as seeds, make the variance within cells.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from whyalike.randomness import keyed

FEWEST = 2  # models of each combination of levels: one has no pair of equal levels


@dataclass(frozen=True)
class Crossing:
    """Models that cross factors fully.

    Attributes
    ----------
    levels : factor -> its levels, two or more.
    codes : of each model, of each factor, the place of its level: F x M.
    kept : the places of these models among those that were given.
    left_out : what was left out, in words.
    """

    levels: dict[str, list[str]]
    codes: np.ndarray
    kept: np.ndarray
    left_out: tuple[str, ...]

    @property
    def combinations(self) -> np.ndarray:
        """The number of each model's combination of levels, M."""
        return np.ravel_multi_index(tuple(self.codes), tuple(map(len, self.levels.values())))


def crossing(labels: Mapping[str, Sequence[str | None]]) -> Crossing:
    """The models that cross the factors fully, with two models or more of each combination.

    Levels of the first factor that lack a combination of the others are left out, and so are models without a level
    and factors that do not vary. Without a level of the first factor that has all combinations nothing is left.

    Parameters
    ----------
    labels : factor -> the level of each of M models, None where it has none.

    Example
    -------
    >>> found = crossing({"objective": ["u", "u", "v", "v", "w"], "data": ["x", "x", "x", "x", "x"]})
    >>> found.levels, found.kept.tolist()
    ({'objective': ['u', 'v']}, [0, 1, 2, 3])
    >>> found.left_out
    ('objective w: fewer than 2 models of x', 'data does not vary: all are x')
    """
    table = np.array([["" if one is None else str(one) for one in of] for of in labels.values()])  # F x M
    has_all = (table != "").all(axis=0)
    told = [f"{(~has_all).sum()} models lack a level of {' or '.join(labels)}"] if not has_all.all() else []
    names = list(labels)
    others = list(itertools.product(*(dict.fromkeys(of[has_all]) for of in table[1:])))
    kept_levels = []
    for level in dict.fromkeys(table[0][has_all]):
        lacking = [one for one in others if _count(table[:, has_all], (level, *one)) < FEWEST]
        if lacking:
            of = "; ".join(", ".join(one) for one in lacking)
            told.append(f"{names[0]} {level}: fewer than {FEWEST} models" + (f" of {of}" if of else ""))
        else:
            kept_levels.append(level)
    kept = np.flatnonzero(has_all & np.isin(table[0], kept_levels))
    levels = {name: list(dict.fromkeys(of[kept].tolist())) for name, of in zip(names, table, strict=True)}
    varying = [name for name, own in levels.items() if len(own) > 1]
    told += [f"{name} does not vary: all are {own[0]}" for name, own in levels.items() if len(own) == 1]
    codes = [[levels[name].index(one) for one in table[names.index(name)][kept]] for name in varying]
    if not varying:
        kept = kept[:0]
    shape = (len(varying), len(kept))
    return Crossing({name: levels[name] for name in varying}, np.array(codes, int).reshape(shape), kept, tuple(told))


def _count(table: np.ndarray, levels: tuple[str, ...]) -> int:
    return int((table == np.array(levels)[:, None]).all(axis=0).sum())


class Grid:
    """The grid of cells of a crossing of C combinations, and sums of squares on it.

    Parameters
    ----------
    sizes : how many levels each factor has.
    """

    def __init__(self, sizes: Sequence[int]):
        self.sizes, self.combinations = tuple(sizes), int(np.prod(sizes))
        self.u, self.v = np.triu_indices(self.combinations)
        codes = np.array(np.unravel_index(np.arange(self.combinations), self.sizes))
        low, high = np.minimum(codes[:, self.u], codes[:, self.v]), np.maximum(codes[:, self.u], codes[:, self.v])
        self.shape = tuple(n * (n + 1) // 2 for n in self.sizes)
        #: of each two combinations, the place of their pair of levels, of each factor
        self.places = low * np.array(self.sizes)[:, None] - low * (low - 1) // 2 + high - low
        self.cells = np.ravel_multi_index(tuple(self.places), self.shape)
        self.counts = np.bincount(self.cells, minlength=int(np.prod(self.shape)))  # of pairs of combinations, a cell

    def means(self, values: np.ndarray, combinations: np.ndarray) -> np.ndarray:
        """The mean over pairs of models of each two combinations: S x M x M to S x C(C + 1)/2; the diagonal is not
        read. NaN where a combination has one model, of it with itself."""
        one_hot = np.eye(self.combinations)[combinations]  # M x C
        n = one_hot.sum(axis=0)
        off = values * ~np.eye(values.shape[-1], dtype=bool)
        sums = one_hot.T @ (off @ one_hot)  # of both orders within a combination
        counts = np.outer(n, n) - np.diag(n)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (sums / counts)[:, self.u, self.v]

    def of_cells(self, means: np.ndarray) -> np.ndarray:
        """The mean of each cell: S x C(C + 1)/2 to S x the grid's shape."""
        sums = np.stack([np.bincount(self.cells, own, len(self.counts)) for own in means])
        return (sums / self.counts).reshape(len(means), *self.shape)

    def sums_of_squares(self, cells: np.ndarray) -> np.ndarray:
        """The mean square of each factor's marginal means about the grand mean, over the sets; F."""
        centred = cells - cells.reshape(len(cells), -1).mean(axis=1).reshape(-1, *[1] * len(self.shape))
        every = range(1, len(self.shape) + 1)
        return np.array([(centred.mean(axis=tuple(a for a in every if a != f)) ** 2).mean() for f in every])


def shares(values: np.ndarray, crossed: Crossing, interaction: bool = False) -> dict[str, float]:
    """The shares of the variance over pairs by factor; ``seed`` is within combinations, ``residual`` the rest.

    Parameters
    ----------
    values : S x M x M; one table of means, or a table a set.
    crossed : of these models.
    interaction : take the mean of each pair over sets off first: the shares of pair x set.

    Returns
    -------
    The factors', "residual" (combinations of factors) and "seed" (models of equal levels), which add up to 1; NaN where
    nothing varies, or a combination has one model.

    Example
    -------
    >>> height = np.array([0.0, 0, 1, 1])
    >>> found = shares(np.add.outer(height, height)[None], crossing({"objective": ["u", "u", "v", "v"]}))
    >>> {name: round(float(one), 2) for name, one in found.items()}
    {'objective': 1.0, 'residual': 0.0, 'seed': 0.0}
    """
    grid = Grid(tuple(map(len, crossed.levels.values())))
    values = values - values.mean(axis=0) if interaction else values
    by_factor, total, between = _parts(grid, values, crossed.combinations)
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.array([*by_factor, between - by_factor.sum(), total - between]) / (
            total if total > 1e-15 else np.nan
        )
    return dict(zip([*crossed.levels, "residual", "seed"], parts, strict=True))


def _parts(grid: Grid, values: np.ndarray, combinations: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Mean squares of the factors; of all pairs; and between combinations."""
    means, squares = grid.means(values, combinations), grid.means(values**2, combinations)
    cells = grid.of_cells(means)
    grand = cells.reshape(len(cells), -1).mean(axis=1)
    total = float((grid.of_cells(squares).reshape(len(cells), -1).mean(axis=1) - grand**2).mean())
    between = float((grid.of_cells(means**2).reshape(len(cells), -1).mean(axis=1) - grand**2).mean())
    return grid.sums_of_squares(cells), total, between


def permuted_within(crossed: Crossing, factor: int, generator: np.random.Generator) -> np.ndarray:
    """The codes (F x M) with one factor's permuted among models that have equal levels of all others."""
    codes = crossed.codes.copy()
    _, strata = np.unique(np.delete(codes, factor, axis=0), axis=1, return_inverse=True)
    for one in np.unique(strata):
        of = np.flatnonzero(strata.ravel() == one)
        codes[factor, of] = codes[factor, generator.permutation(of)]
    return codes


def p_of_shares(
    values: np.ndarray, crossed: Crossing, draws: int, seed: int, interaction: bool = False
) -> dict[str, float]:
    """Of each factor, the p of "its levels do not matter": its levels are permuted within those of all others.

    p = (1 + permutations with as large a mean square)/(1 + draws).

    Parameters
    ----------
    values, crossed, interaction : as of `shares`. draws, seed : of the permutations.
    """
    sizes = tuple(map(len, crossed.levels.values()))
    grid = Grid(sizes)
    values = values - values.mean(axis=0) if interaction else values
    own = grid.sums_of_squares(grid.of_cells(grid.means(values, crossed.combinations)))
    found = {}
    for f, name in enumerate(crossed.levels):
        generator, reached = keyed(seed, "levels within strata", name), 0
        for _ in range(draws):
            codes = permuted_within(crossed, f, generator)
            means = grid.means(values, np.ravel_multi_index(tuple(codes), sizes))
            reached += grid.sums_of_squares(grid.of_cells(means))[f] >= own[f] * (1 - 1e-9)  # but for rounding
        found[name] = (1 + reached) / (1 + draws)
    return found


@dataclass(frozen=True)
class Pairs:
    """The pairs of M models on S sets, made ready for correlations.

    Attributes
    ----------
    values : S x P. i, j : the models of each pair. apart : S x S, the pairs of sets that count.
    """

    values: np.ndarray
    i: np.ndarray
    j: np.ndarray
    apart: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, sources: Sequence[str]) -> "Pairs":
        """From S x M x M, and the source of each set."""
        i, j = np.triu_indices(values.shape[-1], 1)
        names = np.asarray(sources)
        return cls(values[:, i, j], i, j, np.triu(names[:, None] != names, 1))


def consistency_variances(pairs: Pairs, codes: np.ndarray, sizes: Sequence[int], factors: Sequence[int]) -> np.ndarray:
    """Of some factors, the variance over their pairs of levels of the consistency R, in Fisher's z.

    R of a pair of levels is the correlation over its pairs of models of two sets, averaged in z over the pairs of sets
    that count; each cell of the grid within it weighs the same.
    """
    grid = Grid(sizes)
    combinations = np.ravel_multi_index(tuple(codes), tuple(sizes))
    low, high = np.minimum(*_ends(combinations, pairs)), np.maximum(*_ends(combinations, pairs))
    block = low * grid.combinations - low * (low - 1) // 2 + high - low
    cells = grid.cells[block]
    weights = 1 / np.bincount(cells, minlength=len(grid.counts))[cells]
    found = []
    for f in factors:
        level = grid.places[f][block]
        z = [_mean_z(pairs.values[:, level == one], weights[level == one], pairs.apart) for one in range(grid.shape[f])]
        found.append(np.var(z))
    return np.array(found)


def _ends(combinations: np.ndarray, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    return combinations[pairs.i], combinations[pairs.j]


def _mean_z(x: np.ndarray, weights: np.ndarray, apart: np.ndarray) -> float:
    """The mean of Fisher's z of weighted correlations between sets, S x pairs."""
    weights = weights / weights.sum()
    centred = x - (x @ weights)[:, None]
    covariances = (centred * weights) @ centred.T
    sd = np.sqrt(np.diagonal(covariances))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = covariances / np.outer(sd, sd)
        return float(np.arctanh(np.clip(r[apart], -1 + 1e-12, 1 - 1e-12)).mean())
