"""Views and comparisons: what of which runs is compared with what. Pure.

A view is one run at one step of its training, seen at one layer. A pair is two views, of any settings; a comparison is
a named set of pairs. Every setting of a study has one of its own name: final weights, each layer with itself. Those
that a study names under `comparisons` stand beside these: model A of each pair is that of setting a, model B that of
setting b, at a pair of steps, and all are scored on each pair of layers. Or all pairs are meant, of all views of some
settings (`whyalike.grid.all_pairs`).
"""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from whyalike.config.comparisons import FINAL, AllPairs, has_step
from whyalike.config.config import Config
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import design
from whyalike.grid.runs import Cell, Grid, Pair, Run, digest
from whyalike.models.registry import MODELS

START = 0  # the step of untrained weights


@dataclass(frozen=True)
class View:
    """What is compared: a run at a step, seen at a layer.

    Attributes
    ----------
    step : of training; None for the final weights, 0 for the start.
    look : how its setting looks at models, where that is not the default: pooling, recalibration and the like.
    """

    run: Run
    layer: str
    step: int | None = None
    look: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str | None:
        """What stands for the view in an activation file, which names the layer; None for an unknown start."""
        if self.step in (None, START):
            own = self.run.identity if self.step is None else self.run.untrained  # of runs that share it
            return digest({"run": own, **self.look}) if self.look and own else own
        return digest({"run": self.run.identity, "step": self.step, **self.look})


def view_of(config: Config, run: Run, step: int | None = None) -> View:
    """A run at a step, as its setting looks at it; the layer is left open."""
    setting = config.settings[run.setting]
    return View(run, "", step, setting.look() if hasattr(setting, "look") else {})


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
class AllOf(Comparison):
    """All pairs of all views of the settings ``of``, each at those of the steps ``seen`` that it has."""

    of: tuple[str, ...] = ()
    seen: tuple[int | None, ...] = (None,)
    same_layers: bool = False
    nulls: bool = False

    @property
    def settings(self) -> tuple[str, ...]:
        """Its settings, each once."""
        return self.of


@dataclass(frozen=True)
class PairOfViews:
    """Two runs of a study, each at a step and in its setting's way to look; the layers are the comparison's."""

    runs: Pair
    view_a: View
    view_b: View

    def plain(self) -> dict[str, Any]:
        """What a scoring job must know of it, as JSON values; steps and views where they are not the default ones."""
        views = {}
        for side, view in (("a", self.view_a), ("b", self.view_b)):
            views[f"name_{side}"] = view.run.name
            views[f"untrained_{side}"] = replace(view, step=START).identity
            if view.step is not None:
                views[f"step_{side}"] = view.step
            if view.identity != view.run.identity:
                views[f"view_{side}"] = view.identity
        starts = [views["untrained_a"], views["untrained_b"]]
        if None in starts:  # an untrained pair is of two starts
            views |= {"untrained_a": None, "untrained_b": None}
        return {**self.runs.plain(), **views}


def is_temporary(config: Config, setting: str | None) -> bool:
    """Whether the representations of a setting go once they are scored."""
    readers = {study.keep for study in config.studies.values() if setting in study.settings}
    return config.activations == "recompute" or readers == {"scores"}


def comparisons(config: Config, study: str) -> dict[str, Comparison]:
    """All comparisons of a study by name: that of each setting, unless its design gathers, then those that it names."""
    one = config.studies[study]
    settings = () if design(one.factor).gathers else one.settings
    own = {setting: Comparison(setting, setting, setting) for setting in settings}
    return own | {name: _named(config, study, name) for name in one.comparisons}


def _named(config: Config, study: str, name: str) -> Comparison:
    given = config.studies[study].comparisons[name]
    if isinstance(given, AllPairs):
        of = given.settings_of(config.studies[study])
        seen = tuple(None if step == FINAL else step for step in given.steps)
        return AllOf(name, of[0], of[-1], of=of, seen=seen, same_layers=given.layers == "same", nulls=given.nulls)
    layers_a, layers_b = (config.settings[side].layers for side in given.sides)
    if given.layers == "same":
        layers = tuple((layer, layer) for layer in layers_a if layer in layers_b)
    else:
        layers = tuple(itertools.product(layers_a, layers_b)) if given.layers == "all" else given.layers
    steps = tuple(tuple(None if step == FINAL else step for step in pair) for pair in given.steps)
    return Comparison(name, *given.sides, layers, steps)


