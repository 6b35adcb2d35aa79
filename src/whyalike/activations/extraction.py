"""Run the models of a cell over one stimulus set and keep the outputs of named modules.

Eval mode, float32, no augmentation, the training normalisation; all layers in one pass, as
`whyalike.models.recording` records them, with the running statistics of BatchNorm or with those of training images
(`whyalike.models.recalibration`). Beside the trained runs stand the untrained ones: the initial weights of every
replica, the baseline of each score.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyalike.activations.parameters import ExtractionParameters
from whyalike.activations.table import write_activations
from whyalike.data.prepared import Prepared, open_prepared
from whyalike.data.shifts.stimuli import shown
from whyalike.data.stimuli import stimulus_rows
from whyalike.job import note
from whyalike.models.inputs import INPUTS
from whyalike.models.recalibration import recalibrate, recalibration_images
from whyalike.models.recording import extract
from whyalike.models.registry import MODELS
from whyalike.models.weights import build_model, load_weights
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation
from whyalike.training.store import DamagedRun, StoredRun

# raise it when the extracted values change: extraction costs GPU time, so its fingerprint alone does not count
VERSION = 2


def extract_cell(
    parameters: ExtractionParameters,
    operation: Operation,
    threads: int,
    dataset: Path,
    store: Path,
    outputs: Mapping[str, Path],
    training_data: Path | None = None,
) -> None:
    """Write the activation files of one cell on one stimulus set.

    Parameters
    ----------
    parameters : models and stimuli.
    operation, threads : how to carry it out; the activations depend on the number of threads.
    dataset : prepared data set of the stimuli.
    store : folder of the run store.
    outputs : layer -> path of its activation file.
    training_data : prepared data set of the setting, of which images recalibrate; asked for where they do.
    """
    device = set_up_device(operation.device, threads)
    data = open_prepared(dataset)
    ids = stimulus_rows(data, parameters.stimuli)
    feeding = Feeding(parameters)
    samples = feeding.samples(data, ids, parameters.stimuli).to(device)
    gathered: dict[str, list[tuple[str, np.ndarray]]] = {layer: [] for layer in outputs}
    models = len(parameters.runs) + len(parameters.untrained) + len(parameters.steps)
    for identity, model in models_of(parameters, store, device, training_data):
        layers = extract(model, samples, list(outputs), feeding.feed, parameters.pooling)
        for layer, vectors in layers.items():
            gathered[layer].append((identity, vectors))
        note(f"activations {len(gathered[layer])}/{models} runs · n = {len(ids)}")
    for layer, path in outputs.items():
        width = gathered[layer][0][1].shape[1]
        write_activations(path, ids, gathered[layer], width, parameters.plain(), parameters.stored)


class Feeding:
    """How stimuli become the input of a cell's models. Parameters: those of its extraction."""

    def __init__(self, parameters: ExtractionParameters):
        self.inputs, self.size = INPUTS[MODELS[parameters.model["family"]].facts.inputs], parameters.size
        self._normalised = {"mean": parameters.mean, "std": parameters.std}

    def samples(self, data: Prepared, ids: np.ndarray, stimuli: Mapping[str, Any]) -> Tensor:
        """The stimuli with some ids, shifted where they have a shift, on the CPU."""
        return self.inputs.gather(*shown(data, ids, stimuli), self.size)

    def feed(self, batch: Tensor) -> Tensor:
        """Some of these as the models take them."""
        return self.inputs.feed(batch, self._normalised)


def models_of(
    parameters: ExtractionParameters, store: Path, device: torch.device, training_data: Path | None = None
) -> Iterator[tuple[str, nn.Module]]:
    """Every model of a cell with its identity, on the device, with the BatchNorm that is asked for.

    Parameters
    ----------
    parameters, store, training_data : as of `extract_cell`.
    """
    feeding, population = Feeding(parameters), None
    if parameters.recalibration:
        images = recalibration_images(training_data, parameters.recalibration, feeding.inputs, parameters.size)
        population = images.to(device)
    for identity, model in _models(parameters, store):
        model.to(device)
        if population is not None:
            recalibrate(model, population, feeding.feed)
        yield identity, model


def _models(parameters: ExtractionParameters, store: Path) -> Iterator[tuple[str, nn.Module]]:
    """Every trained and untrained model of the cell with its identity, then those of kept steps."""
    for identity in parameters.runs:
        yield parameters.views.get(identity, identity), trained_model(parameters.model, StoredRun(store, identity))
    for identity, replica in parameters.untrained.items():
        yield identity, build_model(parameters.model, 1, parameters.seed, replica)
    for run, views in _by_run(parameters.steps).items():
        yield from _kept_models(parameters.model, StoredRun(store, run), views)


def _by_run(steps: Mapping[str, tuple[str, int]]) -> dict[str, dict[str, int]]:
    """Run -> view -> step, of view -> (run, step)."""
    found: dict[str, dict[str, int]] = {}
    for view, (run, step) in steps.items():
        found.setdefault(run, {})[view] = step
    return found


def _kept_models(
    parameters: Mapping[str, Any], stored: StoredRun, views: Mapping[str, int]
) -> Iterator[tuple[str, nn.Module]]:
    """The models of a run at kept steps; the files of the run are checked once for all of them."""
    result = _finished(stored)
    kept = stored.kept_steps(result)
    for view, step in views.items():
        if step not in kept:
            raise ValueError(
                f"run {stored.identity} has no weights of step {step}: it has {result['steps']} steps and kept "
                f"{', '.join(map(str, kept)) or 'none'}. Ask for one of these, or change `keep_steps` of its recipe."
            )
        model = build_model(parameters, len(result["classes"]), 0, "")
        yield view, load_weights(model, stored.weights_at(step))


def trained_model(parameters: Mapping[str, Any], stored: StoredRun) -> nn.Module:
    """The final model of a finished run, on the CPU.

    Raises
    ------
    DamagedRun : the store lacks the run, or its weights are not what was written.
    """
    result = _finished(stored)
    return load_weights(build_model(parameters, len(result["classes"]), 0, ""), stored.weights)


def _finished(stored: StoredRun) -> dict[str, Any]:
    result = stored.finished()
    if result is None:
        raise DamagedRun(
            f"the run store has no finished run {stored.identity}. Remove what is left of it, and the manifests that "
            f"name it, with `whyalike clean CONFIG --run {stored.identity}` (CONFIG: your configuration), and start "
            "again: the run is then trained anew."
        )
    return result
