"""The grid: which models are trained and which pairs are compared. Pure, and the only place that knows.

A study expands into runs (one trained model each) and pairs (two runs and what overlaps between them). A run's identity
is the hash of everything that its weights depend on: data, split, labels, model, recipe, seed, replica and the versions
of the code; so two studies, or two levels, that need the same run share one. Which role a run plays (A or B) belongs to
the pair. Initialisation, order and augmentation are keyed by (seed, replica): the runs of a pair differ in the
replica, but for controls, where what is shared is the point, and pairs across seeds.
"""

import hashlib
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from whyalike.config import Config
from whyalike.data.registry import SOURCES
from whyalike.files import canonical_json
from whyalike.models.registry import MODELS
from whyalike.provenance import version
from whyalike.designs import controls, factorial
from whyalike.sections.external import External, OwnCheckpoints
from whyalike.training.registry import OBJECTIVES

# Label overlap (seed study, Table 1): partitions of the attributes, the pair of each condition, and its overlap
LABEL_PARTITIONS = {
    "P1": ("shape", "digit"),
    "P2": ("shape_digit", "shape_color", "digit_color"),
    "P3": ("shape_digit_color",) * 2,
}
LABEL_CONDITIONS = {"1": ("P1", 0, 1), "2A": ("P2", 0, 1), "2B": ("P2", 0, 2), "2C": ("P2", 1, 2), "3": ("P3", 0, 1)}
LABEL_OVERLAP = {"1": 0.0, "2A": 0.5, "2B": 0.5, "2C": 0.5, "3": 1.0}


