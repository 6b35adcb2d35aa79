"""Tiny trainings for the tests: one run, a cell of runs, and processes that train and are killed.

The processes come from a fork server that has imported torch once, so that each costs milliseconds.
"""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from job_parameters import split_parameters

from whyalike.data.prepared import write_prepared
from whyalike.splits.stage import make_splits
from whyalike.training import timing
from whyalike.training.cell import train_cell
from whyalike.training.classification import Classification
from whyalike.training.device import set_up_device
from whyalike.training.images import RunImages
from whyalike.training.parameters import (
    Augmentation,
    ClassifierRecipe,
    Operation,
    TaskParameters,
    TrainedRun,
    TrainingParameters,
)
from whyalike.training.readers import ResidentReader
from whyalike.training.store import StoredRun
from whyalike.training.trainer import Trainer

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["whyalike.training.cell", "torch._dynamo"])  # which the first optimizer imports
PATIENCE = 30  # s, for a process that takes well under one

IDENTITY = "a" * 16
MODEL = {"family": "resnet", "blocks": [1], "widths": [4], "stem": "3x3", "stem_stride": 1}
EVERYTHING = Augmentation(flip=True, translate=1, cutout=2, brightness=0.2, contrast=0.2, saturation=0.3)
RECIPE = ClassifierRecipe(lr=0.1, epochs=2, peak_epoch=0.5, batch_size=8, weight_decay=5e-4, label_smoothing=0.1,
                          mean=(120, 118, 110), std=(60, 61, 62), augmentation=EVERYTHING,
                          keep_steps=(3, 7))  # fmt: skip
OPERATION = Operation(device="cpu", checkpoint_every=5, heartbeat_seconds=0.2)
STEPS = 12  # of a run: 2 epochs of 50 // 8


def varied(recipe=RECIPE, **changes):
    """A recipe with some values changed, checked like any other."""
    return ClassifierRecipe.model_validate(recipe.model_dump() | changes)