def stimuli(config: Config, study: str, comparison: Comparison) -> tuple[str, ...]:
    """The stimuli of a comparison: those that both of its settings have, or any of all pairs'."""
    if isinstance(comparison, AllOf):
        own = (config.studies[study].stimuli_of(setting) for setting in comparison.of)
        return tuple(dict.fromkeys(itertools.chain.from_iterable(own)))
    of_b = config.studies[study].stimuli_of(comparison.b)
    return tuple(name for name in config.studies[study].stimuli_of(comparison.a) if name in of_b)


def seen(config: Config, study: str, stimuli_name: str, comparison: Comparison) -> tuple[bool, str]:
    """Whether stimuli are of the training data of all settings that see them, and the labels that then group them.

    Models of other labels have no grouping in common but that of the data's own attributes.
    """
    asked, section = config.studies[study], config.stimuli[stimuli_name]
    settings = [config.settings[name] for name in comparison.settings if stimuli_name in asked.stimuli_of(name)]
    of_data = SOURCES[config.datasets[section.dataset].source].facts.attributes
    labellings = {setting.labelling for setting in settings}
    return (
        all(section.is_of(setting.dataset) for setting in settings),
        settings[0].labelling if len(labellings) == 1 else "_".join(of_data),
    )


def cells(grid: Grid, study: str, comparison: Comparison) -> list[Cell]:
    """The cells whose models a comparison is of, by setting, then seed."""
    if isinstance(comparison, AllOf):
        return [cell for setting in comparison.of for cell in grid.cells_of(study, setting)]
    return grid.compared(study, comparison.a, comparison.b)


def pairs(grid: Grid, study: str, comparison: Comparison) -> Iterator[PairOfViews]:
    """The pairs of a comparison, by pair of steps, then as `Grid.pairs` has them."""
    for step_a, step_b in comparison.steps:
        for pair in grid.pairs(study, comparison.a, comparison.b):
            sides = ((pair.run_a, step_a), (pair.run_b, step_b))
            yield PairOfViews(pair, *(view_of(grid.config, run, step) for run, step in sides))


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


def setting_of_views(config: Config, name: str) -> dict[str, Any]:
    """How the models of a setting are looked at, and what is known of its layers, as JSON values."""
    setting = config.settings[name]
    found: dict[str, Any] = {"layers": setting.layers, "size": getattr(setting, "size", None)}
    model, fields = config.models.get(getattr(setting, "model", None)), {}
    if model is not None:
        facts = MODELS[model.family].facts
        kinds = [names(model) for names in facts.layers.values()]
        fields = facts.fields(model) if facts.fields else {}
        found |= {"batch_norm": setting.batch_norm, "recalibration_images": setting.recalibration or None}
    elif isinstance(setting, ResolvedPretrained):
        kinds = [] if setting.facts is None else [setting.facts.convolutions, setting.facts.blocks]
    else:
        return found
    places = {layer: place / (len(names) - 1) for names in kinds if len(names) > 1 for place, layer in enumerate(names)}
    for what, values in (("places", places), ("fields", fields)):
        found[what] = {layer: values[layer] for layer in setting.layers if layer in values}
    return found | {"pooling": setting.pooling}


def _of_cell(grid: Grid, cell: Cell) -> Iterator[dict[str, Any]]:
    runs = {run.identity: run for run in grid.runs(cell)}
    for run in runs.values():
        yield {"name": run.name, "run": run.identity, "view": view_of(grid.config, run).identity}
        if run.untrained is not None:
            start = view_of(grid.config, run, START).identity
            yield {"name": run.name, "run": run.identity, "view": start, "step": START}
    for view, (run, step) in kept_steps(grid, cell).items():
        yield {"name": runs[run].name, "run": run, "view": view, "step": step}


def steps_seen(config: Config, comparison: AllOf, setting: str) -> list[int | None]:
    """The steps at which the models of a setting are seen, None the final one."""
    return [step for step in comparison.seen if has_step(config, setting, FINAL if step is None else step)]


def _kept_steps(grid: Grid, study: str, comparison: Comparison, cell: Cell) -> dict[str, tuple[str, int]]:
    if isinstance(comparison, AllOf):
        steps = [step for step in steps_seen(grid.config, comparison, cell.setting) if step]
        runs = [run for run in grid.runs(cell) if run.identity in grid.needed(study, cell)]
        return {view_of(grid.config, run, step).identity: (run.identity, step) for run in runs for step in steps}
    if not any(step for pair in comparison.steps for step in pair):
        return {}
    runs = {run.identity for run in grid.runs(cell)}
    sides = [
        view
        for pair in pairs(grid, study, comparison)
        for setting, view in ((comparison.a, pair.view_a), (comparison.b, pair.view_b))
        if view.step and setting == cell.setting and view.run.identity in runs
    ]
    return {view.identity: (view.run.identity, view.step) for view in sides}
