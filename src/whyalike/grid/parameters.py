"""The canonical parameters of each job.

Every job gets one JSON text that holds just the part of the configuration which its result depends on, and the state of
its code (a fingerprint, or an explicit version where stored runs or GPU time hang on it). Snakemake compares that text.
"""

from functools import cache
from typing import Any

from whyalike.activations.parameters import (
    ExtractionParameters,
    ImportedActivationsParameters,
    PretrainedExtractionParameters,
    SampleTextParameters,
)
from whyalike.config.config import Config, kind_of
from whyalike.config.external import OwnActivations, OwnCheckpoints
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.data.preparation import PreparationParameters
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import SHIFTS
from whyalike.designs.registry import DESIGNS, design
from whyalike.figures.parameters import FigureParameters
from whyalike.figures.registry import FIGURES
from whyalike.files import canonical_json
from whyalike.grid import all_pairs_work, partial, views
from whyalike.grid.figure_files import FigureFiles
from whyalike.grid.metric_facts import counting
from whyalike.grid.parts import WHOLE, runs_of
from whyalike.grid.paths import cell_of, external_cell
from whyalike.grid.runs import Cell
from whyalike.grid.sample_texts import speakers, speaking
from whyalike.models.registry import MODELS
from whyalike.parameters import JobParameters
from whyalike.provenance import fingerprint, version
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.parameters import PairParameters, ScoredPair, ScoreParameters, ViewsParameters
from whyalike.similarity.protocols import metric_of, scoring
from whyalike.splits.parameters import SplitParameters, SplitRun
from whyalike.statistics.parameters import (
    ClaimParameters,
    FindingParameters,
    PublishedParameters,
    StatisticsParameters,
    TableParameters,
)
from whyalike.training.parameters import (
    CheckpointParameters,
    ImportParameters,
    ModelsOfCell,
    ModelsParameters,
    PretrainedParameters,
    TrainingParameters,
)


