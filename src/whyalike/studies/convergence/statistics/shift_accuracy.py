"""Whether models are more alike on stimuli on which they are more often right.

r : of each pair of models the correlation, over shifted stimulus sets of one n, of alignment with the mean accuracy of
    both; mean over pairs on the scale of Fisher's z. r_slope : Theil-Sen slope of r on depth.
partial_r : the same of what distance of the pixels, log participation ratio and the alignment of untrained models on
    the same set leave of both.
family_slope : slope of alignment on accuracy within shifts, the control included: sets count as deviations from their
    shift's mean. That of one shift needs three of its sets.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from whyalike.job import note
from whyalike.studies.convergence.looks import NONE
from whyalike.studies.convergence.section import FINAL, START
from whyalike.studies.convergence.statistics.shift_panels import Number, Panel, common_n, theil_sen

FEWEST = 4  # sets of a correlation: with three it is near 1 by chance
COVARIATES = 3
ROUNDING = 1e-12  # of a correlation
FEWEST_OF_FAMILY = 3  # sets of one shift's own slope


def of_accuracy(panel: Panel) -> Iterator[Number]:
    """The numbers of the final models."""
    accuracy = panel.of_models("accuracy")
    if np.isnan(accuracy).all():
        note(f"{panel.where}: no correlation with accuracy: there are no accuracies")
        return
    alignment, points = panel.values(FINAL), _points(panel, accuracy)
    if len(points) < FEWEST:
        note(f"{panel.where}: no correlation with accuracy: it needs {FEWEST} shifted sets, there are {len(points)}")
    else:
        found = _number(panel, "r", points, lambda places: fisher_z(alignment[places], accuracy[places][:, None]))
        yield found
        if lacking := int(np.isnan(found.values).sum()):
            told = (
                f"{lacking} of {found.values.size} (a layer of a pair) have none: accuracy or alignment does not vary"
            )
            note(f"{panel.where}: correlations with accuracy: {told}, or has no score")
        if len(panel.layers) > 1:
            yield _slope(panel, points, alignment, accuracy)
        yield from _partial(panel, points, alignment, accuracy)
    yield from _families(panel, alignment, accuracy)


def _points(panel: Panel, accuracy: np.ndarray) -> list[int]:
    """Places of the shifted sets that count: of one n, but as published."""
    places = [at for at, one in enumerate(panel.points) if one.is_shifted and np.isfinite(accuracy[at]).any()]
    if panel.is_published or not places:
        return places
    n = common_n([panel.points[at] for at in places])
    if gone := [panel.points[at] for at in places if panel.points[at].n != n]:
        told = ", ".join(f"{one.shift} ({one.n})" for one in gone)
        note(f"{panel.where}: correlations with accuracy are over sets of n = {n}, without {told}")
    return [at for at in places if panel.points[at].n == n]


def _number(
    panel: Panel, quantity: str, points: Sequence[int], of: Callable[[list[int]], np.ndarray], is_z: bool = True
) -> Number:
    """A number of all stimulus sets, and the same without each shift."""
    shifts = list(dict.fromkeys(panel.points[at].shift for at in points))
    without = [of([at for at in points if panel.points[at].shift != one]) for one in shifts]
    n = min(panel.points[at].n for at in points)
    return Number(quantity, FINAL, of(list(points)), n, len(points), without_shifts=without, is_z=is_z)


def fisher_z(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fisher's z of the correlation over the first axis; NaN where one does not vary, the correlation is 1, or few.

    Example
    -------
    >>> np.tanh(fisher_z(np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4]))).round(3).tolist()
    0.8
    """
    x, y = np.broadcast_arrays(x, y)
    if len(x) < FEWEST:
        return np.full(x.shape[1:], np.nan)
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    norms = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    varies = norms > ROUNDING * len(x)
    r = np.where(varies, (x * y).sum(axis=0) / np.where(varies, norms, 1), np.nan)
    return np.arctanh(np.where(np.abs(r) < 1 - ROUNDING, r, np.nan))


def _slope(panel: Panel, points: Sequence[int], alignment: np.ndarray, accuracy: np.ndarray) -> Number:
    def of(places: list[int]) -> np.ndarray:
        return theil_sen(panel.depths, np.tanh(fisher_z(alignment[places], accuracy[places][:, None])))

    return _number(panel, "r_slope", points, of, is_z=False)


