"""Handwritten digits that scikit-learn ships, as a prepared data set: 1797 grey images of 8 x 8 pixels.

Values 0 to 16 become 0 to 255. The split is stratified: every digit has the same number of training images. Rows are
ordered by part, digit and index in scikit-learn's array, which column `sample` keeps.
Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository (1998).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from whyalike.data.parameters import DigitsParameters
from whyalike.data.prepared import write_prepared
from whyalike.randomness import keyed

VERSION = 1  # raised when pixels or labels change
LARGEST_VALUE = 16  # of scikit-learn's pixels


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `DigitsParameters`.
    folder : the prepared data set.
    threads : unused, the work takes a moment.
    report : gets one line when the data set is written.
    """
    chosen = DigitsParameters.model_validate(parameters)
    source = load_digits()
    train = np.concatenate(
        [
            keyed(chosen.seed, "digits", "split", digit).permutation(np.flatnonzero(source.target == digit))[
                : chosen.train_per_class
            ]
            for digit in range(10)
        ]
    )
    is_test = np.ones(len(source.target), dtype=bool)
    is_test[train] = False
    order = np.lexsort((source.target, is_test))  # stable: the index in the source breaks ties
    images = np.rint(source.images[order] * (255 / LARGEST_VALUE)).astype(np.uint8)[..., None]
    labels = pd.DataFrame(
        {
            "part": np.where(is_test[order], "test", "train"),
            "digit": source.target[order].astype(str),
            "sample": [f"{index:04d}" for index in order],
        }
    )
    made_by = {"source": "digits", "version": VERSION, "parameters": chosen.plain()}
    write_prepared(folder, images, labels, ["digit"], made_by)
    report(f"digits: {len(images)} images, {len(train)} for training")
