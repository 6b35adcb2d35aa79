"""Train many small models (f, g) of p(y|x) at once, in one process: all seeds of one shape.

f maps inputs and g labels into R^M, p(y|x) is proportional to exp(f(x)'g(y)) (Nielsen et al. 2025). Seeds differ in
initial weights and batches, which are keyed by the seed alone: a model trained with others is the model trained alone,
up to the rounding of a batched product. All parameters are one flat tensor, under one fused Adam.

Some seeds at a time go through the processor's cache together; they have a checkpoint of their own beside the
manifest, from which a killed job goes on with the same numbers. One process at a time trains a group.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from safetensors.torch import save_file
from torch import Tensor

from whyalike.files import atomic, check_archive, file_sha256, guarded, made_by, write_table
from whyalike.job import note
from whyalike.locks import EVERY, Lock
from whyalike.models.perceptron import PerceptronStack, initial_layers, layer_sizes, parameter_count
from whyalike.randomness import keyed
from whyalike.studies.closeness.flat_digits import flat_digits
from whyalike.studies.closeness.parameters import PerceptronTraining
from whyalike.studies.closeness.radial import radial

VERSION = 1  # part of every job's parameters: raise it when training code changes the weights

UNITS_AT_ONCE = 1280  # of hidden layers: 20 seeds of width 64, 5 of 256; 32 MB of cache hold what a step touches
CHECKPOINTS = 10  # over a training: a row of the progress each


class EmbeddingStack:
    """f and g of several seeds, with their gradients.

    Parameters
    ----------
    parameters : their shape is read.
    seeds : keys of the initial weights.
    """

    def __init__(self, parameters: PerceptronTraining, seeds: Sequence[int]):
        self.seeds = list(seeds)
        classes = parameters.classes
        shape = parameters.width, parameters.dimensions, parameters.recipe.layers
        sizes = {"f": layer_sizes(parameters.inputs, *shape), "g": layer_sizes(classes, *shape)}
        counts = [len(self.seeds) * parameter_count(sizes[part]) for part in "fg"]
        self.values, self.gradients = torch.empty(sum(counts)), torch.empty(sum(counts))
        parts = zip("fg", self.values.split(counts), self.gradients.split(counts), strict=True)
        self.stacks = {part: PerceptronStack(sizes[part], *flat) for part, *flat in parts}
        for part, stack in self.stacks.items():
            stack.fill([initial_layers(sizes[part], seed, part, classes, *shape) for seed in self.seeds])
        self._labels = torch.eye(classes).expand(len(self.seeds), classes, classes)

    def outputs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings (S, n, M) of inputs (S, n, inputs), and unembeddings (S, K, M)."""
        return self.stacks["f"].forward(x), self.stacks["g"].forward(self._labels)

    def loss(self, x: Tensor, y: Tensor, backward: bool = True) -> Tensor:
        """The cross entropy of every model (S), nats, on labels (S, n); with ``backward`` also the gradients."""
        f, g = self.outputs(x)
        logs = torch.log_softmax(torch.bmm(f, g.transpose(1, 2)), dim=2)  # (S, n, K)
        loss = -logs.gather(2, y[..., None]).mean(dim=(1, 2))
        if backward:
            error = logs.exp_()
            error.scatter_add_(2, y[..., None], error.new_tensor(-1.0).expand(*y.shape, 1))
            error /= y.shape[1]
            self.stacks["f"].backward(torch.bmm(error, g))
            self.stacks["g"].backward(torch.bmm(error.transpose(1, 2), f))
        return loss

    def tensors(self) -> dict[str, Tensor]:
        """Every layer's weights (S, inputs, outputs) and biases (S, 1, outputs), named "f.0.weight" and so on."""
        return {
            f"{part}.{i}.{name}": value
            for part, stack in self.stacks.items()
            for i, layer in enumerate(stack.layers)
            for name, value in zip(("weight", "bias"), layer, strict=True)
        }


def train_group(parameters: PerceptronTraining, manifest: Path, weights: Path) -> None:
    """Train a group's models and write its weights and manifest, unless another process that had the group has done so.

    Parameters
    ----------
    parameters : what is trained.
    manifest : path of the table of models: run, seed, loss (nats) and accuracy on the test data.
    weights : path of the weights, stacked over seeds.

    Raises
    ------
    ArithmeticError : a loss is no longer finite.
    whyalike.locks.TakenOver : another process has taken the group while this one slept; nothing more is written.
    """
    lock = Lock(manifest.with_name(f".{manifest.stem}.lock"), every=EVERY)
    with lock.held(lambda other: note(f"{parameters.group} is trained by {other}: waiting until it ends")) as other:
        if other and manifest.is_file() and weights.is_file() and made_by(manifest) == _maker(parameters, weights):
            return
        with guarded(lock.ensure_held):
            _train(parameters, manifest, weights)


def _maker(parameters: PerceptronTraining, weights: Path) -> dict[str, Any]:
    return {"work": parameters.plain(), "version": VERSION, "sha256": file_sha256(weights)}


