"""What a training is said to cost, by a clock that goes on only in pauses of known length put into its parts."""

import time
from pathlib import Path

import pytest
import torch
from training_jobs import OPERATION, PATIENCE, PROCESSES, ToyCell, end, start, tell_age

from whyalike.data.synthetic import Shape
from whyalike.training import timing
from whyalike.training.classification import Classification
from whyalike.training.device import set_up_device
from whyalike.training.parameters import TrainingParameters
from whyalike.training.timing import Sample, TimedTrainer, measure
from whyalike.training.trainer import Trainer

EPOCHS = {"epochs": 40, "peak_epoch": 1}  # of 4 batches
TEXT = Shape(("corpus",), train=8, test=6, vocabulary=11, context=6)
LANGUAGE = {
    "setting": "text", "factor": "dataset", "seed": 0, "size": None, "min_accuracy": {},
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
        return Sample(work.model_copy(update={"runs": work.runs[:1]}), operation, 1, dataset, seconds, scratch)

    return make


class Clock:
    """Stands for the module `time`: a moment that only `pause` moves on, so that real work takes no time."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now

    def pause(self, seconds):
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """The clock by which is measured, in a process that began when it stood at 0."""
    clock = Clock()
    monkeypatch.setattr(timing, "time", clock)
    monkeypatch.setattr(timing, "_process_seconds", clock.monotonic)
    return clock


@pytest.fixture
def paused(clock, monkeypatch):
    """Puts a pause before a method; ``seconds`` may be a function of the object."""

    def put(owner, name, seconds):
        original = getattr(owner, name)

        def slow(self, *arguments):
            clock.pause(seconds(self) if callable(seconds) else seconds)
            return original(self, *arguments)

        monkeypatch.setattr(owner, name, slow)

    return put


def test_a_step_costs_its_pause_and_nothing_is_left_behind(sample, paused):
    paused(Trainer, "_step", 0.25)
    found = measure(sample(seconds=1.1))
    assert found.step_seconds == pytest.approx(0.25)
    assert found.steps == 5  # the one that is under way is finished
    assert found.run_seconds == pytest.approx(0)
    assert (found.setting, found.device, found.synthetic) == ("toy", "cpu", False)
    assert list(sample().scratch.iterdir()) == []


def test_log_rows_and_checkpoints_have_their_share_of_a_step_and_none_of_the_run(sample, paused):
    paused(Trainer, "_step", 0.25)
    paused(Trainer, "_log", 0.5)  # one in 4 steps: 0.125 s a step
    paused(Trainer, "_save_checkpoint", 1.0)  # one in 5: 0.2 s a step
    for seconds, steps in ((0.01, 1), (4, 6)):  # of one step: both are made only to be timed
        found = measure(sample(seconds=seconds))
        assert found.steps == steps
        assert found.step_seconds == pytest.approx(0.25 + 0.125 + 0.2)
        assert found.run_seconds == pytest.approx(0)


def test_reading_and_testing_are_costs_of_the_run_not_of_a_step(sample, paused):
    paused(Trainer, "_step", 0.25)
    paused(Classification, "evaluate", 0.75)
    paused(Classification, "__init__", 0.5)
    found = measure(sample(seconds=1))
    assert found.run_seconds == pytest.approx(0.75 + 0.5)
    assert found.step_seconds == pytest.approx(0.25)


def test_what_the_first_steps_take_longer_is_start(sample, clock, paused):
    paused(Trainer, "_step", lambda trainer: 2.25 if trainer.progress.step == 0 else 0.25)
    began = clock.now
    found = measure(sample(seconds=1))
    assert found.step_seconds == pytest.approx(0.25)
    assert found.startup_seconds == pytest.approx(began + 2)  # what the process did before, and two seconds more


def test_a_run_that_is_shorter_than_the_warm_up_is_measured_whole(sample):
    found = measure(sample(epochs=2, batch_size=32))  # one step an epoch
    assert found.steps == 1 and found.step_seconds > 0


def test_patience_does_not_end_it(tmp_path, clock):
    # noise: the validation loss does not fall for long
    found = measure(Sample(TrainingParameters.from_plain(LANGUAGE), OPERATION, 1, TEXT, 60, tmp_path))
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


def test_a_process_knows_its_age():
    receiver, sender = PROCESSES.Pipe(duplex=False)
    before = time.monotonic()
    process = start(tell_age, sender)
    assert receiver.poll(PATIENCE)
    worked, age = receiver.recv()
    assert worked - 0.02 <= age <= time.monotonic() - before + 0.02  # ticks of a hundredth
    assert end(process) == 0


def test_memory_and_hardware_are_those_of_this_machine(sample):
    found = measure(sample())
    status = Path("/proc/self/status").read_text()
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])
    assert found.memory_mb == pytest.approx(peak * 1024 / 1e6, rel=0.05)
    assert found.gpu_memory_mb is None
    assert found.hardware == timing.hardware(torch.device("cpu")) != ""
