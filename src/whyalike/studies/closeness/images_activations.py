"""Embeddings and unembeddings of a group of image embedders, trained and untrained, on some test images.

The table is that of `whyalike.studies.closeness.activations`, whose reader serves both. f is extracted as any layer
is; g does not depend on images.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from whyalike.activations.extraction import extract, trained_model
from whyalike.data.prepared import open_prepared
from whyalike.data.stimuli import stimulus_rows
from whyalike.files import write_table
from whyalike.job import note
from whyalike.models.inputs import INPUTS
from whyalike.models.likelihood_model import Embedder
from whyalike.models.weights import build_model
from whyalike.studies.closeness.activations import embedding_table
from whyalike.studies.closeness.parameters import EmbedderEmbedding, EmbedderRun, EmbedderTraining
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation
from whyalike.training.store import StoredRun

KIND = INPUTS["rgb"]


def embed_images(
    parameters: EmbedderEmbedding, operation: Operation, threads: int, dataset: Path, store: Path, output: Path
) -> None:
    """Write the table of a group.

    Parameters
    ----------
    parameters : the group's training and the stimuli.
    operation, threads : how to carry it out; the numbers depend on the number of threads.
    dataset : the prepared data set.
    store : folder of the run store.
    output : path of the table.

    Raises
    ------
    DamagedRun : the store lacks a run, or its weights are not what was written.
    """
    device = set_up_device(operation.device, threads)
    training, data = parameters.training, open_prepared(dataset)
    ids = stimulus_rows(data, parameters.stimuli)
    samples = KIND.gather(data, ids, training.size).to(device)
    codes, names = data.labelling(training.runs[0].labelling, ids)
    labels = {"f": codes, "g": np.arange(len(names))}
    tables = []
    for trained in (True, False):
        for run, model in _models(training, len(names), store, trained):
            f = extract(model.to(device), samples, ["f"], lambda batch: KIND.feed(batch, training.recipe))["f"]
            with torch.no_grad():
                g = model.unembeddings().cpu()
            parts = {"f": torch.from_numpy(f), "g": g}
            tables += [embedding_table([run.name], [run.seed], trained, part, values[None], labels[part])
                       for part, values in parts.items()]  # fmt: skip
    write_table(output, pa.concat_tables(tables), {"work": parameters.plain()})
    note(f"activations {training.group} · {len(training.runs)} models, n = {len(ids)}")


def _models(
    training: EmbedderTraining, classes: int, store: Path, trained: bool
) -> Iterator[tuple[EmbedderRun, Embedder]]:
    """Every run of the group with its model: the trained one, or its initial weights."""
    for run in training.runs:
        if trained:
            yield run, trained_model(training.model, StoredRun(store, run.identity))
        else:
            yield run, build_model(training.model, classes, run.seed, run.replica)
