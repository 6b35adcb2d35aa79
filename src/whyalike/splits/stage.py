"""The split file of a cell: for every run, the images it trains on with their labels, and its list of classes.

One Parquet file with the columns run (name within the cell), index (row of the data set) and label (code); the classes
of each run, in the order of its codes, stand in the file's metadata. A run of label overlap sees every training image.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from whyalike.data.prepared import open_prepared
from whyalike.designs.design import TOLERANCE, Design, load
from whyalike.designs.registry import design
from whyalike.files import made_by, read_table, write_table
from whyalike.splits.of_designs import Splits
from whyalike.splits.parameters import SplitParameters, SplitRun


def make_splits(parameters: SplitParameters, dataset: Path, output: Path) -> None:
    """Write the split file of one cell.

    Parameters
    ----------
    parameters : the cell's runs.
    dataset : folder of the prepared data set.
    output : path of the split file.

    Raises
    ------
    ValueError : whole images or classes do not come near to a level.
    """
    data = open_prepared(dataset)
    own = design(parameters.factor)
    splits: Splits = load(own.split)(data, data.rows("train"), parameters.seed, parameters.runs)
    for run in parameters.runs:
        if own.shares and run.level is not None:
            _check_share(splits, run, own)
    sizes = [len(index) for index, _, _ in splits.values()]
    table = pa.table(
        {
            "run": pa.array(np.repeat(list(splits), sizes)).dictionary_encode(),
            "index": np.concatenate([index for index, _, _ in splits.values()]).astype(np.int32),
            "label": np.concatenate([label for _, label, _ in splits.values()]).astype(np.int32),
        }
    )
    classes = {name: names for name, (_, _, names) in splits.items()}
    write_table(output, table, {"work": parameters.plain(), "classes": classes}, compression="zstd")


def _check_share(splits: Splits, run: SplitRun, own: Design) -> None:
    """What a design says of a run B is x of figures and statistics: it must be what B shares with its A."""
    alone = "A" if "A" in splits else f"A@{run.level}"
    place = 2 if own.shares == "classes" else 0
    level = own.share(run.level)
    mine, others = set(splits[run.name][place]), set(splits[alone][place])
    share = len(mine & others) / len(mine)
    if abs(share - level) > TOLERANCE:
        raise ValueError(
            f"at level {level:g} two models would share {share:.3g} of their {len(mine)} {own.shares}: whole "
            f"{own.shares} do not come nearer to it. Take that level, or another one that they do come near to."
        )


def read_split(path: Path, run: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The images of one run.

    Returns
    -------
    index : (n,) int64 rows of the data set, sorted; of the factorial as `whyalike.splits.factorial` orders them.
    label : (n,) int64 codes.
    classes : names in the order of the codes.

    Raises
    ------
    LookupError : the file has no such run.
    """
    classes = made_by(path).get("classes", {})
    if run not in classes:
        raise LookupError(f"{path} has no run '{run}': it holds {', '.join(classes)}. Make the file again.")
    table = read_table(path, columns=["index", "label"], filters=[("run", "=", run)])
    return table["index"].to_numpy().astype(np.int64), table["label"].to_numpy().astype(np.int64), classes[run]
