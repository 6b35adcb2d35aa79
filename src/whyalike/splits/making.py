"""The split file of a cell: for every run, the images it trains on with their labels, and its list of classes.

One Parquet file with the columns run (name within the cell), index (row of the data set) and label (code); the classes
of each run, in the order of its codes, stand in the file's metadata. A run of label overlap sees every training image.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from whyalike.data.prepared import Prepared, open_prepared
from whyalike.files import made_by, write_table
from whyalike.randomness import keyed
from whyalike.designs.factorial import data_overlap
from whyalike.splits.factorial import factorial_split
from whyalike.splits.overlap import dataset_overlap, task_overlap

TOLERANCE = 0.02  # how far rounding to whole images or classes may take the share from its level


def make_splits(work: Mapping[str, Any], dataset: Path, output: Path) -> None:
    """Write the split file of one cell.

    Parameters
    ----------
    work : factor, seed, and runs: the cell's runs as `whyalike.runs.Run.plain` gives them.
    dataset : folder of the prepared data set.
    output : path of the split file.

    Raises
    ------
    ValueError : whole images or classes do not come near to a level.
    """
    data = open_prepared(dataset)
    splits = _splits(data, work["factor"], work["seed"], work["runs"])
    for run in work["runs"]:
        if run["level"] is not None and work["factor"] != "controls":
            _check_share(splits, run, work["factor"])
    sizes = [len(index) for index, _, _ in splits.values()]
    table = pa.table(
        {
            "run": pa.array(np.repeat(list(splits), sizes)).dictionary_encode(),
            "index": np.concatenate([index for index, _, _ in splits.values()]).astype(np.int32),
            "label": np.concatenate([label for _, label, _ in splits.values()]).astype(np.int32),
        }
    )
    classes = {name: names for name, (_, _, names) in splits.items()}
    write_table(output, table, {"work": dict(work), "classes": classes}, compression="zstd")


def _splits(
    data: Prepared, factor: str, seed: int, runs: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[np.ndarray, np.ndarray, list[str]]]:
    """For each run: rows of the data set, label codes, class names."""
    train = data.rows("train")
    if factor == "factorial":
        return _crossed(data, train, seed, runs)
    if factor == "controls":
        return _controls(data, train, seed, runs)
    overlaps = [run["level"] for run in runs if run["level"] is not None]
    result = {}
    for run in runs:
        codes, names = data.labelling(run["labelling"], train)
        part = f"B@{run['level']}" if run["level"] is not None else "A"
        if factor == "label":
            chosen, labels, own = np.arange(len(train)), codes, names
        elif factor == "dataset":
            chosen = dataset_overlap(codes, seed, overlaps)[part]
            labels, own = codes[chosen], names
        else:
            classes = task_overlap(len(names), seed, overlaps)[part]
            label_of = np.full(len(names), -1)
            label_of[classes] = np.arange(len(classes))
            chosen = np.flatnonzero(label_of[codes] >= 0)
            labels, own = label_of[codes[chosen]], [names[code] for code in classes]
        result[run["name"]] = (train[chosen], labels, own)
    return result


def _crossed(
    data: Prepared, train: np.ndarray, seed: int, runs: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[np.ndarray, np.ndarray, list[str]]]:
    """As `_splits`, of the factorial: images by data overlap, labels by each run's own labelling."""
    if "group" not in data.labels:
        raise ValueError("the factorial needs a data set with a column 'group': prepare colorshapedigit_groups.")
    cells, _ = data.labelling("_".join(data.attributes), train)
    parts = factorial_split(cells, data.labels["group"].to_numpy()[train].astype(str), seed)
    result = {}
    for run in runs:
        chosen = train[parts["A" if run["level"] is None else data_overlap(run["level"])]]
        codes, names = data.labelling(run["labelling"], chosen)
        result[run["name"]] = (chosen, codes, names)
    return result


def _controls(
    data: Prepared, train: np.ndarray, seed: int, runs: Sequence[Mapping[str, Any]]
) -> dict[str, tuple[np.ndarray, np.ndarray, list[str]]]:
    """As `_splits`, of the control ladder: A's images or those that A does not see, with labels or shuffled ones."""
    result = {}
    for run in runs:
        codes, names = data.labelling(run["labelling"], train)
        parts = dataset_overlap(codes, seed, ["0"])
        chosen = parts["B@0" if run["level"] == "disjoint_data" else "A"]
        labels = codes[chosen]
        if run["level"] == "shuffled_labels":
            labels = keyed(seed, "shuffled labels").permutation(labels)  # as many of each as before
        result[run["name"]] = (train[chosen], labels, names)
    return result


def _check_share(splits: Mapping[str, tuple], run: Mapping[str, Any], factor: str) -> None:
    """The level of a run B is x of figures and statistics: it must be what B shares with its A."""
    alone = "A" if "A" in splits else f"A@{run['level']}"
    what, place = ("classes", 2) if factor == "task" else ("images", 0)
    level = data_overlap(run["level"]) if factor == "factorial" else run["level"]
    own, others = set(splits[run["name"]][place]), set(splits[alone][place])
    share = len(own & others) / len(own)
    if abs(share - float(level)) > TOLERANCE:
        raise ValueError(
            f"at level {level} two models would share {share:.3g} of their {len(own)} {what}: whole {what} do "
            "not come nearer to it. Take that level, or another one that they do come near to."
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
    table = pq.read_table(path, columns=["index", "label"], filters=[("run", "=", run)])
    return table["index"].to_numpy().astype(np.int64), table["label"].to_numpy().astype(np.int64), classes[run]
