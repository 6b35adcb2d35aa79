"""A group of small models in a run store, with the prepared data sets that its stimuli are from."""

import json

import numpy as np
import pandas as pd

from whyalike.data.prepared import write_prepared
from whyalike.files import file_sha256
from whyalike.models.resnet import build
from whyalike.models.weights import save_weights
from whyalike.studies.convergence.parameters import Analysis, Group, Member, Scored
from whyalike.training.store import StoredRun

MODEL = {"family": "resnet", "blocks": [1, 1], "widths": [4, 6], "stem": "3x3", "stem_stride": 1}
LAYERS = ("conv1", "layer1", "layer2")
RECIPE = {"objective": "cross_entropy", "batch_size": 4}
STIMULI = {"dataset": "photos", "part": "test", "n": None, "seed": 0}
CELL = {"seed": 0, "model": MODEL, "size": 8, "mean": (128.0,) * 3, "std": (60.0,) * 3, "layers": LAYERS, "stimuli": {},
        "untrained": {"start": "0"}, "version": 1}  # fmt: skip
PROCRUSTES, SOFT = ({"scoring": name, "metric": name} for name in ("procrustes", "soft_matching"))


def prepared(folder, name, n, channels=3, seed=0):
    """A data set whose half is training images, the rest stimuli; its files."""
    random = np.random.default_rng(seed)
    labels = pd.DataFrame({"part": ["train", "test"] * n, "class": list("aabb") * (n // 2)})
    pixels = random.integers(0, 256, (2 * n, 8, 8, channels), dtype=np.uint8)
    write_prepared(folder / "data" / name, pixels, labels, ["class"], {})
    return sorted((folder / "data" / name).iterdir())


def group(folder, name="net", seeds=3):
    """A group of models of these seeds, of random weights, in the run store."""
    members = []
    for seed in range(seeds):
        identity = f"{abs(hash_of(name, seed)):016x}"[:16]
        run = StoredRun(folder / "runs", identity)
        run.folder.mkdir(parents=True)
        save_weights(build(MODEL, 2, 10 + seed, name), run.weights)
        sha256 = {run.weights.name: file_sha256(run.weights)}
        result = {"sha256": sha256, "classes": ["a", "b"], "steps": 8, "n_train": 40}
        run.result.write_text(json.dumps(result))
        members.append(Member(model=f"seed{seed}", seed=seed, run=identity, name=f"seed{seed}", untrained="start"))
    cells = [{**CELL, "seed": one.seed, "runs": [one.run]} for one in members]
    return Group(group=name, setting=name, cells=cells, members=members, stimuli=STIMULI, stimuli_name="photos",
                 labelling="class", layers=LAYERS, size=8, recipe=RECIPE)  # fmt: skip


def hash_of(name, seed):
    return int.from_bytes(f"{name}{seed}".encode().rjust(8, b"0")[-8:], "big")


def analysis(name, recalibration=0, scored=(PROCRUSTES,)):
    scored = [Scored.from_plain(one) for one in scored]
    return Analysis(analysis=name, recalibration=recalibration, scored=scored, over_time=["procrustes"])
