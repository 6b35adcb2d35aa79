"""Train what the store lacks of one cell (setting, factor, seed), and write its manifest.

All runs of a cell share one process: imports, data on the device and set-up are paid once. The manifest is the job's
one declared output, written last: a row a run with its identity, the hash of its weights, its classes and its accuracy.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from whyalike.data.prepared import Prepared, open_prepared
from whyalike.files import write_table
from whyalike.jobs import note
from whyalike.models.inputs import adapt
from whyalike.recipes import Operation, Recipe
from whyalike.splits.making import read_split
from whyalike.training.store import DamagedRun, StoredRun
from whyalike.training.trainer import RunData, Trainer, set_up_device

MANIFEST = pa.schema(
    [
        ("run", pa.string()),
        ("name", pa.string()),
        ("setting", pa.string()),
        ("factor", pa.string()),
        ("seed", pa.int64()),
        ("replica", pa.string()),
        ("level", pa.string()),
        ("labelling", pa.string()),
        ("classes", pa.int64()),
        ("class_names", pa.list_(pa.string())),
        ("n_train", pa.int64()),
        ("n_test", pa.int64()),
        ("steps", pa.int64()),
        ("accuracy", pa.float64()),
        ("sha256", pa.string()),
        ("device", pa.string()),
        ("torch", pa.string()),
    ]
)


def train_cell(
    work: Mapping[str, Any],
    operation: Operation,
    threads: int,
    dataset: Path,
    splits: Path,
    store: Path,
    output: Path,
) -> None:
    """Train the missing runs of a cell and write the manifest.

    Parameters
    ----------
    work : setting, factor, seed, size, model, recipe, runs and min_accuracy (by labelling), as JSON values.
    operation : how to carry it out.
    threads : CPU threads of the training; the weights depend on it.
    dataset, splits : the prepared data set and the cell's split file.
    store : folder of the run store.
    output : path of the manifest.

    Raises
    ------
    DamagedRun : a stored run is not what was written, or was trained on other data.
    ValueError : no test images of a run's classes, or fewer training images than a batch.
    RuntimeError : runs that learned less than `min_accuracy` asks; all are named, and no manifest is written.
    """
    device = set_up_device(operation.device, threads)
    recipe = Recipe.model_validate(work["recipe"])
    data = open_prepared(dataset)
    images = adapt(data.images, work["size"]).to(device)
    label = f"{work['setting']} {work['factor']} seed {work['seed']}"
    rows, began = [], time.monotonic()
    for count, run in enumerate(work["runs"], start=1):
        run_data = _run_data(data, images, splits, run)
        stored = StoredRun(store, run["identity"])
        result = _train_or_find(run, work, recipe, operation, run_data, stored)
        rows.append(_row(work, run, result))
        spent = time.monotonic() - began
        left = spent / count * (len(work["runs"]) - count)
        note(f"training {count}/{len(work['runs'])} runs · {label} · {run['name']} · "
             f"{100 * result['accuracy']:.1f} % · {spent:.0f} s · eta {left:.0f} s")  # fmt: skip
    _check_accuracy(rows, work["min_accuracy"])
    write_table(output, pa.Table.from_pylist(rows, schema=MANIFEST), {"work": dict(work)})


def _train_or_find(
    run: Mapping[str, Any],
    work: Mapping[str, Any],
    recipe: Recipe,
    operation: Operation,
    data: RunData,
    stored: StoredRun,
) -> dict[str, Any]:
    with _named(run, work), stored.held(operation.heartbeat_seconds, note):
        result = stored.finished()
        if result is not None:
            _check_data(run, result, data, stored)
            kept = stored.kept_steps(result)
            if all(step in kept for step in recipe.keep_steps if step <= result["steps"]):
                stored.checkpoint.unlink(missing_ok=True)  # of a trainer that was killed after writing its result
                return result
            # trained anew for more steps to keep: those that are kept already, perhaps for another study, stay so
            recipe = recipe.model_copy(update={"keep_steps": tuple(sorted({*recipe.keep_steps, *kept}))})
        return Trainer(run, work["model"], recipe, operation, work["seed"], data, stored).train()


@contextmanager
def _named(run: Mapping[str, Any], work: Mapping[str, Any]) -> Iterator[None]:
    """A fault of the body says which run it was."""
    try:
        yield
    except Exception as error:
        where = f"{work['setting']}, {work['factor']} overlap, seed {work['seed']}"
        error.add_note(f"This was run {run['name']} ({run['identity']}) of {where}.")
        raise


def _check_data(run: Mapping[str, Any], result: Mapping[str, Any], data: RunData, stored: StoredRun) -> None:
    if result["data_sha256"] != data.sha256:
        raise DamagedRun(
            f"run {run['name']} ({stored.identity}) was trained on other images or labels than the data set holds now. "
            f"Prepare the data set as it was, or train the run anew: `whyalike clean CONFIG --run {stored.identity}`."
        )


def _run_data(data: Prepared, images: torch.Tensor, splits: Path, run: Mapping[str, Any]) -> RunData:
    """The run's training images, and the test images of its own classes."""
    index, labels, classes = read_split(splits, run["name"])
    test = data.rows("test")
    codes, names = data.labelling(run["labelling"], test)
    own = np.array([classes.index(name) if name in classes else -1 for name in names])[codes]
    test, own = test[own >= 0], own[own >= 0]
    if not len(test):
        raise ValueError(
            f"run {run['name']} needs test images of its classes {', '.join(classes)}: the data set has none. "
            "Prepare it with a part 'test'."
        )
    digest = hashlib.sha256("|".join([data.content_sha256, *classes]).encode() + index.tobytes() + labels.tobytes())
    place = images.device
    return RunData(
        images[torch.from_numpy(index).to(place)],
        torch.from_numpy(labels).to(place),
        images[torch.from_numpy(test).to(place)],
        torch.from_numpy(own).to(place),
        tuple(classes),
        digest.hexdigest(),
    )


def _row(work: Mapping[str, Any], run: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    cell = {name: work[name] for name in ("setting", "factor", "seed")}
    own = {name: run[name] for name in ("name", "replica", "level", "labelling")}
    found = {name: result[name] for name in ("n_train", "n_test", "steps", "accuracy", "device", "torch")}
    classes = {"classes": len(result["classes"]), "class_names": result["classes"]}
    return {
        "run": run["identity"],
        **cell,
        **own,
        **classes,
        **found,
        "sha256": result["sha256"]["weights.safetensors"],
    }


def _check_accuracy(rows: list[dict[str, Any]], required: Mapping[str, float]) -> None:
    poor = [row for row in rows if row["accuracy"] < required[row["labelling"]]]
    if poor:
        lines = [
            f"  {row['name']} ({row['run']}): {row['accuracy']:.3f} on {row['n_test']} own test images, "
            f"{required[row['labelling']]:.3f} required"
            for row in poor
        ]
        where = f"{rows[0]['setting']} {rows[0]['factor']} seed {rows[0]['seed']}"
        raise RuntimeError("\n".join([f"{len(poor)} runs of {where} learned too little:", *lines,
                                      "Change the recipe, or lower min_accuracy of the study."]))  # fmt: skip
