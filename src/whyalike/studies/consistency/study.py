"""The study of consistency as others see it: which models and sets there are, its rules, parameters of each job.

Models, data and stimuli are those of the configuration, which the main line prepares and trains; the study extracts
representations of its own, a setting in one job, and goes on from there. Results lie in {results}/{name}/.
"""

import json
from collections.abc import Iterable
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from whyalike.config.config import Config
from whyalike.config.external import OwnActivations
from whyalike.config.faults import listed
from whyalike.config.yaml_file import ConfigError
from whyalike.figures.registry import FIGURES
from whyalike.grid import views
from whyalike.grid.runs import Cell, Run
from whyalike.grid.workflow import Workflow
from whyalike.provenance import version
from whyalike.similarity.engine_registry import ENGINES
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of
from whyalike.statistics.pair_variance import Crossing, crossing
from whyalike.studies.common_rules import drawing
from whyalike.studies.consistency import checks, costs
from whyalike.studies.consistency.drawable import left_out
from whyalike.studies.consistency.parameters import (
    ConsistencyStatistics,
    GivenActivations,
    MatrixParameters,
    Model,
    ModelListing,
    ProbeParameters,
    ProbeSet,
    Scored,
    SettingExtraction,
    SizesParameters,
    StimuliSet,
)
from whyalike.studies.consistency.section import CORRECTED, PUBLISHED, RAW, UNIT
from whyalike.studies.rule import Paths, Rule, each
from whyalike.studies.study import RuleStudy

MODELS, ACTIVATIONS = "models/models.parquet", "activations/{setting}.{stimuli}.parquet"
MATRIX, SIZES = "similarity/{stimuli}.{metric}.parquet", "similarity/sizes/{scoring}.parquet"
PROBES, STATISTICS = "probe/{setting}.parquet", "statistics/{table}.parquet"


