"""Runs from the user's files instead of training: checkpoints go into the run store, activations are only registered.

Either way the manifest is the same table that training writes, a row a run, without accuracies; the hashes of the
user's files stand in its metadata. A stored run keeps the hash of the file that it came from: if the file changes under
the same identity, the next import says so.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.data.prepared import open_prepared
from whyalike.file_faults import readable
from whyalike.files import canonical_json, file_sha256, write_table
from whyalike.job import note
from whyalike.models.recalibration import recalibration_rows
from whyalike.models.recording import try_layers
from whyalike.models.weights import build_model, save_weights
from whyalike.training.checkpoint import load_checkpoint, weight_files
from whyalike.training.manifest import MANIFEST
from whyalike.training.parameters import CheckpointParameters, ImportParameters, Operation
from whyalike.training.store import DamagedRun, StoredRun

VERSION = 1  # raise it when what is stored of a checkpoint changes


def import_runs(
    parameters: ImportParameters,
    operation: Operation,
    files: Sequence[Path],
    dataset: Path,
    store: Path,
    output: Path,
    layers: Sequence[str],
    size: int | None,
    look: Mapping[str, Any] | None = None,
) -> None:
    """Write the manifest of a setting whose runs come from files, and store their weights if they have any.

    Parameters
    ----------
    parameters : the runs, with weights or without.
    operation : how to carry it out.
    files : the user's files, by run, equally many for each.
    dataset : the prepared data set of the setting.
    store : folder of the run store.
    output : path of the manifest.
    layers, size : of a setting with weights, the modules that will be compared, and the side of its images, pixels.
    look : in which way they will be looked at, as of `whyalike.training.cell.train_cell`.

    Raises
    ------
    DamagedRun : a stored run came from another file.
    ValueError : a file is no state dict of the model, or what `whyalike.models.recording.try_layers` raises.
    LookupError : the model has no module of the name of a layer.
    """
    data, look = open_prepared(dataset), look or {}
    _, names = data.labelling(parameters.labelling)
    if n := look.get("recalibration"):
        recalibration_rows(data, n)
    has_weights = isinstance(parameters, CheckpointParameters)
    if has_weights and parameters.classes not in (None, len(names)):
        names = [str(number) for number in range(parameters.classes)]
    if has_weights:
        try_layers(parameters.setting, parameters.model, size, layers, len(names), **look)
    rows, hashes, each = [], {}, len(files) // len(parameters.runs)
    for place, run in enumerate(parameters.runs):
        own = files[place * each : (place + 1) * each]
        hashes[run.name] = [_hash(file) for path in own for file in (weight_files(path) if has_weights else [path])]
        row = {"run": run.identity, **{name: getattr(run, name) for name in ("name", "replica", "level", "labelling")}}
        row |= {name: getattr(parameters, name) for name in ("setting", "factor", "seed")}
        if has_weights:
            stored = StoredRun(store, run.identity)
            result = stored.finished()  # who may only read the store needs no more
            if result is None:
                with stored.held(operation.heartbeat_seconds, note):
                    result = stored.finished() or _keep(parameters, own[0], hashes[run.name], names, stored)
            _check_origin(result, own[0], hashes[run.name], stored)
            row |= {"classes": len(names), "class_names": names, "sha256": result["sha256"][stored.weights.name]}
        else:
            row["sha256"] = _of_all(hashes[run.name])
        rows.append(row)
        note(f"import {place + 1}/{len(parameters.runs)} runs · {parameters.setting} · {run.name}")
    write_table(output, pa.Table.from_pylist(rows, schema=MANIFEST), {"work": parameters.plain(), "files": hashes})


def _hash(path: Path) -> str:
    with readable(path, "a file", "Bring it back."):
        return file_sha256(path)


def _of_all(hashes: Sequence[str]) -> str:
    """One hash of those of several files."""
    return hashlib.sha256(canonical_json(list(hashes)).encode()).hexdigest()


def _of_checkpoint(hashes: Sequence[str]) -> str:
    return hashes[0] if len(hashes) == 1 else _of_all(hashes)


def _keep(
    parameters: CheckpointParameters, path: Path, hashes: Sequence[str], names: Sequence[str], stored: StoredRun
) -> dict[str, Any]:
    """Make the stored run of a checkpoint; returns its result."""
    model = load_checkpoint(build_model(parameters.model, len(names), 0, ""), path, parameters.prefix)
    stored.note("imported")
    save_weights(model, stored.weights)
    files = {stored.weights.name: file_sha256(stored.weights)}
    result = {"classes": list(names), "sha256": files, "imported": _of_checkpoint(hashes)}
    stored.finish(result)
    return result


def _check_origin(result: Mapping[str, Any], path: Path, hashes: Sequence[str], stored: StoredRun) -> None:
    if result["imported"] != _of_checkpoint(hashes):
        raise DamagedRun(
            f"{path} is not the file that run {stored.identity} was imported from (SHA-256 differs). Bring back the "
            "old file, or raise `version` of the setting: its runs are then others."
        )
