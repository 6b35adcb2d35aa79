"""Consistency of the similarities to one model, by groups of the other models: the published Figure 14.

A panel an anchor; its groups below one another, a block a scoring, corrected and as published side by side. A point is
a pair of sets from different sources; see `groups` for what boxes do not say.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from whyalike.figures import style
from whyalike.figures.heatmap import short
from whyalike.studies.consistency.figures import boxes, selection
from whyalike.studies.consistency.figures.groups import NOTE

ROW, TALL = 0.17, 7.4  # inches: of a box, of all panels
COLUMNS = 3


@style.styled
def draw(consistency: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Draw the correlations of similarities to each anchor, by scoring, group and analysis.

    Parameters
    ----------
    consistency : its rows of category "anchor" have the anchor as theta and a group of the first category as phi.

    Returns
    -------
    the figure, and a row a box: anchor, phi, analysis, scoring, n (pairs of sets), median, q1, q3, whisker_low,
    whisker_high, models (without the anchor).

    Raises
    ------
    ValueError : no anchor, or no rows of two sources.
    """
    selection.need(consistency, "consistency", "statistics")
    rows = consistency[consistency["category"] == selection.ANCHOR]
    if rows.empty:
        raise style.NothingToDraw(
            "the table of consistency holds no anchor to draw. Name settings in consistency.anchors."
        )
    rows = selection.apart(rows)
    category = next(iter(selection.categories(consistency)), None)
    every = selection.values_of(consistency, category) if category else []
    looks = selection.looks([*every, *rows["phi"]])
    anchors, groups = list(dict.fromkeys(rows["theta"])), [one for one in looks if one in set(rows["phi"])]
    found = selection.main_scoring(rows)
    blocks = list(dict.fromkeys(name for one in found for name in selection.scorings(rows, one)))
    lines = [(analysis, name, group) for name in blocks for analysis in found for group in groups]
    columns = 2 if len(anchors) == 4 else min(COLUMNS, len(anchors))
    high = -(-len(anchors) // columns)
    figure = boxes.new_figure(style.PAGE_INCHES, min(high * len(lines) * ROW, TALL) + high * 0.45 + 1.0)
    axes = figure.subplots(high, columns, squeeze=False, sharex=True, sharey=True)
    numbers = []
    for one, anchor in zip(axes.ravel(), anchors, strict=False):
        numbers += _panel(one, rows[rows["theta"] == anchor], lines, looks)
        name = style.words(anchor)
        one.set_title(name if len(name) <= style.room(style.PAGE_INCHES / columns - 0.7) else short(name))
    for one in axes.ravel()[len(anchors) :]:
        one.set_axis_off()
    for one in axes.ravel()[max(0, len(anchors) - columns) : len(anchors)]:
        one.set_xlabel("consistency R (Pearson)")
        one.tick_params(labelbottom=True)
    _name_rows(list(axes.ravel()[: len(anchors)]), lines, len(groups), rows)
    count = len(rows[["set_a", "set_b"]].drop_duplicates())
    sizes = rows.groupby("phi")["models_phi"].agg(["min", "max"])
    named = {f"{name} ({style.span(*sizes.loc[name])})": looks[name]["color"] for name in groups}
    title = f"similarity of the anchor to models of one {style.words(category or 'group')} (in brackets how many)"
    boxes.legend(figure, {name: {"color": colour, "marker": "o"} for name, colour in named.items()}, title)
    selection.titled(figure, [f"a point: one of {count} pairs of sets from different sources; {NOTE}"])
    return figure, pd.DataFrame(numbers)


def _panel(axes: Axes, rows: pd.DataFrame, lines: list[tuple[str, str, str]], looks: dict[str, dict]) -> list[dict]:
    numbers = []
    for place, (analysis, scoring, group) in enumerate(lines):
        own = rows[(rows["analysis"] == analysis) & (rows["scoring"] == scoring) & (rows["phi"] == group)]
        look = {"color": looks[group]["color"], "marker": "o"}
        found = boxes.lying_box(axes, place, own["pearson"].to_numpy(), look)
        models = own["models_phi"].max() if len(own) else 0
        numbers.append({"anchor": rows["theta"].iloc[0], "phi": group, "analysis": analysis, "scoring": scoring,
                        **found, "models": models})  # fmt: skip
    axes.grid(axis="x")
    return numbers


def _name_rows(axes: list[Axes], lines: list[tuple[str, str, str]], groups: int, rows: pd.DataFrame) -> None:
    """Each block by its scoring and analysis, and lines between them."""
    blocks = lines[::groups]
    places = [place * groups + (groups - 1) / 2 for place in range(len(blocks))]
    labels = [f"{selection.scoring_words(rows[rows['scoring'] == name])}\n{selection.ANALYSES[analysis]}"
              for analysis, name, _ in blocks]  # fmt: skip
    for one in axes:
        one.set_yticks(places, labels, fontsize=style.SMALL_POINTS)
        one.set_ylim(len(lines) - 0.4, -0.6)
        for place in range(1, len(blocks)):
            new = blocks[place][1] != blocks[place - 1][1]
            one.axhline(place * groups - 0.5, color=style.GREY if new else style.PALE, linewidth=0.6,
                          linestyle="-" if new else ":")  # fmt: skip
