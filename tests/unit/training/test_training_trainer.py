"""One run: the schedule, the same weights every time, and the same weights after any kill."""

import math
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from training_jobs import (
    IDENTITY,
    MODEL,
    OPERATION,
    RECIPE,
    STEPS,
    end,
    ledger,
    run_data,
    start,
    stored_run,
    train,
    train_and_die,
    trainer,
    varied,
)

from whyalike.files import made_by
from whyalike.models.weights import build_model, load_weights, save_weights
from whyalike.randomness import key
from whyalike.training.augmentation import augment
from whyalike.training.classification import Classification
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Augmentation, Operation, TaskParameters, TrainedRun
from whyalike.training.store import StoredRun
from whyalike.training.trainer import Trainer

KEPT = ["weights.safetensors", "weights.step3.safetensors", "weights.step7.safetensors", "log.parquet", "result.json"]


def kept(stored, names=KEPT):
    return {name: (stored.folder / name).read_bytes() for name in names}


# ---- schedule and steps


def test_the_learning_rate_is_one_triangle(tmp_path):
    one = trainer(tmp_path, varied(lr=0.4, epochs=4, peak_epoch=1.5))  # 6 steps an epoch: the peak is at step 9 of 24
    assert [one.task.learning_rate(step) for step in (0, 9, 24)] == [0, 0.4, 0]
    assert one.task.learning_rate(3) == pytest.approx(0.4 / 3)
    assert one.task.learning_rate(14) == pytest.approx(0.4 * 2 / 3)


def test_each_step_has_the_learning_rate_of_its_number(tmp_path, monkeypatch):
    one, rates = trainer(tmp_path), []
    one.stored.folder.mkdir()
    step = one.optimizer.step
    monkeypatch.setattr(one.optimizer, "step", lambda: (rates.append(one.optimizer.param_groups[0]["lr"]), step()))
    one.train()
    assert rates == [one.task.learning_rate(number) for number in range(STEPS)]


def test_each_step_draws_its_changes_from_a_generator_of_its_own(tmp_path, monkeypatch):
    seeds = []

    def watched(images, spec, fill, generator):
        seeds.append(generator.initial_seed())
        return augment(images, spec, fill, generator)

    monkeypatch.setattr("whyalike.training.classification.augment", watched)
    train(tmp_path, seed=3, replica="B")
    assert seeds == [key(3, "B", "augmentation", step) for step in range(STEPS)]
    assert len(set(seeds)) == STEPS


def test_training_is_that_of_a_plain_loop(tmp_path):
    recipe = varied(augmentation=Augmentation(), channels_last=False, label_smoothing=0.1)
    train(tmp_path, recipe=recipe)
    one = trainer(tmp_path / "loop", recipe)
    model = build_model(MODEL, 4, 0, "A").train()
    velocity = {name: torch.zeros_like(value) for name, value in model.named_parameters()}
    for epoch in range(2):
        for number, (images, labels) in enumerate(one.task.loader.batches(epoch)):
            x = (images.float() - torch.tensor(recipe.mean)) / torch.tensor(recipe.std)
            logits = model(x.permute(0, 3, 1, 2).contiguous())
            target = torch.nn.functional.one_hot(labels, 4) * 0.9 + 0.1 / 4
            loss = -(target * logits.log_softmax(1)).sum(1).mean()
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                for name, value in model.named_parameters():
                    velocity[name] = 0.9 * velocity[name] + value.grad + 5e-4 * value
                    value -= one.task.learning_rate(6 * epoch + number) * velocity[name]
    weights = load_file(stored_run(tmp_path).weights)
    for name, value in model.state_dict().items():
        # the fused optimizer and the loss sum in another order: float32 roundings over twelve steps
        torch.testing.assert_close(weights[name], value, rtol=1e-3, atol=1e-5)


def test_the_log_has_a_row_an_epoch(whole):
    log = pq.read_table(whole.log).to_pylist()
    assert [row["step"] for row in log] == [6, 12]
    assert log[0]["lr"] == pytest.approx(0.1 * 6 / 9)
    assert log[1]["lr"] == 0
    assert all(math.isfinite(row["loss"]) and 0 <= row["accuracy"] <= 1 for row in log)
    assert made_by(whole.log)["run"]["identity"] == IDENTITY


