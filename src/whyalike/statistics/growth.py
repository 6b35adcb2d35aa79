"""How a quantity grows through training: when it has a share of its gain, how much it has by then, its slope.

A curve starts at its first time, which may be 0, and ends at its last; its gain is the last value less the first.
Curves that fall, such as losses, are given with their sign turned. Times are interpolated on a logarithmic scale, as
checkpoints are spaced; between 0 and the first positive time, where there is no logarithm, on a linear one.
"""

import numpy as np


def time_to(times: np.ndarray, values: np.ndarray, share: float) -> float:
    """When a curve first has a share of its gain.

    Definition: the first time at which the running maximum of the curve is first + share (last - first), interpolated
    between the checkpoints around it. The running maximum is that of a noisy or a passing rise as well, so a curve that
    peaks and declines has its shares on the way up.

    Parameters
    ----------
    times : C >= 2 of them, ascending, >= 0, such as updates or samples.
    values : C.
    share : of the gain, in 0..1.

    Returns
    -------
    The time, in the unit of ``times``; NaN where the gain is not above 0.

    Raises
    ------
    ValueError : times that do not ascend, shapes that differ, or no share.

    Example
    -------
    >>> time_to([0, 10, 1000], [0.0, 0.5, 1.0], 0.5), round(time_to([0, 10, 1000], [0.0, 0.5, 1.0], 0.75), 1)
    (10.0, 100.0)
    """
    times, values = checked(times, values)
    if not 0 <= share <= 1:
        raise ValueError(f"a share of a gain is within 0 and 1; got {share:g}.")
    gain = values[-1] - values[0]
    if not gain > 0:
        return np.nan
    level, highest = values[0] + share * gain, np.maximum.accumulate(values)
    after = int(np.argmax(highest >= level))  # the last value reaches every level
    if after == 0:
        return float(times[0])
    low, high = highest[after - 1 : after + 1]
    return _between(times[after - 1], times[after], (level - low) / (high - low))


def value_at(times: np.ndarray, values: np.ndarray, time: float) -> float:
    """A curve's value at a time, interpolated as `time_to` does, without the running maximum.

    Parameters
    ----------
    times, values : as `time_to` takes them.
    time : in the unit of ``times``.

    Returns
    -------
    The value; NaN before the first and after the last time.

    Raises
    ------
    ValueError : as `time_to`.

    Example
    -------
    >>> round(value_at([0, 10, 1000], [3.0, 2.0, 1.0], 100), 9), value_at([0, 10, 1000], [3.0, 2.0, 1.0], 5)
    (1.5, 2.5)
    """
    times, values = checked(times, values)
    if not times[0] <= time <= times[-1]:
        return np.nan
    after = max(int(np.searchsorted(times, time)), 1)
    low, high = times[after - 1 : after + 1]
    passed = (time - low) / (high - low) if low == 0 else np.log(time / low) / np.log(high / low)
    return float(values[after - 1] + passed * (values[after] - values[after - 1]))


def share_of_gain(start: float, then: float, end: float) -> float:
    """How much of the gain there is at a checkpoint: (then - start)/(end - start); NaN where the gain is not above 0.

    Below 0 where the curve falls first, above 1 where it declines later.

    Example
    -------
    >>> share_of_gain(0.5, 0.75, 1.0)
    0.5
    """
    return float((then - start) / (end - start)) if end > start else np.nan


def theil_sen(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The median slope of all pairs of points (Theil 1950, Sen 1968): 29 % of many points may be anywhere.

    Parameters
    ----------
    x : L places, such as depths of layers; points of one place make no slope.
    y : L, or L x P, a column a curve.

    Returns
    -------
    A slope, or P of them; NaN where all places are one.

    Example
    -------
    >>> float(theil_sen([0.0, 0.5, 1.0, 1.5, 2.0], [0.0, 1.0, 2.0, 99.0, 4.0]))
    2.0
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    i, j = np.triu_indices(len(x), 1)
    i, j = (side[x[i] != x[j]] for side in (i, j))
    if not len(i):
        return np.full(y.shape[1:], np.nan)
    run = (x[j] - x[i]).reshape(-1, *[1] * (y.ndim - 1))
    return np.median((y[j] - y[i]) / run, axis=0)


def checked(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A curve's times and values as arrays.

    Raises
    ------
    ValueError : times that do not ascend or are negative, fewer than two, or another number of values.
    """
    times, values = np.asarray(times, float), np.asarray(values, float)
    if times.ndim != 1 or times.shape != values.shape or len(times) < 2:
        raise ValueError(
            f"a curve has as many times as values, two or more; got shapes {times.shape} and {values.shape}."
        )
    if times[0] < 0 or not (np.diff(times) > 0).all():
        raise ValueError(f"the times of a curve ascend from 0 or later; got {times.tolist()}. Sort and merge them.")
    return times, values


def _between(low: float, high: float, passed: float) -> float:
    """A time between two, by the share of their distance that has passed."""
    return float(low + passed * (high - low) if low == 0 else low * (high / low) ** passed)
