"""Weights at steps that a finished run did not keep: it is trained again, from the start up to the last of them.

A checkpoint of a finished run is gone, and kept weights have no state of the optimizer. On the way the weights are
compared with those that the run kept, and the loss with its log: where they differ, nothing is added. The final
weights, the log and what was measured stay as they are; the result is written last, with the hashes of the new files.
"""

import copy
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn

from whyalike.files import file_sha256, read_table
from whyalike.training.kept_steps import trained_until
from whyalike.training.parameters import Operation, Recipe, TrainedRun
from whyalike.training.store import StoredRun
from whyalike.training.task import Task
from whyalike.training.trainer import Trainer


class MissingSteps(Trainer):
    """A finished run that is trained again for some steps.

    Parameters
    ----------
    run, recipe, operation, task, stored : as of `Trainer`.
    result : of the finished run.
    lacking : the steps, at most the run's own number of them.
    """

    def __init__(
        self,
        run: TrainedRun,
        recipe: Recipe,
        operation: Operation,
        task: Task,
        stored: StoredRun,
        result: dict[str, Any],
        lacking: list[int],
    ):
        super().__init__(run, recipe, operation, task, stored)
        self.checkpoint, self.keep, self.result = stored.steps_checkpoint, tuple(lacking), result
        self._weights = {result.get("best_step", result["steps"]): stored.weights}
        self._weights |= {step: stored.weights_at(step) for step in stored.kept_steps(result)}
        self._losses = {row["step"]: row["loss"] for row in read_table(stored.log).to_pylist()}
        self.until = trained_until(lacking, {*self._weights, *self._losses})

    def train(self) -> dict[str, Any]:
        """Train up to the last step that lacks, and keep the weights.

        Returns
        -------
        dict : what result.json holds now.

        Raises
        ------
        RuntimeError : the run is not what it was at a step that the store knows; nothing is added.
        """
        self._resume()
        if not self.progress.step:
            self._clear()
        self.stored.note("start", step=self.progress.step, again=list(self.keep))
        self._keep_weights()
        for batches in self.task.batches(self.progress.step):
            if self.progress.step >= self.until:
                break
            self._step(batches)
            self._compare_with_stored()
            self._keep()
        return self._add()

    def _clear(self) -> None:
        """Remove weights of earlier attempts, which may be another device's: who resumes takes those that are there."""
        for path in self.stored.folder.glob("weights.step*.safetensors"):
            if path.name not in self.result["sha256"]:
                path.unlink()

    def _compare_with_stored(self) -> None:
        step, differs = self.progress.step, False
        if step in self._losses:
            since = max((other for other in self._losses if other < step), default=0)
            differs = self.progress.loss.item() / (step - since) != self._losses[step]
            self.progress.loss.zero_()
        if step in self._weights:
            stored, own = load_file(self._weights[step]), self.task.encoder(self._as_kept(step)).state_dict()
            differs |= any(not torch.equal(value.cpu(), stored[name]) for name, value in own.items())
        if differs:
            self._give_up()

    def _as_kept(self, step: int) -> nn.Module:
        """The model as its file of a step has it: the final one is completed, a kept one is not."""
        if self._weights[step] != self.stored.weights:
            return self.model
        final = copy.deepcopy(self.model)
        self.task.complete(final)
        return final

    def _give_up(self) -> None:
        for path in (*map(self.stored.weights_at, self.keep), self.checkpoint):
            path.unlink(missing_ok=True)
        asked, was = ", ".join(map(str, self.keep)), self.result
        raise RuntimeError(
            f"run {self.run.name} ({self.stored.identity}) cannot be given the steps {asked}: trained again, it is not "
            f"what it was at step {self.progress.step}. It was trained on {was['device']} with torch {was['torch']}, "
            f"now on {self.task.device.type} with {torch.__version__}. Add the steps where it was trained, or train "
            f"it anew with them: `whyalike clean CONFIG --run {self.stored.identity}` (CONFIG: your configuration)."
        )

    def _add(self) -> dict[str, Any]:
        self.stored.ensure_held()
        added = {path.name: file_sha256(path) for path in map(self.stored.weights_at, self.keep)}
        result = {**self.result, "sha256": {**self.result["sha256"], **added}}
        self.checkpoint.unlink(missing_ok=True)  # first: nobody looks for one beside a result that lacks nothing
        self.stored.finish(result)
        self.stored.note("end", step=self.progress.step)
        return result