class Parameters(FigureFiles):
    """The parameters of the jobs of one configuration. Wildcards come as the rules name them."""

    def __init__(self, config: Config):
        super().__init__(config)
        self._pairs = cache(self._pairs)  # every job of a comparison has the same, by the thousand

    def manifest_work(self, cell: Cell) -> str:
        """Parameters of a cell's manifest, trained or imported."""
        return self.training_work(cell) if design(cell.factor).is_trained else self.import_work(cell)

    def data_work(self, wildcards: Any) -> str:
        """Parameters of a prepared data set."""
        dataset = self.config.datasets[wildcards.dataset]
        return PreparationParameters(
            source=dataset.source,
            parameters=dataset.plain(exclude=["source"]),
            version=version(SOURCES[dataset.source].module),
        ).text()

    def splits_work(self, wildcards: Any) -> str:
        """Parameters of a cell's splits."""
        cell = cell_of(wildcards)
        runs = self.grid.runs(cell)
        return SplitParameters(
            factor=cell.factor,
            seed=cell.seed,
            runs=[SplitRun(name=run.name, labelling=run.labelling, level=run.level) for run in runs],
            version=version(design(cell.factor).version_of),
        ).text()

    def training_work(self, wildcards: Any) -> str:
        """Parameters of a cell's training, or of a part's; the versions of the code are part of a run's identity."""
        cell = cell_of(wildcards)
        runs = runs_of(self.grid, cell, getattr(wildcards, "part", WHOLE))
        setting = self.config.settings[cell.setting]
        return TrainingParameters(
            **vars(cell),
            size=setting.size,
            model=self.config.models[setting.model].plain(),
            recipe=self.config.recipes[setting.recipe].plain(),
            runs=[run.plain() for run in runs],
            min_accuracy=self.grid.min_accuracy(cell),
        ).text()

    def import_work(self, wildcards: Any) -> str:
        """Parameters of the import of a setting's runs."""
        cell = external_cell(wildcards)
        setting = self.config.settings[cell.setting]
        given = {**vars(cell), "labelling": setting.labelling, "runs": [run.plain() for run in self.grid.runs(cell)]}
        if isinstance(setting, ResolvedPretrained):
            code, hashes = version("whyalike.training.pretrained"), setting.known_hashes()
            return PretrainedParameters(**given, look=setting.seen(), sha256=hashes, version=code).text()
        if not isinstance(setting, OwnCheckpoints):
            return ImportParameters(**given).text()
        return CheckpointParameters(
            **given,
            model=self.config.models[setting.model].plain(),
            classes=setting.classes,
            version=version("whyalike.training.imported"),
            prefix=setting.prefix,
        ).text()

    def import_activations_work(self, wildcards: Any) -> str:
        """Parameters of the import of a setting's activations on one stimulus set."""
        return ImportedActivationsParameters(
            runs={run.name: run.identity for run in self.grid.runs(external_cell(wildcards))},
            stimuli=self.config.stimuli[wildcards.stimuli].plain(),
            **self.config.stored(),
            code=fingerprint("whyalike.activations.imported:import_activations"),
        ).text()

    def activations_work(self, wildcards: Any) -> str:
        """Parameters of the extraction of a cell on one stimulus set."""
        cell = cell_of(wildcards)
        setting = self.config.settings[cell.setting]
        if isinstance(setting, ResolvedPretrained):
            return self._pretrained_activations_work(cell, wildcards.stimuli)
        # checkpoints from files bring the mean and SD of their training
        recipe = setting if isinstance(setting, OwnCheckpoints) else self.config.recipes[setting.recipe]
        runs = self.grid.runs(cell)
        starts = [(run, views.view_of(self.config, run, views.START)) for run in runs]
        return ExtractionParameters(
            seed=cell.seed,
            size=setting.size,
            model=self.config.models[setting.model].plain(),
            mean=getattr(recipe, "mean", None),
            std=getattr(recipe, "std", None),
            layers=setting.layers,
            stimuli=self.config.stimuli[wildcards.stimuli].plain(),
            runs=[run.identity for run in runs],
            untrained={start.identity: run.own_start for run, start in starts},
            steps=views.kept_steps(self.grid, cell, wildcards.stimuli),
            **self.config.stored(),
            **setting.look(),
            views={run.identity: views.view_of(self.config, run).identity for run in runs} if setting.look() else {},
            copied=MODELS[self.config.models[setting.model].family].facts.in_place,
            shift_version=self.shift_version(wildcards.stimuli),
            version=version("whyalike.activations.extraction"),
        ).text()

    def _pretrained_activations_work(self, cell: Cell, stimuli: str) -> str:
        """Parameters of the extraction of another library's models on one stimulus set."""
        setting, runs = self.config.settings[cell.setting], self.grid.runs(cell)
        return PretrainedExtractionParameters(
            seed=cell.seed,
            look=setting.seen(),
            runs={run.name: views.view_of(self.config, run).identity for run in runs},
            sha256=setting.known_hashes(),
            untrained={views.view_of(self.config, run, views.START).identity: run.replica for run in runs},
            stimuli=self.config.stimuli[stimuli].plain(),
            **self.config.stored(),
            shift_version=self.shift_version(stimuli),
            version=version("whyalike.activations.pretrained"),
        ).text()

    def shift_version(self, stimuli: str) -> int:
        """The version of the code that shifts a stimulus set; 0 of one that is as it is."""
        shift = self.config.stimuli[stimuli].shift
        return 0 if shift is None else version(SHIFTS[shift].module)

    def similarity_work(self, wildcards: Any) -> str:
        """Parameters of the score table of one comparison on one stimulus set, or of a part of one family's."""
        study = self.config.studies[wildcards.study]
        comparison = self.comparisons(wildcards.study)[wildcards.comparison]
        if isinstance(comparison, views.AllOf):
            return all_pairs_work.joined(self, wildcards)
        setting = self.config.settings[comparison.a]
        similarity, (in_distribution, labelling) = (
            self.config.similarity,
            views.seen(self.config, wildcards.study, wildcards.stimuli, comparison),
        )
        job = getattr(wildcards, "job", None)
        names = similarity.metrics if job is None else self.family_jobs()[job]
        joined = [] if job else ["whyalike.similarity.joining:join_scores"]
        part = getattr(wildcards, "part", WHOLE)
        pairs, numbers = self._pairs(wildcards.study, comparison, part)
        scorings = {name: similarity.metrics[name] for name in names}
        metrics = {metric: METRICS[metric] for metric in (metric_of(*one) for one in scorings.items())}
        parameters = ScoreParameters(
            study=wildcards.study,
            **comparison.plain(),
            factor=study.factor,
            **design(study.factor).scored(),
            labelling=labelling,
            layers=setting.layers,
            stimuli=wildcards.stimuli,
            in_distribution=in_distribution,
            fixed_classes=study.fixed_classes,
            pairs=(),
            numbers=None if part == WHOLE else numbers,
            seeds_asked=partial.seeds(self.asked, wildcards.study, comparison),
            **similarity.plain(exclude=["metrics"]),
            metrics=scorings,
            facts={name: counting(entry.facts) for name, entry in metrics.items()},
            code=fingerprint(
                *joined,
                "whyalike.similarity.comparison:score_comparison",
                *sorted({entry.target for entry in metrics.values()}),
            ),
        )
        return _text(parameters, pairs=pairs)

    def all_pairs_work(self, wildcards: Any) -> str:
        """Parameters of the scores of all pairs of representations on one stimulus set, by the metrics of one job."""
        return all_pairs_work.of_job(self, wildcards)

    def _pairs(self, study: str, comparison: views.Comparison, part: str) -> tuple[str, tuple[int, ...]]:
        """The text of the pairs of a part of a comparison, and their numbers."""
        numbered = self.numbered_pairs(study, comparison, part)
        text = canonical_json([ScoredPair.from_plain(pair.plain()).plain() for _, pair in numbered])
        return text, tuple(number for number, _ in numbered)

    def _is_of_all_pairs(self, wildcards: Any) -> bool:
        return isinstance(self.comparisons(wildcards.study)[wildcards.comparison], views.AllOf)

    def interval_activations(self, wildcards: Any) -> list[str]:
        """Activation files of a comparison whose scores get intervals."""
        return [] if self._is_of_all_pairs(wildcards) else self.comparison_activations(wildcards)

    def pairs_work(self, wildcards: Any) -> str:
        """Parameters of the pair table of one comparison on one stimulus set."""
        metrics = self.config.similarity.metrics
        targets = {METRICS[metric_of(*one)].target for one in metrics.items()}
        return PairParameters(
            **{name: getattr(wildcards, name) for name in ("study", "comparison", "stimuli")},
            metrics=metrics,
            intervals=self.config.studies[wildcards.study].intervals and not self._is_of_all_pairs(wildcards),
            seed=self.config.similarity.seed,
            code=fingerprint("whyalike.similarity.pair_table:write_pairs", *sorted(targets)),
        ).text()

    def views_work(self, _: Any) -> str:
        """Parameters of the table of views."""
        return ViewsParameters(
            cells=views.listed(self.grid),
            settings={name: views.setting_of_views(self.config, name) for name in self.config.settings},
            given=[name for name, setting in self.config.settings.items() if isinstance(setting, OwnActivations)],
            code=fingerprint("whyalike.similarity.views:write_views"),
        ).text()

    def models_work(self, _: Any) -> str:
        """Parameters of the table of models."""
        return ModelsParameters(
            cells=[self._listed(cell) for cell in self.grid.cells],
            code=fingerprint("whyalike.training.models_table:write_models"),
        ).text()

    def _listed(self, cell: Cell) -> ModelsOfCell:
        """What the configuration says of the models of a cell."""
        setting, trained = self.config.settings[cell.setting], design(cell.factor).is_trained
        model = self.config.models.get(getattr(setting, "model", None))
        return ModelsOfCell(
            **vars(cell),
            kind=kind_of(setting),
            dataset=setting.dataset,
            model=getattr(setting, "model", getattr(setting, "name", None)),
            model_family=None if model is None else model.family,
            library=getattr(setting, "library", None),
            tag=getattr(setting, "tag", None),
            recipe=getattr(setting, "recipe", None),
            starts={run.identity: run.own_start for run in self.grid.runs(cell)} if trained else {},
            attributes=setting.attributes,
        )

    def statistics_work(self, wildcards: Any) -> str:
        """Parameters of one study's statistics."""
        name = self.config.studies[wildcards.study].factor
        return StatisticsParameters(
            study=wildcards.study,
            **self.config.statistics.plain(),
            partial=self._lacking(wildcards.study),
            code=fingerprint("whyalike.statistics.stage:analyse_study", DESIGNS[name].target, design(name).statistics),
        ).text()

    def tables_work(self, _: Any) -> str:
        """Parameters of the tables over all studies; an architecture's settings count once together."""
        return TableParameters(
            architectures={name: getattr(setting, "model", name) for name, setting in self.config.settings.items()},
            **self.config.statistics.plain(exclude=["permutations"]),
            partial=self._lacking(),
            code=fingerprint("whyalike.statistics.stage:write_tables", *self._designs()),
        ).text()

    def findings_work(self, _: Any) -> str:
        """Parameters of the findings in words."""
        told = sorted({design(study.factor).findings for study in self.config.studies.values()})
        exact = {name: scoring(name, "exact", given) for name, given in self.config.similarity.metrics.items()}
        return FindingParameters(
            kinds={one[0]: METRICS[metric_of(*one)].facts.kind for one in self.config.similarity.metrics.items()},
            scorings={name: {"metric": one.metric, **one.parameters} for name, one in exact.items()},
            partial=self._lacking(),
            code=fingerprint("whyalike.statistics.stage:write_findings", *self._designs(), *told),
        ).text()

    def claims_work(self, _: Any) -> str:
        """Parameters of the claims; the table of claims is part of the code."""
        code = fingerprint("whyalike.statistics.stage:write_claims")
        return ClaimParameters(partial=self._lacking(), code=code).text()

    def published_work(self, wildcards: Any) -> str:
        """Parameters of published scores and their statistics."""
        published = self.config.published[wildcards.published]
        factor = self.config.studies[published.study].factor
        made = "whyalike.statistics.analysis:analyse_published"
        return PublishedParameters(
            **published.plain(),
            factor=factor,
            **self.config.statistics.plain(),
            code=fingerprint(made, DESIGNS[factor].target, design(factor).statistics),
        ).text()

    def figure_work(self, wildcards: Any) -> str:
        """Parameters of one figure."""
        figure = self.config.figures[wildcards.figure]
        entry = FIGURES[figure.kind]
        return FigureParameters(
            kind=figure.kind,
            options=figure.options,
            inputs=entry.facts.inputs,
            partial=self._lacking(figure.study) if figure.study or figure.dataset is None else (),
            code=fingerprint("whyalike.figures.stage:make_figure", entry.target, *self._designs(figure.study)),
        ).text()

    def _lacking(self, study: str | None = None) -> list[str]:
        """What a result (of one study) lacks, in words; empty for a whole one."""
        return partial.lacking(self.asked, self.grid, study) if self.config.partial else []

    def _designs(self, study: str | None = None) -> list[str]:
        """The designs of all studies, or of one, as entries of a fingerprint."""
        studies = [self.config.studies[study]] if study else self.config.studies.values()
        return sorted({DESIGNS[one.factor].target for one in studies})

    def sample_work(self, wildcards: Any) -> str:
        """Parameters of a sample text."""
        sample = self.config.sample_texts[wildcards.sample]
        return SampleTextParameters(
            **sample.plain(exclude=["seeds"]),
            cells=[speakers(self.grid, sample.study, cell) for cell in speaking(self.grid, wildcards.sample)],
            code=fingerprint("whyalike.activations.sampling:sample_text"),
        ).text()


def _text(parameters: JobParameters, **known: str) -> str:
    """What `JobParameters.text` gives, where the text of some fields is known, whatever they hold."""
    texts = {name: canonical_json(value) for name, value in parameters.plain().items()} | known
    return f"{{{','.join(f'{canonical_json(name)}:{texts[name]}' for name in sorted(texts))}}}"
