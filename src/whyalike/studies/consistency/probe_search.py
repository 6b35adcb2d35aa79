"""The search for learning rate and weight decay of a probe on held-out stimuli.

Source: Ciernik et al. 2025, appendix B, as their code has it: of each rate the decades of 64 decays from 1e-6 to 10,
then places 4, 2 and 1 beside the best one so far; up to 14 trainings. All rates go together, so that what is trained
at a time is a large stack.
"""

from collections.abc import Callable, Sequence

import numpy as np

from whyalike.randomness import keyed
from whyalike.studies.consistency.probe_training import Candidate

SMALLEST, LARGEST = -6, 1  # powers of ten of the decays
HELD_OUT = 0.2  # of the stimuli of each class


def decays_of(count: int) -> np.ndarray:
    """The decays that may be chosen, evenly spaced on a logarithmic scale; one alone is the smallest, 1e-6.

    Example
    -------
    >>> decays_of(64)[[0, 9, 63]].round(7).tolist(), decays_of(1).tolist()
    ([1e-06, 1e-05, 10.0], [1e-06])
    """
    return np.logspace(SMALLEST, LARGEST, count)


def search(
    rates: Sequence[float], decays: int, score: Callable[[list[Candidate]], Sequence[float]]
) -> tuple[Candidate, int]:
    """The best candidate, and how many were trained; none where there is but one.

    Among equals the larger decay wins in a sweep over decays, the earlier decay between sweeps, the first of the rates.

    Parameters
    ----------
    rates : in their order.
    decays : number of `decays_of`.
    score : accuracies of candidates, higher is better.

    Example
    -------
    >>> search([0.1, 0.01], 64, lambda asked: [-abs(np.log10(one.decay) + 2.4) for one in asked])[1]
    28
    """
    grid = decays_of(decays)
    if len(rates) * decays == 1:
        return Candidate(rates[0], float(grid[0])), 0
    step = max(1, round((decays - 1) / (LARGEST - SMALLEST)))
    tried: list[dict[int, float]] = [{} for _ in rates]  # of each rate: place in the grid -> accuracy

    def sweep(places: Sequence[set[int]]) -> None:
        asked = [(own, place) for own, of in enumerate(places) for place in sorted(of - set(tried[own]))]
        found = score([Candidate(rates[own], float(grid[place])) for own, place in asked]) if asked else []
        for (own, place), accuracy in zip(asked, found, strict=True):
            tried[own][place] = float(accuracy)

    sweep([{*range(0, decays, step), decays - 1}] * len(rates))
    peaks = [_best(of) for of in tried]
    span = step // 2
    while span:
        beside = [{max(peak - span, 0), min(peak + span, decays - 1)} for peak in peaks]
        sweep(beside)
        for own, places in enumerate(beside):
            best = _best({place: tried[own][place] for place in places})
            if tried[own][best] > tried[own][peaks[own]]:
                peaks[own] = best
        span //= 2
    first = max(range(len(rates)), key=lambda own: tried[own][peaks[own]])
    return Candidate(rates[first], float(grid[peaks[first]])), sum(map(len, tried))


def _best(of: dict[int, float]) -> int:
    """The place of the highest accuracy, the last of several."""
    return max(of, key=lambda place: (of[place], place))


def held_out(codes: np.ndarray, *purpose: str | int) -> np.ndarray:
    """Which stimuli of the training set validate: a fifth of each class, rounded; truth values (n).

    Parameters
    ----------
    codes : the class of each stimulus, n.
    purpose : key of the draw.

    Raises
    ------
    ValueError : no class has the three stimuli of which one is held out.

    Example
    -------
    >>> held_out(np.array([0, 0, 0, 0, 0, 1]), "example").sum()
    np.int64(1)
    """
    generator, chosen = keyed(*purpose, "held out"), np.zeros(len(codes), bool)
    for code in np.unique(codes):
        own = np.flatnonzero(codes == code)
        chosen[generator.permutation(own)[: round(HELD_OUT * len(own))]] = True
    if not chosen.any():
        raise ValueError(
            f"a search needs a class of three or more training stimuli, one of which is held out; the largest of "
            f"{len(np.unique(codes))} has {np.bincount(codes).max()}. Give more stimuli, or one rate and `decays: 1`."
        )
    return chosen
