"""Train one run: the loop, its checkpoints and its log. Killed anywhere and started again, it ends in the same weights.

Everything random is keyed by (seed, replica, purpose, position), so a step depends on nothing but the checkpoint
before it. On the CPU with a fixed number of threads the weights are equal bit for bit; on a GPU deterministic kernels
are asked for, and equality is promised for the same GPU type and versions. What is learned, from what, is the task's
affair (`whyalike.training.task`).
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor, nn

from whyalike.files import atomic, check_archive, file_sha256, write_table
from whyalike.models.weights import save_weights
from whyalike.randomness import key
from whyalike.training.kept_steps import kept_steps
from whyalike.training.parameters import Operation, Recipe, TrainedRun
from whyalike.training.store import StoredRun
from whyalike.training.task import Task

VERSION = 2  # part of the identity of runs: raise it when training code changes the weights


@dataclass
class Progress:
    """Where a run stands; what a checkpoint holds beside the weights. The sums are over the steps since the last row.

    ``best`` is the lowest validation loss with its step and weights, empty for tasks that have none.
    """

    step: int = 0
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    correct: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int64))
    samples: int = 0
    log: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, Any] = field(default_factory=dict)
    stopped: bool = False


class Trainer:
    """One run in training.

    Parameters
    ----------
    run : what is trained.
    recipe, operation : hyperparameters; how work is carried out.
    task : the run's data and loss.
    stored : the run's folder; the caller holds its lock.
    """

    def __init__(self, run: TrainedRun, recipe: Recipe, operation: Operation, task: Task, stored: StoredRun):
        self.run, self.recipe, self.operation, self.task, self.stored = run, recipe, operation, task, stored
        self.keep = kept_steps(recipe, task.total, task.epoch_steps)
        self.checkpoint = stored.checkpoint
        self.model = task.build()
        self.optimizer = task.optimizer(self.model)
        self.progress = Progress(loss=torch.zeros((), dtype=torch.float64, device=task.device),
                                 correct=torch.zeros((), dtype=torch.int64, device=task.device))  # fmt: skip

    def train(self) -> dict[str, Any]:
        """Train from the last checkpoint, or from the start, to the end.

        Returns
        -------
        dict : what result.json holds: hashes, loss and accuracy on the own test data, steps, device type, and so on.

        Raises
        ------
        ArithmeticError : the loss is no longer finite.
        """
        self._resume()
        self.stored.note("start", step=self.progress.step)
        self._keep_weights()  # step 0: the initial weights
        for batches in self.task.batches(self.progress.step):
            if self.progress.stopped:
                break
            self._step(batches)
            if self.progress.step % self.task.log_every == 0 or self.progress.step == self.task.total:
                self._log()
            self._keep()
        return self._finish()

    def _step(self, batches: Sequence[Any]) -> None:
        """One update from the mean gradient of equally large batches."""
        task, progress = self.task, self.progress
        self.model.train()
        # what a model draws itself (dropout, the noise of a code) comes from torch's default generators
        torch.manual_seed(key(task.seed, task.replica, "step", progress.step))
        for group in self.optimizer.param_groups:
            group["lr"] = task.learning_rate(progress.step)
        self.optimizer.zero_grad(set_to_none=True)
        for batch in batches:
            loss, correct = task.loss(self.model, batch, progress.step)
            (loss / len(batches)).backward()
            progress.loss += loss.detach() / len(batches)
            if correct is not None:
                progress.correct += correct
                progress.samples += len(batch[1])
        if task.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), task.clip)
        self.optimizer.step()
        progress.step += 1

    def _keep(self) -> None:
        """Weights at the steps that the recipe names, and a checkpoint now and then."""
        self._keep_weights()
        step = self.progress.step
        if step % self.operation.checkpoint_every == 0 and step < self.task.total:
            self._save_checkpoint()

    def _keep_weights(self) -> None:
        if self.progress.step in self.keep:
            save_weights(self.task.encoder(self.model), self.stored.weights_at(self.progress.step))

    def _log(self) -> None:
        """A row of the log, and what the validation loss says of the weights."""
        progress = self.progress
        since = progress.log[-1]["step"] if progress.log else 0
        loss = progress.loss.item() / (progress.step - since)  # the one wait for the device in many steps
        if not math.isfinite(loss):
            raise ArithmeticError(
                f"run {self.run.name} ({self.stored.identity}) diverged: the loss is {loss} in the steps {since} to "
                f"{progress.step}. Lower lr."
            )
        row = {"step": progress.step, "loss": loss, "lr": self.task.learning_rate(progress.step)}
        if progress.samples:
            row["accuracy"] = progress.correct.item() / progress.samples
        validation = self.task.validate(self.model)
        if validation is not None:
            row["validation_loss"] = validation
            self._compare(validation)
        progress.log.append(row)
        progress.samples = 0
        progress.loss.zero_()
        progress.correct.zero_()

    def _compare(self, loss: float) -> None:
        """Keep the weights if they are the best so far; stop if none have been for long."""
        progress = self.progress
        if not progress.best or loss < progress.best["loss"]:
            weights = {name: value.detach().cpu().clone() for name, value in self.model.state_dict().items()}
            progress.best = {"loss": loss, "step": progress.step, "weights": weights}
        elif self.task.patience is not None:
            progress.stopped = progress.step - progress.best["step"] >= self.task.patience

    def _save_checkpoint(self) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "data": self.task.sha256, **vars(self.progress)}  # fmt: skip
        with atomic(self.checkpoint) as temporary:
            torch.save(state, temporary)
        self.stored.note("checkpoint", step=self.progress.step)

    def _resume(self) -> None:
        self.stored.ensure_held()
        for leftover in self.stored.folder.glob(".*.tmp*"):  # of a writer that was killed; the lock is ours
            leftover.unlink(missing_ok=True)  # the heartbeat's own is renamed at any moment
        if not self.checkpoint.is_file():
            return
        try:
            check_archive(self.checkpoint)
            state = torch.load(self.checkpoint, map_location=self.task.device, weights_only=True)
        except Exception as error:  # torch raises many kinds for a damaged file; the remedy is the same: start anew
            self.stored.note("checkpoint unusable", error=str(error))
            return
        if fault := self._unfit(state.pop("data"), state["step"]):
            self.stored.note("checkpoint unusable", error=fault)
            return
        self.model.load_state_dict(state.pop("model"))
        self.optimizer.load_state_dict(state.pop("optimizer"))
        self.progress = Progress(**state)

    def _unfit(self, data: str, step: int) -> str | None:
        """Why a checkpoint cannot be gone on from, if so."""
        if data != self.task.sha256:
            return "it is of other data or labels"
        lost = [kept for kept in self.keep if kept <= step and not self.stored.weights_at(kept).is_file()]
        return f"it lies behind steps {lost}, whose weights are asked for since" if lost else None

    def _finish(self) -> dict[str, Any]:
        if self.progress.best:
            self.model.load_state_dict(self.progress.best["weights"])
        measured = {**self.task.complete(self.model), **self.task.evaluate(self.model)}
        # a run trained anew: its former result must not stand beside other weights, which another device may give
        self.stored.ensure_held()
        self.stored.result.unlink(missing_ok=True)
        save_weights(self.task.encoder(self.model), self.stored.weights)
        made_by = {"run": self.run.plain(), "version": VERSION}
        write_table(self.stored.log, pa.Table.from_pylist(self.progress.log), made_by)
        kept = [self.stored.weights, self.stored.log, *(self.stored.weights_at(step) for step in self._kept_steps())]
        best = {"best_step": self.progress.best["step"]} if self.progress.best else {}
        result = {
            **measured,
            **best,
            "classes": list(self.task.classes),
            "data_sha256": self.task.sha256,
            "device": self.task.device.type,
            "n_test": self.task.n_test,
            "n_train": self.task.n_train,
            "sha256": {path.name: file_sha256(path) for path in kept},
            "steps": self.progress.step,
            "torch": torch.__version__,
        }
        self.stored.finish(result)
        with suppress(FileNotFoundError):
            self.checkpoint.unlink()
        self.stored.note("end", step=self.progress.step)
        return result

    def _kept_steps(self) -> list[int]:
        return [step for step in self.keep if step <= self.progress.step]
