"""The main line as a study: every job of a configuration, which the rules of the stages carry out."""

from collections.abc import Iterator
from functools import cached_property
from itertools import product
from pathlib import Path
from types import SimpleNamespace

from whyalike.config.config import Config
from whyalike.config.external import OwnActivations
from whyalike.designs.registry import design
from whyalike.grid import views
from whyalike.grid.figure_files import FIGURE_FILES
from whyalike.grid.parts import WHOLE, parts, score_parts
from whyalike.grid.paths import SAMPLE_FILES, TABLES
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning.plan import EXTRACTION
from whyalike.studies.study import IMPORTS, MODELS, Job, Study, rule_studies


class MainLine(Study):
    """What the configuration's own studies need. Parameters: ``flow``, its paths and parameters of jobs."""

    name = ""
    stages = ("activations", "scores", "statistics", "figures")  # of models status tells run by run

    def __init__(self, flow: Workflow):
        self.flow, self.config, self.grid = flow, flow.config, flow.grid
        self.root, self.store, self.asked, self.datasets = flow.root, flow.store, True, flow.config.datasets

    def jobs(self, whole: bool = True) -> list[Job]:
        """Every job, as `all` asks for it."""
        return self._jobs

    @cached_property
    def _jobs(self) -> list[Job]:
        return [*self._data(), *self._models(), *self._activations(), *self._scores(), *self._tables(),
                *self._figures(), *self._pages()]  # fmt: skip

    def work(self, job: Job) -> str:
        """The parameters of a job."""
        if job.rule.startswith(EXTRACTION):
            return self.flow.activations_work(SimpleNamespace(**job.wildcards))
        of_rules = {
            "prepare_data": self.flow.data_work,
            "make_splits": self.flow.splits_work,
            "train_models": self.flow.training_work,
            "join_parts": self.flow.training_work,
            "import_runs": self.flow.import_work,
            **dict.fromkeys(self.flow.import_rules(), self.flow.import_activations_work),
            "score_comparison": self.flow.similarity_work,
            "score_all_pairs": self.flow.all_pairs_work,
            "join_scores": self.flow.similarity_work,
            "write_pairs": self.flow.pairs_work,
            "list_models": self.flow.models_work,
            "list_views": self.flow.views_work,
            "analyse_study": self.flow.statistics_work,
            "write_tables": self.flow.tables_work,
            "draw_figure": self.flow.figure_work,
            "write_sample_text": self.flow.sample_work,
            "write_findings": self.flow.findings_work,
            "write_claims": self.flow.claims_work,
        }
        return of_rules[job.rule](SimpleNamespace(**job.wildcards))

    def runs(self) -> dict[str, str]:
        """The runs of all cells, with their settings."""
        return {run.identity: cell.setting for cell in self.grid.cells for run in self.grid.runs(cell)}

    # ---- jobs by stage ----

    def _data(self) -> Iterator[Job]:
        for name in self.config.datasets:
            files = tuple(self.flow.dataset(name))
            yield Job("data", "prepare_data", {"dataset": name}, files, files[-1:], is_traced=False)

    def _models(self) -> Iterator[Job]:
        """The jobs that make manifests of cells: by training, by joining what parts trained, by import."""
        for cell, whole in zip(self.grid.cells, self.flow.all_manifests(), strict=True):
            names, made = _wildcards(cell), (whole,)
            if not design(cell.factor).is_trained:
                names = {key: names[key] for key in ("setting", "seed")}
                yield Job(IMPORTS, "import_runs", names, made, made, frozenset([cell]))
                continue
            splits = f"{self.root}/splits/{cell.setting}/{cell.factor}/seed{cell.seed}.parquet"
            yield Job("splits", "make_splits", names, (splits,))
            for part, path in zip(parts(self.grid, cell), self.flow.part_manifests(cell), strict=True):
                archive = (path,) if part == WHOLE else ()
                yield Job(MODELS, "train_models", {**names, "part": part}, (path,), archive, frozenset([cell]))
            if whole not in self.flow.part_manifests(cell):
                yield Job("manifests", "join_parts", names, made, made, frozenset([cell]))

    def _activations(self) -> Iterator[Job]:
        words = {setting: name for name, (_, settings) in self.flow.layer_sets().items() for setting in settings}
        imports = {setting: name for name, settings in self.flow.import_rules().items() for setting in settings}
        for cell in self.grid.cells:
            setting = self.config.settings[cell.setting]
            folder = f"{self.root}/activations/{cell.setting}/{cell.factor}/seed{cell.seed}"
            imported = isinstance(setting, OwnActivations)
            rule = imports[cell.setting] if imported else f"{EXTRACTION}{words[cell.setting]}"
            for stimuli in self.grid.stimuli(cell):
                files = tuple(f"{folder}/{stimuli}.{layer}.parquet" for layer in setting.layers)
                names, scores = {**_wildcards(cell), "stimuli": stimuli}, self._scores_of(cell, stimuli)
                if not scores:
                    continue  # of models that no comparison asks for on these stimuli
                yield Job("activations", rule, names, files, cells=frozenset([cell]), instead=scores)

    def _scores_of(self, cell: Cell, stimuli: str) -> tuple[str, ...]:
        """The score tables that are made of a cell's representations."""
        of_cell = {study: [name for name, one in self.flow.comparisons(study).items() if cell.setting in one.settings]
                   for study in self.grid.cells[cell]}  # fmt: skip
        paths = (path for study, names in of_cell.items() for path in self.flow.study_scores(study, names))
        return tuple(path for path in paths if Path(path).stem == stimuli)

    def _scores(self) -> Iterator[Job]:
        """Score tables and statistics, study by study."""
        for study in self.config.studies:
            for name, comparison in self.flow.comparisons(study).items():
                cells = frozenset(views.cells(self.grid, study, comparison))
                for path in self.flow.study_scores(study, [name]):
                    names = {"study": study, "comparison": name, "stimuli": Path(path).stem}
                    files = self.flow.family_scores(SimpleNamespace(**names))
                    together = isinstance(comparison, views.AllOf)
                    rule = "score_all_pairs" if together else "score_comparison"
                    cut = [{}] if together else [{"part": part} for part in score_parts(self.grid, study, comparison)]
                    for (job, part), path_of in zip(product(self.flow.family_jobs(), cut), files, strict=True):
                        yield Job("scores", rule, {**names, "job": job, **part}, (path_of,), cells=cells)
                    yield Job("scores", "join_scores", names, (path,), (path,), cells)
        for path in self.flow.pair_tables():
            study, name, _, stimuli = Path(path).with_suffix("").parts[-4:]
            cells = frozenset(views.cells(self.grid, study, self.flow.comparisons(study)[name]))
            names = {"study": study, "comparison": name, "stimuli": stimuli}
            yield Job("scores", "write_pairs", names, (path,), (path,), cells)
        listed = (f"{self.root}/similarity/views.parquet",)
        yield Job("scores", "list_views", {}, listed, listed, self._cells())
        for path in self.flow.all_statistics():
            names = {"study": Path(path).stem}
            yield Job("statistics", "analyse_study", names, (path,), (path,), self._cells(names["study"]))

    def _tables(self) -> Iterator[Job]:
        listed = (f"{self.root}/models/models.parquet",)
        yield Job("tables", "list_models", {}, listed, listed, self._cells())
        files = tuple(f"{self.root}/statistics/{table}.{suffix}" for table in TABLES for suffix in ("csv", "md"))
        yield Job("tables", "write_tables", {}, files, files, self._cells(), is_traced=False)

    def _figures(self) -> Iterator[Job]:
        for path in self.flow.figures():
            name = Path(path).stem
            figure = self.config.figures[name]
            of_data = figure.dataset is not None and figure.study is None  # drawn from no model
            files = tuple(f"{self.root}/figures/{name}.{suffix}" for suffix in FIGURE_FILES)
            cells = frozenset() if of_data else self._cells(figure.study)
            yield Job("figures", "draw_figure", {"figure": name}, files, files, cells)

    def _pages(self) -> Iterator[Job]:
        for page in map(Path, self.flow.samples()):
            files = tuple(str(page.with_suffix(f".{suffix}")) for suffix in SAMPLE_FILES)
            yield Job("pages", "write_sample_text", {"sample": page.stem}, files, files, is_traced=False)
        for page in (f"{self.root}/findings.md", *self.flow.claims()):
            yield Job("pages", f"write_{Path(page).stem}", {}, (page,), (page,), self._cells(), is_traced=False)

    def _cells(self, study: str | None = None) -> frozenset[Cell]:
        """The cells of a study, of all if left out."""
        return frozenset(cell for cell, studies in self.grid.cells.items() if study in (None, *studies))


def studies_of(config: Config) -> list[Study]:
    """The main line of a configuration and every study with rules of its own, of a partial result the whole."""
    whole = config.model_copy(update={"partial": False})
    return [MainLine(Workflow(whole)), *rule_studies(whole).values()]


def _wildcards(cell: Cell) -> dict[str, str]:
    return {name: str(value) for name, value in vars(cell).items()}