def run_data(n=50, seed=0, sha256="d" * 64):
    """Four classes of 8 x 8 images, noise around a brightness."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 4
    images = torch.randint(0, 100, (n, 8, 8, 3), generator=generator) + 50 * labels[:, None, None, None]
    images = images.to(torch.uint8)
    return run_images(images, labels, sha256)


def run_images(images, labels, sha256="d" * 64):
    """All images to train on, the first 20 to test on."""
    rows = torch.arange(len(images))
    return RunImages(ResidentReader(images), rows, labels, rows[:20], labels[:20], ("a", "b", "c", "d"), sha256)


def stored_run(store, identity=IDENTITY):
    return StoredRun(Path(store), identity)


def trainer(store, recipe=RECIPE, operation=OPERATION, identity=IDENTITY, seed=0, replica="A", data=None):
    run = TrainedRun(name=replica, replica=replica, labelling="toy", level=None, identity=identity)
    task = Classification(TaskParameters(seed=seed, size=8, model=MODEL), recipe, run, data or run_data())
    return Trainer(run, recipe, operation, task, stored_run(store, identity))


def train(store, **options):
    """Train one run to its end under its lock."""
    set_up_device("cpu", 1)
    made = trainer(store, **options)
    with made.stored.held(made.operation.heartbeat_seconds, lambda text: None):
        return made.train()


def train_slowly(store, seconds):
    """Train one run, each step with a pause."""
    pause_each_step(float(seconds))
    train(store)


def pause_each_step(seconds):
    original = Trainer._step

    def slow(self, *arguments):
        time.sleep(seconds)
        original(self, *arguments)

    Trainer._step = slow


def ledger(stored, *fields):
    """Some fields of every line of a ledger."""
    lines = [json.loads(line) for line in stored.ledger.read_text().splitlines()]
    return [tuple(line.get(field) for field in fields) for line in lines]


def start(target, *arguments, **options):
    process = PROCESSES.Process(target=target, args=arguments, kwargs=options)
    process.start()
    return process


def end(process, patience=PATIENCE):
    """Wait for a process and say how it ended."""
    process.join(patience)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f"a training process has not ended after {patience} s")
    return process.exitcode


def die_at(moment, count=1):
    """Kill this process with SIGKILL at the ``count``-th "before step", "after step", "before FILE" or "after FILE".

    Before a file: its temporary file is written, the renaming has not happened.
    """
    when, what = moment.split()
    owner, name = (Trainer, "_step") if what == "step" else (Path, "replace")
    original, left = getattr(owner, name), [count]

    def hooked(self, *arguments):
        left[0] -= what == "step" or Path(arguments[0]).name == what
        if left[0] == 0 and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(self, *arguments)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, hooked)


def train_and_die(store, moment, count=1, **options):
    die_at(moment, count)
    train(store, **options)


def hold(store, every, ready):
    """Hold the lock of a run until killed."""
    with stored_run(store).held(every, lambda text: None):
        ready.set()
        time.sleep(2 * PATIENCE)


def train_cell_slowly(folder, output, barrier, moment="", seconds=0.03):
    """Train the toy cell of a folder, each step with a pause, from when all parties of the barrier are ready."""
    pause_each_step(seconds)
    if moment:
        die_at(*moment)
    barrier.wait(PATIENCE)
    ToyCell(folder, prepared=True).train(output=output)


def train_cell_apart(folder, work, operation):
    """Train a cell of a folder that is prepared."""
    ToyCell(folder, prepared=True).train(work, operation=operation)


def tell_age(connection):
    """Send how long this process has worked, and how old it takes itself to be."""
    began = time.monotonic()
    time.sleep(0.1)
    connection.send((time.monotonic() - began, timing._process_seconds()))


class ToyCell:
    """Two colours and two shapes, 64 training and 16 test images; the classes differ in brightness."""

    def __init__(self, folder, prepared=False):
        self.folder = Path(folder)
        self.dataset, self.store = self.folder / "data", self.folder / "runs"
        self.splits, self.manifest = self.folder / "splits.parquet", self.folder / "manifest.parquet"
        if not prepared:
            self.prepare()

    def prepare(self, seed=0, test=True):
        part = ["train"] * 64 + (["test"] * 16 if test else [])
        n = len(part)
        generator = np.random.default_rng(seed)
        images = generator.integers(0, 60, (n, 8, 8, 3)) + 60 * (np.arange(n) % 4)[:, None, None, None]
        labels = pd.DataFrame({"part": part, "colour": (["red", "red", "blue", "blue"] * n)[:n],
                               "shape": (["disc", "star"] * n)[:n]})  # fmt: skip
        write_prepared(self.dataset, images.astype(np.uint8), labels, ["colour", "shape"], {"source": "toy"})

    def work(self, factor="dataset", labelling="shape", levels=("0.5",), required=0.0, **recipe):
        runs = [("A", "A", None)] + [(f"B@{level}", "B", level) for level in levels]
        keys = ("name", "replica", "level")
        runs = [
            dict(zip(keys, run, strict=True)) | {"labelling": labelling, "identity": identity(run[0])} for run in runs
        ]
        recipe = {"objective": "cross_entropy", **varied(**recipe).model_dump(mode="json")}
        return TrainingParameters(setting="toy", factor=factor, seed=0, size=8, model=MODEL, runs=runs, recipe=recipe,
                                  min_accuracy={labelling: required})  # fmt: skip

    def split(self, work=None):
        work = work or self.work()
        runs = [run.plain() for run in work.runs]
        make_splits(split_parameters(work.factor, runs, work.seed), self.dataset, self.splits)

    def train(self, work=None, output=None, operation=OPERATION):
        work = work or self.work()
        self.split(work)
        train_cell(work, operation, 1, self.dataset, self.splits, self.store, output or self.manifest)

    def stored(self, name):
        return stored_run(self.store, identity(name))

    def ledgers(self):
        return {path.parent.name: path.read_bytes() for path in self.store.glob("*/ledger.jsonl")}


def identity(name):
    return name.encode().hex().ljust(16, "0")
