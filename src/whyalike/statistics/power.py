"""How many seeds a claim needs: with S seeds no sign-flip p is below 2 / 2**S, and Holm multiplies the smallest of P
panels by P.

The one place that says what may be claimed: findings, claims, figures and the plan ask here. Pure, and cheap to import.
Everything here is of panels that all have as many seeds. Where some have more, a panel with few can have a p (Holm)
below `smallest_p`, because Holm multiplies it only by the number of panels that have no smaller p: so whoever asks
looks at its p (Holm) first.
"""

import math

LEVEL = 0.05  # the largest p (Holm) of a claim


def smallest_p(seeds: int, panels: int) -> float:
    """The smallest p (Holm) that sign flips can give where each of so many panels has so many seeds.

    Holm multiplies the smallest p of m panels by m, and no other is adjusted to less.

    Examples
    --------
    >>> smallest_p(5, 3), smallest_p(8, 3)
    (0.1875, 0.0234375)
    """
    return min(1.0, panels * 2.0 ** (1 - seeds))


def seeds_needed(panels: int) -> int:
    """The fewest seeds with which panels, so many and all with these seeds, can have a p (Holm) of at most `LEVEL`.

    Examples
    --------
    >>> [seeds_needed(panels) for panels in (1, 3, 6)]
    [6, 7, 8]
    """
    return math.ceil(math.log2(2 * panels / LEVEL))


def possible(seeds: int, panels: int) -> bool:
    """Whether anything can be claimed where each of so many panels has so many seeds."""
    return smallest_p(seeds, panels) <= LEVEL


def smallest_words(seeds: int, panels: int) -> str:
    """ "with 5 seeds in each of 3 panels the smallest p (Holm) is 0.188"."""
    seeds, panels = int(seeds), int(panels)  # tables with missing numbers hold whole ones as floats
    counted = (
        f"{seeds} seed{'' if seeds == 1 else 's'} {'and 1 panel' if panels == 1 else f'in each of {panels} panels'}"
    )
    return f"with {counted} the smallest p (Holm) is {smallest_p(seeds, panels):.3f}"


def missing_words(seeds: int, panels: int) -> str:
    """What a claim lacks: `smallest_words`, "; at least 7 seeds are needed"."""
    return f"{smallest_words(seeds, panels)}; at least {seeds_needed(panels)} seeds are needed"
