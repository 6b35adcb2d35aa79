"""Which models a sample text lets speak: those of its study at some of its seeds."""

from typing import Any

from whyalike.designs.registry import design
from whyalike.grid.runs import Cell, Grid


def speaking(grid: Grid, name: str) -> list[Cell]:
    """The cells whose models a sample text lets speak."""
    sample = grid.config.sample_texts[name]
    study = grid.config.studies[sample.study]
    return [
        cell
        for setting in study.settings
        for cell in grid.cells_of(sample.study, setting)
        if cell.seed in (sample.seeds or study.seeds[:1])
    ]


def speakers(grid: Grid, study: str, cell: Cell) -> dict[str, Any]:
    """The models of a cell at the study's levels, each once: A first, then the levels of B."""
    if design(cell.factor).gathers:
        runs = {run.identity: run for run in grid.models(study, cell.setting) if run.seed == cell.seed}
    else:
        pairs = [pair for pair in grid.pairs(study, cell.setting) if pair.seed == cell.seed]
        runs = {run.identity: run for runs in zip(*((pair.run_a, pair.run_b) for pair in pairs), strict=True)
                for run in runs}  # fmt: skip
    setting = grid.config.settings[cell.setting]
    told = [{"seed": run.seed, "name": run.name, "level": run.level, "run": run.identity} for run in runs.values()]
    model = grid.config.models[setting.model].plain()
    return {"setting": cell.setting, "dataset": setting.dataset, "model": model, "runs": told}
