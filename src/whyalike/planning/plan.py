"""What each job is expected to cost, before any data exist: for the rules' resources and for the plan of a dry-run.

Everything is computed from a job's wildcards, the configuration, the cost table and the run store: never from a job's
input, which need not exist. A training job costs its start and the runs that the store lacks.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from whyalike.config.config import Config
from whyalike.config.external import OwnActivations
from whyalike.designs.registry import FROM_FILES
from whyalike.grid import all_pairs, views
from whyalike.grid.parts import WHOLE, runs_of, score_parts
from whyalike.grid.runs import Cell, Grid, Run
from whyalike.planning.costs import Costs, Source, Stage
from whyalike.planning.estimates import Estimate, RunCost, Wildcards
from whyalike.planning.missing_steps import missing_steps
from whyalike.planning.workload import Workload
from whyalike.similarity.families import family_jobs
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of
from whyalike.studies.rule import Rule
from whyalike.training.kept_steps import kept_steps
from whyalike.training.store import StoredRun

BYTES = 4  # of a float32 weight or activation
KEPT = {"keep": 1, "float16": 1 / 2, "recompute": 0}  # what stays of an activation file in float32
MEGABYTE = 1e6
BYTES_OF_SCORE = 100  # of the table of all pairs
EXTRACTION = "extract_"  # and the layers: one rule for each set of them
SHORT = 60  # s: less is not worth a place in a queue


class Plan:
    """Estimates for one configuration.

    Parameters
    ----------
    config, grid : what is asked for.
    costs : the cost table.
    store : folder of the run store.
    max_minutes : the longest time that a job may reserve, if there is a limit.
    gpu : whether jobs can have a GPU where they run.
    """

    def __init__(self, config: Config, grid: Grid, costs: Costs, store: str | Path, max_minutes: float | None = None,
                 gpu: bool = True):  # fmt: skip
        self.config, self.grid, self.costs, self.store = config, grid, costs, Path(store)
        self.max_minutes = math.inf if max_minutes is None else max_minutes
        self.workload = Workload(config, costs)
        self.device = costs.device if gpu and config.operation.device != "cpu" else "cpu"
        self.gpus = 0 if self.device == "cpu" else 1  # of a job that trains or extracts
        self.rows = list(config.studies)  # of the table of a plan
        self._estimates: dict[tuple, Estimate] = {}
        self._stored: dict[str, bool] = {}
        self._compared = cache(self._models_and_pairs)  # every job of a comparison has the same, by the thousand
        # rules whose cost depends on their wildcards, the device or the network; others cost the same each time
        self._modelled: dict[str, Callable[[Wildcards], Estimate]] = {
            "prepare_data": self._prepare_data,
            "prepare_small_data": self._prepare_data,
            "write_beton": lambda wildcards: self._prepare_data(wildcards, "write_beton"),
            "download_data": lambda _: self.fixed("download_data", {}),
            "train_models": self._train_models,
            EXTRACTION: self._extract,
            "write_sample_text": lambda _: self._on_device("write_sample_text"),
            "score_comparison": self._score_comparison,
            "score_all_pairs": self._score_all_pairs,
            "write_pairs": self._write_pairs,
        }
        self._own: dict[str, tuple[str, Rule]] = {}  # rules of studies with rules of their own -> the study, the rule

    def add(self, study: str, rules: Mapping[str, Rule]) -> None:
        """Take in what the jobs of a study with rules of its own cost."""
        self.rows.append(study)
        self._own |= {name: (study, rule) for name, rule in rules.items()}
        self._modelled |= {name: partial(self._as_told, study, rule) for name, rule in rules.items() if rule.cost}

    def is_fixed(self, rule: str) -> bool:
        """Whether the jobs of a rule cost what the cost table says of it, which finished jobs can teach."""
        return _kind(rule) not in self._modelled

    # ---- resources of the rules ----

    def runtime(self, rule: str) -> Callable[..., int]:
        """The ``runtime`` of a rule as Snakemake calls it: whole minutes, more with each attempt, up to the limit."""

        def minutes(wildcards: Any, attempt: int) -> int:
            estimate = self.estimate(rule, dict(wildcards.items()))
            limit = max(1, self.max_minutes / estimate.together)
            return int(min(attempt * math.ceil(self.wanted_minutes(estimate)), limit))

        return minutes

    def wanted_minutes(self, estimate: Estimate) -> float:
        """Minutes that a job would reserve at first if nothing limited it."""
        # the jobs of a group add up their times: they share one margin
        shared = self.costs.reserve.margin_minutes * (1 - 1 / estimate.together)
        return self.costs.reserve.minutes(estimate.seconds, estimate.sources) - shared

    def expected_seconds(self, rule: str) -> Callable[..., int]:
        """The ``expected_seconds`` of a rule as Snakemake calls it: whole seconds."""
        return lambda wildcards: math.ceil(self.estimate(rule, dict(wildcards.items())).seconds)

    def at_once(self, wildcards: Any) -> int:
        """How many runs a training job trains at the same time."""
        wildcards = dict(wildcards.items())  # Snakemake's own have no `get`
        cell = _cell(wildcards)
        wanted = self.config.operation.of_setting("runs_at_once", cell.setting) or 1
        return min(wanted, len(runs_of(self.grid, cell, wildcards.get("part", WHOLE))))

    def short_datasets(self) -> list[str]:
        """The data sets whose preparation is not worth a place in a queue."""
        names = self.config.datasets
        return [name for name in names if self.estimate("prepare_data", {"dataset": name}).seconds < SHORT]

    # ---- estimates ----

    def estimate(self, rule: str, wildcards: Wildcards) -> Estimate:
        """What the job of a rule costs that has these wildcards; for an unknown rule `other` of the cost table."""
        key = (rule, *sorted(wildcards.items()))
        if key not in self._estimates:
            modelled = self._modelled.get(_kind(rule))
            self._estimates[key] = modelled(wildcards) if modelled else self.fixed(rule, wildcards)
        return self._estimates[key]

    def lacking(self, runs: Iterable[Run]) -> list[str]:
        """Identities of those runs that the store does not hold."""
        return self.not_stored([run.identity for run in runs])

    def not_stored(self, identities: Sequence[str]) -> list[str]:
        """Those of some runs that the store does not hold. Each is looked for once."""
        for identity in identities:
            if identity not in self._stored:
                self._stored[identity] = (self.store / identity / "result.json").is_file()
        return [identity for identity in identities if not self._stored[identity]]

    def startup(self, cell: Cell, work: str) -> tuple[float, Source]:
        """Seconds until a job of a cell trains ("training") or extracts ("extraction"), and how they are known."""
        rate = self.costs.rate(self.workload.features(cell.setting), self.device, work)
        known = rate if rate and rate.startup_seconds is not None else self.costs.devices[self.device]
        return known.startup_seconds, known.source

    def step(self, cell: Cell) -> tuple[float, float, Source]:
        """Seconds of a training step, those of each run beside its steps, and how they are known."""
        setting = cell.setting
        return self.step_of(
            self.workload.features(setting), self.workload.model(setting), self.workload.passed(setting)
        )

    def step_of(
        self, features: Mapping[str, Any], model: tuple[float, float], batch: float
    ) -> tuple[float, float, Source]:
        """The same of what a rate may ask for, a model's parameters and the uses of each, and samples a step."""
        if rate := self.costs.rate(features, self.device, "training"):
            return rate.step_seconds or batch / rate.samples_per_second, rate.run_seconds, rate.source
        return self.costs.devices[self.device].guessed_step(*model, batch), 0.0, "guessed"

    def sample(self, cell: Cell) -> tuple[float, Source]:
        """Seconds of one sample that goes through one model, and how they are known."""
        if rate := self.costs.rate(self.workload.features(cell.setting), self.device, "extraction"):
            return 1 / rate.samples_per_second, rate.source
        return self.costs.devices[self.device].guessed_sample(*self.workload.model(cell.setting)), "guessed"

    def largest_comparison(self) -> float:
        """Bytes of the representations, in float32, of the largest comparison, or of the seeds that one job scores."""
        sizes: dict[tuple[str, str, str], list[float]] = {}
        for cell in self.grid.cells:
            if not isinstance(self.config.settings[cell.setting], OwnActivations):
                for stimuli in self.grid.stimuli(cell):
                    wildcards = {**{name: str(value) for name, value in vars(cell).items()}, "stimuli": stimuli}
                    extracted = self.estimate(EXTRACTION, wildcards)
                    sizes.setdefault((cell.setting, cell.factor, stimuli), []).append(extracted.vector_bytes)
        together = self.config.operation.seeds_per_score_job or len(self.grid.cells)
        return max((sum(sorted(of_seeds)[-together:]) for of_seeds in sizes.values()), default=0)

    def _stage(self, rule: str) -> Stage:
        return self.costs.stages.get(rule, self.costs.stages["other"])

    def fixed(self, rule: str, wildcards: Wildcards) -> Estimate:
        """A job that costs what the table says of its rule and of a word in its wildcards; models share that alike."""
        stage, (factor, studies) = self._stage(rule), self._served(rule, wildcards)
        seconds, size = stage.seconds_named(wildcards.values()), MEGABYTE * stage.megabytes
        models = frozenset(self._own[rule][1].models(**wildcards) if rule in self._own else ())
        job = Estimate(seconds, size, {}, frozenset({stage.source}), factor, dict.fromkeys(studies, models))
        if not models:
            return job
        each = RunCost(seconds / len(models), size / len(models))
        return replace(job, own_seconds=0.0, own_bytes=0.0, runs=dict.fromkeys(models, each))

    def _as_told(self, study: str, rule: Rule, wildcards: Wildcards) -> Estimate:
        """What a rule itself says of a job, with the study that needs it."""
        told = rule.cost(self, **wildcards)
        return replace(told, studies={study: frozenset(told.runs)})

    def _served(self, rule: str, wildcards: Wildcards) -> tuple[str | None, Iterable[str]]:
        """The factor that a job is of, and the studies that need it, as far as its rule and its wildcards say."""
        if rule in self._own:
            return None, [self._own[rule][0]]
        if "seed" in wildcards:
            cell = _cell(wildcards)
            return cell.factor, self.grid.cells[cell]
        study = self.config.figures[wildcards["figure"]].study if "figure" in wildcards else wildcards.get("study")
        return (self.config.studies[study].factor, [study]) if study else (None, [])

    def _on_device(self, rule: str) -> Estimate:
        """A job of a fixed cost that starts a device as training does."""
        fixed, device = self.fixed(rule, {}), self.costs.devices[self.device]
        sources = fixed.sources | {device.source}
        return replace(fixed, own_seconds=fixed.own_seconds + device.startup_seconds, sources=sources)

    def _prepare_data(self, wildcards: Wildcards, rule: str = "prepare_data") -> Estimate:
        name, stage = wildcards["dataset"], self._stage(rule)
        parts, known = self.workload.images(name)
        studies = [
            key
            for key, study in self.config.studies.items()
            if name in {self.config.settings[setting].dataset for setting in study.settings}
            or name in {self.config.stimuli[stimuli].dataset for stimuli in study.all_stimuli()}
        ]
        return Estimate(
            stage.seconds
            + stage.seconds_per_image * (parts.train + parts.test)
            + stage.seconds_per_token * self.workload.tokens(name),
            self.workload.bytes_of_images(name) or MEGABYTE * stage.megabytes,
            sources=_sources(stage.source, known=known),
            studies=dict.fromkeys(studies, frozenset()),
        )

    def _train_models(self, wildcards: Wildcards) -> Estimate:
        cell = _cell(wildcards)
        wanted = runs_of(self.grid, cell, wildcards.get("part", WHOLE))
        lacking = self.lacking(wanted)
        cost, sources = self._run_cost(cell)
        costs = dict.fromkeys(lacking, cost) | self._trained_again(cell, wanted)
        lacking, gain = list(costs), self._gain(len(costs), self.at_once(wildcards))
        startup, how = self.startup(cell, "training")
        return Estimate(
            startup,
            runs={run: replace(one, seconds=one.seconds / gain) for run, one in costs.items()},
            sources=frozenset({how}) | (sources if lacking else frozenset()),
            factor=cell.factor,
            studies={study: self.grid.needed(study, cell) & frozenset(lacking) for study in self.grid.cells[cell]},
        )

    def _trained_again(self, cell: Cell, runs: Sequence[Run]) -> dict[str, RunCost]:
        """What runs of a cell cost that the store holds, and that lack steps to keep."""
        recipe, found = self.config.recipes[self.config.settings[cell.setting].recipe], {}
        size = BYTES * self.workload.model(cell.setting)[0]
        for identity in {run.identity for run in runs}.difference(self.lacking(runs)):
            steps, until = missing_steps(StoredRun(self.store, identity), recipe)
            if steps:
                found[identity] = RunCost(until * self.step(cell)[0], steps * size, until)
        return found

    def _gain(self, runs: int, at_once: int) -> float:
        """How many times as fast a job trains its runs as one after another."""
        if self.gpus:  # they share it
            return max(1.0, min(runs, at_once, self.costs.devices[self.device].gain_at_once))
        return runs / math.ceil(runs / at_once) if runs else 1.0  # each has a core of its own

    def _run_cost(self, cell: Cell) -> tuple[RunCost, frozenset[str]]:
        """What one run of a cell costs, and how that is known."""
        steps, _, known = self.workload.steps(cell.setting, cell.factor)
        step, beside, source = self.step(cell)
        recipe = self.config.recipes[self.config.settings[cell.setting].recipe]
        kept = kept_steps(recipe, steps, steps // getattr(recipe, "epochs", 1))
        weights = 1 + sum(step <= steps for step in kept)
        parameters, _ = self.workload.model(cell.setting)
        return RunCost(steps * step + beside, BYTES * parameters * weights), _sources(source, known=known)

    def _extract(self, wildcards: Wildcards) -> Estimate:
        cell, stimuli = _cell(wildcards), wildcards["stimuli"]
        n, known = self.workload.stimuli(stimuli)
        runs = self.grid.runs(cell)
        models = len({run.identity for run in runs} | {run.untrained for run in runs} - {None})
        models += len(views.kept_steps(self.grid, cell, stimuli))
        startup, how = self.startup(cell, "extraction")
        seconds, source = self.sample(cell)
        asked = {key: self.config.studies[key].stimuli_of(cell.setting) for key in self.grid.cells[cell]}
        vectors = BYTES * models * n * self.workload.units(cell.setting)
        return Estimate(
            startup + models * n * seconds,
            0 if views.is_temporary(self.config, cell.setting) else KEPT[self.config.activations] * vectors,
            sources=_sources(source, how, known=known),
            factor=cell.factor,
            studies={key: frozenset() for key, names in asked.items() if stimuli in names},
            vector_bytes=vectors,
            together=len(self.grid.stimuli(cell)),  # a job for each of a cell's stimulus sets
        )

    def _score_comparison(self, wildcards: Wildcards) -> Estimate:
        name = wildcards["study"]
        comparison = views.comparisons(self.config, name)[wildcards["comparison"]]
        study, similarity, cost = self.config.studies[name], self.config.similarity, self.costs.scoring
        n, known = self.workload.stimuli(wildcards["stimuli"])
        models, pairs = self._compared(name, comparison, wildcards.get("part", WHOLE))
        scorings = family_jobs(similarity.metrics)[wildcards["job"]]
        facts = METRICS[metric_of(scorings[0], similarity.metrics[scorings[0]])].facts
        family = cost.families.get(facts.family, cost.families["other"])
        layers = len(self.config.settings[comparison.a].layers)
        units = self.workload.units(comparison.a)
        d, seconds = units / layers, 0.0
        draws = (1 + similarity.permutations) / 20 if family.draws else 1.0  # of 19
        for protocol in similarity.protocols:
            together = protocol == "as_published" and layers > 1  # all layers are one more, and each meets each
            of_pair = (layers + 1) ** 2 if together else len(comparison.layers or range(layers))
            seconds += models * (layers * family.of_model(n, d) + together * family.of_model(n, units))
            seconds += pairs * of_pair * len(scorings) * draws * family.of_pair(n, d)
        return Estimate(
            cost.seconds + cost.work * seconds,
            MEGABYTE * cost.megabytes,
            sources=_sources(cost.source, known=known),
            factor=study.factor,
            studies={name: frozenset()},
        )

    def _models_and_pairs(self, study: str, comparison: views.Comparison, part: str) -> tuple[int, int]:
        """How many models, the untrained ones among them, and pairs a part of a comparison has."""
        seeds = () if part == WHOLE else score_parts(self.grid, study, comparison)[part]
        models, pairs = set(), 0
        for pair in self.grid.pairs(study, comparison.a, comparison.b):
            if part == WHOLE or pair.seed in seeds:
                models |= {pair.run_a.identity, pair.run_b.identity, pair.run_a.untrained, pair.run_b.untrained}
                pairs += 1
        steps = len(comparison.steps)
        return steps * len(models - {None}), steps * pairs

    def _score_all_pairs(self, wildcards: Wildcards) -> Estimate:
        """The work on each representation, of the widest, and on each pair; of nulls, if asked, what draws cost."""
        name, cost, similarity = wildcards["study"], self.costs.scoring, self.config.similarity
        comparison = views.comparisons(self.config, name)[wildcards["comparison"]]
        n, known = self.workload.stimuli(wildcards["stimuli"])
        compared = all_pairs.representations(self.grid, name, comparison, wildcards["stimuli"])
        settings = [self.config.settings[one.setting] for one in compared]
        d = max(self.workload.units(one.setting) / len(own.layers) for one, own in zip(compared, settings, strict=True))
        scorings = family_jobs(similarity.metrics)[wildcards["job"]]
        facts = METRICS[metric_of(scorings[0], similarity.metrics[scorings[0]])].facts
        family, count = cost.families.get(facts.family, cost.families["other"]), len(compared)
        draws = (1 + similarity.permutations * comparison.nulls) / 20 if family.draws else 1.0
        pairs = count * (count - 1) / 2 * len(scorings) * draws
        return Estimate(
            cost.seconds + cost.work * (count * family.of_model(n, d) + pairs * family.of_pair(n, d)),
            MEGABYTE * cost.megabytes + BYTES_OF_SCORE * count * (count - 1) / 2 * len(scorings),
            sources=_sources(cost.source, known=known),
            factor=self.config.studies[name].factor,
            studies={name: frozenset()},
        )

    def _write_pairs(self, wildcards: Wildcards) -> Estimate:
        """An interval takes up to a hundred scores, as a null does: guessed as what all families cost together."""
        if isinstance(views.comparisons(self.config, wildcards["study"])[wildcards["comparison"]], views.AllOf):
            return self.fixed("join_scores", wildcards)
        jobs = family_jobs(self.config.similarity.metrics)
        parts = [self._score_comparison({**wildcards, "job": job}) for job in jobs]
        wanted = self.config.studies[wildcards["study"]].intervals
        seconds = sum(part.own_seconds for part in parts) if wanted else self._stage("join_scores").seconds
        return replace(parts[0], own_seconds=seconds, sources=frozenset({"guessed"}))


def _kind(rule: str) -> str:
    """A rule as costs know it: those of extraction are one."""
    return EXTRACTION if rule.startswith(EXTRACTION) else rule


def _cell(wildcards: Wildcards) -> Cell:
    # the rules about runs from files have no wildcard for their factor
    return Cell(wildcards["setting"], wildcards.get("factor", FROM_FILES), int(wildcards["seed"]))


def _sources(*sources: str, known: bool) -> frozenset[str]:
    """How costs are known whose amounts are ``known``, or else guesses too."""
    return frozenset(sources) if known else frozenset({*sources, "guessed"})
