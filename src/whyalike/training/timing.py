"""What training costs here: the real loop run for some seconds, on the real data or on noise of their shape.

A run is trained as `whyalike.training.cell` does it, stopped after some steps, tested and written. The first steps are
not counted: they load kernels and ask for memory. Log rows (with the validation of language models) and
checkpoints are timed apart and spread over the steps between two of them, because few or none fall into the time.
"""

import os
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from whyalike.data.prepared import open_prepared
from whyalike.data.synthetic import Shape, write_synthetic
from whyalike.splits.overlap import VERSION
from whyalike.splits.parameters import SplitParameters, SplitRun
from whyalike.splits.stage import make_splits
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation, TrainingParameters
from whyalike.training.registry import OBJECTIVES, recipe_of
from whyalike.training.store import StoredRun
from whyalike.training.trainer import Trainer

WARM_UP = 10  # steps that are not counted: in the first few, kernels are loaded and memory is asked for
MEGABYTE = 1e6


@dataclass(frozen=True)
class Sample:
    """One run to be timed.

    Attributes
    ----------
    parameters : of a training job, with one run.
    operation, threads : how it is carried out.
    dataset : the prepared data set, or the shape of one that is not there.
    seconds : how long to measure, at most.
    scratch : a folder on the file system of the run store; files lie below it while it is measured.
    """

    parameters: TrainingParameters
    operation: Operation
    threads: int
    dataset: Path | Shape
    seconds: float
    scratch: Path


@dataclass(frozen=True)
class Timing:
    """What was measured.

    Attributes
    ----------
    setting : the setting whose run it was.
    device : where the model was, "cpu" or "cuda".
    hardware : name of the GPU or CPU.
    step_seconds : of a step after the first ones, with its share of log rows and checkpoints.
    run_seconds : of a run beside its steps: reading, test, files.
    startup_seconds : from the start of the process: imports, data, what the first steps take longer.
    memory_mb, gpu_memory_mb : most memory of the process, and on the GPU (None on a CPU).
    steps : how many were counted.
    synthetic : whether the data were noise.
    """

    setting: str
    device: str
    hardware: str
    step_seconds: float
    run_seconds: float
    startup_seconds: float
    memory_mb: float
    gpu_memory_mb: float | None
    steps: int
    synthetic: bool


