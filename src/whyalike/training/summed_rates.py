"""The learning rate summed over updates: how far a recipe has let a model move, whatever its schedule."""

import math
from functools import cache
from types import SimpleNamespace

from whyalike.training.parameters import Recipe
from whyalike.training.registry import OBJECTIVES


def summed_learning_rate(recipe: Recipe, objective: str, step: int, epoch_steps: int | None) -> float:
    """Sum of the learning rate over the first updates of a run, by the formula of its objective.

    Parameters
    ----------
    recipe, objective : how it is trained.
    step : how many updates; one that stopped early has those of its recipe until then.
    epoch_steps : steps of an epoch; None of text.

    Examples
    --------
    >>> from whyalike.training.parameters import AdamRecipe
    >>> recipe = AdamRecipe(lr=0.5, steps=9, batch_size=2, mean=[0, 0, 0], std=[1, 1, 1])
    >>> summed_learning_rate(recipe, "cross_entropy_adam", 4, epoch_steps=3)
    2.0
    """
    return _summed(recipe.model_dump_json(exclude={"keep_steps"}), type(recipe), objective, step, epoch_steps)


@cache  # the models of a group have one in common
def _summed(text: str, kind: type[Recipe], objective: str, step: int, epoch_steps: int | None) -> float:
    recipe = kind.model_validate_json(text)
    total = getattr(recipe, "steps", None) or recipe.epochs * epoch_steps
    # all that the formulas read of a task: no data, no model
    run = SimpleNamespace(recipe=recipe, total=total, loader=SimpleNamespace(steps=epoch_steps))
    task = OBJECTIVES[objective].load()
    return math.fsum(task.learning_rate(run, number) for number in range(step))
