"""The representations of a setting's models on all stimuli of the study, a file a stimulus set, all in one job.

The weights are loaded once: a setting has few models, and stimuli come one set after another. What a model gives is
what the main line's extraction gives of it (`whyalike.activations`); representations of the user's are read from their
files.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from whyalike.activations.extraction import Feeding, models_of
from whyalike.activations.imported import read_vectors
from whyalike.activations.parameters import ExtractionParameters, PretrainedExtractionParameters
from whyalike.activations.table import write_activations
from whyalike.data.prepared import Prepared, open_prepared
from whyalike.data.stimuli import stimulus_rows
from whyalike.job import note
from whyalike.models.recording import extract
from whyalike.studies.consistency.parameters import GivenActivations, SettingExtraction
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation

# raise it when the extracted values change by what is done here; the versions of what it uses stand in its parameters
VERSION = 1

Vectors = Iterator[tuple[str, np.ndarray]]  # view, float32 (n, d)
Seen = Callable[[Prepared, np.ndarray, Mapping[str, Any], str], Vectors]


def extract_setting(
    parameters: SettingExtraction,
    operation: Operation,
    threads: int,
    store: Path,
    data: Sequence[Path],
    outputs: Mapping[str, Path],
    training: Sequence[Path] = (),
    weights: Mapping[str, Path] = MappingProxyType({}),
    files: Sequence[Path] = (),
    stage: Callable[[Path], AbstractContextManager[Path]] = nullcontext,
) -> None:
    """Write the activation files of a setting, one a stimulus set.

    Parameters
    ----------
    parameters : models and stimuli.
    operation, threads : how to carry it out; the activations depend on the number of threads.
    store : folder of the run store, of models that are there.
    data : files of the prepared data sets of the stimuli, in folders of their names.
    outputs : paths {setting}.{stimuli}.parquet.
    training : files of the data set whose images recalibrate; none where none do.
    weights : name of a run -> its file or folder, of another library's models.
    files : the user's activation files, by stimuli as `outputs` has them, then by run; none of other settings.
    stage : folder of a data set -> where it is read from.
    """
    device = set_up_device(operation.device, threads)
    folders = {path.parent.name: path.parent for path in data}
    places = {_stimuli_of(path, parameters.setting): path for path in outputs.values()}
    cells = parameters.typed()
    if isinstance(cells[0], PretrainedExtractionParameters):
        seen = _of_library(cells, weights, device)
    elif isinstance(cells[0], ExtractionParameters):
        seen = _of_store(cells, store, device, training[0].parent if training else None)
    else:
        seen = _of_files(cells, dict(zip(places, _cut(files, len(places)), strict=True)))
    for done, (name, path) in enumerate(places.items(), 1):
        stimuli = parameters.stimuli[name]
        with stage(folders[stimuli["dataset"]]) as folder:
            data_set = open_prepared(folder)
            ids = stimulus_rows(data_set, stimuli)
            vectors, width = _with_width(seen(data_set, ids, stimuli, name))
            width = None if isinstance(cells[0], GivenActivations) else width
            write_activations(path, ids, vectors, width, parameters.plain(), cells[0].stored)
        note(f"activations {done}/{len(places)} stimulus sets · {parameters.setting} · {name} · n = {len(ids)}")


def _stimuli_of(path: Path, setting: str) -> str:
    return path.name.removeprefix(f"{setting}.").removesuffix(path.suffix)


def _with_width(vectors: Vectors) -> tuple[Vectors, int]:
    """The same vectors, and the number of units of the first."""
    first = next(vectors)
    return chain([first], vectors), first[1].shape[1]


def _cut(files: Sequence[Path], parts: int) -> list[Sequence[Path]]:
    """Files in equal parts, in their order."""
    size = len(files) // parts
    return [files[start : start + size] for start in range(0, len(files), size)]


def _of_store(
    cells: Sequence[ExtractionParameters], store: Path, device: torch.device, training_data: Path | None
) -> Seen:
    """What models in the run store give, which are all of one architecture."""
    own, feeding = cells[0], Feeding(cells[0])
    models = [one for cell in cells for one in models_of(cell, store, device, training_data)]

    def seen(data: Prepared, ids: np.ndarray, stimuli: Mapping[str, Any], _: str) -> Vectors:
        samples = feeding.samples(data, ids, stimuli).to(device)
        for view, model in models:
            yield view, extract(model, samples, own.layers, feeding.feed, own.pooling)[own.layers[0]]

    return seen


def _of_library(
    cells: Sequence[PretrainedExtractionParameters], weights: Mapping[str, Path], device: torch.device
) -> Seen:
    """What models of another library give, which are all of one architecture."""
    from whyalike.activations import pretrained  # and with it what reads texts

    look, folder = cells[0].look, next(iter(weights.values()))
    models = [one for cell in cells for one in pretrained.models_of(cell, weights, device)]

    def seen(data: Prepared, ids: np.ndarray, stimuli: Mapping[str, Any], _: str) -> Vectors:
        given = pretrained.batches_of(look, stimuli, data, ids, models[0][1], folder, device)
        for view, built in models:
            yield view, pretrained.record(built, *given, look)[look.layers[0]]

    return seen


def _of_files(cells: Sequence[GivenActivations], files: Mapping[str, Sequence[Path]]) -> Seen:
    """What stands in the user's files, of the stimuli in the order of their ids."""
    views = [view for cell in cells for view in cell.views.values()]

    def seen(_: Prepared, ids: np.ndarray, __: Mapping[str, Any], name: str) -> Vectors:
        for view, path in zip(views, files[name], strict=True):
            yield view, read_vectors(path, ids)

    return seen
