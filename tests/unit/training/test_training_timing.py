"""What a training is said to cost, against pauses of known length put into its parts.

Each part also does its real work, of milliseconds; the machine may be busy. So a pause is a lower bound that always
holds, and the upper one leaves as much again and a second.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training_jobs import OPERATION, ToyCell

from whyalike.data.synthetic import Shape
from whyalike.training import timing
from whyalike.training.classification import Classification
from whyalike.training.device import set_up_device
from whyalike.training.timing import Sample, TimedTrainer, measure
from whyalike.training.trainer import Trainer

EPOCHS = {"epochs": 40, "peak_epoch": 1}  # of 4 batches
TEXT = Shape(("corpus",), train=8, test=6, vocabulary=11, context=6)
LANGUAGE = {
    "setting": "text", "factor": "dataset", "seed": 0,
    "model": {"family": "gpt", "vocabulary": 11, "layers": 1, "heads": 2, "width": 8, "context": 6, "dropout": 0.0},
    "recipe": {"objective": "next_token", "lr": 0.01, "steps": 200, "batch_size": 4, "evaluate_every": 3,
               "validation_windows": 9, "patience": 3},
    "runs": [{"name": "A", "replica": "0", "labelling": "corpus", "level": None, "identity": "b" * 16}],
}  # fmt: skip


@pytest.fixture
def sample(tmp_path):
    """Makes a sample of the toy cell's first run, on its prepared images."""
    cell = ToyCell(tmp_path / "cell")

    def make(seconds=0.3, operation=OPERATION, dataset=cell.dataset, **recipe):
        work = cell.work(**{**EPOCHS, **recipe})
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        return Sample({**work, "runs": work["runs"][:1]}, operation, 1, dataset, seconds, scratch)

    return make


def paused(monkeypatch, owner, name, seconds):
    """Put a pause before a method."""
    original = getattr(owner, name)

    def slow(self, *arguments):
        time.sleep(seconds)
        return original(self, *arguments)

    monkeypatch.setattr(owner, name, slow)


def test_a_step_costs_its_pause_and_nothing_is_left_behind(sample, monkeypatch):
    paused(monkeypatch, Trainer, "_step", 0.05)
    found = measure(sample())
    assert 0.05 <= found.step_seconds < 0.1 + 1
    assert 3 <= found.steps <= 6  # in 0.3 s; the one that is under way is finished
    assert (found.setting, found.device, found.synthetic) == ("toy", "cpu", False)
    assert list(sample().scratch.iterdir()) == []


def test_log_rows_and_checkpoints_have_their_share_of_a_step_and_none_of_the_run(sample, monkeypatch):
    paused(monkeypatch, Trainer, "_log", 0.4)  # one in 4 steps: 0.1 s a step
    paused(monkeypatch, Trainer, "_save_checkpoint", 1.0)  # one in 5: 0.2 s a step
    found = measure(sample(seconds=0.01))
    assert found.steps == 1  # so that both are made only to be timed
    assert 0.3 <= found.step_seconds < 0.6 + 0.5
    assert found.run_seconds < 1.0
    many = measure(sample(seconds=3))
    assert many.steps > 5 and 0.3 <= many.step_seconds < 0.6 + 0.5


def test_reading_and_testing_are_costs_of_the_run_not_of_a_step(sample, monkeypatch):
    paused(monkeypatch, Classification, "evaluate", 0.7)
    found = measure(sample())
    assert 0.7 <= found.run_seconds < 1.4 + 1
    assert found.step_seconds < 0.7


def test_what_the_first_steps_take_longer_is_start(sample, monkeypatch):
    quick = measure(sample()).startup_seconds  # of the process of all tests so far
    original = Trainer._step

    def slow(self, batches):
        time.sleep(2 if self.progress.step == 0 else 0)
        original(self, batches)

    monkeypatch.setattr(Trainer, "_step", slow)
    began = time.monotonic()
    found = measure(sample())
    assert found.step_seconds < 0.5
    assert 2 <= found.startup_seconds - quick <= time.monotonic() - began + 1


def test_a_run_that_is_shorter_than_the_warm_up_is_measured_whole(sample):
    found = measure(sample(epochs=2, batch_size=32))  # one step an epoch
    assert found.steps == 1 and found.step_seconds > 0


def test_patience_does_not_end_it(tmp_path):
    # noise: the validation loss does not fall for long
    found = measure(Sample(LANGUAGE, OPERATION, 1, TEXT, 60, tmp_path))
    assert found.steps == 200 - timing.WARM_UP and found.synthetic


def test_images_of_noise_will_do(sample):
    noise = Shape(("colour", "shape"), train=64, test=16, size=8, channels=3)
    found = measure(sample(dataset=noise))
    assert found.synthetic and found.step_seconds > 0 and found.run_seconds > 0


def test_the_trainer_that_is_timed_computes_what_the_other_does(tmp_path):
    from training_jobs import RECIPE, stored_run, train, trainer

    set_up_device("cpu", 1)
    result = train(tmp_path / "one")
    plain = trainer(tmp_path / "two")
    timed = TimedTrainer(plain.run, RECIPE, OPERATION, plain.task, stored_run(tmp_path / "two"), seconds=1000)
    timed.stored.folder.mkdir(parents=True)
    assert timed.train()["sha256"]["weights.safetensors"] == result["sha256"]["weights.safetensors"]


def test_a_process_knows_its_age_and_its_memory():
    program = "\n".join([
        "import json, time", "began = time.monotonic()", "import numpy",
        "from whyalike.training.timing import _process_seconds", "imported = time.monotonic() - began",
        "print(json.dumps([imported, _process_seconds()]))",
    ])  # fmt: skip
    before = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported, age = json.loads(done.stdout)
    assert imported - 0.02 <= age <= time.monotonic() - before + 0.02  # ticks of a hundredth


def test_memory_and_hardware_are_those_of_this_machine(sample):
    found = measure(sample())
    status = Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert found.memory_mb == pytest.approx(peak * 1024 / 1e6, rel=0.05)
    assert found.gpu_memory_mb is None
    assert found.hardware == timing.hardware(torch.device("cpu")) != ""
