"""Learning rates over a run."""

import math


def cosine(step: int, total: int, peak: float, warmup: float = 0, final: float = 0) -> float:
    """Linear from 0 over the warm-up, then half a cosine from the peak to `final` of it after the last step.

    Parameters
    ----------
    step, total : 0 to total - 1, and the steps of the run.
    peak : the highest learning rate.
    warmup, final : shares, of the steps and of the peak.

    Examples
    --------
    >>> [round(cosine(step, 4, 0.8), 3) for step in range(4)]
    [0.8, 0.683, 0.4, 0.117]
    """
    rising = warmup * total
    if step < rising:
        return peak * (step + 1) / (rising + 1)
    left = 0.5 * (1 + math.cos(math.pi * (step - rising) / (total - rising)))
    return peak * (final + (1 - final) * left)
