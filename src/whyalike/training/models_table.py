"""The table of models: what is known of each, from the manifests, the run store and the attributes of its setting."""

import json
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.file_faults import readable
from whyalike.files import made_by, read_table, write_table
from whyalike.job import note
from whyalike.training.parameters import ModelsOfCell, ModelsParameters
from whyalike.training.store import StoredRun

_TEXT, _COUNT, _NUMBER = pa.string(), pa.int64(), pa.float64()
MODEL_SCHEMA = pa.schema(
    [
        pa.field("run", _TEXT, nullable=False),  # identity in the run store
        pa.field("name", _TEXT, nullable=False),  # unique within setting, factor and seed
        pa.field("setting", _TEXT, nullable=False),
        pa.field("factor", _TEXT, nullable=False),
        pa.field("seed", _COUNT, nullable=False),
        pa.field("start", _TEXT),  # replica of the initial weights; null of models from files
        pa.field("order", _TEXT),  # replica of order and augmentation
        pa.field("level", _TEXT),  # the condition that it is trained for alone
        pa.field("kind", _TEXT, nullable=False),  # trained, or the key that names its files
        pa.field("dataset", _TEXT, nullable=False),
        pa.field("labelling", _TEXT, nullable=False),
        pa.field("model", _TEXT),  # name of the configuration
        pa.field("model_family", _TEXT),
        pa.field("library", _TEXT),
        pa.field("tag", _TEXT),  # of a library: which weights
        pa.field("recipe", _TEXT),
        pa.field("parameters", _COUNT),  # numbers in its weights, but for running statistics of BatchNorm
        pa.field("steps", _COUNT),
        pa.field("accuracy", _NUMBER),  # on the own test data, 0 to 1
        pa.field("loss", _NUMBER),
        pa.field("loss_unit", _TEXT),
        pa.field("sha256", _TEXT),  # of weights or files
    ]
)
RUNNING = ("running_mean", "running_var", "num_batches_tracked")  # ends of names of buffers
HEADER = struct.Struct("<Q")  # of a safetensors file: how long the JSON is that follows


def write_models(parameters: ModelsParameters, manifests: Sequence[Path], store: Path, output: Path) -> None:
    """Write the table of all models of a configuration: a row a run of a cell, of `MODEL_SCHEMA` and its attributes.

    Parameters
    ----------
    manifests : of the cells, in their order.
    store : folder of the run store.
    output : path of the table.
    """
    rows = [
        row
        for cell, path in zip(parameters.cells, manifests, strict=True)
        for row in _rows(cell, read_table(path).to_pylist(), made_by(path).get("models", {}), store)
    ]
    schema = MODEL_SCHEMA
    for name, kind in _attributes(parameters.cells).items():
        schema = schema.append(pa.field(name, kind))
    write_table(output, pa.Table.from_pylist(rows, schema=schema), {"work": parameters.plain()})
    note(f"{len(rows)} models of {len({row['setting'] for row in rows})} settings")


def _rows(
    cell: ModelsOfCell, manifest: Sequence[Mapping[str, Any]], told: Mapping[str, Any], store: Path
) -> Iterator[dict[str, Any]]:
    said = cell.model_dump(exclude={"starts", "attributes"})
    for run in manifest:
        start = cell.starts.get(run["run"])
        order = None if start is None else run["replica"]
        # weights of another library's models are not in the store: the manifest tells their size
        counted = told.get(run["name"], {}).get("parameters") or parameters_of(StoredRun(store, run["run"]).weights)
        yield {**run, **said, "start": start, "order": order, "parameters": counted, **cell.attributes}


def _attributes(cells: Sequence[ModelsOfCell]) -> dict[str, pa.DataType]:
    """Name -> type of the attributes of any setting, in the order of the configuration; whole numbers where all are."""
    values: dict[str, list[Any]] = {}
    for cell in cells:
        for name, value in cell.attributes.items():
            values.setdefault(name, []).append(value)
    types = {bool: pa.bool_(), str: _TEXT, int: _COUNT}
    return {
        name: types[type(own[0])] if len({type(one) for one in own}) == 1 and type(own[0]) in types else _NUMBER
        for name, own in values.items()
    }


def parameters_of(weights: Path) -> int | None:
    """How many numbers a file of weights holds, without running statistics; None where there is none.

    Only the head of the file is read.
    """
    if not weights.is_file():  # activations from files have none
        return None
    with readable(weights, "a safetensors file", "See `whyalike verify`."), weights.open("rb") as file:
        (length,) = HEADER.unpack(file.read(HEADER.size))
        tensors = json.loads(file.read(length))
    return sum(math.prod(one["shape"]) for name, one in tensors.items()
               if name != "__metadata__" and not name.endswith(RUNNING))  # fmt: skip
