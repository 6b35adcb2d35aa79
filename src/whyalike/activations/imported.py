"""Activations from the user's files as an activation file of the workflow: the runs of a setting on one stimulus set.

What a file may be: see `whyalike.activations.vector_files`. Without ids the rows are the stimulus set in its own order.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from whyalike.activations.parameters import ImportedActivationsParameters
from whyalike.activations.table import write_activations
from whyalike.activations.vector_checks import check_features, check_ids
from whyalike.activations.vector_files import read_file
from whyalike.data.prepared import open_prepared
from whyalike.data.stimuli import stimulus_rows
from whyalike.files import file_sha256, made_by
from whyalike.job import note

SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


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
    ValueError : no finite n x d numbers, ids that are missing or repeated, or another number of rows than ids.
    """
    vectors, own = read_file(path)
    if own is None and len(vectors) != len(ids):
        raise ValueError(f"{path} has {len(vectors)} rows, the stimuli are {len(ids)}: give their ids beside them")
    rows = np.arange(len(ids)) if own is None else _rows(path, check_ids(own, len(vectors), str(path)), ids)
    vectors[np.setdiff1d(np.arange(len(vectors)), rows)] = 0  # of other stimuli: they may hold anything
    largest = float(np.abs(check_features(vectors, str(path))).max())
    if largest and not SMALLEST <= largest <= LARGEST:
        raise ValueError(
            f"{path} must have a largest entry between {SMALLEST:.2g} and {LARGEST:.2g}, as float32 holds it; it "
            f"is {largest:.3g}. Divide all features by a constant."
        )
    return vectors[rows].astype(np.float32)


def _rows(path: Path, own: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The row of each of ``ids`` among those of a file."""
    if own.dtype.kind not in "iuf":
        raise ValueError(f"{path} needs as stimulus_id the numbers in column id of the data set; it has {own.dtype}")
    if len(absent := ids[~np.isin(ids, own)]):
        more = ", ".join(map(str, absent[:5]))
        raise ValueError(f"{path} lacks {len(absent)} of {len(ids)} stimuli, the first with the ids {more}")
    if others := len(own) - len(ids):
        note(f"{path}: {others} of {len(own)} rows are of other stimuli, and left out")
    order = np.argsort(own)
    return order[np.searchsorted(own, ids, sorter=order)]
