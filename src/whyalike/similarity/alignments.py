"""All fitted maps of a pair of representations at once, with both directions, spread over folds, and rotated units.

The values are those of the metrics `linear`, `procrustes`, `permutation` and `soft_matching`
(`whyalike.similarity.metrics.alignment`, their protocol "exact"); the way there is shorter. One product of held-out
rows a fold gives the cross-covariances of all training sets. A Pearson correlation of prediction and response is
w'Hj / sqrt(w'Gw), H and G the held-out second moments of both and of the predicting side, so that rows are mapped only
where they are fewer than units, for ranks, and where w'Gw is a small difference of large terms.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from whyalike.randomness import keyed
from whyalike.similarity import folds
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.fold_moments import Moments, Spreads, correlations
from whyalike.similarity.metrics.alignment import STIMULI_A_UNIT, rotation, transport
from whyalike.similarity.metrics.inner_ridge import FOLDS, INNER
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.prepared import Prepared

PEARSON = "pearson"
LINEAR, PROCRUSTES, PERMUTATION, SOFT_MATCHING = "linear", "procrustes", "permutation", "soft_matching"
CANCELLED = 1e-6  # of its terms, a sum of products whose rounding, 1e-16 of these, would be 1e-10 of it
Scored = tuple[str, str, Mapping[str, Any]]
Maps = list[tuple[np.ndarray, np.ndarray]]  # of each fold, a to b (p x q) and b to a (q x p)


@dataclass(frozen=True)
class Aligned:
    """A score of two representations a and b.

    Parameters
    ----------
    value : mean over folds and both directions. value_ab, value_ba : mean over folds of b predicted from a, and of a
        from b; the same where a metric has no direction.
    fold_sd : SD over the folds (of folds - 1) of the mean of both directions.
    matched : of soft matching, the largest share of the plan's mass that a one-to-one matching of units carries, mean
        over folds: 1 where widths are equal, at most p/q of p < q units. None of other metrics.
    """

    value: float
    value_ab: float
    value_ba: float
    fold_sd: float
    matched: float | None = None


def align(
    a: Prepared, b: Prepared, scored: Sequence[Scored], comparisons: Sequence[str] = (PEARSON,)
) -> dict[tuple[str, str], Aligned]:
    """The scores of a pair.

    Parameters
    ----------
    a, b : two representations of the same stimuli, with the same folds.
    scored : names of one's own, each with a metric and those of its parameters that are not the defaults. The folds are
        those of a and b.
    comparisons : of "pearson" and "spearman"; one that stands among the parameters of a scoring takes their place.

    Returns
    -------
    (name, comparison) -> score. One that has no value is absent: of too few stimuli or of a constant layer, of widths
    that differ (permutation), of least squares without a ridge with fewer than five training stimuli a unit.

    Raises
    ------
    ValueError : the stimuli or folds differ, or a metric is none that fits a map.

    Example
    -------
    >>> x = np.random.default_rng(0).normal(size=(100, 4))
    >>> found = align(Prepared(x), Prepared(x[:, ::-1]), [("matched", "permutation", {})])
    >>> round(found["matched", "pearson"].value, 6)
    1.0
    """
    _check(a, b, scored)
    if not a.width or not b.width:
        return {}
    pair, found = _Pair(a, b), {}
    for name, metric, given in scored:
        parameters = {**METRICS[metric].facts.parameters, **given}
        for comparison in (given["comparison"],) if "comparison" in given else comparisons:
            try:
                found[name, comparison] = pair.aligned(metric, {**parameters, "comparison": comparison})
            except UndefinedScore:
                break
    return found


def _check(a: Prepared, b: Prepared, scored: Sequence[Scored]) -> None:
    if (a.n, a.folds, a.seed) != (b.n, b.folds, b.seed):
        raise ValueError(
            f"a and b need the same stimuli and folds: there are {a.n} and {b.n} stimuli, {a.folds} and {b.folds} "
            f"folds of keys {a.seed} and {b.seed}. Prepare both alike."
        )
    for name, metric, given in scored:
        if metric not in (LINEAR, PROCRUSTES, PERMUTATION, SOFT_MATCHING):
            raise ValueError(f"'{name}' needs a metric that fits a map; got '{metric}'. Score it with `score`.")
        wrong = {key: given[key] for key, own in (("folds", a.folds), ("seed", a.seed)) if given.get(key, own) != own}
        if wrong:
            raise ValueError(
                f"'{name}' has {wrong}, and its representations {a.folds} folds of key {a.seed}. Leave it out."
            )


class _Pair:
    """What the metrics of two representations share."""

    def __init__(self, a: Prepared, b: Prepared):
        self.a, self.b = a, b
        self._maps: dict[tuple[str, Any], Maps] = {}

    @cached_property
    def products(self) -> Moments:
        """Of coordinates."""
        return Moments.of(self.a.coordinates, self.b.coordinates)

    @cached_property
    def unit_products(self) -> Moments:
        """Of units."""
        reduced = self.a.is_reduced or self.b.is_reduced
        return Moments.of(self.a.units, self.b.units) if reduced else self.products

    @cached_property
    def plans(self) -> list[np.ndarray]:
        """The plan of soft matching of each fold, width x width."""
        return list(plans(self.unit_products, self.a.spreads, self.b.spreads))

    def aligned(self, metric: str, parameters: Mapping[str, Any]) -> Aligned:
        """The score of a metric.

        Raises
        ------
        UndefinedScore : it has none.
        """
        scores = np.array(list(self._scores(metric, parameters)))  # folds x 2
        if not np.isfinite(scores).all():
            raise UndefinedScore(f"{metric} must be a finite number. Look at the scale of the features.")
        value, ab, ba = (min(max(float(one), -1.0), 1.0) for one in (scores.mean(), *scores.mean(axis=0)))
        matched = float(np.mean([_one_to_one(plan) for plan in self.plans])) if metric == SOFT_MATCHING else None
        return Aligned(value, ab, ba, float(scores.mean(axis=1).std(ddof=1)), matched)

    def _scores(self, metric: str, parameters: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
        pooled = parameters["correlation"] == "pooled"
        if metric in (LINEAR, PROCRUSTES):
            for i, (forth, back) in enumerate(self._fitted(metric, parameters.get("ridge"))):
                if pooled:
                    yield self._by_rows(
                        i, _to_units(self.a, forth, self.b), _to_units(self.b, back, self.a), parameters
                    )
                else:
                    comparison = parameters["comparison"]
                    product = self.products.held[i]
                    yield (
                        _predicted(self.a, self.b, i, forth, product, comparison),
                        _predicted(self.b, self.a, i, back, product.T, comparison),
                    )
            return
        if metric == PERMUTATION and self.a.width != self.b.width:
            raise UndefinedScore("permutation needs equally many units that vary. Use soft_matching instead.")
        mapped = parameters.get("score") == "mapped" and self.a.width != self.b.width
        for i, plan in enumerate(self.plans):
            if pooled or mapped:
                yield self._by_rows(i, plan, plan.T, parameters, standardised=True)
            else:
                standardised = metric == PERMUTATION or parameters["score"] == "mapped"
                yield (self._of_plan(i, plan, parameters["comparison"], standardised),) * 2

    def _fitted(self, metric: str, ridge: Any) -> Maps:
        if (metric, ridge) not in self._maps:
            self._maps[metric, ridge] = self._rotations() if metric == PROCRUSTES else self._least_squares(ridge)
        return self._maps[metric, ridge]

    def _rotations(self) -> Maps:
        return [(w := rotation(self.products.without(i)), w.T) for i in range(self.a.folds)]

    def _least_squares(self, ridge: float | str) -> Maps:
        a, b = self.a, self.b
        if ridge == INNER:
            if a.folds < FOLDS:
                raise UndefinedScore(f"linear needs {FOLDS} folds to choose a ridge on. Use more folds or a number.")
            forth = a.spectra.maps(self.products, b.weights)
            return list(zip(forth, b.spectra.maps(self.products.flipped, a.weights), strict=True))
        n_train, widest = a.n - a.counts.max(), max(a.width, b.width)
        if not ridge and n_train < STIMULI_A_UNIT * widest:
            raise UndefinedScore(f"linear needs {STIMULI_A_UNIT} training stimuli a unit, or a ridge.")
        products = [self.products.without(i) for i in range(a.folds)]
        both = zip(a.inverses(ridge), b.inverses(ridge), products, strict=True)
        return [(of_a @ product, of_b @ product.T) for of_a, of_b, product in both]

    def _of_plan(self, i: int, plan: np.ndarray, comparison: str, standardised: bool) -> float:
        """Sum of a plan times the held-out correlations of units; only those that the plan matches are made."""
        rows, columns = np.nonzero(plan)
        if comparison == PEARSON:
            matched = self.unit_products.held[i][rows, columns]
            held = self.a.spreads.held[i][rows] * self.b.spreads.held[i][columns]
        else:
            x, y = self.a.ready(i, comparison), self.b.ready(i, comparison)
            matched, held = np.einsum("ij,ij->j", x[:, rows], y[:, columns]), np.ones(len(rows))
        if standardised:  # a unit that does not vary over the training stimuli has no relation
            known = (self.a.spreads.training[i][rows] > 0) & (self.b.spreads.training[i][columns] > 0)
            held = np.where(known, held, 0)
        return float(plan[rows, columns] @ folds.over(matched, held))

    def _by_rows(
        self, i: int, forth: np.ndarray, back: np.ndarray, parameters: Mapping[str, Any], standardised: bool = False
    ) -> tuple[float, float]:
        """Both directions of maps of units, from mapped rows."""
        x, y = self.a.held_out(i, standardised), self.b.held_out(i, standardised)
        return folds.agreement(x @ forth, y, parameters), folds.agreement(y @ back, x, parameters)


def _to_units(x: Prepared, w: np.ndarray, y: Prepared) -> np.ndarray:
    """A map of coordinates as one of units."""
    w = w if x.basis is None else x.basis.T @ w
    return w if y.basis is None else w @ y.basis


def _predicted(x: Prepared, y: Prepared, i: int, w: np.ndarray, product: np.ndarray, comparison: str) -> float:
    """Mean over y's units of the held-out correlation with their prediction by w from x, of coordinates.

    ``product`` : x'y over the held-out stimuli of fold i, about their means.
    """
    if comparison != PEARSON or y.basis is not None or len(w) > x.counts[i]:
        return float(_by_mapped(x, y, i, w, slice(None), comparison).mean())
    gram = x.grams.held[i]
    squares = np.einsum("ij,ij->j", w, gram @ w)
    terms = (np.sqrt(np.diagonal(gram)) @ np.abs(w)) ** 2
    cancelled = squares <= CANCELLED * terms
    found = folds.over(np.einsum("ij,ij->j", w, product), np.sqrt(np.maximum(squares, 0)) * y.spreads.held[i])
    if cancelled.any():
        found[cancelled] = _by_mapped(x, y, i, w, cancelled, comparison)
    return float(found.mean())


def _by_mapped(x: Prepared, y: Prepared, i: int, w: np.ndarray, which: Any, comparison: str) -> np.ndarray:
    """The correlations of some of y's units, from the mapped held-out rows of x."""
    w = w if y.basis is None else w @ y.basis
    rows = x.coordinates.rows[x.coordinates.slices[i]]
    predicted = folds.ready(rows @ w[:, which], comparison == "spearman")
    return np.einsum("ij,ij->j", predicted, y.ready(i, comparison)[:, which])


