"""Models trained in a stack are those trained one by one with ordinary modules; a killed training goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from whyalike.files import made_by
from whyalike.models.perceptron import PerceptronStack, initial_layers, layer_sizes, parameter_count, perceptron
from whyalike.studies.closeness import training
from whyalike.studies.closeness.parameters import PerceptronTraining
from whyalike.studies.closeness.training import EmbeddingStack, batches, data, train_group, train_seeds

RECIPE = {"lr": 1e-3, "batch_size": 32, "steps": 30, "layers": 4}
DATA = {"source": "radial", "train": {"n": 200, "seed": 0}, "test": {"n": 50, "seed": 1}}
WORK = PerceptronTraining(group="k5_width16", data=DATA, inputs=2, classes=5, width=16, dimensions=2, seeds=3,
                          recipe=RECIPE, version=1)  # fmt: skip


def changed(**values):
    """The parameters with other values."""
    return PerceptronTraining.from_plain({**WORK.plain(), **values})


def train_alone(work, seed):
    """The oracle: one model as two modules, autograd, the ordinary Adam."""
    recipe, classes = work.recipe, work.classes
    shape = work.width, work.dimensions, recipe.layers
    f = perceptron(layer_sizes(work.inputs, *shape), seed, "f", classes, *shape)
    g = perceptron(layer_sizes(classes, *shape), seed, "g", classes, *shape)
    optimizer = torch.optim.Adam([*f.parameters(), *g.parameters()], lr=recipe.lr, fused=False, foreach=False)
    for x, y in batches(work, [seed]):
        optimizer.zero_grad()
        nn.functional.cross_entropy(f(x[0]) @ g(torch.eye(classes)).T, y[0]).backward()
        optimizer.step()
    return f, g


@pytest.fixture
def double(monkeypatch):
    """Everything in float64: in float32 Adam turns the rounding of vanishing gradients into whole steps."""
    torch.set_default_dtype(torch.float64)
    monkeypatch.setattr(training, "data", lambda *arguments: (data(*arguments)[0].double(), data(*arguments)[1]))
    yield
    torch.set_default_dtype(torch.float32)


def test_models_of_a_stack_are_those_trained_alone(tmp_path, double):
    stack = train_seeds(WORK, range(3), tmp_path / "c.pt", print)
    x, _ = training.data(WORK, "test")
    together = stack.outputs(x.expand(3, -1, -1))
    initial = EmbeddingStack(WORK, range(3)).outputs(x.expand(3, -1, -1))
    for seed in range(3):
        f, g = train_alone(WORK, seed)
        # sums in another order, 30 times
        assert torch.allclose(together[0][seed], f(x), rtol=0, atol=1e-9)
        assert torch.allclose(together[1][seed], g(torch.eye(5)), rtol=0, atol=1e-9)
        assert (together[0][seed] - initial[0][seed]).abs().max() > 0.01


def test_gradients_are_those_of_autograd():
    sizes = layer_sizes(3, 7, 2, 4)
    count = 4 * parameter_count(sizes)
    values, gradients = torch.empty(count), torch.zeros(count)
    stack = PerceptronStack(sizes, values, gradients)
    stack.fill([initial_layers(sizes, seed) for seed in range(4)])
    x = torch.randn(4, 9, 3, generator=torch.Generator().manual_seed(0))
    out = stack.forward(x)
    stack.backward(torch.cos(out))  # of sum sin(out)
    for i in range(4):
        module = perceptron(sizes, i)
        torch.sin(module(x[i])).sum().backward()
        for (weight, bias), linear in zip(stack._gradients, module[::2], strict=True):
            assert torch.allclose(weight[i], linear.weight.grad.T, atol=1e-5)
            assert torch.allclose(bias[i, 0], linear.bias.grad, atol=1e-5)


def test_initial_weights_are_uniform_as_pytorchs_own_and_keyed():
    [(weight, bias)] = initial_layers([(100, 400)], 3, "f")
    assert weight.abs().max() <= 0.1
    assert weight.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.02)  # 40,000 draws: four standard errors are .01
    assert bias.abs().max() <= 0.1
    assert torch.equal(weight, initial_layers([(100, 400)], 3, "f")[0][0])
    assert not torch.equal(weight, initial_layers([(100, 400)], 3, "g")[0][0])


def test_loss_is_the_cross_entropy_of_each_model():
    stack = EmbeddingStack(WORK, [0, 4])
    x, y = (part[None].expand(2, *part.shape) for part in data(WORK, "test"))
    f, g = stack.outputs(x)
    for i, loss in enumerate(stack.loss(x, y)):
        assert loss.item() == pytest.approx(nn.functional.cross_entropy(f[i] @ g[i].T, y[i]).item(), rel=1e-5)


def test_batches_of_an_epoch_are_distinct_keyed_and_whole():
    steps = list(batches(WORK, [0, 1]))
    assert len(steps) == 30
    epoch = torch.cat([points[0] for points, _ in steps[:6]])  # 6 whole batches of 32 in 200
    assert len(torch.unique(epoch, dim=0)) == 192
    assert not torch.equal(steps[0][0][0], steps[0][0][1])
    assert not torch.equal(steps[0][0][0], steps[6][0][0])
    later = next(batches(WORK, [1], first=17))
    assert torch.equal(later[0][0], steps[17][0][1])
    assert torch.equal(later[1][0], steps[17][1][1])


def test_digits_are_read_as_vectors_and_learned(tmp_path):
    digits = {"source": "digits", "train": 1500, "seed": 0}
    work = changed(group="digits_m2", data=digits, inputs=64, classes=10, recipe={**RECIPE, "lr": 0.01})
    stack = train_seeds(work, range(2), tmp_path / "c.pt", print)
    x, y = data(work, "test")
    assert x.shape == (297, 64)
    loss = stack.loss(x.expand(2, -1, -1), y.expand(2, -1), backward=False)
    assert (loss < np.log(10) - 0.1).all()


def test_a_killed_training_ends_in_the_same_weights(tmp_path, monkeypatch):
    whole = train_seeds(WORK, range(2), tmp_path / "whole.pt", print)
    saved = []

    def kill_after_four(*arguments):
        save(*arguments)
        saved.append(arguments[3])
        if len(saved) == 4:
            raise KeyboardInterrupt

    save = training._save
    monkeypatch.setattr(training, "_save", kill_after_four)
    with pytest.raises(KeyboardInterrupt):
        train_seeds(WORK, range(2), tmp_path / "killed.pt", print)
    monkeypatch.setattr(training, "_save", save)
    told = []
    again = train_seeds(WORK, range(2), tmp_path / "killed.pt", told.append)
    assert saved[-1] == 12
    assert len(told) == 6  # of ten rows of progress, four were told before
    assert torch.equal(again.values, whole.values)


@pytest.mark.parametrize("spoil", ["other work", "other seeds", "damage", "flipped bit"])
def test_a_checkpoint_that_does_not_fit_is_left_aside(tmp_path, spoil):
    file = tmp_path / "c.pt"
    other = changed(recipe={**RECIPE, "lr": 0.01}) if spoil == "other work" else WORK
    train_seeds(other, range(1, 3) if spoil == "other seeds" else range(2), file, print)
    if spoil == "damage":
        file.write_bytes(b"no checkpoint")
    if spoil == "flipped bit":
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 64
        file.write_bytes(content)
    told = []
    stack = train_seeds(WORK, range(2), file, told.append)
    assert len(told) == 10
    assert torch.equal(stack.values, train_seeds(WORK, range(2), tmp_path / "new.pt", print).values)


def test_a_group_is_one_manifest_and_stacked_weights_whatever_its_parts(tmp_path, monkeypatch, double):
    train_group(WORK, tmp_path / "one.parquet", tmp_path / "one.safetensors")
    monkeypatch.setattr(training, "UNITS_AT_ONCE", 32)  # two seeds, then one
    train_group(WORK, tmp_path / "two.parquet", tmp_path / "two.safetensors")
    one, two = (load_file(tmp_path / f"{name}.safetensors") for name in ("one", "two"))
    assert one["f.0.weight"].shape == (3, 2, 16)
    assert one["g.3.bias"].shape == (3, 1, 2)
    for name in one:
        assert torch.allclose(one[name], two[name], rtol=0, atol=1e-9)  # as above
    table = pq.read_table(tmp_path / "two.parquet").to_pandas()
    assert table["run"].tolist() == [f"k5_width16_seed{seed}" for seed in range(3)]
    assert table["loss"].between(1, 2).all()  # guessing has ln 5 = 1.61
    assert {"work", "version", "sha256"} == set(made_by(tmp_path / "two.parquet"))
    assert not list(tmp_path.glob("*.pt"))


def test_divergence_names_the_models_and_the_remedy(tmp_path):
    work = changed(recipe={**RECIPE, "lr": 1e30})
    with pytest.raises(ArithmeticError, match=r"k5_width16, seeds 0 to 1 diverged.* at step \d+. Lower lr"):
        train_seeds(work, range(2), tmp_path / "c.pt", print)


SLOWLY = """
import sys, time
from pathlib import Path
from whyalike.studies.closeness import training
from whyalike.studies.closeness.parameters import PerceptronTraining