def test_training_learns(tmp_path):
    result = train(tmp_path, recipe=varied(epochs=6, augmentation=Augmentation(), keep_steps=()))
    losses = pq.read_table(stored_run(tmp_path).log)["loss"].to_pylist()
    assert losses[-1] < losses[0] - 0.2
    assert result["accuracy"] > 0.5  # chance: 0.25


def test_the_result_says_what_was_trained(whole):
    result = whole.finished()
    assert {name: value for name, value in result.items() if name not in ("sha256", "accuracy", "loss")} == {
        "classes": ["a", "b", "c", "d"], "data_sha256": "d" * 64, "device": "cpu", "n_train": 50, "n_test": 20,
        "steps": STEPS, "torch": torch.__version__}  # fmt: skip
    assert sorted(result["sha256"]) == sorted(set(KEPT) - {"result.json"})


def test_accuracy_and_loss_are_those_of_single_images(whole):
    data, right, loss = run_data(), 0, 0.0
    model = load_weights(build_model(MODEL, 4, 9, "Z"), whole.weights).eval()
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (RECIPE.mean, RECIPE.std))
    for image, label in zip(data.reader.take(data.test_rows), data.test_labels, strict=True):
        with torch.no_grad():
            logits = model(((image.permute(2, 0, 1).float() - mean) / std)[None])
        right += int(logits.argmax() == label)
        loss -= logits.log_softmax(1)[0, label].item() / 20
    result = whole.finished()
    assert result["accuracy"] == right / 20
    assert result["loss"] == pytest.approx(loss, rel=1e-5)  # float32, other kernels for one image than for many


def test_weights_come_back_as_they_were_saved(tmp_path):
    model = build_model(MODEL, 4, 3, "A").to(memory_format=torch.channels_last)
    save_weights(model, tmp_path / "weights.safetensors")
    other = load_weights(build_model(MODEL, 4, 4, "B"), tmp_path / "weights.safetensors")
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items())


# ---- the same weights every time


def test_training_twice_gives_the_same_bytes(tmp_path, whole):
    train(tmp_path)
    assert kept(stored_run(tmp_path)) == kept(whole)


@pytest.mark.parametrize("changes", [{"precision": "bfloat16"}, {"channels_last": False}, {"lr": 0.2},
                                     {"augmentation": Augmentation()}], ids=str)  # fmt: skip
def test_every_part_of_the_recipe_counts_and_repeats_itself(tmp_path, whole, changes):
    for name in ("first", "second"):
        train(tmp_path / name, recipe=varied(**changes))
    first, second = (kept(stored_run(tmp_path / name)) for name in ("first", "second"))
    assert first == second
    assert first["weights.safetensors"] != kept(whole)["weights.safetensors"]


@pytest.mark.parametrize("changes", [{"seed": 1}, {"replica": "B"}], ids=str)
def test_another_seed_or_replica_ends_elsewhere(tmp_path, whole, changes):
    train(tmp_path, **changes)
    assert stored_run(tmp_path).weights.read_bytes() != whole.weights.read_bytes()


def test_a_run_among_others_ends_as_it_does_alone(tmp_path, whole):
    train(tmp_path, identity="b" * 16, seed=5)
    torch.rand(100)  # the global generator has no say
    train(tmp_path)
    train(tmp_path, identity="c" * 16, replica="C")
    assert kept(stored_run(tmp_path)) == kept(whole)


@pytest.mark.parametrize("every", [1, 6, 1000])
def test_checkpoints_change_no_number(tmp_path, whole, every):
    train(tmp_path, operation=Operation(device="cpu", checkpoint_every=every))
    assert kept(stored_run(tmp_path)) == kept(whole)


# ---- killed and started again

MOMENTS = [("before step", 1), ("after step", 4), ("before checkpoint.pt", 1), ("after checkpoint.pt", 1),
           ("after step", 6), ("after weights.step7.safetensors", 1), ("before checkpoint.pt", 2), ("after step", 12),
           ("before weights.safetensors", 1), ("after weights.safetensors", 1), ("after log.parquet", 1),
           ("before result.json", 1), ("after result.json", 1)]  # fmt: skip


