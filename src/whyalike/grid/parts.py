"""The parts of work that several jobs share, as `operation` says: of a cell's training, of a comparison's scores.

The runs of a cell, in the order of their names, are cut into parts of so many runs: by the configuration alone, never
by what the store lacks, so that a job's parameters stay what they were while others train. Each part has a manifest of
its own beside the cell's (``seed0.part1.parquet``), which `whyalike.training.joining` makes of them. The pairs of a
comparison are cut by seeds; `whyalike.similarity.joining` puts their tables together.
"""

from whyalike.config.config import Config, Setting
from whyalike.grid.runs import Cell, Grid, Run
from whyalike.grid.views import Comparison

WHOLE = ""  # the part of a cell that is not split


def split_settings(config: Config) -> list[str]:
    """The settings whose cells are trained in parts."""
    trained = [name for name, setting in config.settings.items() if isinstance(setting, Setting)]
    return [name for name in trained if config.operation.of_setting("runs_per_job", name)]


def parts(grid: Grid, cell: Cell) -> dict[str, list[Run]]:
    """Name of a part, as it stands in paths (".part0"; "" for a whole cell) -> its runs."""
    runs = grid.runs(cell)
    if cell.setting not in split_settings(grid.config):
        return {WHOLE: runs}
    size = grid.config.operation.of_setting("runs_per_job", cell.setting)
    starts = range(0, len(runs), size)
    return {f".part{number}": runs[start : start + size] for number, start in enumerate(starts)}


def runs_of(grid: Grid, cell: Cell, part: str = WHOLE) -> list[Run]:
    """The runs of a part, or of a whole cell."""
    return parts(grid, cell)[part] if part else grid.runs(cell)


def score_parts(grid: Grid, study: str, comparison: Comparison) -> dict[str, tuple[int, ...]]:
    """Name of a part of a comparison's pairs ("" for all of them) -> its seeds."""
    seeds = tuple(grid.pair_seeds(study, comparison.a, comparison.b))
    size = grid.config.operation.seeds_per_score_job or len(seeds)
    if len(seeds) <= size:
        return {WHOLE: seeds}
    return {f".part{number}": seeds[start : start + size] for number, start in enumerate(range(0, len(seeds), size))}
