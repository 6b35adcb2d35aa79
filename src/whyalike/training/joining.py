"""The manifest of a cell that was trained in parts: the rows of its parts, as one job would have written them."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from whyalike.files import read_table, write_table
from whyalike.training.manifest import MANIFEST
from whyalike.training.parameters import TrainingParameters


def join_manifests(parameters: TrainingParameters, manifests: Sequence[Path], output: Path) -> None:
    """Write the manifest of a cell from those of its parts: the same bytes as without parts.

    Parameters
    ----------
    parameters : of the whole cell.
    manifests : of the parts, in their order.
    output : path of the manifest.

    Raises
    ------
    ValueError : the parts do not hold the runs of the cell, each once and in their order.
    """
    table = pa.concat_tables([read_table(path) for path in manifests]).combine_chunks()
    expected, came = [run.identity for run in parameters.runs], table["run"].to_pylist()
    if came != expected:
        raise ValueError(
            f"the parts of a cell hold its runs, each once: expected {expected}, got {came} from "
            f"{', '.join(map(str, manifests))}. Remove these files: they are made anew, and no run is trained again."
        )
    # what Parquet gives back calls the items of lists by another name
    write_table(output, table.cast(MANIFEST), {"work": parameters.plain()})
