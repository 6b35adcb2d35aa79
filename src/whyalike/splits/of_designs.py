"""The split of each design: for every run of a cell, the training images that it sees, and under which labels.

Each function is named in the table of designs and is called with the data set, the rows of its training images (n,),
the seed and the cell's runs. It returns for each name the rows of the data set, their label
codes, and the names of the classes in the order of the codes.
"""

from collections.abc import Sequence

import numpy as np

from whyalike.data.prepared import Prepared
from whyalike.designs.design import SHUFFLED_LABELS
from whyalike.designs.factorial import data_overlap
from whyalike.randomness import keyed
from whyalike.splits.factorial import factorial_split
from whyalike.splits.overlap import dataset_overlap, task_overlap
from whyalike.splits.parameters import SplitRun

Runs = Sequence[SplitRun]
Splits = dict[str, tuple[np.ndarray, np.ndarray, list[str]]]


def some_images(data: Prepared, train: np.ndarray, seed: int, runs: Runs) -> Splits:
    """Dataset overlap: half of the images of every class, the level's share of them common."""
    levels, result = _levels(runs), {}
    for run in runs:
        codes, names = data.labelling(run.labelling, train)
        chosen = dataset_overlap(codes, seed, levels)[_part(run)]
        result[run.name] = train[chosen], codes[chosen], names
    return result


def some_classes(data: Prepared, train: np.ndarray, seed: int, runs: Runs) -> Splits:
    """Task overlap: all images of half of the classes, the level's share of these common."""
    levels, result = _levels(runs), {}
    for run in runs:
        codes, names = data.labelling(run.labelling, train)
        classes = task_overlap(len(names), seed, levels)[_part(run)]
        label_of = np.full(len(names), -1)
        label_of[classes] = np.arange(len(classes))
        chosen = np.flatnonzero(label_of[codes] >= 0)
        result[run.name] = train[chosen], label_of[codes[chosen]], [names[code] for code in classes]
    return result


def all_images(data: Prepared, train: np.ndarray, seed: int, runs: Runs) -> Splits:
    """Label overlap: every image, under the run's own labels."""
    return {run.name: (train, *data.labelling(run.labelling, train)) for run in runs}


def zoo(data: Prepared, train: np.ndarray, seed: int, runs: Runs) -> Splits:
    """A zoo: every image; shuffled labels are in one order for all seeds, so that models learn the same."""
    result = all_images(data, train, seed, runs)
    for run in (run for run in runs if run.level == SHUFFLED_LABELS):
        index, codes, names = result[run.name]
        result[run.name] = index, keyed("shuffled labels of a zoo").permutation(codes), names
    return result


def crossed(data: Prepared, train: np.ndarray, seed: int, runs: Runs) -> Splits:
    """The factorial: images by data overlap, labels by each run's own labelling.

    Raises
    ------
    ValueError : the data do not come in groups of sources.
    """
    if "group" not in data.labels:
        raise ValueError("the factorial needs a data set with a column 'group': prepare colorshapedigit_groups.")
    cells, _ = data.labelling("_".join(data.attributes), train)
    parts = factorial_split(cells, data.labels["group"].to_numpy()[train].astype(str), seed)
    result = {}
    for run in runs:
        chosen = train[parts["A" if run.level is None else data_overlap(run.level)]]
        codes, names = data.labelling(run.labelling, chosen)
        result[run.name] = (chosen, codes, names)
    return result


def controls(data: Prepared, train: np.ndarray, seed: int, runs: Runs) -> Splits:
    """The control ladder: A's images or those that A does not see, with labels or shuffled ones."""
    result = {}
    for run in runs:
        codes, names = data.labelling(run.labelling, train)
        parts = dataset_overlap(codes, seed, ["0"])
        chosen = parts["B@0" if run.level == "disjoint_data" else "A"]
        labels = codes[chosen]
        if run.level == SHUFFLED_LABELS:
            labels = keyed(seed, "shuffled labels").permutation(labels)  # as many of each as before
        result[run.name] = (train[chosen], labels, names)
    return result


def _levels(runs: Runs) -> list[str]:
    return [run.level for run in runs if run.level is not None]


def _part(run: SplitRun) -> str:
    """The name of a run's part in the dictionaries of `whyalike.splits.overlap`."""
    return "A" if run.level is None else f"B@{run.level}"
