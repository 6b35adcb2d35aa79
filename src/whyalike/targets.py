"""What the rules beside the main line ask for: their paths, and the canonical parameters of their jobs.

As in `whyalike.workflow`, a job's parameters are one JSON text of what its result depends on and the state of its code.
"""

from typing import Any

from whyalike.designs.registry import DESIGNS, design
from whyalike.files import canonical_json
from whyalike.provenance import fingerprint
from whyalike.runs import Cell
from whyalike.workflow import Workflow

SAMPLE_FILES = ("md", "csv")


class Targets:
    """Paths and parameters for one configuration. Wildcards come as the rules name them."""

    def __init__(self, flow: Workflow):
        self.flow, self.config, self.grid, self.root = flow, flow.config, flow.grid, flow.root

    # ---- claims ----

    def claims_work(self, _: Any) -> str:
        """Parameters of the claims; the table of claims is part of the code."""
        code = fingerprint("whyalike.statistics.making:write_claims")
        return canonical_json({**self.flow.lacking(), "code": code})

    # ---- published scores ----

    def published_files(self, wildcards: Any) -> list[str]:
        """The published tables, as the user has them."""
        return [str(path) for path in self.config.published[wildcards.published].files]

    def published_work(self, wildcards: Any) -> str:
        """Parameters of published scores and their statistics."""
        published = self.config.published[wildcards.published]
        factor = self.config.studies[published.study].factor
        statistics = self.config.statistics.plain()
        code = fingerprint(
            "whyalike.statistics.analysis:analyse_published", DESIGNS[factor].target, design(factor).statistics
        )
        return canonical_json({**published.plain(), "factor": factor, **statistics, "code": code})

    # ---- sample text ----

    def samples(self) -> list[str]:
        """The page of every sample text; of a partial result, those with a finished seed."""
        return [f"{self.root}/samples/{name}.md" for name in self.config.sample_texts if self._sample_cells(name)]

    def sample_manifests(self, wildcards: Any) -> list[str]:
        """The manifests of the models that speak."""
        cells = self._sample_cells(wildcards.sample)
        return [f"{self.root}/models/{cell.setting}/{cell.factor}/seed{cell.seed}.parquet" for cell in cells]

    def sample_datasets(self, wildcards: Any) -> list[str]:
        """The label files of their training data, which hold the tokenizers."""
        names = (self.config.settings[cell.setting].dataset for cell in self._sample_cells(wildcards.sample))
        return [f"{self.root}/data/{name}/labels.parquet" for name in dict.fromkeys(names)]

    def sample_work(self, wildcards: Any) -> str:
        """Parameters of a sample text."""
        sample = self.config.sample_texts[wildcards.sample]
        cells = [self._speakers(sample.study, cell) for cell in self._sample_cells(wildcards.sample)]
        code = fingerprint("whyalike.activations.sampling:sample_text")
        return canonical_json({**sample.plain(exclude=["seeds"]), "cells": cells, "code": code})

    def _sample_cells(self, name: str) -> list[Cell]:
        sample = self.config.sample_texts[name]
        study = self.config.studies[sample.study]
        return [
            Cell(setting, study.factor, seed)
            for setting in study.settings
            for seed in self.grid.seeds(sample.study, setting)
            if seed in (sample.seeds or study.seeds[:1])
        ]

    def _speakers(self, study: str, cell: Cell) -> dict[str, Any]:
        """The models of a cell at the study's levels, each once: A first, then the levels of B."""
        pairs = [pair for pair in self.grid.pairs(study, cell.setting) if pair.seed == cell.seed]
        runs = {run.identity: run for runs in zip(*((pair.run_a, pair.run_b) for pair in pairs), strict=True)
                for run in runs}  # fmt: skip
        setting = self.config.settings[cell.setting]
        told = [{"seed": run.seed, "name": run.name, "level": run.level, "run": run.identity} for run in runs.values()]
        model = self.config.models[setting.model].plain()
        return {"setting": cell.setting, "dataset": setting.dataset, "model": model, "runs": told}
