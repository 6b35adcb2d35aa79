"""Train what the store lacks of one cell (setting, factor, seed), and write its manifest.

All runs of a cell share one process (or a few, `whyalike.training.together`, where the operation says so): imports,
data on the device and set-up are paid once. The manifest is the job's
one declared output, written last: a row a run with its identity, the hash of its weights, its classes, its loss and its
accuracy, if it has one.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.data.prepared import open_prepared
from whyalike.data.stimuli import try_stimuli
from whyalike.designs.design import SHUFFLED_LABELS
from whyalike.files import write_table
from whyalike.job import note
from whyalike.models.recalibration import recalibration_rows
from whyalike.models.recording import try_layers
from whyalike.training.device import set_up_device
from whyalike.training.kept_steps import kept_steps, lacking
from whyalike.training.manifest import MANIFEST
from whyalike.training.missing_steps import MissingSteps
from whyalike.training.parameters import Operation, Recipe, TrainedRun, TrainingParameters
from whyalike.training.registry import OBJECTIVES, recipe_of
from whyalike.training.store import DamagedRun, StoredRun
from whyalike.training.task import Task
from whyalike.training.together import train_together
from whyalike.training.trainer import Trainer

THREADS = 1  # of a run, whatever a job has: the weights depend on it


def train_cell(
    parameters: TrainingParameters,
    operation: Operation,
    threads: int,
    dataset: Path,
    splits: Path,
    store: Path,
    output: Path,
    layers: Sequence[str] = (),
    stimuli: Mapping[str, tuple[Path, Mapping[str, Any]]] | None = None,
    look: Mapping[str, Any] | None = None,
) -> None:
    """Train the missing runs of a cell and write the manifest.

    Parameters
    ----------
    parameters : what is trained.
    operation : how to carry it out.
    threads : CPU threads of the training; the weights depend on it.
    dataset, splits : the prepared data set and the cell's split file.
    store : folder of the run store.
    output : path of the manifest.
    layers : modules that will be compared: a model of which they cannot be recorded is not worth its training.
    stimuli : sets that models will be compared on, as `whyalike.data.stimuli.try_stimuli` takes them.
    look : in which way they will be looked at: `pooling` and `recalibration` of `try_layers`, where not the defaults.

    Raises
    ------
    DamagedRun : a stored run is not what was written, or was trained on other data.
    ValueError : data that do not fit the objective, such as no test images of a run's classes; or a model that cannot
        take its samples, a layer that cannot be recorded, more stimuli than images.
    LookupError : the model has no module of the name of a layer.
    RuntimeError : runs that learned less than `min_accuracy` asks; all are named, and no manifest is written.
    """
    try_stimuli(stimuli or {})
    data, look = open_prepared(dataset, verify=True), look or {}  # verified here, once for all processes
    if n := look.get("recalibration"):
        recalibration_rows(data, n)
    runs, finished = parameters.runs, _Progress(parameters)
    at_once = min(operation.of_setting("runs_at_once", parameters.setting) or 1, len(runs))
    if at_once > 1:
        paths = {"dataset": str(dataset), "splits": str(splits), "store": str(store)}
        how = {"operation": operation.model_dump(mode="json"), "threads": threads}
        common = {"parameters": parameters.plain(), **how, **paths, "layers": list(layers), "look": dict(look)}
        rows = train_together(runs, at_once, common, finished.tell)
    else:
        train, rows = trainer_of(parameters, operation, threads, dataset, splits, store, layers, look), []
        for run in runs:
            rows.append(train(run))
            finished.tell(run.name, rows[-1])
    _check_accuracy(rows, parameters.min_accuracy)
    write_table(output, pa.Table.from_pylist(rows, schema=MANIFEST), {"work": parameters.plain()})


def trainer_of(
    parameters: TrainingParameters,
    operation: Operation,
    threads: int,
    dataset: Path,
    splits: Path,
    store: Path,
    layers: Sequence[str] = (),
    look: Mapping[str, Any] | None = None,
) -> Callable[[TrainedRun], dict[str, Any]]:
    """What trains a run of a cell, or finds it in the store: a run -> its row of the manifest.

    Parameters and faults are those of `train_cell`; device and data are set up once, for all runs.
    """
    device = set_up_device(operation.device, threads)
    try_layers(parameters.setting, parameters.model, parameters.size, layers, device=str(device), **(look or {}))
    recipe, objective = recipe_of(parameters.recipe), OBJECTIVES[parameters.recipe["objective"]].load()
    data = open_prepared(dataset)
    material = objective.material(data, parameters, device, operation)

    def train(run: TrainedRun) -> dict[str, Any]:
        with _named(run, parameters):
            task = objective.read(parameters, recipe, run, data, material, splits)
            return _row(parameters, run, train_or_find(run, recipe, operation, task, StoredRun(store, run.identity)))

    return train


class _Progress:
    """A line for each run that is finished."""

    def __init__(self, parameters: TrainingParameters):
        self._label = f"{parameters.setting} {parameters.factor} seed {parameters.seed}"
        self._count, self._all, self._began = 0, len(parameters.runs), time.monotonic()

    def tell(self, name: str, row: Mapping[str, Any]) -> None:
        """Say how many runs are finished, and how the last one ended."""
        self._count += 1
        spent = time.monotonic() - self._began
        left = spent / self._count * (self._all - self._count)
        note(f"training {self._count}/{self._all} runs · {self._label} · {name} · {_outcome(row)} · "
             f"{spent:.0f} s · eta {left:.0f} s")  # fmt: skip


def _outcome(result: Mapping[str, Any]) -> str:
    """What a run reached, in a word."""
    accuracy = result["accuracy"]
    return f"loss {result['loss']:.4g}" if accuracy is None else f"{100 * accuracy:.1f} %"


def train_or_find(
    run: TrainedRun, recipe: Recipe, operation: Operation, task: Task, stored: StoredRun
) -> dict[str, Any]:
    """What result.json of a run holds: trained now, gone on with, found finished, or given more steps.

    Raises
    ------
    DamagedRun : a stored run is not what was written, or was trained on other data.
    RuntimeError : a finished run lacks steps, and trained again it is another one.
    """
    if stored.result.is_file() and not stored.checkpoint.is_file():
        with suppress(DamagedRun, FileNotFoundError):  # or it is just being replaced: its holder's end will tell
            result = _found(run, task, stored)
            if result and not _lacking(recipe, task, stored, result):
                return result  # who may only read the store needs no more
    with stored.held(operation.heartbeat_seconds, note):
        result = _found(run, task, stored)
        if result is not None:
            stored.ensure_held()
            stored.checkpoint.unlink(missing_ok=True)  # of a trainer that was killed after writing its result
            if not (steps := _lacking(recipe, task, stored, result)):
                stored.steps_checkpoint.unlink(missing_ok=True)
                return result
            return MissingSteps(run, recipe, operation, task, stored, result, steps).train()
        return Trainer(run, recipe, operation, task, stored).train()


@contextmanager
def _named(run: TrainedRun, parameters: TrainingParameters) -> Iterator[None]:
    """A fault of the body says which run it was."""
    try:
        yield
    except Exception as error:
        where = f"{parameters.setting}, {parameters.factor} overlap, seed {parameters.seed}"
        error.add_note(f"This was run {run.name} ({run.identity}) of {where}.")
        raise


def _found(run: TrainedRun, task: Task, stored: StoredRun) -> dict[str, Any] | None:
    """The result of a finished run, of the task's data."""
    result = stored.finished()
    if result is not None and result["data_sha256"] != task.sha256:
        raise DamagedRun(
            f"run {run.name} ({stored.identity}) was trained on other data or labels than the data set holds now. "
            f"Prepare the data set as it was, or train the run anew: `whyalike clean CONFIG --run {stored.identity}`."
        )
    return result


