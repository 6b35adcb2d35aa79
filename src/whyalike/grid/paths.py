"""The paths of each stage's files, as the rules ask for them."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from whyalike.config.config import Config
from whyalike.config.external import OwnActivations
from whyalike.designs.registry import FROM_FILES, design
from whyalike.grid import all_pairs, views
from whyalike.grid.parts import WHOLE, parts, score_parts
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.sample_texts import speaking
from whyalike.similarity.families import family_jobs
from whyalike.statistics.claims_table import CLAIMS

DATA_FILES = ("array.npy", "labels.parquet", "checksums.json")
SAMPLE_FILES = ("md", "csv")
LAYER_WORDS = 100  # letters: the name of a rule is part of folders' names, and SLURM's logs have more in theirs
DROPPED = "_for_scores_alone"
TABLES = ("mutual_information", "accuracy")


class Paths:
    """The paths of one configuration. Wildcards come as the rules name them."""

    def __init__(self, config: Config):
        self.config = config
        self.root = f"{config.results}/{config.name}"
        self.store = f"{config.results}/runs"
        self.asked = self.grid = Grid(config)

    def dataset(self, name: str) -> list[str]:
        """The files of a prepared data set."""
        return [f"{self.root}/data/{name}/{file}" for file in DATA_FILES]

    def is_temporary(self, setting: str | None) -> bool:
        """Whether the representations of a setting go once they are scored."""
        return views.is_temporary(self.config, setting)

    def import_rules(self) -> dict[str, list[str]]:
        """Name of a rule that imports activations -> its settings: those whose representations stay, and the others."""
        rules: dict[str, list[str]] = {"import_activations": [], f"import_activations{DROPPED}": []}
        for name in (name for name, one in self.config.settings.items() if isinstance(one, OwnActivations)):
            rules[f"import_activations{self._dropped(name)}"].append(name)
        return rules

    def _dropped(self, setting: str) -> str:
        """The end of the name of a rule whose outputs a study lets go, where others keep them."""
        return DROPPED if self.config.activations != "recompute" and self.is_temporary(setting) else ""

    def layer_sets(self) -> dict[str, tuple[tuple[str, ...], list[str]]]:
        """Name of a layer set -> its layers and the settings that use it: one extraction rule each."""
        sets: dict[str, tuple[tuple[str, ...], list[str]]] = {}
        for name, setting in self.config.settings.items():
            if isinstance(setting, OwnActivations):
                continue
            words = "_".join(layer.replace(".", "__") for layer in setting.layers)
            if len(words) > LAYER_WORDS:
                words = f"{len(setting.layers)}_layers_{hashlib.sha256(words.encode()).hexdigest()[:8]}"
            sets.setdefault(f"{words}{self._dropped(name)}", (setting.layers, []))[1].append(name)
        return sets

    def setting_dataset(self, wildcards: Any) -> list[str]:
        """The training data of a cell."""
        return self.dataset(self.config.settings[wildcards.setting].dataset)

    def stimuli_dataset(self, wildcards: Any) -> list[str]:
        """The data set that stimuli come from."""
        return self.dataset(self.config.stimuli[wildcards.stimuli].dataset)

    def recalibration_dataset(self, wildcards: Any) -> list[str]:
        """The training data of a cell, where images of them recalibrate its models."""
        setting = self.config.settings[wildcards.setting]
        return self.dataset(setting.dataset) if getattr(setting, "recalibration", 0) else []

    def comparison_activations(self, wildcards: Any) -> list[str]:
        """Activation files of a comparison, or of a part of it: by setting, layer, then seed."""
        comparison = self.comparisons(wildcards.study)[wildcards.comparison]
        cells = self.compared_cells(wildcards)
        return [f"{self.root}/activations/{setting}/{cell.factor}/seed{cell.seed}/{wildcards.stimuli}.{layer}.parquet"
                for setting in comparison.settings for layer in self.config.settings[setting].layers
                for cell in cells if cell.setting == setting]  # fmt: skip

    def comparison_manifests(self, wildcards: Any) -> list[str]:
        """Manifests of a comparison, or of a part of it, by setting, then seed."""
        return [self.manifest(cell) for cell in self.compared_cells(wildcards)]

    def compared_cells(self, wildcards: Any) -> list[Cell]:
        """The cells of a comparison, or of the pairs of a part of it."""
        comparison = self.comparisons(wildcards.study)[wildcards.comparison]
        cells = views.cells(self.grid, wildcards.study, comparison)
        if isinstance(comparison, views.AllOf):
            return all_pairs.cells(self.grid, wildcards.study, comparison, wildcards.stimuli)
        if (part := getattr(wildcards, "part", WHOLE)) == WHOLE:
            return cells
        pairs = [pair.runs for _, pair in self.numbered_pairs(wildcards.study, comparison, part)]
        wanted = {(run.setting, run.seed) for pair in pairs for run in (pair.run_a, pair.run_b)}
        return [cell for cell in cells if (cell.setting, cell.seed) in wanted]

    def numbered_pairs(
        self, study: str, comparison: views.Comparison, part: str = WHOLE
    ) -> list[tuple[int, views.PairOfViews]]:
        """The pairs of a comparison, or of a part of it, each with its number among all."""
        pairs = enumerate(views.pairs(self.grid, study, comparison))
        if part == WHOLE:
            return list(pairs)
        seeds = score_parts(self.grid, study, comparison)[part]
        return [(number, pair) for number, pair in pairs if pair.runs.seed in seeds]

    def stimuli_labels(self, wildcards: Any) -> str:
        """The label file of the data set that stimuli come from."""
        return f"{self.root}/data/{self.config.stimuli[wildcards.stimuli].dataset}/labels.parquet"

    def comparison_datasets(self, wildcards: Any) -> list[str]:
        """Label files of the training data and of the stimuli of a comparison."""
        setting = self.config.settings[self.comparisons(wildcards.study)[wildcards.comparison].a]
        names = (setting.dataset, self.config.stimuli[wildcards.stimuli].dataset)
        return [f"{self.root}/data/{name}/labels.parquet" for name in dict.fromkeys(names)]

    def comparisons(self, study: str) -> dict[str, views.Comparison]:
        """The comparisons of a study by name, without those of which no pair is finished."""
        known = views.comparisons(self.config, study).items()
        return {name: one for name, one in known if self._has_pairs(study, one)}

    def _has_pairs(self, study: str, comparison: views.Comparison) -> bool:
        if isinstance(comparison, views.AllOf):
            return bool(views.cells(self.grid, study, comparison))
        return bool(self.grid.pair_seeds(study, comparison.a, comparison.b))

    def told(self, study: str) -> list[str]:
        """Names of the comparisons that statistics and findings tell of: all but those of all pairs."""
        return [name for name, one in self.comparisons(study).items() if not isinstance(one, views.AllOf)]

    def family_jobs(self) -> dict[str, list[str]]:
        """The jobs that score a comparison on a stimulus set, each with its scorings: the same for all comparisons."""
        return family_jobs(self.config.similarity.metrics)

    def family_scores(self, wildcards: Any) -> list[str]:
        """Score tables of the family jobs of a comparison on a stimulus set, those of one family together."""
        folder = f"{self.root}/similarity/{wildcards.study}/{wildcards.comparison}/families"
        if isinstance(self.comparisons(wildcards.study)[wildcards.comparison], views.AllOf):
            folder = str(Path(folder).with_name("all_pairs"))
            return [f"{folder}/{wildcards.stimuli}.{job}.parquet" for job in self.family_jobs()]
        parts = score_parts(self.grid, wildcards.study, self.comparisons(wildcards.study)[wildcards.comparison])
        return [f"{folder}/{wildcards.stimuli}.{job}{part}.parquet" for job in self.family_jobs() for part in parts]

    def study_scores(self, study: str, names: Collection[str] | None = None) -> list[str]:
        """Score tables of a study, or of those of its comparisons."""
        return [f"{self.root}/similarity/{study}/{name}/{stimuli}.parquet"
                for name, one in self.comparisons(study).items() if names is None or name in names
                for stimuli in views.stimuli(self.config, study, one)
                if not isinstance(one, views.AllOf) or all_pairs.cells(self.grid, study, one, stimuli)]  # fmt: skip

    def settings_scores(self) -> list[str]:
        """Score tables of every study, without its named comparisons."""
        studies = self.config.studies.items()
        return [path for name, study in studies for path in self.study_scores(name, study.settings)]

    def all_scores(self) -> list[str]:
        """Score tables of every study."""
        return [path for study in self.config.studies for path in self.study_scores(study)]

    def pair_tables(self, study: str | None = None, told: bool = False) -> list[str]:
        """Pair tables of a study whose pairs are results, or of all such: one beside each score table.

        ``told`` : without those of all pairs, of which the findings say nothing.
        """
        names = [name for name in self.config.studies if study in (None, name)]
        return [str(path.parent / "pairs" / path.name)
                for name in names if design(self.config.studies[name].factor).is_of_pairs
                for path in map(Path, self.study_scores(name, self.told(name) if told else None))]  # fmt: skip

    def claims(self) -> list[str]:
        """The page of the overlap study's claims, where the configuration has a study of a design that it is about."""
        asked = {study.factor for study in self.config.studies.values()}
        return [f"{self.root}/claims.md"] if asked & {claim.panels.factor for claim in CLAIMS} else []

    def all_statistics(self) -> list[str]:
        """Statistics of every study."""
        return [f"{self.root}/statistics/{study}.parquet" for study in self.config.studies if self.told_scores(study)]

    def told_scores(self, study: str) -> list[str]:
        """Score tables that the statistics of a study are made from."""
        return self.study_scores(study, self.told(study))

    def all_manifests(self) -> list[str]:
        """Manifests of every cell."""
        return [self.manifest(cell) for cell in self.grid.cells]

    def import_settings(self, *kinds: str) -> str:
        """The settings whose runs come from files, as a wildcard's pattern; it matches nothing if there are none."""
        settings = self.config.settings.items()
        return "|".join(name for name, one in settings if any(hasattr(one, kind) for kind in kinds)) or "(?!)"

    def import_files(self, wildcards: Any) -> list[str]:
        """The user's files of all runs of a setting, by run."""
        return self.config.settings[wildcards.setting].files(self.grid.stimuli(external_cell(wildcards)))

    def files_to_import(self, wildcards: Any) -> list[str]:
        """The same; of checkpoints that are yet to be imported those that are there.

        A plan is made without the others, which are told of before any job. What is imported is in the run store, and
        its files may be gone.
        """
        files, is_made = self.import_files(wildcards), Path(self.manifest(external_cell(wildcards))).exists()
        if is_made or not hasattr(self.config.settings[wildcards.setting], "checkpoints"):
            return files
        return [path for path in files if Path(path).exists()]

    def activation_files(self, wildcards: Any) -> list[str]:
        """The user's activation files of one layer on one stimulus set, by run."""
        return self.config.settings[wildcards.setting].files([wildcards.stimuli], [wildcards.layer])

    def part_manifests(self, wildcards: Any) -> list[str]:
        """Manifests of the jobs that train a cell, one a part."""
        return [self.manifest(cell_of(wildcards), part) for part in parts(self.grid, cell_of(wildcards))]

    def published_files(self, wildcards: Any) -> list[str]:
        """The published tables, as the user has them."""
        return [str(path) for path in self.config.published[wildcards.published].files]

    def samples(self) -> list[str]:
        """The page of every sample text; of a partial result, those with a finished seed."""
        return [f"{self.root}/samples/{name}.md" for name in self.config.sample_texts if speaking(self.grid, name)]

    def sample_manifests(self, wildcards: Any) -> list[str]:
        """The manifests of the models that speak."""
        return [self.manifest(cell) for cell in speaking(self.grid, wildcards.sample)]

    def sample_datasets(self, wildcards: Any) -> list[str]:
        """The label files of their training data, which hold the tokenizers."""
        names = (self.config.settings[cell.setting].dataset for cell in speaking(self.grid, wildcards.sample))
        return [f"{self.root}/data/{name}/labels.parquet" for name in dict.fromkeys(names)]

    def manifest(self, cell: Cell, part: str = WHOLE) -> str:
        """The manifest of a cell, or of a part of it."""
        return f"{self.root}/models/{cell.setting}/{cell.factor}/seed{cell.seed}{part}.parquet"


def cell_of(wildcards: Any) -> Cell:
    """The cell that the wildcards of a rule name."""
    return Cell(wildcards.setting, wildcards.factor, int(wildcards.seed))


def external_cell(wildcards: Any) -> Cell:
    """The cell of runs from files that the wildcards of a rule name, which know no design."""
    return Cell(wildcards.setting, FROM_FILES, int(wildcards.seed))