@pytest.mark.parametrize(("moment", "count"), MOMENTS)
def test_a_killed_run_ends_as_if_never_killed(tmp_path, whole, moment, count):
    assert end(start(train_and_die, tmp_path, moment, count)) == -9
    stored = stored_run(tmp_path)
    assert (stored.finished() is not None) == (moment == "after result.json")
    train(tmp_path)
    assert kept(stored) == kept(whole)
    assert stored.finished() == whole.finished()
    assert sorted(path.name for path in stored.folder.iterdir()) == sorted([*KEPT, "ledger.jsonl", "lock"])


def test_a_run_killed_again_and_again_ends_as_if_never_killed(tmp_path, whole):
    for moment, count in (("before checkpoint.pt", 1), ("after step", 6), ("after step", 1), ("after checkpoint.pt", 1),
                          ("before weights.safetensors", 1), ("after log.parquet", 1)):  # fmt: skip
        assert end(start(train_and_die, tmp_path, moment, count)) == -9
    train(tmp_path)
    assert kept(stored_run(tmp_path)) == kept(whole)
    assert ledger(stored_run(tmp_path), "event", "step") == [
        ("start", 0), ("start", 0), ("checkpoint", 5), ("start", 5), ("start", 5), ("start", 10), ("start", 10),
        ("start", 10), ("end", 12)]  # fmt: skip


def test_a_killed_bfloat16_run_in_the_other_memory_layout_ends_as_if_never_killed(tmp_path):
    recipe = varied(precision="bfloat16", channels_last=False)
    train(tmp_path / "whole", recipe=recipe)
    assert end(start(train_and_die, tmp_path / "killed", "after step", 7, recipe=recipe)) == -9
    train(tmp_path / "killed", recipe=recipe)
    assert kept(stored_run(tmp_path / "killed")) == kept(stored_run(tmp_path / "whole"))


def test_the_ledger_of_an_undisturbed_run(whole):
    assert ledger(whole, "event", "step") == [("start", 0), ("checkpoint", 5), ("checkpoint", 10), ("end", 12)]
    assert {run for (run,) in ledger(whole, "run")} == {IDENTITY}


def killed_at_a_checkpoint(store, **options):
    assert end(start(train_and_die, store, "after checkpoint.pt", 1, **options)) == -9
    return stored_run(store)


def test_a_truncated_checkpoint_leads_to_a_clean_start(tmp_path, whole):
    stored = killed_at_a_checkpoint(tmp_path)
    stored.checkpoint.write_bytes(stored.checkpoint.read_bytes()[:1000])
    train(tmp_path)
    assert kept(stored) == kept(whole)
    assert ledger(stored, "event", "step")[:3] == [("start", 0), ("checkpoint unusable", None), ("start", 0)]
    assert ledger(stored, "error")[1][0]


def test_a_checkpoint_with_a_flipped_bit_leads_to_a_clean_start(tmp_path, whole):
    """torch.load reads it as other weights."""
    stored = killed_at_a_checkpoint(tmp_path)
    content = bytearray(stored.checkpoint.read_bytes())
    with zipfile.ZipFile(stored.checkpoint) as archive:  # between its members are bytes that nobody reads
        numbers = archive.read(max(archive.infolist(), key=lambda member: member.file_size))
    content[content.index(numbers) + len(numbers) // 2] ^= 64
    stored.checkpoint.write_bytes(content)
    torch.load(stored.checkpoint, weights_only=True)
    train(tmp_path)
    assert kept(stored) == kept(whole)
    assert ledger(stored, "event", "step")[:3] == [("start", 0), ("checkpoint unusable", None), ("start", 0)]
    assert "CRC-32" in ledger(stored, "error")[1][0]


def test_a_checkpoint_of_other_data_is_not_used(tmp_path):
    other = run_data(seed=3, sha256="e" * 64)
    train(tmp_path / "whole", data=other)
    stored = killed_at_a_checkpoint(tmp_path / "killed")
    train(tmp_path / "killed", data=other)
    assert kept(stored) == kept(stored_run(tmp_path / "whole"))
    assert ("start", 0) in ledger(stored, "event", "step")


def test_leftover_temporary_files_are_removed(tmp_path):
    stored = stored_run(tmp_path)
    stored.folder.mkdir()
    leftovers = [".checkpoint.1.tmp.pt", ".weights.1.tmp.safetensors", ".weights.step3.1.tmp.safetensors",
                 ".result.1.tmp.json", ".log.1.tmp.parquet"]  # fmt: skip
    for name in leftovers:
        (stored.folder / name).write_bytes(b"half")
    train(tmp_path)
    assert not list(stored.folder.glob(".*"))


def test_a_temporary_file_that_goes_by_itself_is_no_fault(tmp_path, whole, monkeypatch):
    """The thread of the heartbeat renames its temporary file between the trainer's look and its removal."""
    look = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, *pattern: [*look(self, *pattern), self / ".heartbeat.1.tmp.json"])
    train(tmp_path)
    assert kept(stored_run(tmp_path)) == kept(whole)