def _train(parameters: PerceptronTraining, manifest: Path, weights: Path) -> None:
    at_once = max(1, UNITS_AT_ONCE // parameters.width)
    parts = [range(start, min(start + at_once, parameters.seeds)) for start in range(0, parameters.seeds, at_once)]
    files = [manifest.with_name(f"{manifest.stem}.seed{seeds[0]}.checkpoint.pt") for seeds in parts]
    stacks = [train_seeds(parameters, seeds, file, note) for seeds, file in zip(parts, files, strict=True)]
    tensors = [stack.tensors() for stack in stacks]
    with atomic(weights) as temporary:
        save_file({name: torch.cat([one[name] for one in tensors]) for name in tensors[0]}, temporary)
    rows = [row for stack in stacks for row in _measure(parameters, stack)]
    table = pa.Table.from_pandas(pd.DataFrame(rows), preserve_index=False)
    write_table(manifest, table, _maker(parameters, weights))
    for file in files:
        file.unlink(missing_ok=True)


def train_seeds(
    parameters: PerceptronTraining, seeds: Sequence[int], checkpoint: Path, tell: Callable[[str], None]
) -> EmbeddingStack:
    """Train the models of some seeds, from their checkpoint if there is one; it stays where it is."""
    recipe = parameters.recipe
    stack = EmbeddingStack(parameters, seeds)
    stack.values.grad = stack.gradients
    optimizer = torch.optim.Adam([stack.values], lr=recipe.lr, fused=True)
    every = -(-recipe.steps // CHECKPOINTS)
    first = _resume(parameters, stack, optimizer, checkpoint)
    title = f"training {parameters.group}, seeds {seeds[0]} to {seeds[-1]}"
    started = time.perf_counter()
    for step, (x, y) in enumerate(batches(parameters, seeds, first), start=first + 1):
        loss = stack.loss(x, y)
        optimizer.step()
        if step % every == 0 or step == recipe.steps:
            if not loss.isfinite().all():
                raise ArithmeticError(f"{title} diverged: losses {loss.tolist()} at step {step}. Lower lr.")
            _save(parameters, stack, optimizer, step, checkpoint)
            pace = 1e3 * (time.perf_counter() - started) / (step - first)
            tell(f"{title} · step {step} of {recipe.steps}, loss {loss.mean():.4f}, {pace:.1f} ms a step")
    return stack


def batches(parameters: PerceptronTraining, seeds: Sequence[int], first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
    """Inputs (S, batch, d) and labels (S, batch) of every step from ``first`` on; whole batches of shuffled epochs."""
    recipe = parameters.recipe
    x, y = data(parameters, "train")
    size = recipe.batch_size
    steps = len(x) // size  # of an epoch
    order, shuffled = np.empty(0), None
    for step in range(first, recipe.steps):
        epoch, place = divmod(step, steps)
        if epoch != shuffled:
            order = np.stack([keyed(seed, "order of the training data", epoch).permutation(len(x)) for seed in seeds])
            shuffled = epoch
        rows = torch.from_numpy(order[:, place * size : (place + 1) * size])
        yield x[rows], y[rows]


def data(parameters: PerceptronTraining, part: str) -> tuple[Tensor, Tensor]:
    """Inputs (n, d) in float32 and labels (n) of the part "train" or "test"."""
    x, y = SOURCES[parameters.data.source](parameters, part)
    return torch.from_numpy(x).float(), torch.from_numpy(y)


def _radial(parameters: PerceptronTraining, part: str) -> tuple[np.ndarray, np.ndarray]:
    points = getattr(parameters.data, part)
    return radial(points.n, parameters.classes, points.seed)


def _digits(parameters: PerceptronTraining, part: str) -> tuple[np.ndarray, np.ndarray]:
    return flat_digits(part, parameters.data.train, parameters.data.seed)


SOURCES = {"radial": _radial, "digits": _digits}


def _measure(parameters: PerceptronTraining, stack: EmbeddingStack) -> Iterator[dict[str, Any]]:
    x, y = data(parameters, "test")
    count = len(stack.seeds)
    losses = stack.loss(x.expand(count, *x.shape), y.expand(count, -1), backward=False)
    f, g = stack.outputs(x.expand(count, *x.shape))
    right = (torch.bmm(f, g.transpose(1, 2)).argmax(dim=2) == y).float().mean(dim=1)
    for seed, loss, accuracy in zip(stack.seeds, losses.tolist(), right.tolist(), strict=True):
        run = f"{parameters.group}_seed{seed}"
        yield {"run": run, "seed": seed, "loss": loss, "accuracy": accuracy, "n_test": len(x)}


def _save(parameters: PerceptronTraining, stack: EmbeddingStack, optimizer: Any, step: int, checkpoint: Path) -> None:
    state = {"work": parameters.text(), "seeds": stack.seeds, "step": step, "values": stack.values,
             "optimizer": optimizer.state_dict()}  # fmt: skip
    with atomic(checkpoint) as temporary:
        torch.save(state, temporary)


def _resume(parameters: PerceptronTraining, stack: EmbeddingStack, optimizer: Any, checkpoint: Path) -> int:
    """The step to go on from; 0 without a checkpoint of this very work."""
    if not checkpoint.is_file():
        return 0
    try:
        check_archive(checkpoint)
        state = torch.load(checkpoint, weights_only=True)
    except Exception as error:  # torch raises many kinds for a damaged file; the remedy is the same: start anew
        note(f"{checkpoint} cannot be read, its models start anew: {error}")
        return 0
    if (state["work"], state["seeds"]) != (parameters.text(), stack.seeds):
        note(f"{checkpoint} is of other work, its models start anew")
        return 0
    stack.values.copy_(state["values"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]
