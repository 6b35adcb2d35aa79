"""Views and comparisons: what of which runs is compared with what. Pure.

A view is one run at one step of its training, seen at one layer. A pair is two views, of any settings; a comparison is
a named set of pairs. Every setting of a study has one of its own name: final weights, each layer with itself. Those
that a study names under `comparisons` stand beside these: model A of each pair is that of setting a, model B that of
setting b, at a pair of steps, and all are scored on each pair of layers.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from whyalike.config.comparisons import FINAL
from whyalike.config.config import Config
from whyalike.designs.registry import design
from whyalike.grid.runs import Cell, Grid, Pair, Run, digest

START = 0  # the step of untrained weights


@dataclass(frozen=True)
class View:
    """What is compared: a run at a step, seen at a layer.

    Attributes
    ----------
    step : of training; None for the final weights, 0 for the start.
    pooling : how an output with positions becomes a vector: their mean.
    batch_norm : whose statistics normalise: those stored with the weights.
    """

    run: Run
    layer: str
    step: int | None = None
    pooling: str = "mean"
    batch_norm: str = "stored"

    @property
    def identity(self) -> str | None:
        """What stands for the view in an activation file, which names the layer; None for an unknown start."""
        seen = {"pooling": self.pooling, "batch_norm": self.batch_norm}
        other = {name: value for name, value in seen.items() if value != getattr(View, name)}
        if not other and self.step in (None, START):
            return self.run.identity if self.step is None else self.run.untrained
        return digest({"run": self.run.identity, **({} if self.step is None else {"step": self.step}), **other})


@dataclass(frozen=True)
class Comparison:
    """A named set of pairs of one study; ``layers`` and ``steps`` are pairs (of A, of B), a step None the final one.

    ``layers`` is None in the comparison that each setting has: every layer with itself, as one panel.
    """

    name: str
    a: str
    b: str
    layers: tuple[tuple[str, str], ...] | None = None
    steps: tuple[tuple[int | None, int | None], ...] = ((None, None),)

    @property
    def settings(self) -> tuple[str, ...]:
        """Its settings, each once."""
        return tuple(dict.fromkeys((self.a, self.b)))

    def plain(self) -> dict[str, Any]:
        """What a scoring job must know of it beside its pairs, as JSON values."""
        other = {} if self.a == self.b else {"setting_b": self.b}
        named = {} if self.layers is None else {"layer_pairs": self.layers}
        return {"comparison": self.name, "setting": self.a, **other, **named}


@dataclass(frozen=True)
class PairOfViews:
    """Two runs of a study, each at a step; the layers are the comparison's."""

    runs: Pair
    step_a: int | None
    step_b: int | None

    def plain(self) -> dict[str, Any]:
        """What a scoring job must know of it, as JSON values; steps and views where they are not the final ones."""
        views = {}
        for side, run, step in (("a", self.runs.run_a, self.step_a), ("b", self.runs.run_b, self.step_b)):
            views[f"name_{side}"] = run.name
            if step is not None:
                views |= {f"step_{side}": step, f"view_{side}": View(run, "", step).identity}
        return {**self.runs.plain(), **views}


def comparisons(config: Config, study: str) -> dict[str, Comparison]:
    """All comparisons of a study by name: that of each setting, unless its design gathers, then those that it names."""
    one = config.studies[study]
    settings = () if design(one.factor).gathers else one.settings
    own = {setting: Comparison(setting, setting, setting) for setting in settings}
    return own | {name: _named(config, study, name) for name in one.comparisons}


def _named(config: Config, study: str, name: str) -> Comparison:
    given = config.studies[study].comparisons[name]
    layers_a, layers_b = (config.settings[side].layers for side in given.sides)
    if given.layers == "same":
        layers = tuple((layer, layer) for layer in layers_a if layer in layers_b)
    else:
        layers = tuple(itertools.product(layers_a, layers_b)) if given.layers == "all" else given.layers
    steps = tuple(tuple(None if step == FINAL else step for step in pair) for pair in given.steps)
    return Comparison(name, *given.sides, layers, steps)


def stimuli(config: Config, study: str, comparison: Comparison) -> tuple[str, ...]:
    """The stimuli of a comparison: those that both of its settings have."""
    of_b = config.studies[study].stimuli_of(comparison.b)
    return tuple(name for name in config.studies[study].stimuli_of(comparison.a) if name in of_b)


def cells(grid: Grid, study: str, comparison: Comparison) -> list[Cell]:
    """The cells whose models a comparison is of, by setting, then seed."""
    return grid.compared(study, comparison.a, comparison.b)


def pairs(grid: Grid, study: str, comparison: Comparison) -> Iterator[PairOfViews]:
    """The pairs of a comparison, by pair of steps, then as `Grid.pairs` has them."""
    for step_a, step_b in comparison.steps:
        for pair in grid.pairs(study, comparison.a, comparison.b):
            yield PairOfViews(pair, step_a, step_b)


def kept_steps(grid: Grid, cell: Cell, stimuli_name: str | None = None) -> dict[str, tuple[str, int]]:
    """Identity of a view -> run and step: what comparisons ask of a cell (on one stimulus set) beside final weights.

    Untrained starts are no part of it: they are extracted of every run.
    """
    found = {}
    for study in grid.cells[cell]:
        for comparison in comparisons(grid.config, study).values():
            if cell.setting not in comparison.settings or (
                stimuli_name is not None and stimuli_name not in stimuli(grid.config, study, comparison)
            ):
                continue
            found |= _kept_steps(grid, study, comparison, cell)
    return found


def listed(grid: Grid) -> list[dict[str, Any]]:
    """Every cell with its views, as JSON values: final weights, starts where they are known, and steps asked for."""
    return [{**vars(cell), "views": list(_of_cell(grid, cell))} for cell in grid.cells]


def _of_cell(grid: Grid, cell: Cell) -> Iterator[dict[str, Any]]:
    runs = {run.identity: run for run in grid.runs(cell)}
    for run in runs.values():
        yield {"name": run.name, "run": run.identity, "view": run.identity}
        if run.untrained is not None:
            yield {"name": run.name, "run": run.identity, "view": run.untrained, "step": START}
    for view, (run, step) in kept_steps(grid, cell).items():
        yield {"name": runs[run].name, "run": run, "view": view, "step": step}


def _kept_steps(grid: Grid, study: str, comparison: Comparison, cell: Cell) -> dict[str, tuple[str, int]]:
    if not any(step for pair in comparison.steps for step in pair):
        return {}
    runs = {run.identity for run in grid.runs(cell)}
    sides = [
        (run, step)
        for pair in pairs(grid, study, comparison)
        for setting, run, step in (
            (comparison.a, pair.runs.run_a, pair.step_a),
            (comparison.b, pair.runs.run_b, pair.step_b),
        )
        if step and setting == cell.setting and run.identity in runs
    ]
    return {View(run, "", step).identity: (run.identity, step) for run, step in sides}