# ---- kept steps


def test_weights_are_kept_at_the_steps_that_the_recipe_names(tmp_path):
    recipe = varied(keep_steps=(0, 6, 12, 99))  # the run has 12 steps
    result = train(tmp_path, recipe=recipe)
    stored = stored_run(tmp_path)
    assert sorted(result["sha256"]) == ["log.parquet", "weights.safetensors"] + [
        f"weights.step{step}.safetensors" for step in (0, 12, 6)]  # fmt: skip
    first, initial = load_file(stored.weights_at(0)), build_model(MODEL, 4, 0, "A").state_dict()
    assert all(torch.equal(first[name], initial[name]) for name in initial)
    assert stored.weights_at(12).read_bytes() == stored.weights.read_bytes()
    assert stored.weights_at(6).read_bytes() != stored.weights.read_bytes()


def test_more_kept_steps_change_no_number(tmp_path, whole):
    train(tmp_path, recipe=varied(keep_steps=(1, 2, 3, 4, 5, 6, 7)))
    assert kept(stored_run(tmp_path), KEPT[:4]) == kept(whole, KEPT[:4])


def test_a_checkpoint_past_a_step_to_keep_is_not_used(tmp_path, whole):
    stored = killed_at_a_checkpoint(tmp_path, recipe=varied(keep_steps=()))  # at step 5; then step 3 is asked for
    train(tmp_path)
    assert kept(stored) == kept(whole)
    assert ("start", 5) not in ledger(stored, "event", "step")


def test_a_run_trained_anew_is_unfinished_while_its_files_are_replaced(tmp_path, whole):
    train(tmp_path)
    assert end(start(train_and_die, tmp_path, "before weights.safetensors", 1)) == -9
    assert stored_run(tmp_path).finished() is None
    train(tmp_path)
    assert kept(stored_run(tmp_path)) == kept(whole)


# ---- faults


def test_divergence_is_named(tmp_path):
    with pytest.raises(
        ArithmeticError, match=rf"run A \({IDENTITY}\) diverged: the loss is (nan|inf) in the steps \d+ to \d+\. Lower"
    ):
        train(tmp_path, recipe=varied(lr=1000.0, weight_decay=1.0, epochs=3))
    assert stored_run(tmp_path).finished() is None


def test_a_gpu_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match=r"operation\.device is cuda, but this machine has no GPU"):
        set_up_device("cuda", 1)
    assert set_up_device("auto", 1) == torch.device("cpu")


def test_the_threads_are_the_fixed_number():
    set_up_device("cpu", 2)
    assert torch.get_num_threads() == 2
    set_up_device("cpu", 1)
    assert torch.get_num_threads() == 1


def test_a_trainer_takes_the_folder_it_is_given(tmp_path):
    run = TrainedRun(name="X", replica="A", labelling="toy", level=None, identity="f" * 16)
    stored = StoredRun(tmp_path, "f" * 16)
    stored.folder.mkdir()
    task = Classification(TaskParameters(seed=0, size=8, model=MODEL), RECIPE, run, run_data())
    Trainer(run, RECIPE, OPERATION, task, stored).train()
    assert [path.name for path in tmp_path.iterdir()] == ["f" * 16]