class TimedTrainer(Trainer):
    """A trainer that stops after some seconds and knows what its parts took.

    Parameters
    ----------
    arguments : those of `whyalike.training.trainer.Trainer`.
    seconds : from the end of the warm-up on.
    """

    def __init__(self, *arguments: Any, seconds: float):
        super().__init__(*arguments)
        self.limit = seconds
        self.task.patience = None  # the clock alone ends it
        self.warm_up = min(WARM_UP, self.task.total // 2)
        self.began = self.ended = 0.0
        self.aside: dict[str, list[float]] = {"log": [], "checkpoint": []}

    def train(self) -> dict[str, Any]:
        """Train some steps and finish; see `whyalike.training.trainer.Trainer.train`."""
        self.began = self._now()
        return super().train()

    @property
    def steps(self) -> int:
        """Steps that were counted."""
        return self.progress.step - self.warm_up

    @property
    def only_timed(self) -> float:
        """Seconds of log rows and checkpoints after the counted steps: they have their share in those."""
        return sum(map(sum, self.aside.values())) - self._inside

    @property
    def step_seconds(self) -> float:
        """Of a counted step, with its share of log rows and checkpoints."""
        alone = (self.ended - self.began - self._inside) / self.steps
        log, checkpoint = (sum(own) / len(own) for own in self.aside.values())
        return alone + log / self.task.log_every + checkpoint / self.operation.checkpoint_every

    def _step(self, batches: Any) -> None:
        super()._step(batches)
        if self.progress.step == self.warm_up:
            self.began = self._now()
            self.aside = {name: [] for name in self.aside}
        elif self.progress.step > self.warm_up and (
            self.progress.step == self.task.total or time.monotonic() - self.began >= self.limit
        ):
            self._stop()

    def _stop(self) -> None:
        """End the counted steps; a log row and a checkpoint are made if none was."""
        self.ended = self._now()
        self._inside = sum(sum(own) for own in self.aside.values())
        self.progress.stopped = True
        if not self.aside["log"]:
            self._log()
        if not self.aside["checkpoint"]:
            self._save_checkpoint()

    def _log(self) -> None:
        # at the end of a run the loop asks for a row that may be there already
        if not self.progress.log or self.progress.log[-1]["step"] < self.progress.step:
            self._timed("log", super()._log)

    def _save_checkpoint(self) -> None:
        self._timed("checkpoint", super()._save_checkpoint)

    def _timed(self, name: str, work: Any) -> None:
        began = self._now()
        work()
        self.aside[name].append(self._now() - began)

    def _now(self) -> float:
        """Seconds, when the device has done all that it was told."""
        if self.task.device.type == "cuda":
            torch.cuda.synchronize()
        return time.monotonic()


def measure(sample: Sample) -> Timing:
    """Time one run; in a process of its own, or start and memory are those of all that it did before.

    Raises
    ------
    ValueError, RuntimeError : as of `whyalike.training.cell.train_cell`: data that do not fit, no GPU.
    """
    with tempfile.TemporaryDirectory(prefix="calibration.", dir=sample.scratch) as folder:
        return _measure(sample, Path(folder))


def _measure(sample: Sample, folder: Path) -> Timing:
    parameters, (run,) = sample.parameters, sample.parameters.runs
    began = time.monotonic()
    dataset, splits = _files(sample, folder)
    apart = time.monotonic() - began  # on what a training job finds done
    device = set_up_device(sample.operation.device, sample.threads)
    recipe, objective = recipe_of(parameters.recipe), OBJECTIVES[parameters.recipe["objective"]].load()
    data = open_prepared(dataset)
    material = objective.material(data, parameters, device, sample.operation)
    ready = time.monotonic()
    stored = StoredRun(folder / "runs", run.identity)
    with stored.held(sample.operation.heartbeat_seconds, lambda text: None):
        task = objective.read(parameters, recipe, run, data, material, splits)
        read = time.monotonic()
        trainer = TimedTrainer(run, recipe, sample.operation, task, stored, seconds=sample.seconds)
        trainer.train()
    ended = time.monotonic()
    first = trainer.began - read - trainer.warm_up * trainer.step_seconds
    return Timing(
        setting=parameters.setting,
        device=device.type,
        hardware=hardware(device),
        step_seconds=trainer.step_seconds,
        run_seconds=(read - ready) + (ended - trainer.ended - trainer.only_timed),
        startup_seconds=_process_seconds() - (ended - ready) - apart + max(0.0, first),
        memory_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEGABYTE,
        gpu_memory_mb=torch.cuda.max_memory_reserved() / MEGABYTE if device.type == "cuda" else None,
        steps=trainer.steps,
        synthetic=isinstance(sample.dataset, Shape),
    )


def _files(sample: Sample, folder: Path) -> tuple[Path, Path]:
    """The prepared data set, of noise if there is no real one, and the splits of the run."""
    dataset, splits = sample.dataset, folder / "splits.parquet"
    if isinstance(dataset, Shape):
        dataset = folder / "data"
        write_synthetic(dataset, sample.dataset)
    given = sample.parameters
    runs = [SplitRun(name=run.name, labelling=run.labelling, level=run.level) for run in given.runs]
    make_splits(SplitParameters(factor=given.factor, seed=given.seed, runs=runs, version=VERSION), dataset, splits)
    return dataset, splits


def hardware(device: torch.device) -> str:
    """The name of a device: of its GPU, or of this machine's CPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else f"{os.uname().machine} CPU"


def _process_seconds() -> float:
    """Seconds since this process began."""
    # the 22nd field of stat(5); the second, the program's name, may hold any character
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
