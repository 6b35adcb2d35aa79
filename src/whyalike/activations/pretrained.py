"""Run models of other libraries over one stimulus set: from the user's files into activation files of the workflow.

Float32, eval mode, each image by the rule of the setting, all layers in one pass. Beside each model stands its
architecture with initial weights, the baseline of each score.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyalike.activations.parameters import PretrainedExtractionParameters
from whyalike.activations.table import write_activations
from whyalike.data.prepared import Prepared, open_prepared
from whyalike.data.shifts.stimuli import shown
from whyalike.data.stimuli import stimulus_rows
from whyalike.data.tokenization import of_prepared
from whyalike.job import note
from whyalike.models.inputs import stretches_of
from whyalike.models.libraries.building import Built, build
from whyalike.models.libraries.images import adapted
from whyalike.models.libraries.parameters import InputRule, Look
from whyalike.models.libraries.recording import PIXELS, record
from whyalike.models.libraries.texts import Encoder, batches, on, texts_of
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation
from whyalike.training.pretrained import context, load, seen_as

VERSION = 1  # raise it when the extracted values change


def extract_pretrained(
    parameters: PretrainedExtractionParameters,
    operation: Operation,
    threads: int,
    dataset: Path,
    weights: Mapping[str, Path],
    outputs: Mapping[str, Path],
) -> None:
    """Write the activation files of a setting on one stimulus set.

    Parameters
    ----------
    parameters : models and stimuli.
    operation, threads : how to carry it out; the activations depend on the number of threads.
    dataset : prepared data set of the stimuli.
    weights : name of a run -> its file or folder.
    outputs : layer -> path of its activation file.

    Raises
    ------
    ValueError : weights that have changed, or stimuli that the models cannot take.
    """
    device = set_up_device(operation.device, threads)
    data = open_prepared(dataset)
    ids = stimulus_rows(data, parameters.stimuli)
    gathered: dict[str, list[tuple[str, np.ndarray]]] = {layer: [] for layer in outputs}
    stimuli = None
    for identity, built in models_of(parameters, weights, device):
        if stimuli is None:
            folder = next(iter(weights.values()))
            stimuli = batches_of(parameters.look, parameters.stimuli, data, ids, built, folder, device)
        for layer, vectors in record(built, *stimuli, parameters.look).items():
            gathered[layer].append((identity, vectors))
        done = len(next(iter(gathered.values())))
        note(f"activations {done}/{len(parameters.runs) + len(parameters.untrained)} models · n = {len(ids)}")
    for layer, path in outputs.items():
        width = gathered[layer][0][1].shape[1]
        write_activations(path, ids, gathered[layer], width, parameters.plain(), parameters.stored)


def models_of(
    parameters: PretrainedExtractionParameters, weights: Mapping[str, Path], device: torch.device
) -> Iterator[tuple[str, Built]]:
    """Every model of the setting and every one with initial weights, with its identity, on the device."""
    for identity, built in _models(parameters, weights):
        built.model.to(device)
        yield identity, built


def _models(parameters: PretrainedExtractionParameters, weights: Mapping[str, Path]) -> Iterator[tuple[str, Built]]:
    for name, identity in parameters.runs.items():
        yield identity, load(parameters.look, weights[name], parameters.sha256[name])
    folder = next(path if path.is_dir() else None for path in weights.values())
    for identity, replica in parameters.untrained.items():
        built = build(parameters.look.architecture, folder, parameters.seed, replica)
        yield identity, seen_as(built, parameters.look)


def batches_of(
    look: Look,
    stimuli: Mapping[str, Any],
    data: Prepared,
    ids: np.ndarray,
    built: Built,
    folder: Path,
    device: torch.device,
) -> tuple[Sequence[Any], Callable[[Any], Any]]:
    """Batches of stimuli, and what makes a model's input of one.

    Parameters
    ----------
    look, stimuli : as of `PretrainedExtractionParameters`.
    data, ids : the prepared data set, and the ids of the stimuli.
    built : one of the models.
    folder : its weights, beside which its tokenizer lies.
    """
    if look.inputs == "tokens":
        texts = texts_of(stretches_of(data, ids), of_prepared(data.folder))
        encoder = Encoder(folder, context(built))
        encoder.check(texts)
        return list(batches(texts)), lambda batch: on(device, encoder(batch))
    own, rows = shown(data, ids, stimuli)
    own.check(rows)
    rule = InputRule.from_plain(look.rule)
    height, width = rule.sides
    at_once = max(1, PIXELS // (height * width))
    places = [rows[start : start + at_once] for start in range(0, len(rows), at_once)]
    return places, lambda batch: adapted(torch.from_numpy(np.array(own.images[batch])).to(device), rule)