def digest(value: Any) -> str:
    """16 hex digits of the SHA-256 of a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


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


def _overlaps(factor: str, level: str) -> tuple[float | None, float | None]:
    """Data and label overlap of a level; None where it is not varied."""
    if factor == "factorial":
        return factorial.overlaps(level)
    if factor == "controls":
        return controls.RUNGS[level].data_overlap, controls.RUNGS[level].label_overlap
    if factor == "label":
        return None, LABEL_OVERLAP[level]
    return float(level), float(level) if factor == "task" else None


@dataclass(frozen=True)
class Cell:
    """The unit of the splits, training and extraction jobs: all that one (setting, factor, seed) needs."""

    setting: str
    factor: str
    seed: int


class Grid:
    """Everything that a configuration asks for, ``without`` some cells where only a part of it is wanted."""

    def __init__(self, config: Config, without: Collection[Cell] = ()):
        self.config = config
        self._without = frozenset(without)
        self._expanded: dict[tuple[Cell, str], tuple[Run, Run]] = {}

    @cached_property
    def cells(self) -> dict[Cell, list[str]]:
        """Every cell with the studies that need it, in the configuration's order."""
        cells: dict[Cell, list[str]] = {}
        for name, study in self.config.studies.items():
            for setting in study.settings:
                for seed in study.seeds:
                    if (cell := Cell(setting, study.factor, seed)) not in self._without:
                        cells.setdefault(cell, []).append(name)
        return cells

    def seeds(self, study: str, setting: str) -> list[int]:
        """Seeds of the cells of one study within one setting."""
        parts = self.config.studies[study]
        return [seed for seed in parts.seeds if Cell(setting, parts.factor, seed) in self.cells]

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
        if cell.factor == "external":
            return frozenset(run.identity for run in self.runs(cell))
        levels = self.config.studies[study].levels
        return frozenset(run.identity for level in levels for run in self._pair_runs(cell, level))

    def pairs(self, study: str, setting: str) -> Iterator[Pair]:
        """Pairs of one study within one setting, by seed and level."""
        factor = self.config.studies[study].factor
        if factor == "external":
            yield from self._external_pairs(study, setting)
        if factor == "controls" and controls.ACROSS_SEEDS in self.config.studies[study].levels:
            yield from self._pairs_across_seeds(study, setting)
        for seed in self.seeds(study, setting):
            for level in self.config.studies[study].levels:
                if level == controls.ACROSS_SEEDS:
                    continue
                run_a, run_b = self._pair_runs(Cell(setting, factor, seed), level)
                yield Pair(level, seed, run_a, run_b, *_overlaps(factor, level))

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
        """The runs of a level. Kept: every job of a cell asks for them, and the hashes of 1,600 runs take a while."""
        if (cell, level) not in self._expanded:
            self._expanded[cell, level] = self._expand(cell, level)
        return self._expanded[cell, level]

    def _expand(self, cell: Cell, level: str) -> tuple[Run, Run]:
        if cell.factor == "label":
            partition, a, b = LABEL_CONDITIONS[level]
            return self._label_run(cell, partition, a), self._label_run(cell, partition, b)
        if cell.factor == "controls":
            return self._run(cell, "A", "0", self._own_labels(cell), None, {"part": "A"}), self._control(cell, level)
        if cell.factor == "factorial":
            return self._factorial_runs(cell, level)
        labelling = self._own_labels(cell)
        alone = "" if self.config.share_a else f"@{level}"  # without sharing, each level trains its own A
        run_a = self._run(cell, f"A{alone}", f"0{alone}", labelling, None, {"part": "A"})
        run_b = self._run(cell, f"B@{level}", f"1{alone}", labelling, level, {"part": "B", "overlap": level})
        return run_a, run_b

    def _label_run(self, cell: Cell, partition: str, index: int) -> Run:
        labelling = LABEL_PARTITIONS[partition][index]
        # the three two-attribute models get three replicas: no pair may share its initialisation
        return self._run(cell, f"{labelling}.{index}", str(index), labelling, None, {"part": "all"})

    def _own_labels(self, cell: Cell) -> str:
        return self.config.settings[cell.setting].labelling

    def _control(self, cell: Cell, level: str) -> Run:
        """The run of a rung; across seeds it is A once more, beside which the other seeds' A stand."""
        if level == controls.ACROSS_SEEDS:
            return self._run(cell, "A", "0", self._own_labels(cell), None, {"part": "A"})
        rung = controls.RUNGS[level]
        start = rung.start if rung.start != rung.replica else None
        return self._run(cell, level, rung.replica, self._own_labels(cell), level, dict(rung.split), start)

    def _pairs_across_seeds(self, study: str, setting: str) -> Iterator[Pair]:
        """Every two models A; what they share is measured where the data are."""
        cells = [Cell(setting, "controls", seed) for seed in self.seeds(study, setting)]
        for a, b in itertools.combinations(cells, 2):
            runs = [self._control(cell, controls.ACROSS_SEEDS) for cell in (a, b)]
            yield Pair(controls.ACROSS_SEEDS, a.seed, *runs, None, 1.0, seed_b=b.seed)

    def _factorial_runs(self, cell: Cell, level: str) -> tuple[Run, Run]:
        # one A, and one replica for every B, whatever `share_a` says: the cells of a seed share their random numbers
        bridge, data = level in factorial.BRIDGE, factorial.data_overlap(level)
        a, b = factorial.paper_labels(level) if bridge else factorial.fact_labels(cell.seed, level)
        name_a, own = (f"A/{a}", f"{data}:{b}") if bridge else ("A", level)  # of the bridge, each run is in two pairs
        facts = {} if bridge else {"facts": version("whyalike.data.facts")}
        run_a = self._run(cell, name_a, "0", a, None, {"part": "A", **facts})
        return run_a, self._run(cell, f"B@{own}", "1", b, own, {"part": "B", "overlap": data, **facts})

    def _run(
        self,
        cell: Cell,
        name: str,
        replica: str,
        labelling: str,
        level: str | None,
        split: dict[str, Any],
        other_start: str | None = None,
    ) -> Run:
        setting = self.config.settings[cell.setting]
        dataset, recipe = self.config.datasets[setting.dataset], self.config.recipes[setting.recipe]
        if split["part"] != "all":
            # the controls' runs see the images of dataset overlap, whose runs they share
            factor = "dataset" if cell.factor == "controls" else cell.factor
            split = {**split, "factor": factor, "seed": cell.seed, "version": version("whyalike.splits.overlap")}
        start = self._start(cell, replica if other_start is None else other_start)
        trained = {
            **start,
            **({} if other_start is None else {"order": replica}),
            "dataset": dataset.plain(),
            "dataset_version": version(SOURCES[dataset.source].module),
            "split": split,
            "labelling": labelling,
            "recipe": recipe.plain(exclude=["keep_steps"]),
            "training_version": version("whyalike.training.trainer"),
            "objective_version": version(OBJECTIVES[recipe.objective].module),
        }
        return Run(
            name,
            cell.setting,
            cell.factor,
            cell.seed,
            replica,
            labelling,
            level,
            digest(trained),
            digest({**start, "step": 0}),
            other_start,
        )

    def _start(self, cell: Cell, replica: str) -> dict[str, Any]:
        """What the initial weights depend on."""
        setting = self.config.settings[cell.setting]
        model = self.config.models[setting.model]
        return {
            "model": model.plain(),
            "size": setting.size,
            "seed": cell.seed,
            "replica": replica,
            "version": version(MODELS[model.family].module),
        }

    def _external_run(self, cell: Cell, name: str) -> Run:
        """A run from files: its identity comes from its declared name."""
        setting = self.config.settings[cell.setting]
        declared, untrained = {"external": cell.setting, "name": name, **setting.identifying()}, None
        if isinstance(setting, OwnCheckpoints):
            start = self._start(cell, name)
            declared, untrained = {**declared, "start": start}, digest({**start, "step": 0})
        identity = digest(declared)
        return Run(name, cell.setting, cell.factor, cell.seed, name, setting.labelling, None, identity, untrained)

    def _external_pairs(self, study: str, setting: str) -> Iterator[Pair]:
        for seed in self.seeds(study, setting):
            runs = {run.name: run for run in self.runs(Cell(setting, "external", seed))}
            for pair in self.config.studies[study].pairs_of(self.config.settings[setting].runs):
                condition = f"{pair.a}-{pair.b}" if pair.overlap is None else f"{pair.overlap:g}"
                yield Pair(condition, pair.seed, runs[pair.a], runs[pair.b], pair.overlap, None)
