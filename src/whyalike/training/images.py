"""What the objectives on images share: a run's images in keyed epochs, and its test images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from whyalike.data.prepared import Prepared
from whyalike.models.inputs import INPUTS
from whyalike.models.registry import MODELS
from whyalike.splits.stage import read_split
from whyalike.training.ffcv_reader import FfcvReader
from whyalike.training.loading import Loader
from whyalike.training.parameters import ImageRecipe, Operation, TaskParameters, TrainedRun
from whyalike.training.readers import ImageReader, resident
from whyalike.training.task import Task, digest

EVALUATION_BATCH = 512


@dataclass(frozen=True)
class RunImages:
    """Rows of the images of one run, on the CPU, and their labels, on the device; all int64 (n,)."""

    reader: ImageReader
    train_rows: Tensor
    train_labels: Tensor
    test_rows: Tensor
    test_labels: Tensor
    classes: tuple[str, ...]
    sha256: str


class ImageTask(Task):
    """A run on images.

    Parameters
    ----------
    parameters, recipe, run : see `whyalike.training.task.Task`.
    images : the run's data.

    Raises
    ------
    ValueError : fewer training images than a batch.
    """

    recipe: ImageRecipe

    def __init__(self, parameters: TaskParameters, recipe: ImageRecipe, run: TrainedRun, images: RunImages):
        super().__init__(parameters, recipe, run, images.reader.device)
        self.images, self.classes, self.sha256 = images, images.classes, images.sha256
        self.n_train, self.n_test = len(images.train_rows), len(images.test_rows)
        self.loader = Loader(
            images.reader, images.train_rows, images.train_labels, recipe.batch_size, self.seed, self.replica
        )
        self.log_every = self.epoch_steps = self.loader.steps
        self.total = self.steps()

    def steps(self) -> int:
        """Steps of the whole run."""
        return self.recipe.epochs * self.loader.steps

    @staticmethod
    def material(data: Prepared, parameters: TaskParameters, device: torch.device, operation: Operation) -> ImageReader:
        """All images as the model takes them."""
        channels = INPUTS[MODELS[parameters.model["family"]].facts.inputs].channels
        if operation.loader == "ffcv":
            return FfcvReader(data, parameters.size, channels, device)
        return resident(data.images, parameters.size, channels, device)

    @classmethod
    def read(
        cls,
        parameters: TaskParameters,
        recipe: ImageRecipe,
        run: TrainedRun,
        data: Prepared,
        material: ImageReader,
        splits: Path | None,
    ) -> Self:
        """A run with the images of its split (None: all training images) and the test images of its own classes.

        Raises
        ------
        ValueError : there are no test images of the run's classes.
        """
        index, labels, classes = _all_images(data, run) if splits is None else read_split(splits, run.name)
        test, own = _own_test_images(data, run, classes)
        rows = [torch.from_numpy(numbers) for numbers in (index, test)]
        codes = [torch.from_numpy(numbers).to(material.device) for numbers in (labels, own)]
        sha256 = digest(data, classes, index, labels)
        images = RunImages(material, rows[0], codes[0], rows[1], codes[1], tuple(classes), sha256)
        return cls(parameters, recipe, run, images)

    def batches(self, start: int) -> Iterator[Sequence[tuple[Tensor, Tensor]]]:
        """One batch of images and labels a step, an epoch after the other."""
        return islice(self._endless_batches(start), self.total - start)

    def _endless_batches(self, start: int) -> Iterator[Sequence[tuple[Tensor, Tensor]]]:
        epoch, step = divmod(start, self.loader.steps)
        for number in count(epoch):
            for batch in self.loader.batches(number, step if number == epoch else 0):
                yield (batch,)

    def test_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """The own test images and their labels."""
        rows, labels = (own.split(EVALUATION_BATCH) for own in (self.images.test_rows, self.images.test_labels))
        return zip(map(self.images.reader.take, rows), labels, strict=True)


def _all_images(data: Prepared, run: TrainedRun) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Rows of all training images, their labels, and the classes: as `read_split` gives those of a split."""
    rows = data.rows("train")
    return rows, *data.labelling(run.labelling, rows)


def _own_test_images(data: Prepared, run: TrainedRun, classes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the test images of a run's classes, and their labels in the run's order."""
    test = data.rows("test")
    codes, names = data.labelling(run.labelling, test)
    own = np.array([classes.index(name) if name in classes else -1 for name in names])[codes]
    test, own = test[own >= 0], own[own >= 0]
    if not len(test):
        raise ValueError(
            f"run {run.name} needs test images of its classes {', '.join(classes)}: the data set has none. "
            "Prepare it with a part 'test'."
        )
    return test, own
