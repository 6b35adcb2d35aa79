"""The published draws of stimuli for a configuration: which rows, and the same configuration with them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from whyalike.config.config import Config
from whyalike.data import breeds, webdataset
from whyalike.data.picture_parameters import BreedsParameters, PictureParameters
from whyalike.data.published_draw import published_rows, published_rows_of_imagenet, write_rows
from whyalike.files import write_text

IMAGENET = "wds_imagenet1k"  # the folder of a set that has so many of each class, as nothing else of the study has
SETS = 22  # of the published draw, ImageNet apart
DRAWN, FILE = "_drawn", "subset_indices_train.json"


def draw(config: Config, values: Mapping[str, Any], folder: Path, report: Callable[[str], None]) -> Path:
    """Write the rows of all sets of shards, and a configuration that takes them; returns its path.

    Parameters
    ----------
    config, values : the configuration, checked and as it was read.
    folder : gets {data set}/subset_indices_train.json and the configuration.
    report : gets a line for each set.

    Raises
    ------
    ValueError : there is no such set, shards are missing, or what `whyalike.data.webdataset` refuses.
    """
    sets = {name: one for name, one in config.datasets.items() if one.source in ("webdataset", "breeds")
            and "train" in one.parts and one.rows is None}  # fmt: skip
    if not sets:
        raise ValueError(
            "datasets: none is of the sources webdataset and breeds without `rows`: there is nothing to draw."
        )
    if missing := [f"datasets.{name}: {fault}" for name, one in sets.items() if (fault := one.missing())]:
        raise ValueError("\n".join(missing))
    classes = {name: _classes(one, report) for name, one in sets.items()}
    apart = [name for name, one in sets.items() if one.source == "webdataset" and one.folder.name == IMAGENET]
    rows = published_rows({name: own for name, own in classes.items() if name not in apart})
    if len(rows) != SETS:
        report(f"the published draw goes through {SETS} sets and {IMAGENET}: of {len(rows)} sets it is another one")
    for name in apart:
        own = classes[name]
        each = {} if sets[name].balanced is None else {"each": -(-sets[name].balanced // len(np.unique(own)))}
        rows[name] = published_rows_of_imagenet(own, **each)
    for name, own in rows.items():
        report(f"{name}: {len(own)} of {len(classes[name])} training images")
    write_rows(folder, rows)
    path = folder / f"{config.name}{DRAWN}.yaml"
    text = yaml.safe_dump(_taking(values, list(rows), folder), sort_keys=False, width=120)
    write_text(path, f"# Made by `whyalike draws`: the same configuration with the published draws.\n{text}")
    return path


def _classes(one: PictureParameters, report: Callable[[str], None]) -> np.ndarray:
    """The class of each training image, in the order of rows: numbers, or names in the order of numbers."""
    if isinstance(one, BreedsParameters):
        own = breeds.pictures_of(one.model_copy(update={"parts": ["train"]}), report)
        return np.array([picture.label for picture in own])
    return np.array([number for number, _ in webdataset.samples("webdataset", one.folder, ["train"], report)])


def _taking(values: Mapping[str, Any], names: list[str], folder: Path) -> dict[str, Any]:
    """The configuration whose training stimuli of some data sets are of rows from files; others stay as they are."""
    made = json.loads(json.dumps(values))  # what anchors share is written out
    made["name"] += DRAWN
    if "consistency" in made:
        made["consistency"]["name"] = made["consistency"].get("name", "consistency") + DRAWN
    for name in names:
        own = made["datasets"][name]
        drawn = {key: value for key, value in own.items() if key != "balanced"}
        drawn |= {"title": f"{own['title']}, published draw", "parts": ["train"], "rows": str(folder / name / FILE)}
        made["datasets"][f"{name}{DRAWN}"] = drawn
    for one in made["stimuli"].values():
        if one["dataset"] in names and one.get("part") == "train":
            one["dataset"] += DRAWN
    used = {one["dataset"] for part in ("stimuli", "settings") for one in made[part].values()}
    made["datasets"] = {name: one for name, one in made["datasets"].items() if name in used}
    return made
