"""The embeddings and unembeddings of a group of models, trained and untrained, on the test data.

One table: run, seed, trained, part (f: a row an input, in the order of the test data; g: a row a label), row,
label (of the row), vector.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from safetensors.torch import load_file

from whyalike.files import file_sha256, made_by, read_table, write_table
from whyalike.job import note
from whyalike.studies.closeness.parameters import PerceptronEmbedding
from whyalike.studies.closeness.training import EmbeddingStack, data
from whyalike.training.store import DamagedRun

Models = dict[tuple[bool, int], tuple[np.ndarray, np.ndarray]]


def embed_group(parameters: PerceptronEmbedding, manifest: Path, weights: Path, output: Path) -> None:
    """Write the table of a group from its weights.

    Parameters
    ----------
    parameters : the group's training.
    manifest, weights : what the training wrote.
    output : path of the table.

    Raises
    ------
    DamagedRun : the weights are not those that the manifest tells of.
    """
    if file_sha256(weights) != made_by(manifest)["sha256"]:
        raise DamagedRun(f"{weights} is not the file that was written (SHA-256 differs). Remove it and start again.")
    training = parameters.training
    runs = read_table(manifest, columns=["run"])["run"].to_pylist()
    x, y = data(training, "test")
    labels = {"f": y.numpy(), "g": np.arange(training.classes)}
    tables = []
    for trained in (True, False):
        stack = EmbeddingStack(training, range(training.seeds))
        if trained:
            stored = load_file(weights)
            for name, value in stack.tensors().items():
                value.copy_(stored[name])
        parts = zip("fg", stack.outputs(x.expand(len(stack.seeds), *x.shape)), strict=True)
        seeds = range(training.seeds)
        tables += [embedding_table(runs, seeds, trained, part, values, labels[part]) for part, values in parts]
    write_table(output, pa.concat_tables(tables), {"work": parameters.plain()})
    note(f"activations {training.group} · {len(runs)} models, n = {len(x)}")


def embedding_table(
    runs: Sequence[str], seeds: Sequence[int], trained: bool, part: str, values: torch.Tensor, labels: np.ndarray
) -> pa.Table:
    """Rows of some models' embeddings, or of their unembeddings.

    Parameters
    ----------
    runs, seeds : names and seeds of the S models.
    trained : whether they are.
    part : "f" or "g".
    values : (S, rows, M).
    labels : (rows,) int64, the label of each row.
    """
    count, rows, width = values.shape
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(values.detach().reshape(-1).numpy()), width)
    return pa.table(
        {
            "run": pa.array(np.repeat(runs, rows)),
            "seed": pa.array(np.repeat(np.asarray(seeds), rows)),
            "trained": pa.array(np.full(count * rows, trained)),
            "part": pa.array([part] * (count * rows)),
            "row": pa.array(np.tile(np.arange(rows), count)),
            "label": pa.array(np.tile(labels, count)),
            "vector": vectors,
        }
    )


def read_embeddings(path: Path) -> Models:
    """(trained, seed) -> the pair (f, g) of a table that `embed_group` wrote, in float64."""
    table = read_table(path)
    width = table.schema.field("vector").type.list_size
    vectors = table["vector"].combine_chunks().flatten().to_numpy().reshape(-1, width).astype(np.float64)
    keys = table.select(["trained", "seed", "part"]).to_pandas()
    places = keys.groupby(["trained", "seed", "part"]).indices
    return {
        (trained, seed): tuple(vectors[places[trained, seed, part]] for part in "fg") for trained, seed in _runs(keys)
    }


def _runs(keys: Any) -> Iterator[tuple[bool, int]]:
    for trained, seed in keys[["trained", "seed"]].drop_duplicates().itertuples(index=False):
        yield bool(trained), int(seed)