def _partial(panel: Panel, points: Sequence[int], alignment: np.ndarray, accuracy: np.ndarray) -> Iterator[Number]:
    """Of sets whose images have an undistorted one."""
    distance, untrained = panel.of_models("distance"), panel.values(START)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.log(panel.values(FINAL, "participation"))
    kept = [at for at in points if np.isfinite(distance[at]).all()]
    if len(kept) < FEWEST + COVARIATES:
        told = f"it needs {FEWEST + COVARIATES} shifted sets with a distance, there are {len(kept)}"
        note(f"{panel.where}: no partial correlation with accuracy: {told}")
        return

    def of(places: list[int]) -> np.ndarray:
        shape = alignment[places].shape
        covariates = [np.broadcast_to(distance[places][:, None], shape), spread[places], untrained[places]]
        own = np.broadcast_to(accuracy[places][:, None], shape)
        return partial_z(alignment[places], own, np.stack(covariates))

    yield _number(panel, "partial_r", kept, of)


def partial_z(x: np.ndarray, y: np.ndarray, covariates: np.ndarray) -> np.ndarray:
    """Fisher's z of the correlation over the first axis of what covariates leave; NaN where one is missing, or few.

    Parameters
    ----------
    x, y : Q x ... . covariates : k x Q x ... .

    Example
    -------
    >>> t = np.arange(8.0)
    >>> apart = np.array([1.0, -1, -1, 1, 1, -1, -1, 1])
    >>> np.tanh(partial_z(t + apart, t - apart / 2 + np.eye(8)[0], t[None])).round(2).tolist()
    -0.84
    """
    if len(x) < FEWEST + len(covariates):
        return np.full(x.shape[1:], np.nan)
    there = np.isfinite(x).all(axis=0) & np.isfinite(y).all(axis=0) & np.isfinite(covariates).all(axis=(0, 1))
    design = np.moveaxis(covariates, (0, 1), (-1, -2))  # ... x Q x k
    design = np.where(there[..., None, None], design - design.mean(axis=-2, keepdims=True), 0)
    scales = np.sqrt((design**2).sum(axis=-2, keepdims=True))
    design = design / np.where(scales > ROUNDING * len(x), scales, np.inf)  # what does not vary explains nothing
    inverse = np.linalg.pinv(design, rcond=1e-8)
    rest = []
    for of in (x, y):
        centred = np.moveaxis(np.where(there, of - of.mean(axis=0), 0), 0, -1)[..., None]  # ... x Q x 1
        rest.append(np.moveaxis((centred - design @ (inverse @ centred))[..., 0], -1, 0))
    return np.where(there, fisher_z(*rest), np.nan)


def _families(panel: Panel, alignment: np.ndarray, accuracy: np.ndarray) -> Iterator[Number]:
    """The slope within shifts: of all together, and of those that have enough sets."""
    places = [at for at, one in enumerate(panel.points) if one.level != NONE and np.isfinite(accuracy[at]).any()]
    of_shift = {shift: [at for at in places if panel.points[at].shift == shift] for shift in panel.shifts}
    of_shift = {shift: own for shift, own in of_shift.items() if len(own) > 1}

    def of(kept: list[int]) -> np.ndarray:
        return within_slope([(accuracy[own][:, None], alignment[own]) for own in
                             ([at for at in kept if panel.points[at].shift == shift] for shift in of_shift) if own],
                            alignment.shape[1:])  # fmt: skip

    for shift, own in of_shift.items():
        if len(own) >= FEWEST_OF_FAMILY:
            n = min(panel.points[at].n for at in own)
            yield Number("family_slope", FINAL, of(own), n, len(own), shift=shift)
    if of_shift:
        every = [at for own in of_shift.values() for at in own]
        yield _number(panel, "family_slope", every, of, is_z=False)


def within_slope(families: Sequence[tuple[np.ndarray, np.ndarray]], shape: tuple[int, ...]) -> np.ndarray:
    """The slope of y on x within families: of deviations from each family's means; NaN where no x varies.

    Parameters
    ----------
    families : x and y, sets x ..., of each. shape : of the result.

    Example
    -------
    >>> x = np.array([0.0, 1.0])
    >>> within_slope([(x, 2 * x), (x + 5, 2 * x - 3)], ()).tolist()
    2.0
    """
    above, below = np.zeros(shape), np.zeros(shape)
    for x, y in families:
        own = x - x.mean(axis=0)
        above = above + (own * (y - y.mean(axis=0))).sum(axis=0)
        below = below + (own**2).sum(axis=0)
    return np.where(below > ROUNDING, above / np.where(below > ROUNDING, below, 1), np.nan)
