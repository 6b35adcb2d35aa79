"""Activations from the user's files as an activation file of the workflow: the runs of a setting on one stimulus set.

What a file may be: see `whyalike.activations.vector_files`. Without ids the rows are the stimulus set in its own order.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from whyalike.activations.parameters import ImportedActivationsParameters
from whyalike.activations.table import write_activations
from whyalike.activations.vector_checks import check_finite, check_ids, check_matrix
from whyalike.activations.vector_files import VectorFile, open_vectors
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
    known = made_by(manifest)["files"]
    for name, path in zip(parameters.runs, files, strict=True):
        if file_sha256(path) not in known[name]:
            raise ValueError(f"{path} has changed since {manifest} was written. Start the workflow again.")
    widths = {_matrix(path, lambda _: None).shape[1] for path in files}
    width = widths.pop() if len(widths) == 1 else None
    vectors = ((run, read_vectors(path, ids)) for run, path in zip(parameters.runs.values(), files, strict=True))
    write_activations(output, ids, vectors, width, parameters.plain(), parameters.stored)
    note(f"activations of {len(files)} runs · n = {len(ids)}")


def read_vectors(path: Path, ids: np.ndarray) -> np.ndarray:
    """The representation in a file, float32 (n, d), a row for each of ``ids`` in their order.

    Raises
    ------
    ValueError : no n x d numbers, ids that are missing or repeated, or another number of rows than ids.
    """
    source = _matrix(path)
    own, n = source.ids, source.shape[0]
    if own is None and n != len(ids):
        raise ValueError(f"{path} has {n} rows, the stimuli are {len(ids)}: give their ids beside them")
    return _float32(source, np.arange(n) if own is None else _rows(path, check_ids(own, n, str(path)), ids))


def _matrix(path: Path, report: Callable[[str], None] = note) -> VectorFile:
    source = open_vectors(path, report)
    check_matrix(source.shape, source.dtype, str(path))
    return source


def _rows(path: Path, own: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The row of each of ``ids`` among those of a file."""
    if own.dtype.kind not in "iuf":
        raise ValueError(f"{path} needs as stimulus_id the numbers in column id of the data set; it has {own.dtype}")
    if len(absent := ids[~np.isin(ids, own)]):
        more = ", ".join(map(str, absent[:5]))
        raise ValueError(
            f"{path} lacks {len(absent)} of {len(ids)} stimuli, the first with the ids {more}. Add their rows."
        )
    if others := len(own) - len(ids):
        note(f"{path}: {others} of {len(own)} rows are of other stimuli, and left out")
    order = np.argsort(own)
    return order[np.searchsorted(own, ids, sorter=order)]


def _float32(source: VectorFile, rows: np.ndarray) -> np.ndarray:
    """Some rows as float32 (n, d), read into their places and checked; the others may hold anything."""
    found, finite, largest = np.empty((len(rows), source.shape[1]), np.float32), np.ones(source.shape[0], bool), 0.0
    every, places = np.arange(source.shape[0]), np.full(source.shape[0], len(rows))  # behind the last: of no stimulus
    places[rows] = np.arange(len(rows))
    for at, block in source.blocks():
        of_rows, columns = at if isinstance(at, tuple) else (at, slice(None))
        of_rows = every[slice(None) if of_rows is ... else of_rows]
        taken = places[of_rows] < len(rows)
        numbers = block[taken]
        finite[of_rows[taken]] &= np.isfinite(numbers).all(axis=1)
        largest = max(largest, float(np.abs(numbers).max(initial=0, where=np.isfinite(numbers))))
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
            found[places[of_rows[taken]], columns] = numbers
    check_finite(finite, str(source.path))
    if largest and not SMALLEST <= largest <= LARGEST:
        raise ValueError(
            f"{source.path} must have a largest entry between {SMALLEST:.2g} and {LARGEST:.2g}, as float32 holds it; "
            f"it is {largest:.3g}. Divide all features by a constant."
        )
    return found
