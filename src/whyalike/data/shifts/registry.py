"""The distribution shifts by name: where their code is, their levels, and what is known of them without running it.

Twelve are parametric sets of Geirhos et al. (2018, "Generalisation in humans and deep neural networks",
arXiv 1808.08750), as `model-vs-human` (Geirhos et al. 2021, arXiv 2106.07411) evaluates them; eidolons are of
Koenderink et al. (2017, "Eidolons: Novel stimuli for vision research", J. Vision 17(2):7).
"""

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from whyalike.registry import Entry, Registry

CONTROL: Literal["control"] = "control"
Level = float | Literal["control"]
REFERENCE_SIDE = 224  # px of the published images; a length of so many px there is a share of the side here
LEAST = 1e-4  # a smaller level is a typo, and its name would not tell it from 0


@dataclass(frozen=True)
class ShiftFacts:
    """What is known of a shift.

    Attributes
    ----------
    levels : those of the published set, from weak to strong, without the control.
    published : those of them that `model-vs-human` counts as out of distribution: where humans are below 20 % right,
        and controls, are left out.
    control : the level at which nothing is done but the preparation; in a configuration it is called "control".
    unit : of a level.
    most : the largest level.
    any_level : whether a level may lie between those listed.
    grey : whether images become grey first; other shifts need colour.
    contrast : to which share of its contrast a grey image is taken before the shift: part of the preparation.
    scales : whether a level is in pixels of an image of 224 px a side, so that it shrinks with smaller images.
    random : whether something is drawn, keyed by seed, shift, level and image.
    square : whether it takes square images alone.
    formula : of a pixel I in 0 to 1.
    source : where the set, or the idea, is described.
    """

    levels: tuple[float, ...]
    published: tuple[float, ...]
    control: float
    unit: str
    most: float
    any_level: bool
    grey: bool
    formula: str
    source: str
    contrast: float = 1.0
    scales: bool = False
    random: bool = False
    square: bool = False


_GEIRHOS = "Geirhos et al. 2018"
_EIDOLONS = "Koenderink et al. 2017; Geirhos et al. 2018"
_REACHES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)


def _switch(grey: bool, formula: str) -> ShiftFacts:
    return ShiftFacts((1.0,), (1.0,), 0.0, "1 is on", 1.0, False, grey, formula, _GEIRHOS)


def _eidolon(coherence: str, published: int) -> ShiftFacts:
    return ShiftFacts(
        levels=_REACHES,
        published=_REACHES[1:published],
        control=0.0,
        unit="reach, px of 224",
        most=1000.0,
        any_level=True,
        grey=True,
        formula=f"each band of scale displaced at random by reach px, grain 10 px, coherence {coherence}",
        source=_EIDOLONS,
        scales=True,
        random=True,
    )


SHIFTS: Registry[ShiftFacts] = Registry(
    "shift",
    {
        "colour": Entry("whyalike.data.shifts.colours:colour", _switch(False, ".2125 R + .7154 G + .0721 B")),
        "opponent_colour": Entry(
            "whyalike.data.shifts.colours:opponent_colour",
            _switch(False, "of linear RGB in cone space less the white point, both chromatic axes negated"),
        ),
        "contrast": Entry(
            "whyalike.data.shifts.contrast:contrast",
            ShiftFacts(
                levels=(0.5, 0.3, 0.15, 0.1, 0.05, 0.03, 0.01),
                published=(0.5, 0.3, 0.15, 0.1, 0.05),
                control=1.0,
                unit="share of contrast",
                most=1.0,
                any_level=True,
                grey=True,
                formula="(1 - c) / 2 + c I",
                source=_GEIRHOS,
            ),
        ),
        "low_pass": Entry(
            "whyalike.data.shifts.filters:low_pass",
            ShiftFacts(
                levels=(1.0, 3.0, 5.0, 7.0, 10.0, 15.0, 40.0),
                published=(1.0, 3.0, 5.0, 7.0, 10.0),
                control=0.0,
                unit="σ, px of 224",
                most=1000.0,
                any_level=True,
                grey=True,
                formula="G_σ * I, beyond the border .4423",
                source=_GEIRHOS,
                scales=True,
            ),
        ),
        "high_pass": Entry(
            "whyalike.data.shifts.filters:high_pass",
            ShiftFacts(
                levels=(3.0, 1.5, 1.0, 0.7, 0.55, 0.45, 0.4),
                published=(3.0, 1.5, 1.0, 0.7),
                control=math.inf,
                unit="σ, px of 224",
                most=1000.0,
                any_level=True,
                grey=True,
                formula="I - G_σ * I, its mean set to .4423, clipped; beyond the border .4423",
                source=_GEIRHOS,
                scales=True,
            ),
        ),
        "phase_noise": Entry(
            "whyalike.data.shifts.spectra:phase_noise",
            ShiftFacts(
                levels=(30.0, 60.0, 90.0, 120.0, 150.0, 180.0),
                published=(30.0, 60.0, 90.0, 120.0),
                control=0.0,
                unit="w, degrees",
                most=180.0,
                any_level=True,
                grey=True,
                formula="phases of I + U(-w, w), opposite for opposite frequencies; amplitudes of I; clipped",
                source=_GEIRHOS,
                random=True,
            ),
        ),
        "power_equalisation": Entry(
            "whyalike.data.shifts.spectra:power_equalisation",
            _switch(True, "phases of I, mean amplitudes of all images of the set; clipped"),
        ),
        "rotation": Entry(
            "whyalike.data.shifts.rotation:rotation",
            ShiftFacts(
                levels=(90.0, 180.0, 270.0),
                published=(90.0, 180.0, 270.0),
                control=0.0,
                unit="degrees, anticlockwise",
                most=270.0,
                any_level=False,
                grey=True,
                formula="quarter turns",
                source=_GEIRHOS,
                square=True,
            ),
        ),
        "uniform_noise": Entry(
            "whyalike.data.shifts.noise:uniform_noise",
            ShiftFacts(
                levels=(0.03, 0.05, 0.1, 0.2, 0.35, 0.6, 0.9),
                published=(0.03, 0.05, 0.1, 0.2, 0.35),
                control=0.0,
                unit="w, of black to white",
                most=1.0,
                any_level=True,
                grey=True,
                formula=".35 + .3 I + U(-w, w), one draw a pixel, clipped",
                source=_GEIRHOS,
                contrast=0.3,
                random=True,
            ),
        ),
        "eidolon_i": Entry("whyalike.data.shifts.eidolon:coherent", _eidolon("1", 6)),
        "eidolon_ii": Entry("whyalike.data.shifts.eidolon:partly_coherent", _eidolon(".3", 5)),
        "eidolon_iii": Entry("whyalike.data.shifts.eidolon:incoherent", _eidolon("0", 4)),
    },
)


