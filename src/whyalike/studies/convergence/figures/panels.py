"""The figures of one kind of models: metrics by depth, all layers, training, rotated bases; a block a group.

Panel B of the published figure of self-supervised models, alignment under shifts, is a figure of its own (`shifted`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.studies.consistency.figures import boxes
from whyalike.studies.convergence.figures import curves, panel_parts
from whyalike.studies.convergence.figures.panel_parts import Drawn

ROW_INCHES = 1.95
ACROSS = 3  # panels, at most


@curves.of_tables
def draw_self_supervised(depth: pd.DataFrame, time: pd.DataFrame, bases: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw metrics by depth of both analyses, training by checkpoint, native and rotated bases, a block a group.

    Parameters
    ----------
    depth, time, bases : the tables of statistics.

    Returns
    -------
    the figure, and the rows of the tables that it shows, with a column ``panel``.

    Raises
    ------
    NothingToDraw : no group is self-supervised.
    """
    groups = _groups(depth, "self_supervised", "self-supervised models")
    return _draw(groups, lambda group: [
        [*panel_parts.metrics("A", depth, group), *panel_parts.training("C", time, group)],
        panel_parts.rotated("D", bases, group, band=False),
    ])  # fmt: skip


@curves.of_tables
def draw_transformer(
    depth: pd.DataFrame, layer_scores: pd.DataFrame, time: pd.DataFrame, bases: pd.DataFrame
) -> tuple[Figure, pd.DataFrame]:
    """Draw metrics by depth, maps of all layers, training by checkpoint, and bases with their band of equivalence.

    Parameters
    ----------
    depth, time, bases : the tables of statistics. layer_scores : scores of all layers.

    Returns
    -------
    the figure, and the rows of the tables that it shows, with a column ``panel``.

    Raises
    ------
    NothingToDraw : no group is of transformers.
    """
    groups = _groups(depth, "transformer", "vision transformers")
    return _draw(groups, lambda group: [
        [*panel_parts.metrics("A", depth, group), *panel_parts.training("C", time, group)],
        panel_parts.maps("B", layer_scores, group, group, ("procrustes", "permutation")),
        panel_parts.rotated("D", bases, group, band=True),
    ])  # fmt: skip


@curves.of_tables
def draw_language(depth: pd.DataFrame, layer_scores: pd.DataFrame, time: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw metrics by depth, maps of all layers within and between groups, and three depths over training.

    Parameters
    ----------
    depth, time : the tables of statistics. layer_scores : scores of all layers.

    Returns
    -------
    the figure, and the rows of the tables that it shows, with a column ``panel``.

    Raises
    ------
    NothingToDraw : no group is of language models.
    """
    groups = _groups(depth, "language", "language models")
    later = {group: groups[place + 1 :] for place, group in enumerate(groups)}

    def rows_of(group: str) -> list[list[Drawn]]:
        metrics, training = panel_parts.metrics("A", depth, group), panel_parts.over_updates("D", time, group)
        maps = panel_parts.maps("B", layer_scores, group, group, ("procrustes",))
        for other in later[group]:
            maps += panel_parts.maps("C", layer_scores, group, other, ("procrustes",))
        return [metrics, [*maps, *training]] if len(groups) == 1 else [[*metrics, *training], maps]

    return _draw(groups, rows_of)


def _groups(depth: pd.DataFrame, kind: str, what: str) -> list[str]:
    """The groups of a kind, in the order of the table."""
    rows = curves.need(curves.of_layers(depth, kind=kind, quantity="final"), f"no scores of {what}",
                       "Name their settings in the section convergence.")  # fmt: skip
    return list(dict.fromkeys(rows["group"]))


def _draw(groups: Sequence[str], rows_of: Callable[[str], list[list[Drawn]]]) -> tuple[Figure, pd.DataFrame]:
    """A block a group, of the rows of panels that it has."""
    blocks = {group: [row[start : start + ACROSS] for row in rows_of(group) for start in range(0, len(row), ACROSS)]
              for group in groups}  # fmt: skip
    across = max(len(row) for rows in blocks.values() for row in rows)
    heights = [ROW_INCHES * len(rows) + 0.25 for rows in blocks.values()]
    figure = boxes.new_figure(style.PAGE_INCHES, sum(heights) + 1.1)
    places = figure.subfigures(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0]
    numbers = []
    for place, (group, rows) in zip(places, blocks.items(), strict=True):
        every = place.subplots(len(rows), across, squeeze=False)
        for axes, row in zip(every, rows, strict=True):
            for one in axes[len(row) :]:
                one.set_axis_off()
            for one, panel in zip(axes, row, strict=False):
                panel.draw(one)
                one.set_title(f"{panel.letter}  {panel.title}")
                numbers.append(panel.rows.assign(panel=panel.letter))
        place.suptitle(f"{style.words(group)}: {curves.counts(rows[0][0].rows)}", x=0.01, ha="left",
                       fontsize=style.TEXT_POINTS)  # fmt: skip
    _legend(figure, [panel for rows in blocks.values() for row in rows for panel in row])
    return figure, pd.concat(numbers, ignore_index=True)


def _legend(figure: Figure, panels: Sequence[Drawn]) -> None:
    """What the panels show, each once."""
    entries: dict[str, Any] = {}
    for one in panels:
        entries |= {words: handle for handle, words in one.entries}
    boxes.legend(figure, {}, curves.INTERVAL, [(handle, words) for words, handle in entries.items()])
