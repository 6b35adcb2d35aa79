"""The grid: which models are trained and which pairs are compared. Pure, and the only place that knows.

A study expands into runs (one trained model each) and pairs (two runs and what overlaps between them). A run's identity
is the hash of everything that its weights depend on: data, split, labels, model, recipe, seed, replica and the versions
of the code; so two studies, or two levels, that need the same run share one. Which role a run plays (A or B) belongs to
the pair. Initialisation, order and augmentation are keyed by (seed, replica): the runs of a pair differ in the
replica, but for controls, where what is shared is the point, and pairs across seeds.
"""

import hashlib
import itertools
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from whyalike import provenance
from whyalike.config.config import Config
from whyalike.config.external import External, OwnCheckpoints
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.data.registry import SOURCES
from whyalike.designs.design import Asked, PlannedRun
from whyalike.designs.registry import FROM_FILES, design
from whyalike.files import canonical_json
from whyalike.models.registry import MODELS
from whyalike.training.registry import OBJECTIVES

version = cache(provenance.version)  # every run asks for five


def digest(value: Any) -> str:
    """16 hex digits of the SHA-256 of a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def initial_weights(model: Mapping[str, Any], size: int | None, seed: int, replica: str) -> dict[str, Any]:
    """What the initial weights of a model (its section, as JSON values) depend on."""
    state = {"version": version(MODELS[model["family"]].module)}
    return {"model": model, "size": size, "seed": seed, "replica": replica, **state}


def trained_identity(
    start: Mapping[str, Any], dataset: Mapping[str, Any], recipe: Mapping[str, Any], training: Mapping[str, Any]
) -> str:
    """The identity of a trained run: of `initial_weights`, data, recipe, what else is of it, and versions of the code.

    Parameters
    ----------
    start : what `initial_weights` says.
    dataset, recipe : their sections as JSON values, the recipe without the steps that are kept.
    training : split, labelling, and where it has one, order.
    """
    versions = {
        "dataset_version": version(SOURCES[dataset["source"]].module),
        "training_version": version("whyalike.training.trainer"),
        "objective_version": version(OBJECTIVES[recipe["objective"]].module),
    }
    return digest({**start, "dataset": dataset, "recipe": recipe, **training, **versions})


@dataclass(frozen=True)
class Run:
    """One model. ``name`` is unique within its cell (setting, factor, seed); ``identity`` everywhere.

    ``untrained`` is the identity of the model's start, None where that is not known (activations from files). ``start``
    is the replica whose initial weights the run has, where that is not its own.
    """

    name: str
    setting: str
    factor: str
    seed: int
    replica: str
    labelling: str
    level: str | None
    identity: str
    untrained: str | None
    start: str | None = None

    @property
    def own_start(self) -> str:
        """The replica whose initial weights it has."""
        return self.replica if self.start is None else self.start

    def plain(self) -> dict[str, Any]:
        """What a training job must know of this run, as JSON values."""
        keys = ("name", "replica", "labelling", "level", "identity")
        return {key: getattr(self, key) for key in keys} | ({"start": self.start} if self.start is not None else {})


@dataclass(frozen=True)
class Pair:
    """Two runs, and what overlaps between them; null where a thing is not varied."""

    condition: str
    seed: int
    run_a: Run
    run_b: Run
    data_overlap: float | None
    label_overlap: float | None
    seed_b: int | None = None  # of run B, where that is another one

    def plain(self) -> dict[str, Any]:
        """What a scoring job must know of this pair, as JSON values."""
        runs = {f"{key}_{role}": getattr(run, attribute) for role, run in (("a", self.run_a), ("b", self.run_b))
                for key, attribute in (("run", "identity"), ("untrained", "untrained"))}  # fmt: skip
        overlaps = {"data_overlap": self.data_overlap, "label_overlap": self.label_overlap}
        other = {} if self.seed_b is None else {"seed_b": self.seed_b}
        return {"condition": self.condition, "seed": self.seed, **other, **overlaps, **runs}


@dataclass(frozen=True)
class Cell:
    """The unit of the splits, training and extraction jobs: all that one (setting, factor, seed) needs."""

    setting: str
    factor: str
    seed: int


def _split(cell: Cell, planned: PlannedRun) -> dict[str, Any]:
    """What tells the images of a run from others; of all images no seed and no version needs to be said."""
    if planned.split["part"] == "all":
        return dict(planned.split)
    own = design(cell.factor)
    return {
        **planned.split,
        "factor": own.images_of or cell.factor,
        "seed": cell.seed,
        "version": version(own.version_of),
    }


class Grid:
    """Everything that a configuration asks for, ``without`` some cells where only a part of it is wanted."""

    def __init__(self, config: Config, without: Collection[Cell] = ()):
        self.config = config
        self._without = frozenset(without)
        # jobs by the thousand ask for the same: each is found once, and nobody changes it
        self.seeds, self.stimuli, self.runs = cache(self.seeds), cache(self.stimuli), cache(self.runs)
        self.needed, self.pairs, self._pair_runs = cache(self.needed), cache(self.pairs), cache(self._pair_runs)
        self._sections, self._asked = cache(self._sections), cache(self._asked)
        self._made: dict[tuple[Cell, str], Run] = {}

    @cached_property
    def cells(self) -> dict[Cell, list[str]]:
        """Every cell with the studies that need it, in the configuration's order."""
        cells: dict[Cell, list[str]] = {}
        for name, study in self.config.studies.items():
            for setting in study.settings:
                for cell in self._asked(name, setting):
                    if cell not in self._without:
                        cells.setdefault(cell, []).append(name)
        return cells

    def _asked(self, study: str, setting: str) -> list[Cell]:
        """The cells that a study asks of a setting: one a seed; one of all runs from files, whatever the study."""
        asked = self.config.studies[study]
        if isinstance(self.config.settings[setting], External):
            return [Cell(setting, FROM_FILES, 0)]
        return [Cell(setting, asked.factor, seed) for seed in asked.seeds]

    def _cell(self, study: str, setting: str, seed: int) -> Cell:
        return next(cell for cell in self._asked(study, setting) if cell.seed == seed)

    def cells_of(self, study: str, setting: str) -> list[Cell]:
        """The cells of a study that are of a setting, in the order of its seeds."""
        return [cell for cell in self._asked(study, setting) if cell in self.cells]

    def seeds(self, study: str, *settings: str) -> list[int]:
        """Seeds of which each of some settings of one study has its cell."""
        first, *others = ([cell.seed for cell in self.cells_of(study, setting)] for setting in settings)
        return [seed for seed in first if all(seed in other for other in others)]

    def pair_seeds(self, study: str, a: str, b: str) -> list[int]:
        """Seeds that the pairs of two settings stand under: where models are gathered, those of model A."""
        if design(self.config.studies[study].factor).gathers:
            return list(dict.fromkeys(pair.seed for pair in self.pairs(study, a, b)))
        return self.seeds(study, a, b)

    def compared(self, study: str, a: str, b: str) -> list[Cell]:
        """The cells whose models a comparison of two settings is of, by setting, then seed."""
        settings = tuple(dict.fromkeys((a, b)))
        if design(self.config.studies[study].factor).gathers:
            return [cell for setting in settings for cell in self.cells_of(study, setting)]
        both = self.seeds(study, *settings)
        return [cell for setting in settings for cell in self.cells_of(study, setting) if cell.seed in both]

    def levels(self, cell: Cell) -> list[str]:
        """Levels that any study asks of a cell, in order of first mention."""
        return list(dict.fromkeys(level for study in self.cells[cell] for level in self.config.studies[study].levels))

    def stimuli(self, cell: Cell) -> list[str]:
        """Stimuli that any study asks of a cell."""
        studies = [self.config.studies[study] for study in self.cells[cell]]
        return list(dict.fromkeys(name for study in studies for name in study.stimuli_of(cell.setting)))

    def runs(self, cell: Cell) -> list[Run]:
        """The distinct runs of a cell, sorted by name."""
        if isinstance(setting := self.config.settings[cell.setting], External):
            return [self._external_run(cell, name) for name in sorted(setting.runs)]
        runs = {run.name: run for level in self.levels(cell) for run in self._pair_runs(cell, level)}
        return [runs[name] for name in sorted(runs)]

    def needed(self, study: str, cell: Cell) -> frozenset[str]:
        """Identities of the runs of a cell that one of its studies needs."""
        if not design(cell.factor).is_trained:
            return frozenset(run.identity for run in self.runs(cell))
        levels = self.config.studies[study].levels
        return frozenset(run.identity for level in levels for run in self._pair_runs(cell, level))

    def pairs(self, study: str, setting: str, setting_b: str | None = None) -> tuple[Pair, ...]:
        """Pairs of one study by seed and level: A of a setting, B of the same or of another one."""
        return tuple(self._pairs(study, setting, setting if setting_b is None else setting_b))

    def _pairs(self, study: str, *both: str) -> Iterator[Pair]:
        asked = self.config.studies[study]
        of_study = design(asked.factor)
        if of_study.gathers:
            yield from self._gathered_pairs(study, *both)
            return
        if not of_study.is_trained:
            yield from self._external_pairs(study, *both)
        for level in (level for level in asked.levels if level in of_study.across):
            yield from self._pairs_across_seeds(study, level, *both)
        for seed in self.seeds(study, *both):
            for level in (level for level in asked.levels if level not in of_study.across):
                cells = (self._cell(study, one, seed) for one in both)
                run_a, run_b = (self._pair_runs(cell, level)[i] for i, cell in enumerate(cells))
                yield Pair(level, seed, run_a, run_b, *of_study.overlaps(level))

    def min_accuracy(self, cell: Cell) -> dict[str, float]:
        """Smallest own-test accuracy for each labelling of a cell: the strictest of its studies."""
        required: dict[str, float] = {}
        for run in self.runs(cell):
            for study in self.cells[cell]:
                limit = self.config.studies[study].min_accuracy
                value = limit.get(run.labelling, 0.0) if isinstance(limit, dict) else limit
                required[run.labelling] = max(value, required.get(run.labelling, 0.0))
        return required

    def _pair_runs(self, cell: Cell, level: str) -> tuple[Run, Run]:
        """The runs of a level."""
        asked = Asked(cell.seed, self.config.settings[cell.setting].labelling, self.config.share_a)
        run_a, run_b = design(cell.factor).expand(asked, level)
        return self._run(cell, run_a), self._run(cell, run_b)

    def _run(self, cell: Cell, planned: PlannedRun) -> Run:
        """A run of a cell by its name there: several levels have the same run A."""
        if (cell, planned.name) not in self._made:
            self._made[cell, planned.name] = self._make(cell, planned)
        return self._made[cell, planned.name]

    def models(self, study: str, setting: str) -> list[Run]:
        """The runs of a setting that a study needs, by seed, then name."""
        cells = {cell: self.needed(study, cell) for cell in self.cells_of(study, setting)}
        return [run for cell, needed in cells.items() for run in self.runs(cell) if run.identity in needed]

    def _gathered_pairs(self, study: str, a: str, b: str) -> Iterator[Pair]:
        """Every two models of a setting, or each of one with each of another; the seed is A's, names tell B's."""
        models = self.models(study, a)
        both = itertools.combinations(models, 2) if a == b else itertools.product(models, self.models(study, b))
        for run_a, run_b in both:
            yield Pair(f"{run_a.name}-{run_b.name}", run_a.seed, run_a, run_b, None, None)

    def _pairs_across_seeds(self, study: str, level: str, *both: str) -> Iterator[Pair]:
        """Every two seeds' runs B; what they share that is not known here is measured where the data are."""
        factor = self.config.studies[study].factor
        for seeds in itertools.combinations(self.seeds(study, *both), 2):
            cells = [self._cell(study, setting, seed) for setting, seed in zip(both, seeds, strict=True)]
            runs = [self._pair_runs(cell, level)[1] for cell in cells]
            yield Pair(level, seeds[0], *runs, *design(factor).overlaps(level), seed_b=seeds[1])

    def _sections(self, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Data and recipe of a setting, as a run's identity has them."""
        setting = self.config.settings[name]
        recipe = self.config.recipes[setting.recipe].plain(exclude=["keep_steps"])
        return self.config.datasets[setting.dataset].plain(), recipe

    def _make(self, cell: Cell, planned: PlannedRun) -> Run:
        start = self._start(cell, planned.replica if planned.start is None else planned.start)
        training = {"split": _split(cell, planned), "labelling": planned.labelling}
        training |= {} if planned.start is None else {"order": planned.replica}
        return Run(
            planned.name,
            cell.setting,
            cell.factor,
            cell.seed,
            planned.replica,
            planned.labelling,
            planned.level,
            trained_identity(start, *self._sections(cell.setting), training),
            digest({**start, "step": 0}),
            planned.start,
        )

    def _start(self, cell: Cell, replica: str) -> dict[str, Any]:
        """What the initial weights depend on."""
        setting = self.config.settings[cell.setting]
        return initial_weights(self.config.models[setting.model].plain(), setting.size, cell.seed, replica)

    def _external_run(self, cell: Cell, name: str) -> Run:
        """A run from files: its identity comes from its declared name."""
        setting = self.config.settings[cell.setting]
        if isinstance(setting, ResolvedPretrained):
            return self._pretrained_run(cell, name)
        declared, untrained = {**design(cell.factor).declare(cell.setting, name), **setting.identifying()}, None
        if isinstance(setting, OwnCheckpoints):
            start = self._start(cell, name)
            declared, untrained = {**declared, "start": start}, digest({**start, "step": 0})
        identity = digest(declared)
        return Run(name, cell.setting, cell.factor, cell.seed, name, setting.labelling, None, identity, untrained)

    def _pretrained_run(self, cell: Cell, name: str) -> Run:
        """A run of another library's: its identity comes from its weights, whatever setting names them."""
        setting, code = self.config.settings[cell.setting], {"code": version("whyalike.training.pretrained")}
        identity = digest({**setting.declared(name), **code})
        untrained = digest({**setting.start(), **code, "seed": cell.seed, "replica": identity})
        return Run(name, cell.setting, cell.factor, cell.seed, identity, setting.labelling, None, identity, untrained)

    def _external_pairs(self, study: str, *both: str) -> Iterator[Pair]:
        asked, names = self.config.studies[study], [self.config.settings[one].runs for one in dict.fromkeys(both)]
        for seed in self.seeds(study, *both):
            of_a, of_b = ({run.name: run for run in self.runs(self._cell(study, one, seed))} for one in both)
            for pair in asked.pairs_of(*names):
                condition = f"{pair.a}-{pair.b}" if pair.overlap is None else f"{pair.overlap:g}"
                yield Pair(condition, pair.seed, of_a[pair.a], of_b[pair.b], pair.overlap, None)
