"""Runs of the grid as members of groups. Pure."""

from typing import Any

from whyalike.config.config import Config
from whyalike.grid import views
from whyalike.grid.runs import Run
from whyalike.studies.convergence.checkpoint_checks import OF_FILE
from whyalike.studies.convergence.parameters import Member
from whyalike.studies.convergence.section import SHUFFLED, START


def of_members(cell: dict[str, Any], members: list[Member]) -> dict[str, Any]:
    """A cell with the runs of some members alone."""
    if isinstance(cell["runs"], list):
        return {**cell, "runs": [run for run in cell["runs"] if any(one.run == run for one in members)]}
    names, starts = {one.name for one in members}, {one.untrained for one in members}
    named = {key: {name: value for name, value in cell[key].items() if name in names} for key in ("runs", "sha256")}
    return {**cell, **named, "untrained": {key: one for key, one in cell["untrained"].items() if key in starts}}


def group_of(run: Run) -> str:
    """The group of a run: its setting, or that of shuffled labels."""
    return run.setting + (SHUFFLED if run.name.endswith(".shuffled") else "")


def member_of(config: Config, run: Run) -> Member:
    """A run as a member of its group."""
    own, view = OF_FILE.match(run.name), views.view_of(config, run)
    is_stored = hasattr(config.settings[run.setting], "model")
    checkpoint = own["checkpoint"] if own else ""
    return Member(
        model=own["model"] if own else run.name.removesuffix(".shuffled"),
        seed=run.seed,
        start=run.own_start,
        order=run.replica,
        run=run.identity if is_stored else view.identity,
        name=run.name,
        untrained=run.untrained if is_stored else views.view_of(config, run, views.START).identity,
        checkpoint=START if checkpoint in ("step0", "epoch0") else checkpoint,
    )