def _lacking(recipe: Recipe, task: Task, stored: StoredRun, result: Mapping[str, Any]) -> list[int]:
    """Steps of a finished run whose weights are asked for and not kept."""
    return lacking(kept_steps(recipe, task.total, task.epoch_steps), result["steps"], stored.kept_steps(result))


def _row(parameters: TrainingParameters, run: TrainedRun, result: Mapping[str, Any]) -> dict[str, Any]:
    cell = {name: getattr(parameters, name) for name in ("setting", "factor", "seed")}
    own = {name: getattr(run, name) for name in ("name", "replica", "level", "labelling")}
    found = {name: result[name] for name in ("n_train", "n_test", "steps", "accuracy", "loss", "device", "torch")}
    classes = {"classes": len(result["classes"]), "class_names": result["classes"]}
    return {
        "run": run.identity,
        **cell,
        **own,
        **classes,
        **found,
        "loss_unit": OBJECTIVES[parameters.recipe["objective"]].facts.loss_unit,
        "sha256": result["sha256"]["weights.safetensors"],
    }


def _check_accuracy(rows: list[dict[str, Any]], required: Mapping[str, float]) -> None:
    # nothing is asked of runs without an accuracy, for which the configuration allows no bound, nor of shuffled labels
    asked = [row for row in rows if row["accuracy"] is not None and row["level"] != SHUFFLED_LABELS]
    poor = [row for row in asked if row["accuracy"] < required[row["labelling"]]]
    if poor:
        lines = [
            f"  {row['name']} ({row['run']}): {row['accuracy']:.3f} on {row['n_test']} own test images, "
            f"{required[row['labelling']]:.3f} required"
            for row in poor
        ]
        where = f"{rows[0]['setting']} {rows[0]['factor']} seed {rows[0]['seed']}"
        raise RuntimeError("\n".join([f"{len(poor)} runs of {where} learned too little:", *lines,
                                      "Change the recipe, or lower min_accuracy of the study."]))  # fmt: skip
