"""A configuration of as many jobs as one likes: config/config.yaml with copies of its settings, and more seeds."""

import copy
from pathlib import Path
from typing import Any

import yaml

CONFIG = Path(__file__).parents[2] / "config" / "config.yaml"
RESNET_LAYERS = ["layer2", "layer3", "avgpool"]
METRICS = {"knn_5": {"metric": "mutual_knn", "k": 5}, "knn_50": {"metric": "mutual_knn", "k": 50}}


def scaled(copies: int, seeds: int) -> dict[str, Any]:
    """The default configuration with so many of each setting, and seeds in each study; with more layers and metrics."""
    values = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    settings, recipes = values["settings"], values["recipes"]
    for name, setting in list(settings.items()):
        if "resnet" in setting["model"]:
            setting["layers"] = RESNET_LAYERS
        for number in range(1, copies):
            # a recipe of its own: other runs
            recipe = copy.deepcopy(recipes[setting["recipe"]])
            recipes[f"{name}_{number}"] = recipe | {"lr": recipe["lr"] * (1 + number / 10)}
            settings[f"{name}_{number}"] = copy.deepcopy(setting) | {"recipe": f"{name}_{number}"}
    for study in values["studies"].values():
        named = study["settings"]
        study["settings"] = [one for name in named for one in _copies(name, copies)]
        study["seeds"] = list(range(seeds))
        if isinstance(of_setting := study["stimuli"], dict):
            study["stimuli"] = {one: of_setting[name] for name in of_setting for one in _copies(name, copies)}
    values["similarity"]["metrics"] |= METRICS
    return values


def _copies(name: str, copies: int) -> list[str]:
    return [name, *(f"{name}_{number}" for number in range(1, copies))]