def plans(products: Moments, x: Spreads, y: Spreads) -> Iterator[np.ndarray]:
    """The plan of each fold (p x q) from the correlations of units over its training stimuli."""
    for i in range(len(products.counts)):
        yield transport(correlations(products.without(i), x.training[i], y.training[i]))


def _one_to_one(plan: np.ndarray) -> float:
    """The largest mass of a plan on places of which no two share a row or a column."""
    if plan.shape[0] == plan.shape[1]:
        return 1.0  # of a plan that is a permutation
    return float(plan[linear_sum_assignment(plan, maximize=True)].sum())


def haar(units: int, generator: np.random.Generator) -> np.ndarray:
    """A rotation or reflection (units x units) drawn from the Haar measure.

    QR of Gaussian entries alone favours one sign of R's diagonal; with that sign made positive Q is uniform (Mezzadri
    2007, How to generate random matrices from the classical compact groups).
    """
    q, r = np.linalg.qr(generator.normal(size=(units, units)))
    return q * np.where(np.diagonal(r) < 0, -1, 1)


def drawn(units: int, seed: int, draw: int, side: str) -> np.ndarray:
    """The rotation (units x units) of one draw of a seed, for side "a" or "b"."""
    return haar(units, keyed(seed, "rotation", side, draw))


def rotations(
    a: Prepared, b: Prepared, draws: int, seed: int, standardised: bool = True, both: bool = False
) -> np.ndarray:
    """Permutation scores (Pearson) of a whose units are rotated at random, with b.

    Parameters
    ----------
    draws, seed : how many rotations, and their key; draw k is the same whatever ``draws`` is.
    standardised : divide units by their SD over all stimuli before they are rotated.
    both : rotate b's units too, by rotations of their own.

    Returns
    -------
    draws, float64; none where the permutation score has no value.
    """
    _check(a, b, ())
    if a.width != b.width or not a.width:
        return np.empty(0)
    scales = [np.sqrt(x.variances) if standardised else np.ones(x.width) for x in (a, b)]
    # products of units, d x d a fold, are rotated where that is less work than to rotate the rows
    scored = _by_moments(a, b, *scales) if a.folds * a.width < a.n else _by_turned_rows(a, b, *scales)
    drawn_b = (lambda draw: drawn(b.width, seed, draw, "b")) if both else (lambda draw: None)
    return np.array([scored(drawn(a.width, seed, draw, "a"), drawn_b(draw)) for draw in range(draws)])


