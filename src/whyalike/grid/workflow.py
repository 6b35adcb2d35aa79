"""What the rules ask for: the paths of each stage's files, and the canonical parameters of each job.

Every job gets one JSON text that holds just the part of the configuration which its result depends on, and the state of
its code (a fingerprint, or an explicit version where stored runs or GPU time hang on it). Snakemake compares that text.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from whyalike.config.config import Config, Figure
from whyalike.config.external import OwnActivations, OwnCheckpoints
from whyalike.config.yaml_file import ConfigError
from whyalike.data.registry import SOURCES
from whyalike.designs.registry import DESIGNS, FROM_FILES, design
from whyalike.figures.registry import FIGURES
from whyalike.files import canonical_json
from whyalike.grid import partial, views
from whyalike.grid.parts import WHOLE, parts, runs_of
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.sample_texts import speakers, speaking
from whyalike.provenance import fingerprint, version
from whyalike.similarity.families import family_jobs
from whyalike.similarity.metrics.facts import MetricFacts
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of

DATA_FILES = ("array.npy", "labels.parquet", "checksums.json")
FIGURE_FILES = ("svg", "pdf", "png", "csv")
SAMPLE_FILES = ("md", "csv")
TABLES = ("mutual_information", "accuracy")
# of a metric: no score is made with them
DESCRIPTIVE_FACTS = (
    "arguments",
    "family",
    "prepared_by",
    "invariances",
    "range",
    "self_value",
    "source",
    "formula",
    "chance",
    "cost",
    "use",
)


class Workflow:
    """Paths and parameters for one configuration. Wildcards come as the rules name them."""

    def __init__(self, config: Config):
        self.config = config
        self.root = f"{config.results}/{config.name}"
        self.store = f"{config.results}/runs"
        self.asked = self.grid = Grid(config)
        if config.partial:
            self.grid = partial.finished_only(self.asked, self._manifest, self.manifest_work)

    # ---- paths ----

    def dataset(self, name: str) -> list[str]:
        """The files of a prepared data set."""
        return [f"{self.root}/data/{name}/{file}" for file in DATA_FILES]

    def figures(self) -> list[str]:
        """Every figure that the configuration names; of a partial result, those of studies with a finished seed."""
        drawn = {name: figure.study is None or self.study_scores(figure.study)
                 for name, figure in self.config.figures.items()}  # fmt: skip
        return [f"{self.root}/figures/{name}.svg" for name in drawn if drawn[name]]

    def layer_sets(self) -> dict[str, tuple[tuple[str, ...], list[str]]]:
        """Name of a layer set -> its layers and the settings that use it: one extraction rule each."""
        sets: dict[str, tuple[tuple[str, ...], list[str]]] = {}
        for name, setting in self.config.settings.items():
            if isinstance(setting, OwnActivations):
                continue
            words = "_".join(layer.replace(".", "__") for layer in setting.layers)
            sets.setdefault(words, (setting.layers, []))[1].append(name)
        return sets

    def setting_dataset(self, wildcards: Any) -> list[str]:
        """The training data of a cell."""
        return self.dataset(self.config.settings[wildcards.setting].dataset)

    def stimuli_dataset(self, wildcards: Any) -> list[str]:
        """The data set that stimuli come from."""
        return self.dataset(self.config.stimuli[wildcards.stimuli].dataset)

    def comparison_activations(self, wildcards: Any) -> list[str]:
        """Activation files of a comparison: by setting, layer, then seed."""
        comparison = self.comparisons(wildcards.study)[wildcards.comparison]
        cells = views.cells(self.grid, wildcards.study, comparison)
        return [f"{self.root}/activations/{setting}/{cell.factor}/seed{cell.seed}/{wildcards.stimuli}.{layer}.parquet"
                for setting in comparison.settings for layer in self.config.settings[setting].layers
                for cell in cells if cell.setting == setting]  # fmt: skip

    def comparison_manifests(self, wildcards: Any) -> list[str]:
        """Manifests of a comparison, by setting, then seed."""
        comparison = self.comparisons(wildcards.study)[wildcards.comparison]
        return [self._manifest(cell) for cell in views.cells(self.grid, wildcards.study, comparison)]

    def comparison_datasets(self, wildcards: Any) -> list[str]:
        """Label files of the training data and of the stimuli of a comparison."""
        setting = self.config.settings[self.comparisons(wildcards.study)[wildcards.comparison].a]
        names = (setting.dataset, self.config.stimuli[wildcards.stimuli].dataset)
        return [f"{self.root}/data/{name}/labels.parquet" for name in dict.fromkeys(names)]

    def comparisons(self, study: str) -> dict[str, views.Comparison]:
        """The comparisons of a study by name, without those of which no seed is finished."""
        known = views.comparisons(self.config, study).items()
        return {name: one for name, one in known if self.grid.seeds(study, *one.settings)}

    def family_jobs(self) -> dict[str, list[str]]:
        """The jobs that score a comparison on a stimulus set, each with its scorings: the same for all comparisons."""
        return family_jobs(self.config.similarity.metrics)

    def family_scores(self, wildcards: Any) -> list[str]:
        """Score tables of the family jobs of a comparison on a stimulus set."""
        folder = f"{self.root}/similarity/{wildcards.study}/{wildcards.comparison}/families"
        return [f"{folder}/{wildcards.stimuli}.{job}.parquet" for job in self.family_jobs()]

    def study_scores(self, study: str, names: Collection[str] | None = None) -> list[str]:
        """Score tables of a study, or of those of its comparisons."""
        return [f"{self.root}/similarity/{study}/{name}/{stimuli}.parquet"
                for name, one in self.comparisons(study).items() if names is None or name in names
                for stimuli in views.stimuli(self.config, study, one)]  # fmt: skip

    def settings_scores(self) -> list[str]:
        """Score tables of every study, without its named comparisons."""
        studies = self.config.studies.items()
        return [path for name, study in studies for path in self.study_scores(name, study.settings)]

    def all_statistics(self) -> list[str]:
        """Statistics of every study."""
        return [f"{self.root}/statistics/{study}.parquet" for study in self.config.studies if self.study_scores(study)]

    def all_manifests(self) -> list[str]:
        """Manifests of every cell."""
        return [self._manifest(cell) for cell in self.grid.cells]

    def figure_inputs(self, wildcards: Any) -> dict[str, list[str]]:
        """The files that a figure is drawn from, by what its kind needs."""
        figure = self.config.figures[wildcards.figure]
        if figure.study and not self.study_scores(figure.study):
            raise ConfigError(f"figure {wildcards.figure}: study {figure.study} has no finished seed to show")
        files = {
            "manifests": self.all_manifests,
            "tables": lambda: [f"{self.root}/statistics/mutual_information.csv"],
            "data": lambda: self.dataset(figure.dataset),
            **self._shown(figure),
        }
        return {need: files[need]() for need in FIGURES[figure.kind].facts.inputs}

    def _shown(self, figure: Figure) -> dict[str, Callable[[], list[str]]]:
        """Ways to find the files that a figure may show, by what they hold."""
        asked = figure.options.get("comparison")
        shown = [asked] if asked else figure.study and self.config.studies[figure.study].settings

        def scores() -> list[str]:
            of = _chosen(self.config, figure)
            return [f"{self.root}/similarity/{figure.study}/{of['comparison']}/{of['stimuli']}.parquet"]

        def activations() -> list[str]:
            of, factor = _chosen(self.config, figure), self.config.studies[figure.study].factor
            base = f"{self.root}/activations/{of['comparison']}/{factor}"
            name = f"{of['stimuli']}.{of['layer']}.parquet"
            return [f"{base}/seed{seed}/{name}" for seed in self.grid.seeds(figure.study, of["comparison"])]

        def published(kind: str, names: Iterable[str]) -> list[str]:
            return [f"{self.root}/published/{name}.{kind}.parquet" for name in names]

        return {
            "panel_scores": scores,
            "representations": activations,
            "labels": lambda: self.dataset(self.config.stimuli[_chosen(self.config, figure)["stimuli"]].dataset),
            "scores": lambda: [*self.study_scores(figure.study, shown), *published("scores", figure.published)],
            "statistics": lambda: [
                f"{self.root}/statistics/{figure.study}.parquet",
                *published("statistics", figure.published),
            ],
            "all_statistics": lambda: [*self.all_statistics(), *published("statistics", self.config.published)],
        }

    def import_settings(self, *kinds: str) -> str:
        """The settings whose runs come from files, as a wildcard's pattern; it matches nothing if there are none."""
        settings = self.config.settings.items()
        return "|".join(name for name, one in settings if any(hasattr(one, kind) for kind in kinds)) or "(?!)"

    def import_files(self, wildcards: Any) -> list[str]:
        """The user's files of all runs of a setting, by run."""
        return self.config.settings[wildcards.setting].files(self.grid.stimuli(_external(wildcards)))

    def activation_files(self, wildcards: Any) -> list[str]:
        """The user's activation files of one layer on one stimulus set, by run."""
        return self.config.settings[wildcards.setting].files([wildcards.stimuli], [wildcards.layer])

    def part_manifests(self, wildcards: Any) -> list[str]:
        """Manifests of the jobs that train a cell, one a part."""
        return [self._manifest(_cell(wildcards), part) for part in parts(self.grid, _cell(wildcards))]

    def _manifest(self, cell: Cell, part: str = WHOLE) -> str:
        return f"{self.root}/models/{cell.setting}/{cell.factor}/seed{cell.seed}{part}.parquet"

    # ---- parameters ----

    def manifest_work(self, cell: Cell) -> str:
        """Parameters of a cell's manifest, trained or imported."""
        return self.training_work(cell) if design(cell.factor).is_trained else self.import_work(cell)

    def data_work(self, wildcards: Any) -> str:
        """Parameters of a prepared data set."""
        dataset = self.config.datasets[wildcards.dataset]
        parameters = dataset.plain(exclude=["source"])
        state = {"version": version(SOURCES[dataset.source].module)}
        return canonical_json({"source": dataset.source, "parameters": parameters, **state})

    def splits_work(self, wildcards: Any) -> str:
        """Parameters of a cell's splits."""
        cell = _cell(wildcards)
        runs = [{"name": run.name, "labelling": run.labelling, "level": run.level} for run in self.grid.runs(cell)]
        state = {"version": version(design(cell.factor).version_of)}
        return canonical_json({"factor": cell.factor, "seed": cell.seed, "runs": runs, **state})

    def training_work(self, wildcards: Any) -> str:
        """Parameters of a cell's training, or of a part's; the versions of the code are part of a run's identity."""
        cell = _cell(wildcards)
        runs = runs_of(self.grid, cell, getattr(wildcards, "part", WHOLE))
        setting = self.config.settings[cell.setting]
        return canonical_json(
            {
                **vars(cell),
                "size": setting.size,
                "model": self.config.models[setting.model].plain(),
                "recipe": self.config.recipes[setting.recipe].plain(),
                "runs": [run.plain() for run in runs],
                "min_accuracy": self.grid.min_accuracy(cell),
            }
        )

    def import_work(self, wildcards: Any) -> str:
        """Parameters of the import of a setting's runs."""
        cell = _external(wildcards)
        setting = self.config.settings[cell.setting]
        work = {**vars(cell), "runs": [run.plain() for run in self.grid.runs(cell)], "labelling": setting.labelling}
        if isinstance(setting, OwnCheckpoints):
            model = self.config.models[setting.model].plain()
            work |= {"model": model, "classes": setting.classes, "version": version("whyalike.training.imported")}
        return canonical_json(work)

    def import_activations_work(self, wildcards: Any) -> str:
        """Parameters of the import of a setting's activations on one stimulus set."""
        runs = {run.name: run.identity for run in self.grid.runs(_external(wildcards))}
        stimuli = self.config.stimuli[wildcards.stimuli].plain()
        code = fingerprint("whyalike.activations.imported:import_activations")
        return canonical_json({"runs": runs, "stimuli": stimuli, **self.config.stored(), "code": code})

    def activations_work(self, wildcards: Any) -> str:
        """Parameters of the extraction of a cell on one stimulus set."""
        cell = _cell(wildcards)
        setting = self.config.settings[cell.setting]
        # checkpoints from files bring the mean and SD of their training
        recipe = setting if isinstance(setting, OwnCheckpoints) else self.config.recipes[setting.recipe]
        runs = self.grid.runs(cell)
        return canonical_json(
            {
                "seed": cell.seed,
                "size": setting.size,
                "model": self.config.models[setting.model].plain(),
                "mean": getattr(recipe, "mean", None),
                "std": getattr(recipe, "std", None),
                "layers": setting.layers,
                "stimuli": self.config.stimuli[wildcards.stimuli].plain(),
                "runs": [run.identity for run in runs],
                "untrained": {run.untrained: run.replica if run.start is None else run.start for run in runs},
                **({"steps": steps} if (steps := views.kept_steps(self.grid, cell, wildcards.stimuli)) else {}),
                **self.config.stored(),
                "version": version("whyalike.activations.extraction"),
            }
        )

    def similarity_work(self, wildcards: Any) -> str:
        """Parameters of the score table of one comparison on one stimulus set, or of one of its family jobs."""
        study = self.config.studies[wildcards.study]
        comparison = self.comparisons(wildcards.study)[wildcards.comparison]
        setting = self.config.settings[comparison.a]
        similarity = self.config.similarity
        job = getattr(wildcards, "job", None)
        names = similarity.metrics if job is None else self.family_jobs()[job]
        joined = [] if job else ["whyalike.similarity.joining:join_scores"]
        scorings = {name: similarity.metrics[name] for name in names}
        metrics = {metric: METRICS[metric] for metric in (metric_of(*one) for one in scorings.items())}
        return canonical_json(
            {
                "study": wildcards.study,
                **comparison.plain(),
                "factor": study.factor,
                **design(study.factor).scored(),
                "labelling": setting.labelling,
                "layers": setting.layers,
                "stimuli": wildcards.stimuli,
                "in_distribution": self.config.stimuli[wildcards.stimuli].dataset == setting.dataset,
                "fixed_classes": study.fixed_classes,
                "pairs": [pair.plain() for pair in views.pairs(self.grid, wildcards.study, comparison)],
                "seeds_asked": partial.seeds(self.asked, wildcards.study, comparison),
                **similarity.plain(),
                "metrics": scorings,
                "facts": {name: _counting(entry.facts) for name, entry in metrics.items()},
                "code": fingerprint(
                    *joined,
                    "whyalike.similarity.comparison:score_comparison",
                    *sorted({entry.target for entry in metrics.values()}),
                ),
            }
        )

    def statistics_work(self, wildcards: Any) -> str:
        """Parameters of one study's statistics."""
        statistics = self.config.statistics.plain()
        name = self.config.studies[wildcards.study].factor
        code = fingerprint("whyalike.statistics.making:analyse_study", DESIGNS[name].target, design(name).statistics)
        return canonical_json({"study": wildcards.study, **statistics, **self.lacking(wildcards.study), "code": code})

    def tables_work(self, _: Any) -> str:
        """Parameters of the tables over all studies; an architecture's settings count once together."""
        architectures = {name: getattr(setting, "model", name) for name, setting in self.config.settings.items()}
        statistics = self.config.statistics.plain(exclude=["permutations"])
        code = fingerprint("whyalike.statistics.making:write_tables", *self._designs())
        return canonical_json({"architectures": architectures, **statistics, **self.lacking(), "code": code})

    def findings_work(self, _: Any) -> str:
        """Parameters of the findings in words."""
        kinds = {one[0]: METRICS[metric_of(*one)].facts.kind for one in self.config.similarity.metrics.items()}
        told = sorted({design(study.factor).findings for study in self.config.studies.values()})
        code = fingerprint("whyalike.statistics.making:write_findings", *self._designs(), *told)
        return canonical_json({"kinds": kinds, **self.lacking(), "code": code})

    def figure_work(self, wildcards: Any) -> str:
        """Parameters of one figure."""
        figure = self.config.figures[wildcards.figure]
        entry = FIGURES[figure.kind]
        work = {"kind": figure.kind, "options": figure.options, "inputs": entry.facts.inputs}
        work |= self.lacking(figure.study) if figure.study or figure.dataset is None else {}
        code = fingerprint("whyalike.figures.making:make_figure", entry.target, *self._designs(figure.study))
        return canonical_json({**work, "code": code})

    def lacking(self, study: str | None = None) -> dict[str, list[str]]:
        """What a result (of one study) lacks, in words; empty for a whole one."""
        lines = partial.lacking(self.asked, self.grid, study) if self.config.partial else []
        return {"partial": lines} if lines else {}

    def _designs(self, study: str | None = None) -> list[str]:
        """The designs of all studies, or of one, as entries of a fingerprint."""
        studies = [self.config.studies[study]] if study else self.config.studies.values()
        return sorted({DESIGNS[one.factor].target for one in studies})

    def category(self, wildcards: Any) -> str:
        """The heading of a figure in the report."""
        return FIGURES[self.config.figures[wildcards.figure].kind].facts.category

    # ---- claims ----

    def claims_work(self, _: Any) -> str:
        """Parameters of the claims; the table of claims is part of the code."""
        code = fingerprint("whyalike.statistics.making:write_claims")
        return canonical_json({**self.lacking(), "code": code})

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
        return [f"{self.root}/samples/{name}.md" for name in self.config.sample_texts if speaking(self.grid, name)]

    def sample_manifests(self, wildcards: Any) -> list[str]:
        """The manifests of the models that speak."""
        cells = speaking(self.grid, wildcards.sample)
        return [f"{self.root}/models/{cell.setting}/{cell.factor}/seed{cell.seed}.parquet" for cell in cells]

    def sample_datasets(self, wildcards: Any) -> list[str]:
        """The label files of their training data, which hold the tokenizers."""
        names = (self.config.settings[cell.setting].dataset for cell in speaking(self.grid, wildcards.sample))
        return [f"{self.root}/data/{name}/labels.parquet" for name in dict.fromkeys(names)]

    def sample_work(self, wildcards: Any) -> str:
        """Parameters of a sample text."""
        sample = self.config.sample_texts[wildcards.sample]
        cells = [speakers(self.grid, sample.study, cell) for cell in speaking(self.grid, wildcards.sample)]
        code = fingerprint("whyalike.activations.sampling:sample_text")
        return canonical_json({**sample.plain(exclude=["seeds"]), "cells": cells, "code": code})


def _chosen(config: Config, figure: Figure) -> dict[str, str]:
    """What a figure shows of its study: what its options name, or else the first of each."""
    study, options = config.studies[figure.study], figure.options
    comparison = options.get("comparison", study.settings[0])
    stimuli = options.get("stimuli", study.stimuli_of(comparison)[0])
    layer = options.get("layer", config.settings[comparison].layers[0])
    return {"comparison": comparison, "stimuli": stimuli, "layer": layer}


def _counting(facts: MetricFacts) -> dict[str, Any]:
    """What scores depend on of the facts of a metric."""
    return {name: value for name, value in vars(facts).items() if name not in DESCRIPTIVE_FACTS}


def _cell(wildcards: Any) -> Cell:
    return Cell(wildcards.setting, wildcards.factor, int(wildcards.seed))


def _external(wildcards: Any) -> Cell:
    return Cell(wildcards.setting, FROM_FILES, int(wildcards.seed))
