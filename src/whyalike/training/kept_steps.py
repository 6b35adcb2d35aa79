"""At which steps of a run weights are kept, and what of a finished run must be trained again for steps that it lacks.

Pure: of numbers that the configuration, or the run's images, tell.
"""

from collections.abc import Collection, Sequence
from typing import Any

from whyalike.training.parameters import KeptSteps, Recipe


def kept_steps(recipe: Recipe, total: int, epoch_steps: int | None) -> tuple[int, ...]:
    """The steps at which the weights of a run are kept, ascending; of a list those beyond the end too.

    Parameters
    ----------
    recipe : its `keep_steps` are read.
    total : steps of the run, if it is not stopped earlier.
    epoch_steps : steps of an epoch; None where nothing is counted in epochs.

    Examples
    --------
    >>> from whyalike.training.parameters import ImageRecipe
    >>> recipe = ImageRecipe(lr=1, epochs=3, batch_size=8, keep_steps={"log2": True, "epochs": [1, 3], "extra": [5]})
    >>> kept_steps(recipe, total=18, epoch_steps=6)
    (1, 2, 4, 5, 6, 8, 16, 18)
    """
    asked = recipe.keep_steps
    if not isinstance(asked, KeptSteps):
        return tuple(sorted(set(asked)))
    powers = (2**i for i in range((total - 1).bit_length())) if asked.log2 else ()
    return tuple(sorted({*powers, *(epoch * epoch_steps for epoch in asked.epochs), *asked.extra}))


def keeps(recipe: Any, step: int) -> bool:
    """Whether a recipe is known to keep a step before any run is; ends of epochs are not known by number."""
    asked = recipe.keep_steps
    if not isinstance(asked, KeptSteps):
        return step in asked
    is_power = step > 0 and step & (step - 1) == 0 and step < getattr(recipe, "steps", step + 1)
    return step in asked.extra or (asked.log2 and is_power)


def in_words(recipe: Any) -> str:
    """The steps that a recipe keeps, as far as they are known by number."""
    return ", ".join(steps_known(recipe)) or "none"


def steps_known(recipe: Any) -> list[str]:
    """The same, one by one."""
    asked = recipe.keep_steps
    if not isinstance(asked, KeptSteps):
        return [str(step) for step in asked]
    powers = ["1, 2, 4, ... below the end"] if asked.log2 else []
    epochs = [f"the ends of epochs {', '.join(map(str, asked.epochs))}"] if asked.epochs else []
    return [*map(str, asked.extra), *powers, *epochs]


def lacking(asked: Collection[int], end: int, kept: Collection[int]) -> list[int]:
    """Steps of a finished run of ``end`` steps that are asked for and not kept, ascending."""
    return sorted({step for step in asked if step <= end}.difference(kept))


def trained_until(lacking_steps: Sequence[int], checked: Collection[int]) -> int:
    """The step to which a finished run must be trained again.

    Parameters
    ----------
    lacking_steps : at least one.
    checked : steps of which the store tells what the run was like there: kept weights, rows of the log.

    Returns
    -------
    The last lacking one, or the first checked one behind it, where none lies on the way; 0 where only the start lacks.
    """
    last = max(lacking_steps)
    on_the_way = [step for step in checked if 0 < step <= last]
    return last if on_the_way or not last else min((step for step in checked if step > last), default=last)
