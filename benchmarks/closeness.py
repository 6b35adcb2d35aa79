"""Measure the study of closeness: stacked training against single models and its GEMM floor, d_LLV against loops.

`python benchmarks/closeness.py` prints two tables and the time that trainings would take; `--quick` takes small sizes.
"""

import argparse
import itertools
from collections.abc import Iterable

import numpy as np
import torch
from timing import threads, timed
from torch import nn

from whyalike.models.perceptron import layer_sizes, perceptron
from whyalike.similarity.metrics.distributions import log_probabilities
from whyalike.similarity.metrics.llv import draw_inputs, llv_distance
from whyalike.studies.closeness.training import UNITS_AT_ONCE, EmbeddingStack, batches

SEEDS, STEPS, CLASSES = 20, 15000, 6
TRAINING = ("width", "seeds at once", "stacked: step and model, ms", "GEMM floor, ms", "share of floor", "single, ms",
            "faster", "minutes")  # fmt: skip
LLV = ("K", "M", "n", "tuples", "loops, ms", "whyalike, ms", "faster")


def work(width: int, steps: int) -> dict:
    """A group's training."""
    recipe = {"lr": 1e-4, "batch_size": 128, "steps": steps, "layers": 4}
    data = {"source": "radial", "train": {"n": 20000, "seed": 0}}
    return {"data": data, "inputs": 2, "classes": CLASSES, "width": width, "dimensions": 2, "recipe": recipe}


def stacked(width: int, seeds: int, steps: int):
    """Seconds of process time of a step of all seeds: batches, loss, gradients, Adam."""
    given = work(width, steps)
    stack = EmbeddingStack(given, range(seeds))
    stack.values.grad = stack.gradients
    optimizer = torch.optim.Adam([stack.values], lr=1e-4, fused=True)

    def run() -> None:
        for x, y in batches(given, range(seeds)):
            stack.loss(x, y)
            optimizer.step()

    return timed(run, most=3).seconds / steps


def single(width: int, steps: int) -> float:
    """The same of one model as modules with autograd."""
    given, shape = work(width, steps), (width, 2, 4)
    f, g = perceptron(layer_sizes(2, *shape), 0, "f"), perceptron(layer_sizes(CLASSES, *shape), 0, "g")
    optimizer = torch.optim.Adam([*f.parameters(), *g.parameters()], lr=1e-4, fused=True)
    labels = torch.eye(CLASSES)

    def run() -> None:
        for x, y in batches(given, [0]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(f(x[0]) @ g(labels).T, y[0]).backward()
            optimizer.step()

    return timed(run, most=3).seconds / steps


def floor(width: int, seeds: int, steps: int) -> float:
    """The batched products of a step alone: of every layer of f and g the output and both gradients."""
    products = []
    for inputs, rows in ((2, 128), (CLASSES, CLASSES)):
        for i, o in layer_sizes(inputs, width, 2, 4):
            x, w, z = (torch.randn(seeds, *shape) for shape in ((rows, i), (i, o), (rows, o)))
            products += [(x, w), (x.transpose(1, 2), z)] + ([(z, w.transpose(1, 2))] if i != inputs else [])
    outs = [torch.empty(seeds, a.shape[1], b.shape[2]) for a, b in products]

    def run() -> None:
        for _ in range(steps):
            for (a, b), out in zip(products, outs, strict=True):
                torch.bmm(a, b, out=out)

    return timed(run, most=3).seconds / steps


def llv_by_loops(p, q, tuples) -> float:
    """d_LLV by loops over pairs of labels and tuples; log-probabilities and variances by numpy."""
    a, b = (np.concatenate(blocks, axis=1).T for blocks in zip(*log_probabilities(p, q), strict=True))  # (n, K)

    def terms(a, b, pivot, items):
        first, third = [], []
        for i in items:
            s, t = np.std(a[:, i] - a[:, pivot], ddof=1), np.std(b[:, i] - b[:, pivot], ddof=1)
            first += [np.std(a[:, at] / s - b[:, at] / t, ddof=1) for at in (i, pivot)]
            third.append(abs(s - t))
        return max(first), 1e-5 * max(third)

    labels = range(a.shape[1])
    t1 = min(
        terms(a, b, y0, [y for y in labels if y not in (y0, out)]) for y0, out in itertools.permutations(labels, 2)
    )
    t2 = min(terms(a.T, b.T, x0, xs) for x0, *xs in tuples)
    return max(*t1, *t2)


def llv_row(k: int, m: int, n: int, tuples: int) -> tuple:
    """One line of the second table; both forms must agree."""
    random = np.random.default_rng(0)
    p, q = ((random.standard_normal((n, m)), random.standard_normal((k, m))) for _ in range(2))
    drawn = draw_inputs(n, m, tuples, 0)
    loops, ours = (
        timed(lambda: llv_by_loops(p, q, drawn), most=3),
        timed(lambda: llv_distance(p, q, num_samples=tuples)),
    )
    if abs(loops.value - ours.value) > 1e-9 * ours.value:
        raise ArithmeticError(f"the forms differ: {loops.value} by loops, {ours.value}")
    ratio = loops.process / ours.process
    return (k, m, n, tuples, f"{1e3 * loops.process:.1f}", f"{1e3 * ours.process:.2f}", f"{ratio:.0f}×")


def show(cells: Iterable[object], head: bool = False) -> None:
    """Print a line of a table, with the rule below a head."""
    line = f"| {' | '.join(map(str, cells))} |"
    print(f"\n{line}\n|{'---|' * (line.count('|') - 1)}" if head else line, flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes: seconds, numbers without meaning")
    quick = parser.parse_args().quick
    minutes = 0.0
    print(f"Process time on one thread; {SEEDS} seeds, {STEPS} steps, K = {CLASSES}.")
    show(TRAINING, head=True)
    with threads(1):
        for width in (16,) if quick else (16, 32, 64, 128, 256):
            seeds = min(SEEDS, UNITS_AT_ONCE // width)
            steps = 20 if quick else max(20, 4000 // width)
            of_stack, least, alone = stacked(width, seeds, steps), floor(width, seeds, steps), single(width, steps)
            whole = of_stack / seeds * SEEDS * STEPS / 60
            minutes += whole
            times = [f"{1e3 * seconds:.3f}" for seconds in (of_stack / seeds, least / seeds, alone)]
            ratios = f"{least / of_stack:.0%}", f"{alone * seeds / of_stack:.1f}×"
            show((width, seeds, *times[:2], ratios[0], times[2], ratios[1], f"{whole:.1f}"))
        print(f"\nAll widths of one K: {minutes:.1f} minutes of one core.")
        show(LLV, head=True)
        labels = ((5, 2),) if quick else ((4, 2), (6, 2), (18, 2), (100, 10))
        for k, m in labels:
            show(llv_row(k, m, *((50, 5) if quick else (2000, 200))))


if __name__ == "__main__":
    main()
