"""Finished runs that lack a step to keep: which steps, and how far they are trained again."""

import json
from pathlib import Path
from typing import Any

from whyalike.training.kept_steps import kept_steps, lacking, trained_until
from whyalike.training.store import StoredRun


def missing_steps(stored: StoredRun, recipe: Any) -> tuple[int, int]:
    """How many steps a finished run lacks of those that its recipe keeps, and the step to which it is trained again.

    Both are 0 where it lacks none, and of a result that cannot be read, which the job tells of.
    """
    if not recipe.keep_steps:
        return 0, 0
    try:
        result = json.loads(Path(stored.result).read_text(encoding="utf-8"))
        end, kept, images = result["steps"], stored.kept_steps(result), result["n_train"]
    except (OSError, ValueError, LookupError, TypeError):
        return 0, 0
    epoch = images // recipe.batch_size
    every = getattr(recipe, "evaluate_every", epoch)  # steps of a row of the log
    total = getattr(recipe, "steps", None) or recipe.epochs * epoch
    steps = lacking(kept_steps(recipe, total, epoch), end, kept)
    return len(steps), trained_until(steps, {every, end, *kept}) if steps else 0
