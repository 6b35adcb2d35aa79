"""How far a model's training has come after some updates: epochs, samples, summed learning rate."""

from collections.abc import Mapping
from typing import Any

from whyalike.training.registry import recipe_of
from whyalike.training.summed_rates import summed_learning_rate


def progress_of(recipe: Mapping[str, Any], result: Mapping[str, Any], step: int | None) -> dict[str, Any]:
    """Columns step, epoch, samples and lr_sum, None where nothing tells.

    Parameters
    ----------
    recipe : as JSON values, {} of models from files. result : of the run in the store. step : updates.
    """
    if not recipe or step is None:
        return {"step": step, "epoch": None, "samples": None, "lr_sum": None}
    epoch_steps = steps_of_epoch(recipe, result)
    return {
        "step": step,
        "epoch": step / epoch_steps if epoch_steps else None,
        "samples": step * recipe["batch_size"] * recipe.get("accumulation", 1),
        "lr_sum": summed_learning_rate(recipe_of(recipe), recipe["objective"], step, epoch_steps),
    }


def steps_of_epoch(recipe: Mapping[str, Any], result: Mapping[str, Any]) -> int | None:
    """Updates of an epoch of a run, whose last partial batch is dropped; None of text, which has none."""
    return None if recipe["objective"] == "next_token" else result["n_train"] // recipe["batch_size"]
