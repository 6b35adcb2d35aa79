"""Train one run: the loop, its checkpoints and its log. Killed anywhere and started again, it ends in the same weights.

Everything random is keyed by (seed, replica, purpose, position), so a step depends on nothing but the checkpoint
before it. On the CPU with a fixed number of threads the weights are equal bit for bit; on a GPU deterministic kernels
are asked for, and equality is promised for the same GPU type and versions.
"""

import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from whyalike.files import atomic, canonical_json, write_table, write_text
from whyalike.models.inputs import normalise
from whyalike.models.registry import MODELS
from whyalike.randomness import key
from whyalike.recipes import Operation, Recipe
from whyalike.training.augmentation import augment
from whyalike.training.loading import Loader, ResidentLoader
from whyalike.training.store import StoredRun, file_sha256

VERSION = 1  # part of the identity of runs: raise it when training code changes the weights
EVALUATION_BATCH = 512


@dataclass(frozen=True)
class RunData:
    """Images and labels of one run, on the device: uint8 (n, h, w, 3) and int64 (n,)."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]
    sha256: str


@dataclass
class Progress:
    """Where a run stands; what a checkpoint holds beside the weights. The sums are over the epoch so far."""

    step: int = 0
    loss: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    correct: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.int64))
    log: list[dict[str, float]] = field(default_factory=list)


def set_up_device(name: str, threads: int) -> torch.device:
    """The device that the configuration asks for ("auto": a GPU if there is one), set up to repeat itself.

    The number of CPU threads is fixed, because sums depend on it. The CPU kernels used here repeat themselves; on a GPU
    deterministic ones are asked for (which costs 1.5 s of imports, so only there).

    Raises
    ------
    RuntimeError : a GPU is asked for and torch sees none.
    """
    torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise RuntimeError("operation.device is cuda, but this machine has no GPU that torch sees: use auto or cpu")
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False  # it would choose kernels by their time
    return torch.device(name)


def build_model(model: Mapping[str, Any], classes: int, seed: int, replica: str) -> nn.Module:
    """The model of a run with its initial weights, on the CPU."""
    return MODELS[model["family"]].load()(model, classes, seed, replica)


class Trainer:
    """One run in training.

    Parameters
    ----------
    run : name, replica, labelling, level, identity, as `whyalike.runs.Run.plain` gives them.
    model : parameters of the architecture.
    recipe, operation : hyperparameters; how work is carried out.
    seed : with the run's replica, the key of everything random.
    data : the run's images.
    stored : the run's folder; the caller holds its lock.
    """

    def __init__(
        self,
        run: Mapping[str, Any],
        model: Mapping[str, Any],
        recipe: Recipe,
        operation: Operation,
        seed: int,
        data: RunData,
        stored: StoredRun,
    ):
        self.run, self.recipe, self.operation, self.seed, self.data, self.stored = (
            run,
            recipe,
            operation,
            seed,
            data,
            stored,
        )
        self.device = data.train_images.device
        self.loader: Loader = ResidentLoader(
            data.train_images, data.train_labels, recipe.batch_size, seed, run["replica"]
        )
        self.total = recipe.epochs * self.loader.steps
        self.model = build_model(model, len(data.classes), seed, run["replica"]).to(self.device)
        if recipe.channels_last:
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=0.0, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
        )
        self.progress = Progress(loss=torch.zeros((), dtype=torch.float64, device=self.device),
                                 correct=torch.zeros((), dtype=torch.int64, device=self.device))  # fmt: skip

    def train(self) -> dict[str, Any]:
        """Train from the last checkpoint, or from the start, to the end.

        Returns
        -------
        dict : what result.json holds: hashes, accuracy on the own test images, steps, device type, torch version.

        Raises
        ------
        ArithmeticError : the loss is no longer finite.
        """
        self._resume()
        self.stored.note("start", step=self.progress.step)
        self._keep_weights()  # step 0: the initial weights
        while self.progress.step < self.total:
            epoch, start = divmod(self.progress.step, self.loader.steps)
            for images, labels in self.loader.batches(epoch, start):
                self._step(images, labels)
                if self.progress.step % self.loader.steps == 0:
                    self._end_epoch(epoch)
                self._keep()
        return self._finish()

    def learning_rate(self, step: int) -> float:
        """One triangle over the run: 0 at its first step, the peak at `peak_epoch`, 0 after its last step."""
        peak = self.recipe.peak_epoch * self.loader.steps
        return float(np.interp(step, [0, peak, self.total], [0, self.recipe.lr, 0]))

    def _step(self, images: Tensor, labels: Tensor) -> None:
        recipe, progress = self.recipe, self.progress
        self.model.train()
        generator = torch.Generator().manual_seed(key(self.seed, self.run["replica"], "augmentation", progress.step))
        inputs = normalise(augment(images, recipe.augmentation, recipe.mean, generator), recipe.mean, recipe.std)
        if not recipe.channels_last:
            inputs = inputs.contiguous()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate(progress.step)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            logits = self.model(inputs)
        loss = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        progress.loss += loss.detach()
        progress.correct += (logits.detach().argmax(1) == labels).sum()
        progress.step += 1

    def _keep(self) -> None:
        """Weights at the steps that the recipe names, and a checkpoint now and then."""
        self._keep_weights()
        step = self.progress.step
        if step % self.operation.checkpoint_every == 0 and step < self.total:
            self._save_checkpoint()

    def _keep_weights(self) -> None:
        if self.progress.step in self.recipe.keep_steps:
            save_weights(self.model, self.stored.weights_at(self.progress.step))

    def _end_epoch(self, epoch: int) -> None:
        progress, images = self.progress, self.loader.steps * self.recipe.batch_size
        loss = progress.loss.item() / self.loader.steps  # the one wait for the device in an epoch
        if not math.isfinite(loss):
            raise ArithmeticError(
                f"run {self.run['name']} ({self.stored.identity}) diverged: the loss is {loss} in epoch {epoch}. "
                "Lower lr."
            )
        row = {"epoch": epoch, "step": progress.step, "loss": loss, "accuracy": progress.correct.item() / images}
        progress.log.append(row | {"lr": self.learning_rate(progress.step)})
        progress.loss.zero_()
        progress.correct.zero_()

    def _save_checkpoint(self) -> None:
        state = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "data": self.data.sha256, **vars(self.progress)}  # fmt: skip
        with atomic(self.stored.checkpoint) as temporary:
            torch.save(state, temporary)
        self.stored.note("checkpoint", step=self.progress.step)

    def _resume(self) -> None:
        for leftover in self.stored.folder.glob(".*.tmp*"):  # of a writer that was killed; the lock is ours
            leftover.unlink(missing_ok=True)  # the heartbeat's own is renamed at any moment
        if not self.stored.checkpoint.is_file():
            return
        try:
            state = torch.load(self.stored.checkpoint, map_location=self.device, weights_only=True)
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
        if data != self.data.sha256:
            return "it is of other images or labels"
        lost = [kept for kept in self._kept_steps() if kept <= step and not self.stored.weights_at(kept).is_file()]
        return f"it lies behind steps {lost}, whose weights are asked for since" if lost else None

    def _finish(self) -> dict[str, Any]:
        accuracy = evaluate(self.model, self.data.test_images, self.data.test_labels, self.recipe)
        # a run trained anew: its former result must not stand beside other weights, which another device may give
        self.stored.result.unlink(missing_ok=True)
        save_weights(self.model, self.stored.weights)
        made_by = {"run": dict(self.run), "version": VERSION}
        write_table(self.stored.log, pa.Table.from_pylist(self.progress.log), made_by)
        kept = [self.stored.weights, self.stored.log, *(self.stored.weights_at(step) for step in self._kept_steps())]
        result = {
            "accuracy": accuracy,
            "classes": list(self.data.classes),
            "data_sha256": self.data.sha256,
            "device": self.device.type,
            "n_test": len(self.data.test_images),
            "n_train": len(self.data.train_images),
            "sha256": {path.name: file_sha256(path) for path in kept},
            "steps": self.progress.step,
            "torch": torch.__version__,
        }
        write_text(self.stored.result, canonical_json(result) + "\n")
        with suppress(FileNotFoundError):
            self.stored.checkpoint.unlink()
        self.stored.note("end", step=self.progress.step)
        return result

    def _kept_steps(self) -> list[int]:
        return [step for step in self.recipe.keep_steps if step <= self.total]


@torch.no_grad()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor, recipe: Recipe) -> float:
    """Share of images whose largest logit is their label's; eval mode, float32, no augmentation.

    images : uint8 (n, h, w, 3); labels : int64 (n,), both on the model's device.
    """
    model.eval()
    correct = sum(
        (model(normalise(x, recipe.mean, recipe.std)).argmax(1) == y).sum().item()
        for x, y in zip(images.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True)
    )
    return correct / len(images)


def save_weights(model: nn.Module, path: Path) -> None:
    """Write the state of a model atomically, in the memory layout that safetensors needs."""
    with atomic(path) as temporary:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, temporary)


def load_weights(model: nn.Module, path: Path) -> nn.Module:
    """Fill a model with the weights of a run."""
    model.load_state_dict(load_file(path))
    return model