Turned = Callable[[np.ndarray, np.ndarray | None], float]  # of a's rotation and b's, or None, the permutation score


def _by_turned_rows(a: Prepared, b: Prepared, scales_a: np.ndarray, scales_b: np.ndarray) -> Turned:
    """Scores of representations whose rows are rotated."""

    def score(q: np.ndarray, r: np.ndarray | None) -> float:
        other = b if r is None else b.turned(r, scales_b)
        return align(a.turned(q, scales_a), other, [("", PERMUTATION, {})])["", PEARSON].value

    return score


def _by_moments(a: Prepared, b: Prepared, scales_a: np.ndarray, scales_b: np.ndarray) -> Turned:
    """Scores of rotated products: Q'CR, and spreads from the diagonal of Q'C_xx Q."""
    held = Moments.of(a.units, b.units).held / (scales_a[:, None] * scales_b)
    grams_a, grams_b = (x.unit_grams.held / (s[:, None] * s) for x, s in ((a, scales_a), (b, scales_b)))
    means_a, means_b = a.units.means / scales_a, b.units.means / scales_b
    native = Spreads(b.spreads.squares / scales_b**2, means_b, b.counts)

    def turned(grams: np.ndarray, means: np.ndarray, q: np.ndarray) -> Spreads:
        return Spreads(np.einsum("ij,fij->fj", q, grams @ q), means @ q, a.counts)

    def score(q: np.ndarray, r: np.ndarray | None) -> float:
        x = turned(grams_a, means_a, q)
        y = native if r is None else turned(grams_b, means_b, r)
        crossed = q.T @ held
        products = Moments(crossed if r is None else crossed @ r, x.means, y.means, a.counts)
        return float(
            np.mean([_held_out(plan, products.held[i], x, y, i) for i, plan in enumerate(plans(products, x, y))])
        )

    return score


def _held_out(plan: np.ndarray, product: np.ndarray, x: Spreads, y: Spreads, i: int) -> float:
    """Sum of a plan times the correlations of units over the stimuli of fold i, from their product there."""
    rows, columns = np.nonzero(plan)
    spreads = x.held[i][rows] * y.held[i][columns]
    known = (x.training[i][rows] > 0) & (y.training[i][columns] > 0)
    return float(plan[rows, columns] @ folds.over(product[rows, columns], np.where(known, spreads, 0)))
