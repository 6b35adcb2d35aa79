"""The draws of stimuli of the published consistency study, to the letter: all sets from one generator.

Sets of up to 10,000 training images are taken whole. Of larger ones, in ascending order of size, ceil(10,000 / classes)
images of each class, or all of a smaller one, are drawn by `np.random.seed(42)`, once for all sets: adding or resizing
one set moves the draws of all that are larger. ImageNet alone has 10 of each class, by `random.seed(42)`.
`whyalike.data.class_balance` is the draw with a key for each set. Source: Ciernik et al.,
lciernik/similarity_consistency at 99d8051, `notebooks/check_wds_sizes_n_get_subsets.ipynb` and
`scripts/generate_imagenet_subset_indices.py`.
"""

import json
import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.files import write_text

SEED = 42
IMAGES = 10_000
OF_IMAGENET = 10  # images of each class


def published_rows(classes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows of the training part of each set but ImageNet, ascending, int64.

    Parameters
    ----------
    classes : set -> class of each training image (m,), as the column `class` of `webdataset` and of `breeds` with
        shards has it: its order is that in which the study extracted images, without workers. Numbers, or names in the
        order of numbers. The order of sets counts where two have one size: theirs is that of
        `scripts/configs/webdatasets_wo_imagenet.txt`.
    """
    sizes = pd.DataFrame({"size": pd.Series({name: len(own) for name, own in classes.items()}, dtype=object)})
    generator, rows = np.random.RandomState(SEED), {name: np.arange(len(own)) for name, own in classes.items()}
    for name in sizes.sort_values("size").index:  # as pandas orders objects: equal sizes too
        if len(own := classes[name]) > IMAGES:
            numbers = np.unique(own)
            each = -(-IMAGES // len(numbers))
            members = (np.flatnonzero(own == number) for number in numbers)
            drawn = [generator.choice(one, min(len(one), each), replace=False) for one in members]
            rows[name] = np.sort(np.concatenate(drawn))
    return rows


def published_rows_of_imagenet(classes: np.ndarray, each: int = OF_IMAGENET) -> np.ndarray:
    """Rows of ImageNet's training part, int64, class by class in the order drawn.

    Parameters
    ----------
    classes : class of each training image (m,), as above.
    each : images of each class: 10, and 1, 5, 20, 30 and 40 for the study of sample sizes.

    Raises
    ------
    ValueError : a class has fewer.
    """
    generator = random.Random(SEED)
    members = [np.flatnonzero(classes == number).tolist() for number in np.unique(classes)]
    if (fewest := min(map(len, members), default=0)) < each:
        raise ValueError(f"{each} images of each class are asked for, the smallest has {fewest}: lower the number.")
    return np.array([row for own in members for row in generator.sample(own, each)], dtype=np.int64)


def write_rows(folder: Path, rows: Mapping[str, np.ndarray]) -> None:
    """Write {set}/subset_indices_train.json as the study has it, for the key `rows` of a data set."""
    for name, own in rows.items():
        write_text(folder / name / "subset_indices_train.json", json.dumps(own.tolist()))
