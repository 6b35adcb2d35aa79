"""The study of convergence as others see it: which models and stimuli there are, its rules, parameters of each job.

Models, data and stimuli are those of the configuration, which the main line prepares and trains. A job loads models at
one checkpoint, or under one shift, and keeps scores alone: representations are never written. Results lie in
{results}/{name}/.
"""

import json
from collections.abc import Iterable
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

from whyalike.config.config import Config
from whyalike.config.faults import listed
from whyalike.config.yaml_file import ConfigError
from whyalike.data.shifts.registry import CONTROL, level_name
from whyalike.figures.registry import FIGURES
from whyalike.grid import views
from whyalike.grid.runs import Cell, Run
from whyalike.grid.workflow import Workflow
from whyalike.similarity.protocols import metric_of
from whyalike.studies.common_rules import drawing
from whyalike.studies.convergence import checks, costs
from whyalike.studies.convergence.checkpoint_checks import names
from whyalike.studies.convergence.drawable import is_followed, left_out
from whyalike.studies.convergence.members import group_of, member_of, of_members
from whyalike.studies.convergence.pairs import main_pairs, members_at
from whyalike.studies.convergence.parameters import (
    Analysis,
    BaselineScores,
    BasisScores,
    CheckpointScores,
    ConvergenceStatistics,
    Group,
    LayerScores,
    Scored,
    ShiftScores,
)
from whyalike.studies.convergence.section import CORRECTED, FINAL, PUBLISHED, SHUFFLED, START, Checkpoints
from whyalike.studies.rule import Paths, Rule, each
from whyalike.studies.study import RuleStudy

SCORES, ACCURACY = "scores/{group}.{checkpoint}.parquet", "accuracy/{group}.{checkpoint}.parquet"
BASES, BASELINES, LAYERS = "bases/{group}.parquet", "baselines/{group}.parquet", "layers/{a}.{b}.parquet"
SHIFTED, UNDER_SHIFT = "shifts/{group}.{shift}.parquet", "accuracy/shifts/{group}.{shift}.parquet"
STATISTICS = "statistics/{table}.parquet"


