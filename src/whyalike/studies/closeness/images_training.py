"""Train a group of image embedders, one a seed, as runs of the store, and write the group's manifest.

Each is trained alone by the one training loop, so that a killed job goes on and what is finished stays. The manifest
has the columns of `whyalike.studies.closeness.training`, and beside them the run's identity and its classes.
"""

from pathlib import Path

import pyarrow as pa

from whyalike.data.prepared import open_prepared
from whyalike.files import write_table
from whyalike.job import note
from whyalike.studies.closeness.parameters import EmbedderTraining
from whyalike.training.cell import train_or_find
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation
from whyalike.training.registry import OBJECTIVES, recipe_of
from whyalike.training.store import StoredRun

MANIFEST = pa.schema(
    [
        ("run", pa.string()),
        ("identity", pa.string()),
        ("seed", pa.int64()),
        ("loss", pa.float64()),
        ("accuracy", pa.float64()),
        ("n_test", pa.int64()),
        ("class_names", pa.list_(pa.string())),
        ("sha256", pa.string()),
    ]
)


def train_embedders(
    parameters: EmbedderTraining, operation: Operation, threads: int, dataset: Path, store: Path, manifest: Path
) -> None:
    """Train what the store lacks of a group and write its manifest.

    Parameters
    ----------
    parameters : what is trained.
    operation, threads : how to carry it out; the weights depend on the number of threads.
    dataset : the prepared data set; all its training images are used.
    store : folder of the run store.
    manifest : path of the table of models: loss (nats) and accuracy on all test images.

    Raises
    ------
    DamagedRun : a stored run is not what was written, or was trained on other data.
    """
    device = set_up_device(operation.device, threads)
    recipe, objective = recipe_of(parameters.recipe), OBJECTIVES[parameters.recipe["objective"]].load()
    data = open_prepared(dataset, verify=True)
    material, rows = objective.material(data, parameters.of_task(parameters.runs[0]), device, operation), []
    for run in parameters.runs:
        task = objective.read(parameters.of_task(run), recipe, run, data, material, None)
        stored = StoredRun(store, run.identity)
        result = train_or_find(run, recipe, operation, task, stored)
        note(f"training {len(rows) + 1}/{len(parameters.runs)} runs · {run.name} · {100 * result['accuracy']:.1f} %")
        rows.append({"run": run.name, "identity": run.identity, "seed": run.seed,
                     **{name: result[name] for name in ("loss", "accuracy", "n_test")},
                     "class_names": result["classes"], "sha256": result["sha256"][stored.weights.name]})  # fmt: skip
    write_table(manifest, pa.Table.from_pylist(rows, schema=MANIFEST), {"work": parameters.plain()})
