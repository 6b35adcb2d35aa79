"""Activations from the user's files as an activation file of the workflow: the runs of a setting on one stimulus set.

What a file may be: see `whyalike.activations.vector_files`. Without ids the rows are the stimulus set in its own order.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from whyalike.activations.parameters import ImportedActivationsParameters
from whyalike.activations.table import write_activations
from whyalike.activations.vector_files import read_file
from whyalike.data.prepared import open_prepared
from whyalike.data.stimuli import stimulus_rows
from whyalike.files import file_sha256, made_by
from whyalike.job import note


def import_activations(
    parameters: ImportedActivationsParameters, files: Sequence[Path], manifest: Path, dataset: Path, output: Path
) -> None:
    """Write the activation file of one layer.

    Parameters
    ----------
    parameters : runs and stimuli.
    files : the user's files, one a run; the numbers of units may differ.
    manifest : that of the setting, which holds the hashes of the files.
    dataset : prepared data set of the stimuli.
    output : path of the activation file.

    Raises
    ------
    ValueError : a file is not n x d, lacks stimuli, or is not the one that the manifest tells of.
    """
    ids = stimulus_rows(open_prepared(dataset), parameters.stimuli)
    known, vectors = made_by(manifest)["files"], []
    for (name, identity), path in zip(parameters.runs.items(), files, strict=True):
        if file_sha256(path) not in known[name]:
            raise ValueError(f"{path} has changed since {manifest} was written. Start the workflow again.")
        vectors.append((identity, read_vectors(path, ids)))
    widths = {own.shape[1] for _, own in vectors}
    width = widths.pop() if len(widths) == 1 else None
    write_activations(output, ids, vectors, width, parameters.plain(), parameters.stored)
    note(f"activations of {len(vectors)} runs · n = {len(ids)}")


def read_vectors(path: Path, ids: np.ndarray) -> np.ndarray:
    """The representation in a file, float32 (n, d), a row for each of ``ids`` in their order.

    Raises
    ------
    ValueError : no n x d numbers, ids that are missing or repeated, or another number of rows than ids.
    """
    vectors, own = read_file(path)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu" or not vectors.size:
        raise ValueError(f"{path} must hold n x d numbers, got {vectors.dtype} {vectors.shape}")
    if own is None:
        if len(vectors) != len(ids):
            raise ValueError(f"{path} has {len(vectors)} rows, the stimuli are {len(ids)}: give their ids beside them")
        return _float32(path, vectors, np.arange(len(ids)))
    if own.shape != (len(vectors),) or own.dtype.kind not in "fiu" or len(np.unique(own)) < len(own):
        raise ValueError(
            f"{path} needs one stimulus_id a row, each once, the numbers in column id of the data set: {len(vectors)} "
            f"rows, ids {own.dtype} {own.shape}"
        )
    order = np.argsort(own)
    places = np.minimum(np.searchsorted(own, ids, sorter=order), len(own) - 1)
    rows = order[places]
    if len(absent := ids[own[rows] != ids]):
        more = ", ".join(map(str, absent[:5]))
        raise ValueError(f"{path} lacks {len(absent)} of {len(ids)} stimuli, the first with the ids {more}")
    if others := len(own) - len(ids):
        note(f"{path}: {others} of {len(own)} rows are of other stimuli, and left out")
    return _float32(path, vectors, rows)


def _float32(path: Path, vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Some rows as float32 (n, d); refuses those that are not finite."""
    with np.errstate(over="ignore"):
        found = vectors[rows].astype(np.float32)
    bad = rows[~np.isfinite(found).all(axis=1)]
    if len(bad):
        raise ValueError(
            f"{path} must be finite in float32; {len(bad)} of {len(rows)} rows hold NaN, infinity or a number beyond "
            f"3.4e38, the first is row {bad.min()}. Repair them, or leave their stimuli out."
        )
    return found