class ConvergenceStudy(RuleStudy):
    """The groups of models, checkpoints and figures of the study, its rules, parameters of jobs."""

    name = "convergence"

    def __init__(self, config: Config, default: str):
        super().__init__(config, default)
        self._parts: dict[tuple[str, tuple[str, ...]], Group] = {}  # jobs by the hundred ask for the same
        if self.asked:
            found = list(dict.fromkeys(checks.faults(config, self.section))) or list(checks.of_groups(self.groups))
            if found:
                raise ConfigError(listed("configuration", found))

    @cached_property
    def flow(self) -> Workflow:
        """The main line, of which a configuration without the section needs nothing here."""
        return Workflow(self.config)

    # ---- models, stimuli ----

    @cached_property
    def cells(self) -> dict[str, dict[Cell, list[Run]]]:
        """Group -> its cells, of all zoos, with the runs that are compared."""
        found: dict[str, dict[Cell, list[Run]]] = {}
        grid = self.flow.grid
        for zoo in self.section.zoos:
            for setting in (one for one in self.config.studies[zoo].settings if one in self.section.stimuli):
                for cell in grid.cells_of(zoo, setting):
                    for run in (run for run in grid.runs(cell) if run.identity in grid.needed(zoo, cell)):
                        own = found.setdefault(group_of(run), {}).setdefault(cell, [])
                        own += [run] if run not in own else []
        return {name: of for name, of in found.items() if not self.config.partial or self._has_pairs(of)}

    def _has_pairs(self, cells: dict[Cell, list[Run]]) -> bool:
        """Whether two models that count can be compared; of a partial result, of those that are finished."""
        return bool(main_pairs(member_of(self.config, run) for runs in cells.values() for run in runs))

    @cached_property
    def groups(self) -> dict[str, Group]:
        """The groups by name, in the order of the zoos."""
        return {name: self._group(name) for name in self.cells}

    def checkpoints(self, group: str) -> list[str]:
        """Start, the further ones in the order of the section, final."""
        further = self.section.checkpoints.get(self._setting(group), Checkpoints())
        return [START, *names(further), FINAL]

    def shifts_of(self, group: str) -> list[str]:
        """The shifts under which a group is looked at: parametric ones, and stimuli from files by their names."""
        chosen, setting = self.section.shift_settings, self._setting(group)
        if group.endswith(SHUFFLED) or (chosen and setting not in chosen) or self.modality(setting) == "text":
            return []
        return [*self.section.shifts, *self.section.shifted_stimuli]

    def modality(self, setting: str) -> str:
        """What models of a setting see: images or text."""
        return checks.modality(self.config, self.config.settings[setting].dataset)

    def kinds(self) -> dict[str, str]:
        """Group -> cnn, self_supervised, transformer or language."""
        section = self.section
        named = {"self_supervised": section.self_supervised, "transformer": section.transformers,
                 "language": section.language}  # fmt: skip
        return {
            group: next((kind for kind, settings in named.items() if self._setting(group) in settings), "cnn")
            for group in self.cells
        }

    def _setting(self, group: str) -> str:
        return next(iter(self.cells[group])).setting

    def layer_jobs(self) -> list[tuple[str, str]]:
        """Every two groups that see the same stimuli, and each group with itself; none of shuffled labels."""
        names = [group for group in self.cells if not group.endswith(SHUFFLED)]
        seen = {group: self.section.stimuli[self._setting(group)] for group in names}
        return [(a, b) for i, a in enumerate(names) for b in names[i:] if seen[a] == seen[b]]

    # ---- rules ----

    def own_rules(self) -> list[Rule]:
        """The rules by stage: a job is a group at one checkpoint, two groups' layers, or a group under one shift."""
        if not self.cells:
            return []
        groups, local = list(self.cells), partial(Rule, is_local=True)
        looked_at = partial(Rule, stage="similarity", main_line=self._needs, given=self._given,
                            cells=lambda **own: self._cells_of(**own), mem_mb=24000, on_gpu=True)  # fmt: skip
        # of ResNet-50 and 10,000 images products of a layer of 2,048 units take 1.5 GB a model, all responses 0.9
        # name, wildcards of the jobs, what one does; its parameters and function; inputs, outputs; what it takes
        return [
            looked_at(name="score_checkpoint", jobs=[{"group": group, "checkpoint": one} for group in groups
                                                     for one in self.checkpoints(group)],
                      about="alignment of {wildcards.group} at {wildcards.checkpoint}",
                      work=self.checkpoint_scores, target=_code("checkpoint_scores:score_checkpoint"),
                      outputs={"scores": SCORES, "accuracy": ACCURACY}, cost=self._cost("checkpoint")),
            looked_at(name="score_bases", jobs=each(group=groups), about="rotated bases of {wildcards.group}",
                      work=self.basis_scores, target=_code("bases:score_bases"), outputs={"output": BASES},
                      cost=self._cost("bases")),
            looked_at(name="score_baselines", jobs=each(group=groups),
                      about="what the input explains of {wildcards.group}",
                      work=self.baseline_scores, target=_code("baselines:score_baselines"),
                      outputs={"output": BASELINES}, cost=self._cost("baselines")),
            looked_at(name="score_layers", jobs=[{"a": a, "b": b} for a, b in self.layer_jobs()],
                      about="all layers of {wildcards.a} and {wildcards.b}",
                      work=self.layer_scores, target=_code("layers:score_layers"), outputs={"output": LAYERS},
                      cost=self._cost("layers")),
            looked_at(name="score_shift", jobs=[{"group": group, "shift": shift} for group in groups
                                                for shift in self.shifts_of(group)],
                      about="alignment of {wildcards.group} under {wildcards.shift}",
                      work=self.shift_scores, target=_code("shifts:score_shift"),
                      outputs={"scores": SHIFTED, "accuracy": UNDER_SHIFT}, cost=self._cost("shift")),
            *(local(f"tell_{table}", "statistics", each(), f"statistics, {table}",
                    self.statistics, _code(f"statistics.{table}:analyse"), inputs,
                    {"output": STATISTICS.format(table=table)})
              for table, inputs in self.tables().items()),
            local("write_convergence_claims", "statistics", each(), "claims",
                  self.statistics, _code("claims:write_claims"), self._tables_by_name(),
                  {"page": "claims.md", "table": "statistics/claims.parquet"}),
            drawing(self.name, self.figures()),
        ]  # fmt: skip

    def tables(self) -> dict[str, dict[str, list[str]]]:
        """The tables of statistics -> what they read, by name; of what there is nothing of, no table."""
        all_scores = {"scores": self._scores(), "accuracy": self._accuracies()}
        ends = {"scores": [path for group in self.cells for path in self._of_ends(group)],
                "accuracy": self._accuracies(ends=True)}  # fmt: skip
        grids = [group for group in self.cells if checks.has_grid(self.groups[group].members)]
        found = {
            "depth": ends,
            "time": all_scores if is_followed(self.section) else {"scores": []},
            "grid": {"scores": [path for group in grids for path in self._scores(group)]},
            "bases": {"bases": [BASES.format(group=group) for group in self.cells]},
            "baselines": {"baselines": [BASELINES.format(group=group) for group in self.cells]},
            "layers": {"layers": [LAYERS.format(a=a, b=b) for a, b in self.layer_jobs()]},
            "shifts": {"shifts": self._shifted(SHIFTED), "shift_accuracy": self._shifted(UNDER_SHIFT)},
        }
        return {table: inputs for table, inputs in found.items() if all(inputs.values())}

    def _tables_by_name(self) -> Paths:
        return {table: [STATISTICS.format(table=table)] for table in self.tables()}

    def targets(self) -> dict[str, list[str]]:
        """Everything."""
        return {self.name: [file for job in self.jobs() for file in job.files[:1]]}

    # ---- files ----

    def _scores(self, *groups: str) -> list[str]:
        return [SCORES.format(group=group, checkpoint=one) for group in groups or self.cells
                for one in self.checkpoints(group)]  # fmt: skip

    def _of_ends(self, group: str) -> list[str]:
        return [SCORES.format(group=group, checkpoint=one) for one in (START, FINAL)]

    def _accuracies(self, ends: bool = False) -> list[str]:
        return [ACCURACY.format(group=group, checkpoint=one) for group in self.cells
                for one in ((START, FINAL) if ends else self.checkpoints(group))]  # fmt: skip

    def _shifted(self, pattern: str) -> list[str]:
        return [pattern.format(group=group, shift=shift) for group in self.cells for shift in self.shifts_of(group)]

    def _cells_of(self, **wildcards: str) -> list[Cell]:
        groups = [wildcards[key] for key in ("group", "a", "b") if key in wildcards]
        return list(dict.fromkeys(cell for group in groups for cell in self.cells[group]))

    def _needs(self, **wildcards: str) -> Paths:
        """Manifests, data sets of the stimuli, and those whose images recalibrate, as inputs of a job."""
        groups = [wildcards[key] for key in ("group", "a", "b") if key in wildcards]
        settings = [self._setting(group) for group in groups]
        stimuli = [self.section.stimuli[setting] for setting in settings]
        if wildcards.get("shift") in self.section.shifted_stimuli:
            stimuli.append(wildcards["shift"])
        data = dict.fromkeys(self.config.stimuli[one].dataset for one in stimuli)
        own = dict.fromkeys(self.config.settings[setting].dataset for setting in settings)
        return {
            "manifests": [self.flow.manifest(cell) for cell in self._cells_of(**wildcards)],
            "data": [path for one in data for path in self.flow.dataset(one)],
            "training": [path for one in own for path in self.flow.dataset(one)],
        }

    def _given(self, **wildcards: str) -> dict[str, Any]:
        groups = [wildcards[key] for key in ("group", "a", "b") if key in wildcards]
        return {"weights": {group: self.config.weight_paths(self._setting(group)) for group in groups}}

    def figures(self) -> dict[str, Paths]:
        """The figures that have something to show -> the tables that they read, by name."""
        tables = {
            **self._tables_by_name(),
            "scores": self._scores(),
            "accuracies": self._accuracies(),
            "layer_scores": [LAYERS.format(a=a, b=b) for a, b in self.layer_jobs()],
            "shift_scores": self._shifted(SHIFTED),
            "shift_accuracies": self._shifted(UNDER_SHIFT),
        }
        shifted = [group for group in self.cells if self.shifts_of(group)]
        empty, found = left_out(self.section, self.groups, self.kinds(), shifted), {}
        for kind, entry in FIGURES.items():
            name = kind.removeprefix(f"{self.name}_")
            if entry.facts.study == self.name and name not in empty:
                own = {table: tables.get(table, []) for table in entry.facts.inputs}
                if all(own.values()):
                    found[name] = own
        return found

    # ---- parameters ----

    def _group(self, name: str) -> Group:
        setting = self._setting(name)
        section, known = self.config.settings[setting], views.setting_of_views(self.config, setting)
        recipe = self.config.recipes.get(getattr(section, "recipe", None))
        stimuli = self.section.stimuli[setting]
        return Group(
            group=name,
            setting=setting,
            cells=[self._cell(cell, runs, stimuli) for cell, runs in self.cells[name].items()],
            members=[member_of(self.config, run) for runs in self.cells[name].values() for run in runs],
            stimuli=self._stimuli(stimuli),
            stimuli_name=stimuli,
            labelling=section.labelling,
            layers=section.layers,
            fields=known.get("fields", {}),
            size=getattr(section, "size", None),
            recipe={} if recipe is None else recipe.plain(exclude=["keep_steps"]),
        )

    def _at(self, name: str, *checkpoints: str) -> Group:
        """A group with the members alone that have one of some checkpoints: what is added elsewhere changes no job."""
        if (name, checkpoints) not in self._parts:
            whole = self.groups[name]
            runs = {one.run for checkpoint in checkpoints for one in members_at(whole.members, checkpoint)}
            members = [one for one in whole.members if one.run in runs]
            cells = (
                whole.cells if len(members) == len(whole.members) else [of_members(own, members) for own in whole.cells]
            )
            self._parts[name, checkpoints] = whole.model_copy(update={"members": tuple(members), "cells": tuple(cells)})
        return self._parts[name, checkpoints]

    def _cell(self, cell: Cell, runs: Iterable[Run], stimuli: str) -> dict[str, Any]:
        """As the main line extracts it, of these runs alone, without stimuli, kept steps and views."""
        given = json.loads(self.flow.activations_work(SimpleNamespace(**vars(cell), stimuli=stimuli)))
        left_out = ("steps", "shift_version", "views", "recalibration")
        own = {key: value for key, value in given.items() if key not in left_out}
        if isinstance(own["runs"], list):  # of the run store: members tell their starts
            own |= {"runs": [run.identity for run in runs], "untrained": {}}
        return {**own, "stimuli": {}}

    def _stimuli(self, name: str, **shifted: Any) -> dict[str, Any]:
        section = self.config.stimuli[name].model_copy(update=shifted)
        state = checks.shift_version(section)
        return {**section.plain(), **({"shift_version": state} if state else {})}

    def analyses(self, group: str) -> list[Analysis]:
        """Both, or the corrected one alone where as_published is left out."""
        recalibration = getattr(self.config.settings[self._setting(group)], "recalibration", 0)
        given = {CORRECTED: (recalibration, self.section.metrics), PUBLISHED: (0, self.section.as_published)}
        return [
            Analysis(analysis=name, recalibration=images, scored=_scored(scorings),
                     over_time=[one for one in self.section.over_time if one in scorings])
            for name, (images, scorings) in given.items() if scorings
        ]  # fmt: skip

    def _scoring(self, group: str) -> dict[str, Any]:
        keys = ("folds", "folds_seed", "seed")
        return {"analyses": self.analyses(group), **{key: getattr(self.section, key) for key in keys}}

    def checkpoint_scores(self, group: str, checkpoint: str) -> CheckpointScores:
        """Those of the scores of a group at a checkpoint."""
        seen = self._at(group, checkpoint, FINAL)
        return CheckpointScores(group=seen, checkpoint=checkpoint, spearman=self.section.spearman,
                                **self._scoring(group))  # fmt: skip

    def basis_scores(self, group: str) -> BasisScores:
        """Those of the scores of rotated bases."""
        return BasisScores(
            group=self._at(group, START, FINAL), rotations=self.section.rotations, **self._scoring(group)
        )

    def baseline_scores(self, group: str) -> BaselineScores:
        """Those of the scores without what the input explains."""
        return BaselineScores(group=self._at(group, START, FINAL), components=self.section.components,
                              counts=self.section.counts, **self._scoring(group))  # fmt: skip

    def layer_scores(self, a: str, b: str) -> LayerScores:
        """Those of the scores of all layers of two groups."""
        images = {one.analysis: one.recalibration for one in self.analyses(b)}
        return LayerScores(a=self._at(a, FINAL), b=self._at(b, FINAL), pairs=self.section.layer_pairs,
                           recalibration_b=images, **self._scoring(a))  # fmt: skip

    def shift_scores(self, group: str, shift: str) -> ShiftScores:
        """Those of the scores of a group under a shift."""
        own = self.section.stimuli[self._setting(group)]
        if shift in self.section.shifts:
            levels = {level_name(level): self._stimuli(own, shift=shift, levels=(level,))
                      for level in (CONTROL, *self.section.shifts[shift])}  # fmt: skip
        else:
            levels = {"file": self._stimuli(shift)}
        return ShiftScores(group=self._at(group, START, FINAL), shift=shift, levels=levels,
                           matched=self.section.matched, **self._scoring(group))  # fmt: skip

    def statistics(self) -> ConvergenceStatistics:
        """Those of every table of statistics."""
        return ConvergenceStatistics(
            groups={group: self._setting(group) for group in self.cells},
            kinds=self.kinds(),
            stimuli={group: self.section.stimuli[self._setting(group)] for group in self.cells},
            scored=_scored(self.section.metrics),
            over_time=self.section.over_time,
            draws=self.section.draws,
            seed=self.section.seed,
        )

    def _cost(self, kind: str) -> Any:
        return lambda plan, **wildcards: getattr(costs, kind)(plan, self, **wildcards)


def _scored(scorings: dict[str, dict[str, Any]]) -> list[Scored]:
    found = []
    for name, given in scorings.items():
        own = {key: value for key, value in given.items() if key != "metric"}
        found.append(Scored(scoring=name, metric=metric_of(name, given), parameters=own))
    return found


def _code(name: str) -> str:
    return f"whyalike.studies.convergence.{name}"