class ConsistencyStudy(RuleStudy):
    """The models, sets and figures of the study, its rules, parameters of jobs. Parameters as `RuleStudy`."""

    name = "consistency"

    def __init__(self, config: Config, default: str):
        super().__init__(config, default)
        if self.asked:
            faults = list(dict.fromkeys(checks.misfits(config, self.section))) or list(checks.twins(self.models))
            if faults:
                raise ConfigError(listed("configuration", faults))

    @cached_property
    def flow(self) -> Workflow:
        """The main line, of which a configuration without the section needs nothing here."""
        return Workflow(self.config)

    # ---- models, stimuli ----

    @cached_property
    def cells(self) -> dict[str, list[Cell]]:
        """Setting -> its cells, of all zoos."""
        found: dict[str, list[Cell]] = {}
        for zoo in self.section.zoos:
            for setting in self.config.studies[zoo].settings:
                own = found.setdefault(setting, [])
                own += [cell for cell in self.flow.grid.cells_of(zoo, setting) if cell not in own]
        return found

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """Every model, by setting, then seed."""
        return tuple(model for setting in self.cells for model in self._models_of(setting))

    @cached_property
    def compared(self) -> tuple[Model, ...]:
        """The models as similarities need them, without attributes: another word for one leaves its scores."""
        return tuple(_without_attributes(self.models))

    def _models_of(self, setting: str) -> list[Model]:
        section = self.config.settings[setting]
        runs = [run for cell in self.cells[setting] for run in self._runs_of(cell)]
        return [
            Model(
                name=setting if len(runs) == 1 else f"{setting}.{run.name}",
                setting=setting,
                view=views.view_of(self.config, run).identity,
                seed=run.seed,
                trained=hasattr(section, "recipe"),
                attributes=section.attributes,
            )
            for run in runs
        ]

    def _runs_of(self, cell: Cell) -> list[Run]:
        """The runs of a cell that its zoos need, of those of other studies none."""
        grid = self.flow.grid
        zoos = [zoo for zoo in self.section.zoos if zoo in grid.cells[cell]]
        needed = frozenset().union(*(grid.needed(zoo, cell) for zoo in zoos))
        return [run for run in grid.runs(cell) if run.identity in needed]

    def stimuli(self) -> list[str]:
        """All stimuli that representations are needed of: of the sets, of their probes, of the sizes; each once."""
        of_probes = [one for own in self.probed().values() for one in (own.train, own.test)]
        of_sizes = [self.section.sizes.stimuli] if self.section.sizes else []
        return list(dict.fromkeys([*self.section.stimuli, *of_probes, *of_sizes]))

    def probed(self) -> dict[str, ProbeSet]:
        """The sets with a probe."""
        return {
            name: ProbeSet(train=one.train, test=one.test, labelling=one.labelling)
            for name, one in self.section.stimuli.items()
            if self.section.probe and one.train and one.test
        }

    def sets(self) -> dict[str, StimuliSet]:
        """The stimulus sets."""
        return {name: StimuliSet(**one.plain(exclude=["train", "test"])) for name, one in self.section.stimuli.items()}

    def targets(self) -> dict[str, list[str]]:
        """Everything but representations, which stand behind it and may be temporary."""
        return {self.name: [job.files[0] for job in self.jobs() if job.stage != "activations"]}

    # ---- rules ----

    def own_rules(self) -> list[Rule]:
        """The rules by stage: a setting is extracted and probed in one job, a set is compared in one job a metric."""
        if not self.cells or not self.section.stimuli:
            return []
        settings, stimuli, local = list(self.cells), list(self.section.stimuli), partial(Rule, is_local=True)
        matrices = {"similarity": [MATRIX.format(stimuli=one, metric=metric) for one in stimuli
                                   for metric in self.scored()]}  # fmt: skip
        # name, stage, wildcards of the jobs, what one does; its parameters and function; inputs, outputs; what it takes
        return [
            local("list_consistency", "models", each(), "table of models",
                  lambda: ModelListing(models=self.models), _code("listing:list_models"), {}, {"output": MODELS}),
            Rule("represent_setting", "activations", each(setting=settings), "representations of {wildcards.setting}",
                 self.extraction, _code("extraction:extract_setting"), {}, self._activations_of_all(),
                 main_line=self._for_extraction, cells=lambda setting: self.cells[setting],
                 given=lambda setting: {"weights": self.config.weight_paths(setting)},
                 cost=lambda plan, setting: costs.extraction(
                     plan, self.cells[setting][0], len(self._models_of(setting)), self.stimuli()),
                 mem_mb=32000, on_gpu=True, is_temporary=self.config.activations == "recompute"),
            Rule("score_set", "similarity", each(stimuli=stimuli, metric=self.scored()),
                 "{wildcards.metric} of all pairs on {wildcards.stimuli}",
                 self.matrix, _code("matrices:score_set"),
                 lambda stimuli, metric: {"activations": self._activations_on(stimuli)}, {"output": MATRIX},
                 lambda stimuli, metric: _code_of(metric),
                 cost=lambda plan, stimuli, metric: costs.matrix(
                     plan, metric, settings, len(self.models), stimuli, len(self.scored()[metric])),
                 main_line=lambda stimuli, metric: {"labels": [self.labels_of(stimuli)]}, mem_mb=24000),
            *self._sizes(),
            *self._probes(),
            *(local(f"analyse_{table}", "statistics", each(), f"statistics, {table}",
                    self.statistics, _code(f"statistics.{table}:analyse"), {**matrices, **more},
                    {"output": STATISTICS.format(table=table)})
              for table, more in self.tables().items()),
            local("write_consistency_claims", "statistics", each(), "claims",
                  self.statistics, _code("claims:write_claims"),
                  {**matrices, **self._tables_by_name()}, {"page": "claims.md", "table": "statistics/claims.parquet"}),
            drawing(self.name, self.figures()),
        ]  # fmt: skip

    def tables(self) -> dict[str, Paths]:
        """The tables of statistics -> what they read beside the similarities."""
        probes = {"gap": {"probes": self._probe_tables()}} if self.probed() else {}
        sizes = {"sizes": {"sizes": self._size_tables()}} if self.section.sizes else {}
        crossed = {"shares": {}} if self.crossed() else {}
        return {"consistency": {}, "groups": {}, "spread": {}, **crossed, **probes, **sizes}

    def crossed(self) -> Crossing | None:
        """The trained models that cross the factors of the factorial; None without any."""
        factors, trained = self.section.factorial, [one for one in self.models if one.trained]
        if not factors or not trained:
            return None
        found = crossing({name: [one.attributes.get(name) for one in trained] for name in factors})
        return found if found.levels else None

    def _tables_by_name(self) -> Paths:
        return {table: [STATISTICS.format(table=table)] for table in self.tables()}

    def _sizes(self) -> list[Rule]:
        if self.section.sizes is None:
            return []
        sizes, settings = self.section.sizes, list(self.cells)
        stimuli, metrics = sizes.stimuli, {one: metric_of(one, given) for one, given in sizes.metrics.items()}
        return [
            Rule("score_sizes", "similarity", each(scoring=metrics),
                 "{wildcards.scoring} of all pairs by the number of stimuli",
                 self.of_sizes, _code("sizes:score_sizes"),
                 {"activations": self._activations_on(stimuli)}, {"output": SIZES},
                 lambda scoring: _code_of(metrics[scoring]),
                 cost=lambda plan, scoring: costs.sizes(
                     plan, metrics[scoring], settings, len(self.models), stimuli, sizes.per_class),
                 main_line=lambda scoring: {"labels": [self.labels_of(stimuli)]}, mem_mb=32000)
        ]  # fmt: skip

    def _probes(self) -> list[Rule]:
        if not self.probed():
            return []
        needed = list(dict.fromkeys(one for own in self.probed().values() for one in (own.train, own.test)))
        return [
            Rule("probe_setting", "similarity", each(setting=list(self.cells)), "linear probes of {wildcards.setting}",
                 self.probing, _code("probe:probe_setting"),
                 lambda setting: {"activations": [ACTIVATIONS.format(setting=setting, stimuli=one) for one in needed]},
                 {"output": PROBES}, cost=lambda plan, setting: costs.probe(plan, self.probing(setting)),
                 main_line=lambda setting: {"labels": list(dict.fromkeys(map(self.labels_of, needed)))},
                 mem_mb=16000)
        ]  # fmt: skip

    # ---- files ----

    def _activations_of_all(self) -> Paths:
        """The outputs of an extraction, by name: stimuli_{number}, in the order of `stimuli`."""
        return {
            f"stimuli_{number}": ACTIVATIONS.format(setting="{setting}", stimuli=one)
            for number, one in enumerate(self.stimuli())
        }

    def _activations_on(self, stimuli: str) -> list[str]:
        return [ACTIVATIONS.format(setting=setting, stimuli=stimuli) for setting in self.cells]

    def _for_extraction(self, setting: str) -> Paths:
        data = dict.fromkeys(self.config.stimuli[one].dataset for one in self.stimuli())
        own = {"data": [path for one in data for path in self.flow.dataset(one)]}
        section = self.config.settings[setting]
        if isinstance(section, OwnActivations):
            return {**own, "files": [path for one in self.stimuli() for path in section.files([one])]}
        return {
            "manifests": [self.flow.manifest(cell) for cell in self.cells[setting]],
            **own,
            "training": self.flow.recalibration_dataset(SimpleNamespace(setting=setting)),
        }

    def labels_of(self, stimuli: str) -> str:
        """The label file of the data set of some stimuli."""
        return self.flow.stimuli_labels(SimpleNamespace(stimuli=stimuli))

    def _probe_tables(self) -> list[str]:
        return [PROBES.format(setting=setting) for setting in self.cells]

    def _size_tables(self) -> list[str]:
        return [SIZES.format(scoring=one) for one in self.section.sizes.metrics]

    def figures(self) -> dict[str, Paths]:
        """The figures that have something to show -> the tables that they read, by name."""
        tables = {
            "similarity": [MATRIX.format(stimuli=one, metric=metric)
                           for one in self.section.stimuli for metric in self.scored()],
            "models": [MODELS],
            **self._tables_by_name(),
            "probes": self._probe_tables(),
            "size_scores": self._size_tables() if self.section.sizes else [],
        }  # fmt: skip
        empty, found = left_out(self.section, self.models, self.scored()), {}
        for kind, entry in FIGURES.items():
            name = kind.removeprefix(f"{self.name}_")
            if entry.facts.study == self.name and name not in empty:
                own = {table: tables.get(table, []) for table in entry.facts.inputs}
                if all(own.values()):
                    found[name] = own
        return found

    # ---- parameters ----

    def extraction(self, setting: str) -> SettingExtraction:
        """Those of the representations of a setting's models."""
        return SettingExtraction(
            setting=setting,
            cells=[self._cell(cell) for cell in self.cells[setting]],
            stimuli={one: self._stimuli(one) for one in self.stimuli()},
            version=version("whyalike.studies.consistency.extraction"),
        )

    def _cell(self, cell: Cell) -> dict[str, Any]:
        """As the main line extracts it, without stimuli, and of the final weights of the zoos' runs alone."""
        runs = self._runs_of(cell)
        if isinstance(self.config.settings[cell.setting], OwnActivations):
            own = {run.name: views.view_of(self.config, run).identity for run in runs}
            return GivenActivations(views=own, **self.config.stored()).plain()
        given = json.loads(self.flow.activations_work(SimpleNamespace(**vars(cell), stimuli=self.stimuli()[0])))
        own = {key: given[key] for key in given if key not in ("steps", "shift_version")}
        if isinstance(own["runs"], list):
            own["runs"] = [run.identity for run in runs]
            own |= {"views": {run: own["views"][run] for run in own["runs"]}} if "views" in own else {}
        return {**own, "stimuli": {}, "untrained": {}}

    def _stimuli(self, name: str) -> dict[str, Any]:
        state = self.flow.shift_version(name)
        return {**self.config.stimuli[name].plain(), **({"shift_version": state} if state else {})}

    def scored(self) -> dict[str, list[Scored]]:
        """Metric -> its scorings, of both analyses."""
        found: dict[str, list[Scored]] = {}
        for analysis, rows, given in (
            (CORRECTED, RAW, self.section.metrics),
            (PUBLISHED, UNIT, self.section.as_published),
        ):
            for scoring, parameters in given.items():
                one = Scored(analysis=analysis, scoring=scoring, rows=rows, parameters=parameters)
                found.setdefault(metric_of(scoring, parameters), []).append(one)
        return found

    def matrix(self, stimuli: str, metric: str) -> MatrixParameters:
        """Those of the similarities on a set by a metric."""
        return MatrixParameters(stimuli=stimuli, of=self.sets()[stimuli], metric=metric, scored=self.scored()[metric],
                                models=self.compared, seed=self.section.seed)  # fmt: skip

    def of_sizes(self, scoring: str) -> SizesParameters:
        """Those of the similarities by the number of stimuli."""
        sizes = self.section.sizes
        own = self.section.stimuli.get(sizes.stimuli)
        one = Scored(analysis=PUBLISHED, scoring=scoring, rows=UNIT, parameters=sizes.metrics[scoring])
        return SizesParameters(stimuli=sizes.stimuli, labelling=own.labelling if own else None,
                               per_class=sizes.per_class, scored=one, models=self.compared,
                               seed=sizes.seed)  # fmt: skip

    def probing(self, setting: str) -> ProbeParameters:
        """Those of the linear probes of a setting's models."""
        probed = self.probed()
        datasets = {one: self.config.stimuli[one].dataset for own in probed.values() for one in (own.train, own.test)}
        return ProbeParameters(
            setting=setting,
            models=_without_attributes(self._models_of(setting)),
            sets=probed,
            datasets=datasets,
            seed=self.section.seed,
            **self.section.probe.plain(),
        )

    def statistics(self) -> ConsistencyStatistics:
        """Those of every table of statistics."""
        keys = ("categories", "families", "strata", "factorial", "anchors", "draws", "seed")
        return ConsistencyStatistics(
            models=self.models, sets=self.sets(), **{key: getattr(self.section, key) for key in keys}
        )


def _without_attributes(models: Iterable[Model]) -> list[Model]:
    return [one.model_copy(update={"attributes": {}}) for one in models]


def _code(name: str) -> str:
    return f"whyalike.studies.consistency.{name}"


def _code_of(metric: str) -> list[str]:
    """What computes a metric for pairs, and for all models together."""
    return [METRICS[metric].target, *([ENGINES[metric].target] if metric in ENGINES else [])]