def level_name(level: Level) -> str:
    """A level as a part of the name of a stimulus set and of its files, where a point has another meaning.

    Examples
    --------
    >>> level_name(0.55), level_name(30.0), level_name("control")
    ('0p55', '30', 'control')
    """
    return level if level == CONTROL else f"{level:g}".replace(".", "p")


def checked_levels(shift: str, given: Literal["published", "all"] | Sequence[Level]) -> tuple[Level, ...]:
    """The levels that are asked of a shift.

    Parameters
    ----------
    shift : a name in `SHIFTS`.
    given : levels; the one at which nothing is done but the preparation is "control", however it is written. Or
        "published", those that `model-vs-human` counts; or "all", the control and every level of the published set.

    Raises
    ------
    KeyError : an unknown shift.
    ValueError : a level that the shift does not have, a level twice, two whose names would be the same, or none.

    Examples
    --------
    >>> checked_levels("contrast", [1, 0.3])
    ('control', 0.3)
    >>> checked_levels("phase_noise", "published")
    (30.0, 60.0, 90.0, 120.0)
    """
    facts = SHIFTS[shift].facts
    if given == "published":
        if not facts.published:
            raise ValueError(f"no levels of {shift} are published: name some, or write all")
        return facts.published
    if given == "all":
        return (CONTROL, *facts.levels)
    levels = tuple(CONTROL if level == facts.control else level for level in given)
    for level in levels:
        if level != CONTROL and not _has(facts, level):
            raise ValueError(_unknown(shift, facts, level))
    if len(set(levels)) < len(levels) or not levels:
        raise ValueError(
            f"name at least one level of {shift}, and each once; got {', '.join(map(str, given)) or 'none'}"
        )
    if len({level_name(level) for level in levels}) < len(levels):
        raise ValueError(
            f"levels of {shift} must differ in their first six digits, which name their files; got "
            f"{', '.join(map(str, given))}. Take levels further apart, or one of them"
        )
    return levels


def _has(facts: ShiftFacts, level: Level) -> bool:
    if isinstance(level, str) or not facts.any_level:
        return level in facts.levels
    return LEAST <= level <= facts.most


def _unknown(shift: str, facts: ShiftFacts, level: Level) -> str:
    """What is wrong with a level, and the nearest that is one."""
    given = level if isinstance(level, str) else f"{level:g}"
    listed = [CONTROL, *(f"{one:g}" for one in facts.levels)]
    if isinstance(level, str):
        nearest = difflib.get_close_matches(level, listed, n=1)
    else:
        level = level / 100 if level / 100 in facts.levels else level  # it was meant as per cent
        nearest = [f"{min((*facts.levels, facts.control), key=lambda one: abs(one - level)):g}"]
    also = f" A level may also lie between, above 0 and up to {facts.most:g}." if facts.any_level else ""
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    return f"{shift} has no level {given} ({facts.unit}).{hint} Known: {', '.join(listed)}.{also}"
