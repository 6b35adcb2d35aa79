"""Models from files: the study names its pairs, and what overlaps between them, or says nothing of that. Pure.

Its runs are those that a setting names; `whyalike.grid.runs` gives them their identities.
"""

from whyalike.designs.design import Axis, Design


def overlaps(_: str) -> tuple[None, None]:
    """There are no conditions: every pair says for itself."""
    return None, None


def declare(setting: str, name: str) -> dict[str, str]:
    """The name of a setting and of a run in it."""
    return {"external": setting, "name": name}


DESIGN = Design(
    words="runs from files",
    levels="none",
    overlaps=overlaps,
    declare=declare,
    overlap="data_overlap",
    overlap_is_given=True,
    axis=Axis("overlap as given"),
)
