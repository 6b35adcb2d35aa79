"""How much memory a job asks for, before any data exist: from stimuli, units, runs and metrics, or from user files.

What a job holds is counted. How often is measured, again in `tests/unit/planning/test_memory.py`: of scores of up to
4,000 stimuli, of activations from files of up to 240 MB, of own images in a .npz, and of extraction on a CPU. What a
GPU's libraries take beside that, checkpoints and the preparation of other data are estimates that no job has confirmed.
A job that needed more is tried again with more, as often as the profile allows. Training asks for what it always did:
how much a model of the user's takes is not known.
"""

import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from whyalike.config.external import OwnActivations
from whyalike.data.parameters import ArraysParameters
from whyalike.grid import views
from whyalike.grid.paths import cell_of
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning.plan import BYTES, EXTRACTION, Plan
from whyalike.similarity.all_pairs_parameters import memory_of
from whyalike.similarity.families import family_jobs
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of
from whyalike.training.weight_files import weight_files

MEGABYTE = 1e6
LIBRARIES, TORCH = 500, 4000  # MB of a process with those of scores, and with PyTorch and a GPU's
JOINED = 1500  # of one that reads score tables
HEADROOM = 1.3
KEPT = 1 << 30  # bytes of intermediates that a workbench keeps
DOUBLE = 8  # bytes
# families whose intermediates are stimuli x stimuli, and how many such arrays a score takes beside them; others have
# features, or a kernel where it is smaller, and take two
SQUARES = {"rsa": 7.0, "regression": 5.0, "rbf": 4.0, "distances": 5.0}
BESIDE = 2.0
IMPORTED = 2.6  # times a file of half precision, as float32 and a third beside it
MODEL = 4  # times a file of half precision: the file, and a model of float32 and its copy
SHIFTED = 3  # bytes a pixel and channel: of stimuli with a shift, taken from their data set, shifted and compared
PREPARED = 4000  # MB, beside the data set
NPZ = ".npz"
DEFLATE = 1032  # bytes of one that was compressed, at most: a table of contents that claims more is damaged


@dataclass(frozen=True)
class Compared:
    """What a job scores: n stimuli, units of all layers of a run together, layers, and bytes of all runs in float32."""

    n: int
    units: float
    layers: int
    bytes: float

    @property
    def runs(self) -> float:
        """How many runs there are, the untrained ones among them."""
        return self.bytes / (BYTES * self.n * self.units)


def of_scores(
    compared: Compared, families: Iterable[str | None], protocols: Iterable[str], kept: float = KEPT
) -> float:
    """Bytes of a process that scores by the metrics of some families."""
    n, published = compared.n, "as_published" in protocols
    width = compared.units / compared.layers
    most = 0.0
    for family in families:
        size = DOUBLE * n * (n if family in SQUARES else min(n, width))
        # as published all layers together are one more, and the features of each are kept too
        layers = compared.layers * (1 + published) + published
        features = 2 * DOUBLE * n * compared.units * published
        beside = SQUARES.get(family, BESIDE) * max(size, DOUBLE * min(n, width) ** 2)
        most = max(most, min(max(kept, size), compared.runs * (layers * size + features)) + beside)
    return LIBRARIES * MEGABYTE + compared.bytes + DOUBLE * n * width + most


def of_extraction(vectors: float, samples: float, data: float) -> float:
    """Bytes of a process that extracts: of all representations, samples (a byte a pixel and channel), and data set."""
    return TORCH * MEGABYTE + vectors + 3 * samples + data


def of_vectors(file: float) -> float:
    """Bytes of a process that takes activations from files, one at a time, of which the largest has so many bytes."""
    return LIBRARIES * MEGABYTE + IMPORTED * file


