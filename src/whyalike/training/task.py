"""What a run learns: the data, the loss and the measurements of one objective, for the one training loop.

The loop (`whyalike.training.trainer`) knows steps, checkpoints and files; everything that differs between a classifier,
an autoencoder and a language model is a `Task`.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from whyalike.data.prepared import Prepared
from whyalike.models.weights import build_model
from whyalike.training.parameters import Operation, Recipe, TaskParameters, TrainedRun


class Task(ABC):
    """One run's work.

    Parameters
    ----------
    parameters : what is read of the cell.
    recipe : the hyperparameters.
    run : what is trained.
    device : where the model is trained.

    Attributes
    ----------
    classes : names of what the run tells apart or reads, in the order of its labels.
    sha256 : of all that it is trained and tested on.
    n_train, n_test : images (text: tokens to train on, windows to test on).
    total : steps of the whole run, if it is not stopped earlier.
    log_every : steps of one row of the log.
    epoch_steps : steps of an epoch; None where nothing is counted in epochs.
    patience : steps without a better validation loss after which training stops; None: never.
    clip : largest norm of a step's gradient; None: any.
    """

    classes: tuple[str, ...]
    sha256: str
    n_train: int
    n_test: int
    total: int
    log_every: int
    epoch_steps: int | None = None
    patience: int | None = None
    clip: float | None = None

    def __init__(self, parameters: TaskParameters, recipe: Recipe, run: TrainedRun, device: torch.device):
        self.recipe, self.device = recipe, device
        self.seed, self.replica = parameters.seed, run.replica
        self.start = (
            self.replica if run.start is None else run.start
        )  # of a control that has another run's initial weights
        self._architecture = parameters.model

    @staticmethod
    @abstractmethod
    def material(data: Prepared, parameters: TaskParameters, device: torch.device, operation: Operation) -> Any:
        """What the runs of a cell share."""

    @classmethod
    @abstractmethod
    def read(
        cls,
        parameters: TaskParameters,
        recipe: Recipe,
        run: TrainedRun,
        data: Prepared,
        material: Any,
        splits: Path | None,
    ) -> Self:
        """A run of a cell, with the data of its split.

        Parameters
        ----------
        parameters, recipe, run : as above.
        data : the prepared data set.
        material : what the runs of the cell share.
        splits : the cell's split file; None, where the objective allows it: all of the training data.
        """

    def build(self) -> nn.Module:
        """The model with its initial weights, on the device."""
        return build_model(self._architecture, len(self.classes), self.seed, self.start).to(self.device)

    def autocast(self) -> torch.autocast:
        """The precision of the forward pass."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bfloat16")

    @abstractmethod
    def optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer; the loop sets its learning rate before each step."""

    @abstractmethod
    def learning_rate(self, step: int) -> float:
        """Learning rate of a step."""

    @abstractmethod
    def batches(self, start: int) -> Iterator[Sequence[Any]]:
        """From step ``start`` to the last: the batches whose gradients make the step."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Any, step: int) -> tuple[Tensor, Tensor | None]:
        """Mean loss of a batch, and how many of it the model got right, where that has a meaning."""

    @abstractmethod
    def evaluate(self, model: nn.Module) -> dict[str, float | None]:
        """``loss`` on the own test data, and ``accuracy`` there or None; eval mode, float32."""

    def encoder(self, model: nn.Module) -> nn.Module:
        """What is stored of all that is trained, and compared: the setting's model."""
        return model

    def complete(self, model: nn.Module) -> dict[str, Any]:
        """What is made of a model after its last step, before it is measured and stored; told in the run's result.

        It is made again, of a copy, where a finished run is given steps: what it draws is keyed.
        """
        return {}

    def validate(self, model: nn.Module) -> float | None:
        """The loss that decides which weights are kept; None: the last ones are."""
        return None


def digest(data: Prepared, classes: Sequence[str], index: np.ndarray, labels: np.ndarray) -> str:
    """SHA-256 of all that a run is trained and tested on."""
    named = "|".join([data.content_sha256, *classes]).encode()
    return hashlib.sha256(named + index.tobytes() + labels.tobytes()).hexdigest()