save = training._save
training.note = lambda line: print(line, flush=True)
folder = Path(sys.argv[1])


def save_and_stay(*arguments):
    save(*arguments)
    time.sleep(float(sys.argv[2]))
    while (folder / "stay").exists():
        time.sleep(0.01)


training._save = save_and_stay
work = PerceptronTraining.from_text((folder / "work.json").read_text())
training.EVERY = float(sys.argv[3])
training.train_group(work, folder / "group.parquet", folder / "group.safetensors")
"""


def trainer(folder, seconds, every):
    """A process that trains the group where there are no locks, and pauses after each checkpoint."""
    paths = [Path(__file__).parents[3] / "no_locks", Path(training.__file__).parents[3]]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-c", SLOWLY, str(folder), str(seconds), str(every)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_trainer_that_wakes_when_another_has_trained_its_group_changes_no_byte(tmp_path):
    (tmp_path / "work.json").write_text(WORK.text())
    with trainer(tmp_path, 0.5, 0.1) as first:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("*.checkpoint.pt")):
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        first.send_signal(signal.SIGSTOP)
        with trainer(tmp_path, 0, 0.1) as second:
            assert second.wait(120) == 0, second.stdout.read()
        after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        assert "group.parquet" in after and not list(tmp_path.glob("*.checkpoint.pt"))
        first.send_signal(signal.SIGCONT)
        told = first.communicate(timeout=120)[0]
    assert first.returncode == 1 and "group.lock was taken over by" in told
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == after


def test_who_waited_for_a_group_takes_what_the_other_made(tmp_path):
    (tmp_path / "work.json").write_text(WORK.text())
    (tmp_path / "stay").touch()
    with trainer(tmp_path, 0, 2) as first:
        while not list(tmp_path.glob("*.checkpoint.pt")):
            assert first.poll() is None, first.stdout.read()
            time.sleep(0.01)
        with trainer(tmp_path, 0, 2) as second:
            assert "waiting until it ends" in second.stdout.readline()
            (tmp_path / "stay").unlink()
            told = second.communicate(timeout=120)[0]
        assert second.returncode == first.wait(120) == 0, told
    assert "step" not in told
