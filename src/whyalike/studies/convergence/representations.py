"""The models of a group at a checkpoint, and what their layers give on stimuli; nothing is kept.

A job loads what it compares, one model after another, and keeps scores alone: the layers of a deep network on ten
thousand images take a gigabyte a model and step.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import Tensor, nn

from whyalike.activations import pretrained
from whyalike.activations.extraction import Feeding, trained_model
from whyalike.activations.parameters import ExtractionParameters, PretrainedExtractionParameters
from whyalike.data.prepared import Prepared, open_prepared
from whyalike.data.stimuli import stimulus_rows
from whyalike.models.recalibration import recalibrate, recalibration_rows
from whyalike.models.recording import extract
from whyalike.models.weights import build_model, load_weights
from whyalike.studies.convergence.pairs import members_at
from whyalike.studies.convergence.parameters import Group, Member
from whyalike.studies.convergence.section import FINAL, START
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation
from whyalike.training.store import StoredRun

Layers = dict[str, np.ndarray]  # layer -> float32 (n, d)


@dataclass(frozen=True)
class Given:
    """Stimuli as a group's models take them.

    Attributes
    ----------
    data, ids : the prepared data set and rows in it, n. stimuli : their section.
    samples : of models in the run store (n, ...); of another library's None.
    """

    data: Prepared
    ids: np.ndarray
    stimuli: Mapping[str, Any]
    samples: Tensor | None


@dataclass(frozen=True)
class Seen:
    """A model at a checkpoint.

    Attributes
    ----------
    step : updates until then; None where that is not known.
    result : of its run in the store; {} of another library's.
    network : on the device, in eval mode. feed : samples -> its input.
    layers : what its layers give on stimuli, in their order.
    """

    member: Member
    step: int | None
    result: Mapping[str, Any]
    network: nn.Module
    feed: Callable[[Tensor], Tensor] | None
    layers: Callable[[Given], Layers]


class Models:
    """The models of a group.

    Parameters
    ----------
    group : which ones.
    store : folder of the run store.
    operation, threads : how to carry it out.
    training : folder of the data set whose images recalibrate; None where none do.
    weights : name of a run -> its file or folder, of another library's models.
    """

    def __init__(
        self,
        group: Group,
        store: Path,
        operation: Operation,
        threads: int,
        training: Path | None = None,
        weights: Mapping[str, Path] = MappingProxyType({}),
    ):
        self.group, self.store, self.training, self.weights = group, store, training, weights
        self.device = set_up_device(operation.device, threads)
        self.is_stored = "model" in group.cells[0]
        self._drawn: dict[int, tuple[Tensor, np.ndarray, Prepared]] = {}

    @cached_property
    def _cells(self) -> dict[str, ExtractionParameters]:
        """Run -> the cell that it is of."""
        cells = [ExtractionParameters.from_plain(cell) for cell in self.group.cells]
        return {run: cell for cell in cells for run in cell.runs}

    @cached_property
    def _feeding(self) -> Feeding:
        """How stimuli become their input: alike for all cells of a setting."""
        return Feeding(next(iter(self._cells.values())))

    def training_draw(self, n: int, or_all: bool = False) -> tuple[Tensor, np.ndarray, Prepared]:
        """Training images of the setting as their models take them (n, ...), their rows, and the data set.

        The draw depends on their number alone: it is that of recalibration.

        Parameters
        ----------
        n : images. or_all : take all, where there are fewer.
        """
        if n not in self._drawn:
            data = open_prepared(self.training)
            rows = recalibration_rows(data, min(n, len(data.rows("train"))) if or_all else n)
            samples = self._feeding.inputs.gather(data, rows, self._feeding.size).to(self.device)
            self._drawn[n] = (samples, rows, data)
        return self._drawn[n]

    def given(self, folder: Path, stimuli: Mapping[str, Any] | None = None) -> Given:
        """Stimuli (the group's own if left out) of the prepared data set in a folder."""
        stimuli = self.group.stimuli if stimuli is None else stimuli
        data = open_prepared(folder)
        ids = stimulus_rows(data, stimuli)
        samples = None
        if self.is_stored:
            samples = self._feeding.samples(data, ids, stimuli).to(self.device)
        return Given(data, ids, stimuli, samples)

    def at(self, checkpoint: str, recalibration: int = 0) -> Iterator[Seen]:
        """Every member that has the checkpoint: start, step{n}, epoch{n} or final.

        Parameters
        ----------
        recalibration : training images that BatchNorm's statistics are made of; 0: running statistics.

        Raises
        ------
        ValueError : a run has not kept the step. DamagedRun : the store lacks a run.
        """
        yield from self._stored(checkpoint, recalibration) if self.is_stored else self._of_library(checkpoint)

    def _stored(self, checkpoint: str, recalibration: int) -> Iterator[Seen]:
        own = self._feeding
        population = self.training_draw(recalibration)[0] if recalibration else None
        for member in members_at(self.group.members, checkpoint):
            cell = self._cells[member.run]
            stored = StoredRun(self.store, member.run)
            network, step, result = self._network(member, cell, stored, checkpoint)
            network.to(self.device).eval()
            if population is not None:
                recalibrate(network, population, own.feed)

            def layers(given: Given, network: nn.Module = network, cell: ExtractionParameters = cell) -> Layers:
                return extract(network, given.samples, self.group.layers, own.feed, cell.pooling)

            yield Seen(member, step, result, network, own.feed, layers)

    def _network(
        self, member: Member, cell: ExtractionParameters, stored: StoredRun, checkpoint: str
    ) -> tuple[nn.Module, int | None, Mapping[str, Any]]:
        result = stored.finished()
        if result is None or checkpoint == FINAL or member.checkpoint == checkpoint:
            network = trained_model(cell.model, stored)  # refuses a run that is not finished
            step = result.get("best_step", result.get("steps"))
            return (
                network,
                _step_of(member.checkpoint, self.group.recipe, result) if member.checkpoint else step,
                result,
            )
        classes = len(result["classes"])
        if checkpoint == START:
            return build_model(cell.model, classes, cell.seed, member.start), 0, result
        step = _step_of(checkpoint, self.group.recipe, result)
        if step not in (kept := stored.kept_steps(result)):
            raise ValueError(
                f"run {member.run} ({self.group.group}, {member.model}) has no weights of {checkpoint} (step "
                f"{step}): it has {result['steps']} steps and kept {', '.join(map(str, kept)) or 'none'}. Name it in "
                "`keep_steps` of its recipe, or remove it from convergence.checkpoints."
            )
        network = load_weights(build_model(cell.model, classes, 0, ""), stored.weights_at(step))
        return network, step, result

    def _of_library(self, checkpoint: str) -> Iterator[Seen]:
        for member in members_at(self.group.members, checkpoint):
            own = next(cell for cell in self.group.cells if member.run in cell["runs"].values())
            cell = PretrainedExtractionParameters.from_plain(own)
            untrained = checkpoint == START and not member.checkpoint
            kept = {
                "runs": {} if untrained else {member.name: member.run},
                "untrained": {member.untrained: cell.untrained[member.untrained]} if untrained else {},
            }
            for _, built in pretrained.models_of(cell.model_copy(update=kept), self.weights, self.device):

                def layers(given: Given, built: Any = built, look: Any = cell.look) -> Layers:
                    folder = next(iter(self.weights.values()))
                    batches = pretrained.batches_of(
                        look, given.stimuli, given.data, given.ids, built, folder, self.device
                    )
                    return pretrained.record(built, *batches, look)

                yield Seen(member, _step_of(checkpoint, {}, {}), {}, built.model, None, layers)


def _step_of(checkpoint: str, recipe: Mapping[str, Any], result: Mapping[str, Any]) -> int | None:
    """The updates until a checkpoint; None where nothing tells."""
    if checkpoint == START:
        return 0
    if checkpoint.startswith("step"):
        return int(checkpoint.removeprefix("step"))
    if checkpoint.startswith("epoch") and "batch_size" in recipe:
        return int(checkpoint.removeprefix("epoch")) * (result["n_train"] // recipe["batch_size"])
    return result.get("steps")
