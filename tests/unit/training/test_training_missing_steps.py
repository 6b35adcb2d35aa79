"""More steps to keep of finished runs: what lacks is trained, and nothing else moves."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from training_jobs import (
    OPERATION,
    PATIENCE,
    PROCESSES,
    STEPS,
    die_at,
    end,
    identity,
    ledger,
    pause_each_step,
    start,
    stored_run,
    train,
    trainer,
    varied,
)

from whyalike.training.cell import train_or_find
from whyalike.training.device import set_up_device
from whyalike.training.kept_steps import kept_steps, trained_until
from whyalike.training.missing_steps import MissingSteps
from whyalike.training.trainer import Trainer

RULE = {"log2": True, "epochs": [1, 2], "extra": [5]}


def train_again(store, recipe):
    set_up_device("cpu", 1)
    made = trainer(store, recipe=recipe)
    return train_or_find(made.run, recipe, OPERATION, made.task, made.stored)


def contents(store):
    """File -> bytes of all that a run keeps."""
    return {
        path.name: path.read_bytes()
        for path in stored_run(store).folder.iterdir()
        if path.name.startswith(("weights", "result", "log")) or "checkpoint" in path.name
    }


@pytest.fixture
def counted(monkeypatch):
    """The steps that are made."""
    made, step = [], Trainer._step

    def counting(self, batches):
        made.append(self.progress.step)
        step(self, batches)

    monkeypatch.setattr(Trainer, "_step", counting)
    return made


def test_a_rule_becomes_steps_of_the_run(tmp_path):
    result = train(tmp_path, recipe=varied(keep_steps=RULE))
    assert stored_run(tmp_path).kept_steps(result) == [1, 2, 4, 5, 6, 8, 12]


@pytest.mark.parametrize(("total", "powers"), [(1, ()), (2, (1,)), (8, (1, 2, 4)), (9, (1, 2, 4, 8))])
def test_powers_of_two_stand_below_the_end(total, powers):
    assert kept_steps(varied(keep_steps={"log2": True}), total, None) == powers


def test_steps_that_lack_are_trained_alone_and_equal_those_kept_from_the_start(tmp_path, counted):
    train(tmp_path / "one", recipe=varied(keep_steps=RULE))
    train(tmp_path / "two", recipe=varied(keep_steps=[3]))
    before = contents(tmp_path / "two")
    counted.clear()
    train_again(tmp_path / "two", varied(keep_steps=[2, 5]))
    assert counted == list(range(5))
    after = contents(tmp_path / "two")
    assert {name: after[name] for name in before if name != "result.json"} == {
        name: before[name] for name in before if name != "result.json"
    }
    train_again(tmp_path / "two", varied(keep_steps=RULE))
    assert len(counted) == 5 + STEPS
    (tmp_path / "two" / stored_run(tmp_path).identity / "weights.step3.safetensors").unlink()
    result = json.loads(contents(tmp_path / "two")["result.json"])
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert {name: one[name] for name in one if name != "result.json"} == {
        name: two[name] for name in two if name != "result.json"
    }
    del result["sha256"]["weights.step3.safetensors"]
    expected = json.loads(one["result.json"])
    assert {**result, "crc32": 0} == {**expected, "crc32": 0}


def test_killed_on_the_way_it_ends_in_the_same_bytes(tmp_path, monkeypatch):
    recipe = varied(keep_steps=[2, 6, 10])
    train(tmp_path / "one", recipe=recipe)
    train(tmp_path / "two", recipe=varied(keep_steps=[]))
    for killed_at in (1, 7):

        def keep(self, killed_at=killed_at, keep=Trainer._keep):
            keep(self)
            if self.progress.step == killed_at:
                raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(MissingSteps, "_keep", keep)
            with pytest.raises(KeyboardInterrupt):
                train_again(tmp_path / "two", recipe)
        stored = stored_run(tmp_path / "two")
        assert stored.kept_steps(stored.finished()) == []  # the run is what it was
    train_again(tmp_path / "two", recipe)
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    events = [step for event, step in ledger(stored, "event", "step") if event == "start"]
    assert events == [0, 0, 0, 5]  # the last one goes on from the checkpoint


def add_steps(store, barrier=None, moment=None, steps=(2, 6, 10)):
    """Give a run steps, when all parties of the barrier are ready; or be killed at a moment."""
    if moment:
        die_at(*moment)
    if barrier:
        barrier.wait(PATIENCE)
    pause_each_step(0.02)
    train_again(store, varied(keep_steps=steps))


@pytest.mark.parametrize(
    "moment",
    [
        ("before weights.step6.safetensors",),
        ("after weights.step10.safetensors",),
        ("before result.json",),
        ("after result.json",),
    ],
    ids=str,
)
def test_a_process_killed_on_the_way_leaves_a_whole_run(tmp_path, moment):
    train(tmp_path / "one", recipe=varied(keep_steps=[2, 6, 10]))
    train(tmp_path / "two", recipe=varied(keep_steps=[3]))
    stored = stored_run(tmp_path / "two")
    assert end(start(add_steps, tmp_path / "two", moment=moment)) == -9
    assert stored.kept_steps(stored.finished()) == ([2, 3, 6, 10] if "after result.json" in moment else [3])
    train_again(tmp_path / "two", varied(keep_steps=[2, 6, 10]))
    assert stored.kept_steps(stored.finished()) == [2, 3, 6, 10]
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert two.keys() - one.keys() == {"weights.step3.safetensors"}
    assert {name: two[name] for name in one if name != "result.json"} == {
        name: one[name] for name in one if name != "result.json"
    }


def test_weights_that_another_attempt_left_are_not_taken(tmp_path):
    train(tmp_path / "one", recipe=varied(keep_steps=[2, 8]))
    train(tmp_path / "two", recipe=varied(keep_steps=[]))
    stored = stored_run(tmp_path / "two")
    stored.weights_at(2).write_bytes(b"of a process on another device, killed before it was compared")
    assert end(start(add_steps, tmp_path / "two", moment=("after step", 7), steps=[8])) == -9
    train_again(tmp_path / "two", varied(keep_steps=[2, 8]))
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_of_two_processes_one_adds_the_steps(tmp_path):
    train(tmp_path, recipe=varied(keep_steps=[3]))
    barrier = PROCESSES.Barrier(2)
    both = [start(add_steps, tmp_path, barrier) for _ in range(2)]
    assert [end(one) for one in both] == [0, 0]
    stored = stored_run(tmp_path)
    assert stored.kept_steps(stored.finished()) == [2, 3, 6, 10]
    assert [event for (event,) in ledger(stored, "event")].count("start") == 2  # of the run, and of the steps


def test_a_run_that_keeps_all_is_not_touched(tmp_path, counted):
    train(tmp_path, recipe=varied(keep_steps=RULE))
    before, made = contents(tmp_path), len(counted)
    train_again(tmp_path, varied(keep_steps=[2, 12]))
    assert contents(tmp_path) == before and len(counted) == made


def test_the_start_alone_needs_no_step(tmp_path, counted):
    train(tmp_path / "one", recipe=varied(keep_steps=[0]))
    train(tmp_path / "two", recipe=varied(keep_steps=[]))
    made = len(counted)
    train_again(tmp_path / "two", varied(keep_steps=[0]))
    assert contents(tmp_path / "one") == contents(tmp_path / "two") and len(counted) == made


@pytest.mark.parametrize("asked", [[9], [2]], ids=["past kept weights", "before anything that is known"])
def test_a_run_that_is_another_when_trained_again_is_refused_and_left_as_it_was(tmp_path, monkeypatch, asked):
    train(tmp_path, recipe=varied(keep_steps=[3] if asked == [9] else []))
    before, step = contents(tmp_path), Trainer._step

    def elsewhere(self, batches):
        step(self, batches)
        if self.progress.step == 1:
            with torch.no_grad():
                next(self.model.parameters()).mul_(1.01)

    monkeypatch.setattr(Trainer, "_step", elsewhere)
    at = 3 if asked == [9] else 6  # the first row of the log
    words = (
        rf"cannot be given the steps {asked[0]}: trained again, .* was at step {at}\. .*clean CONFIG --run {'a' * 16}`"
    )
    with pytest.raises(RuntimeError, match=words):
        train_again(tmp_path, varied(keep_steps=asked))
    assert contents(tmp_path) == before


def test_final_weights_that_differ_are_found_at_the_last_step(tmp_path):
    train(tmp_path, recipe=varied(keep_steps=[]))
    stored = stored_run(tmp_path)
    other = {name: value + 1 for name, value in load_file(stored.weights).items()}
    save_file(other, stored.weights)
    made = trainer(tmp_path, recipe=varied(keep_steps=[12]))
    result = json.loads(stored.result.read_text())
    with (
        stored.held(1, lambda _: None),
        pytest.raises(RuntimeError, match=f"not what it was at step {STEPS}"),
    ):
        MissingSteps(made.run, made.recipe, OPERATION, made.task, stored, result, [12]).train()


def test_the_runs_of_a_cell_that_lack_a_step_are_trained_and_the_others_found(cell):
    cell.train(cell.work(keep_steps=(3,), levels=("0.5",)))
    cell.train(cell.work(keep_steps=(2, 3), levels=("0.25",)))  # run A now keeps step 2, B@0.5 does not
    ledgers = cell.ledgers()
    cell.train(cell.work(keep_steps=(2, 3), levels=("0.5",)))
    after = cell.ledgers()
    assert after[identity("A")] == ledgers[identity("A")]
    assert after[identity("B@0.5")] != ledgers[identity("B@0.5")]
    assert cell.stored("B@0.5").weights_at(2).is_file()


@pytest.mark.parametrize(
    ("lacking", "checked", "until"),
    [([2], [6, 12], 6), ([8], [6, 12], 8), ([0], [6], 0), ([3, 5], [3], 5), ([4], [], 4)],
)
def test_training_again_ends_at_the_last_step_or_where_it_can_be_compared(lacking, checked, until):
    assert trained_until(lacking, checked) == until
