"""Next-token prediction with AdamW: the language models of the overlap study (section 3, nanoGPT).

A step's windows are keyed draws: a corpus of the run, uniformly; one of its chunks; a place in the chunk. A window and
the token after it never cross a chunk. The validation windows, drawn once a seed from held-out text, decide which
weights are kept; the run's loss is measured on the test windows, which are others.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from whyalike.data.prepared import Prepared
from whyalike.randomness import keyed
from whyalike.splits.stage import read_split
from whyalike.training.optimizers import adamw
from whyalike.training.parameters import LanguageRecipe, Operation, TaskParameters, TrainedRun
from whyalike.training.schedules import cosine
from whyalike.training.task import Task, digest
from whyalike.training.windows import Stretches, draw_windows

VERSION = 1  # part of the identity of runs: raise it when the weights change


@dataclass(frozen=True)
class RunText:
    """Text of one run: the mapped tokens, and stretches of them for each of its corpora."""

    tokens: np.ndarray
    chunks: list[Stretches]
    validation: list[Stretches]
    test: list[Stretches]
    classes: tuple[str, ...]
    sha256: str


class Language(Task):
    """A language model in training.

    Parameters
    ----------
    parameters, recipe, run, device : see `whyalike.training.task.Task`.
    text : the run's data.

    Raises
    ------
    ValueError : stretches that are shorter than a window.
    """

    recipe: LanguageRecipe

    def __init__(
        self,
        parameters: TaskParameters,
        recipe: LanguageRecipe,
        run: TrainedRun,
        text: RunText,
        device: torch.device,
    ):
        super().__init__(parameters, recipe, run, device)
        self.text, self.classes, self.sha256 = text, text.classes, text.sha256
        self.total, self.log_every, self.patience = recipe.steps, recipe.evaluate_every, recipe.patience
        self.clip, self.context = recipe.clip, parameters.model["context"]
        draw = keyed(self.seed, "validation windows")
        self._validation = self._windows(draw_windows(draw, text.validation, recipe.validation_windows, self.context))
        self.n_train = sum(int(own.lengths.sum()) for own in text.chunks)
        self.n_test = sum(len(own.starts) for own in text.test)

    @staticmethod
    def material(
        data: Prepared, parameters: TaskParameters, device: torch.device, operation: Operation
    ) -> torch.device:
        """The device: every run reads the same mapped tokens.

        Raises
        ------
        ValueError : a token that the model has no embedding for.
        """
        vocabulary, largest = parameters.model["vocabulary"], int(data.tokens.max())
        if largest >= vocabulary:
            raise ValueError(
                f"the text has the token {largest}, the model's vocabulary {vocabulary} tokens: raise `vocabulary`"
            )
        return device

    @classmethod
    def read(
        cls,
        parameters: TaskParameters,
        recipe: LanguageRecipe,
        run: TrainedRun,
        data: Prepared,
        material: torch.device,
        splits: Path,
    ) -> Self:
        """A run with the chunks of its split and the held-out text of its corpora.

        Raises
        ------
        ValueError : there is no held-out text of one of the run's corpora.
        """
        index, labels, classes = read_split(splits, run.name)
        chunks = [Stretches.of(data, index[labels == code]) for code in range(len(classes))]
        held_out = [_held_out(data, part, run, classes) for part in ("validation", "test")]
        text = RunText(data.tokens, chunks, *held_out, tuple(classes), digest(data, classes, index, labels))
        return cls(parameters, recipe, run, text, material)

    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """AdamW; matrices decay, gains do not."""
        return adamw(model, self.recipe.weight_decay, self.recipe.betas)

    def learning_rate(self, step: int) -> float:
        """Warm-up and cosine."""
        return cosine(step, self.total, self.recipe.lr, self.recipe.warmup, self.recipe.final_lr)

    def batches(self, start: int) -> Iterator[Sequence[Tensor]]:
        """The windows of each step, with the token after each: int64 (batch_size, context + 1)."""
        recipe = self.recipe
        for step in range(start, self.total):
            draw = keyed(self.seed, self.replica, "windows", step)
            starts = draw_windows(draw, self.text.chunks, recipe.accumulation * recipe.batch_size, self.context)
            yield self._windows(starts).split(recipe.batch_size)

    def loss(self, model: nn.Module, batch: Tensor, step: int) -> tuple[Tensor, None]:
        """Cross entropy of the next token, nats."""
        batch = batch.to(self.device, non_blocking=True)
        with self.autocast():
            logits = model.logits(model(batch[:, :-1]))
        return cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten()), None

    def validate(self, model: nn.Module) -> float:
        """Loss on the validation windows, nats a token."""
        return self._mean_loss(model, self._validation.split(self.recipe.batch_size))

    def evaluate(self, model: nn.Module) -> dict[str, float | None]:
        """Loss on the own test windows, nats a token; within a window each token but the first is predicted."""
        starts = np.concatenate([own.starts for own in self.text.test])
        pieces = np.array_split(starts, math.ceil(len(starts) / self.recipe.batch_size))
        batches = (self._windows(own, int(self.text.test[0].lengths[0])) for own in pieces)
        return {"accuracy": None, "loss": self._mean_loss(model, batches)}

    @torch.no_grad()
    def _mean_loss(self, model: nn.Module, batches: Iterable[Tensor]) -> float:
        model.eval()
        total, count = torch.zeros((), dtype=torch.float64, device=self.device), 0
        for batch in batches:
            loss, _ = self.loss(model, batch, 0)
            total += loss.double() * len(batch)
            count += len(batch)
        return total.item() / count

    def _windows(self, starts: np.ndarray, length: int | None = None) -> Tensor:
        """Tokens from each start on, int64 (n, length); context + 1 of them if left out."""
        places = starts[:, None] + np.arange(length or self.context + 1)
        return torch.from_numpy(self.text.tokens[places].astype(np.int64))


def _held_out(data: Prepared, part: str, run: TrainedRun, classes: Sequence[str]) -> list[Stretches]:
    """The stretches of one part, for each corpus of a run."""
    rows = data.rows(part)
    codes, names = data.labelling(run.labelling, rows)
    found = [rows[codes == names.index(name)] for name in classes]
    if empty := [name for name, own in zip(classes, found, strict=True) if not len(own)]:
        raise ValueError(f"run {run.name} needs text of the part '{part}' of {', '.join(empty)}: there is none")
    return [Stretches.of(data, own) for own in found]
