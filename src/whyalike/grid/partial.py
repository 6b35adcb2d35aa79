"""Partial results: everything from the seeds whose models are finished, and in words how many of how many these are.

With `partial: true` a grid without the unfinished cells takes the place of the whole one, so no rule asks for a model
that is not there. Scores, statistics, tables, figures and findings carry the seeds asked for beside those used, and
their parameters differ from those of the whole study: the full run makes them anew, from the same models.
"""

from collections.abc import Callable
from pathlib import Path

from whyalike.config.yaml_file import ConfigError
from whyalike.designs.registry import design
from whyalike.files import DamagedFile, canonical_json, made_by
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.views import AllOf, Comparison, cells, comparisons


def finished_only(grid: Grid, path: Callable[[Cell], str], work: Callable[[Cell], str]) -> Grid:
    """The grid of the cells whose manifest is there and is what the configuration asks for now.

    Parameters
    ----------
    grid : all cells.
    path, work : the manifest of a cell, and the parameters that it must be made from.

    Raises
    ------
    ConfigError : no cell is finished.
    """
    unfinished = [cell for cell in grid.cells if not _is_finished(Path(path(cell)), work(cell))]
    if len(unfinished) == len(grid.cells):
        raise ConfigError(
            f"partial is true, but no seed is finished: none of the manifests, such as {path(unfinished[0])}, is there "
            "and up to date. Run without partial first; what it finishes can be shown."
        )
    return Grid(grid.config, without=unfinished)


def seeds(grid: Grid, study: str, comparison: Comparison) -> int:
    """How many seeds a comparison has pairs of; where models are gathered, seeds of both settings together."""
    if isinstance(comparison, AllOf):
        return len(cells(grid, study, comparison))
    if design(grid.config.studies[study].factor).gathers:
        return len(grid.compared(study, comparison.a, comparison.b))
    return len({pair.seed for pair in grid.pairs(study, comparison.a, comparison.b)})


def lacking(asked: Grid, made: Grid, study: str | None = None) -> list[str]:
    """ "label_overlap, colorshapedigit: 7 of 10 seeds" for each comparison (of one study) that lacks seeds."""
    names = asked.config.studies if study is None else [study]
    counts = {
        (name, key): (seeds(made, name, comparison), seeds(asked, name, comparison))
        for name in names
        for key, comparison in comparisons(asked.config, name).items()
    }
    return [f"{name}, {key}: {have} of {want} seeds" for (name, key), (have, want) in counts.items() if have < want]


def _is_finished(path: Path, work: str) -> bool:
    try:
        return canonical_json(made_by(path).get("work")) == work
    except (OSError, DamagedFile):  # not there, or damaged: then the full run says so
        return False