class Memory:
    """The memory of the jobs of one configuration, as resources of the rules: (wildcards, attempt) -> MB."""

    def __init__(self, plan: Plan, flow: Workflow):
        self.plan, self.flow, self.config = plan, flow, flow.config
        self._of_rules: dict[str, Callable[[Any], float]] = {
            "score_comparison": self._score_comparison,
            "score_all_pairs": self._score_all_pairs,
            "write_pairs": self._write_pairs,
            EXTRACTION: self._extract,
            "import_runs": self._import_runs,
            "import_activations": lambda wildcards: of_vectors(_largest(flow.activation_files(wildcards))),
            "prepare_data": self._prepare_data,
        }

    def of(self, rule: str) -> Callable[..., int]:
        """The ``mem_mb`` of a rule as Snakemake calls it; more with each attempt."""
        size = self._of_rules[rule]
        return lambda wildcards, attempt: attempt * round(HEADROOM * size(wildcards) / MEGABYTE)

    def compared(self, wildcards: Any) -> Compared:
        """What a comparison on a stimulus set, or a part of it, is made of."""
        one, stimuli = views.comparisons(self.config, wildcards.study)[wildcards.comparison], wildcards.stimuli
        n, _ = self.plan.workload.stimuli(stimuli)
        units = max(self._units(setting, stimuli, n) for setting in one.settings)
        layers = max(len(self.config.settings[setting].layers) for setting in one.settings)
        size = sum(self._vectors(cell, stimuli) for cell in self.flow.compared_cells(wildcards))
        return Compared(n, units, layers, size)

    def _import_runs(self, wildcards: Any) -> float:
        """A file and what is made of it; of another library's model also what two stimuli take."""
        weights = list(map(str, self._weights(wildcards.setting)))
        files = [*self.flow.import_files(wildcards), *weights]
        return TORCH / 2 * MEGABYTE + (MODEL if weights else IMPORTED) * _largest(files)

    def _weights(self, setting: str) -> list[Path]:
        """Files of weights that another library's models are made of, as far as they are there."""
        paths = self.config.weight_paths(setting).values()
        return [file for path in paths if path.exists() for file in weight_files(path)]

    def _units(self, name: str, stimuli: str, n: int) -> float:
        """Units of all layers of a run; of the user's files as many as the largest can have in float32."""
        setting = self.config.settings[name]
        if not isinstance(setting, OwnActivations):
            return self.plan.workload.units(name)
        return max(1.0, max(map(_size, setting.files([stimuli]))) / (BYTES * n)) * len(setting.layers)

    def _vectors(self, cell: Cell, stimuli: str) -> float:
        """Bytes of the representations of a cell; of the user's files where they are that."""
        setting = self.config.settings[cell.setting]
        if isinstance(setting, OwnActivations):
            return sum(map(_size, setting.files([stimuli])))
        wildcards = {**{name: str(value) for name, value in vars(cell).items()}, "stimuli": stimuli}
        return self.plan.estimate(EXTRACTION, wildcards).vector_bytes

    def _score_comparison(self, wildcards: Any) -> float:
        scorings = family_jobs(self.config.similarity.metrics)[wildcards.job]
        return self._scores(wildcards, scorings, KEPT)

    def _score_all_pairs(self, wildcards: Any) -> float:
        """The representations, one centred copy of them, and what the job may hold beside them."""
        names = family_jobs(self.config.similarity.metrics)[wildcards.job]
        metrics = self.config.similarity.metrics
        families = {METRICS[metric_of(name, metrics[name])].facts.family for name in names}
        compared = self.compared(wildcards)
        return LIBRARIES * MEGABYTE + 2 * compared.bytes + memory_of(families, compared.n)

    def _write_pairs(self, wildcards: Any) -> float:
        """An interval is of two runs: as much as their scores, whatever the metric, with nothing kept."""
        if isinstance(views.comparisons(self.config, wildcards.study)[wildcards.comparison], views.AllOf):
            return JOINED * MEGABYTE  # which gets no intervals
        return self._scores(wildcards, self.config.similarity.metrics, 0.0)

    def _scores(self, wildcards: Any, scorings: Iterable[str], kept: float) -> float:
        metrics = self.config.similarity.metrics
        families = {METRICS[metric_of(name, metrics[name])].facts.family for name in scorings}
        compared = self.compared(wildcards)
        return of_scores(compared, families, self.config.similarity.protocols, kept)

    def _extract(self, wildcards: Any) -> float:
        """All representations of the cell, and the samples as they are and on their device."""
        setting, stimuli = self.config.settings[wildcards.setting], self.config.stimuli[wildcards.stimuli]
        n, _ = self.plan.workload.stimuli(wildcards.stimuli)
        samples = n * 3 * (getattr(setting, "size", None) or 0) ** 2
        data = self.plan.workload.bytes_of_images(stimuli.dataset)
        if stimuli.shift is not None:
            parts, _ = self.plan.workload.images(stimuli.dataset)
            data += SHIFTED * n * data / (parts.train + parts.test)
        # another library's models take images a batch at a time; a shard of a folder counts as the largest of all
        data += MODEL * _largest(map(str, self._weights(wildcards.setting)))
        return of_extraction(self._vectors(cell_of(wildcards), wildcards.stimuli), samples, data)

    def _prepare_data(self, wildcards: Any) -> float:
        """The data set; of a .npz, which cannot be mapped, what is read and what is written, which is."""
        size, dataset = self.plan.workload.bytes_of_images(wildcards.dataset), self.config.datasets[wildcards.dataset]
        if isinstance(dataset, ArraysParameters) and dataset.images.suffix == NPZ:
            size = 2 * _size(dataset.images)
        return PREPARED / HEADROOM * MEGABYTE + size


def _largest(files: Iterable[str]) -> float:
    return max(map(_size, files), default=0.0)


def _size(path: str | Path) -> float:
    """Bytes of a file of the user, of a .npz unpacked; one that is not there yet counts as none until the next plan."""
    path = Path(path)
    if not path.is_file():
        return 0.0
    size = path.stat().st_size
    return _unpacked(path, size) if path.suffix == NPZ else size


@cache
def _unpacked(path: Path, size: int) -> float:
    """Bytes of the arrays of a .npz of so many bytes; of one that is damaged, which its job tells, these."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(min(one.file_size, DEFLATE * one.compress_size) for one in archive.infolist())
    except Exception:
        return size
