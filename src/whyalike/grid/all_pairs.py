"""All pairs of all representations of a comparison: which these are, on a stimulus set. Pure."""

from collections.abc import Iterator

from whyalike.grid import views
from whyalike.grid.runs import Cell, Grid
from whyalike.similarity.all_pairs_parameters import Representation


def cells(grid: Grid, study: str, comparison: views.AllOf, stimuli: str) -> list[Cell]:
    """The cells whose models are compared on a stimulus set: those of the settings that the study has it for."""
    own = grid.config.studies[study]
    return [cell for cell in views.cells(grid, study, comparison) if stimuli in own.stimuli_of(cell.setting)]


def representations(grid: Grid, study: str, comparison: views.AllOf, stimuli: str) -> list[Representation]:
    """What is compared: by setting, seed, model, step, then layer. Models that start from the same weights are one."""
    found = {}
    for cell in cells(grid, study, comparison, stimuli):
        for one in _of_cell(grid, study, comparison, cell):
            found.setdefault((one.view, one.layer), one)
    return list(found.values())


def _of_cell(grid: Grid, study: str, comparison: views.AllOf, cell: Cell) -> Iterator[Representation]:
    steps, needed = views.steps_seen(grid.config, comparison, cell.setting), grid.needed(study, cell)
    for run in (run for run in grid.runs(cell) if run.identity in needed):
        for step in steps:
            view = views.view_of(grid.config, run, step).identity
            for layer in grid.config.settings[cell.setting].layers:
                yield Representation(
                    view=view,
                    run=run.identity,
                    name=run.name,
                    setting=cell.setting,
                    seed=cell.seed,
                    layer=layer,
                    step=step,
                )
