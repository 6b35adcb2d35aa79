"""One figure from files to files: read what its kind needs, draw, save. The only reader of files in this room."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from whyalike.data.prepared import Prepared, open_prepared
from whyalike.figures.parameters import FigureParameters
from whyalike.figures.registry import FIGURES
from whyalike.figures.saving import save
from whyalike.figures.style import NothingToDraw, mark_partial, nothing_drawn
from whyalike.figures.tsne import Representations
from whyalike.files import read_table
from whyalike.job import note
from whyalike.statistics.tables import from_csv


def draw_figure(parameters: FigureParameters, inputs: Mapping[str, Sequence[Path]], svg: Path) -> None:
    """Draw the figure of a job and write it; ``inputs`` may hold more than it reads. See `make_figure`."""
    own = {name: inputs[name] for name in parameters.inputs}
    make_figure(parameters.kind, parameters.options, own, svg, parameters.plain(), parameters.partial)


def make_figure(
    kind: str,
    parameters: Mapping[str, Any],
    inputs: Mapping[str, Sequence[Path]],
    out: Path,
    made_by: Mapping[str, Any],
    partial: Sequence[str] = (),
) -> dict[str, Path]:
    """Draw one figure and write it, with the numbers it shows.

    Parameters
    ----------
    kind : name in `FIGURES`.
    parameters : options of the kind's ``draw``, such as ``{"metric": "cka", "score_protocol": "exact"}``.
    inputs : paths by what they hold, as the kind's facts name them: "scores", "panel_scores", "statistics",
        "all_statistics", "pairs", "manifests" (Parquet tables, concatenated in the given order), "representations"
        (activations of a layer on a stimulus set), "tables" (one CSV file), "data" and "labels" (the folder of a
        prepared data set, or its files). Others are ignored.
    out : path of the SVG file; PDF, PNG and CSV are written beside it.
    made_by : JSON values for the metadata of the files.
    partial : what a partial result lacks, in words: it is written into the figure, and into a column of its numbers.

    Returns
    -------
    paths by format.

    Raises
    ------
    KeyError : unknown kind.
    ValueError : an option or an input does not fit the kind, or there is nothing to draw. A figure of a study with
        rules of its own that has nothing to draw is one that says so, and why.
    """
    entry = FIGURES[kind]
    draw = entry.load()
    _check_options(kind, parameters, draw)
    arguments: list[Any] = []
    for name in entry.facts.inputs:
        if not inputs.get(name):
            raise ValueError(
                f"a figure of kind {kind} reads {', '.join(entry.facts.inputs)}: no path came for '{name}'. "
                "Give at least one."
            )
        arguments += READERS.get(name, _parquet)([Path(path) for path in inputs[name]])
    try:
        figure, numbers = draw(*arguments, **parameters)
    except NothingToDraw as error:  # the figures of a study are no wish of the user's: it ends without one
        if not entry.facts.study:
            raise
        note(f"{kind}: nothing to draw: {error}")
        figure, numbers = nothing_drawn(str(error)), pd.DataFrame({"nothing_to_draw": [str(error)]})
    numbers = _with_parameters(numbers, arguments)
    if partial:
        mark_partial(figure, partial)
        numbers = numbers.assign(partial="; ".join(partial))
    return save(figure, out, numbers, made_by)


def _with_parameters(numbers: pd.DataFrame, arguments: Sequence[Any]) -> pd.DataFrame:
    """The numbers of a figure, beside each scoring the parameters of its metric, as the score tables have them."""
    keys = ["scoring", "score_protocol"]
    tables = [one for one in arguments if isinstance(one, pd.DataFrame) and {*keys, "parameters"} <= set(one.columns)]
    if not tables or not set(keys) <= set(numbers.columns):
        return numbers
    known = pd.concat([table[[*keys, "parameters"]] for table in tables]).dropna().drop_duplicates(keys)
    return numbers.merge(known, how="left", on=keys, validate="many_to_one")


def _check_options(kind: str, parameters: Mapping[str, Any], draw: Callable) -> None:
    known = [
        name for name, one in inspect.signature(draw).parameters.items() if one.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ValueError(
            f"unknown options of a figure of kind {kind}: {', '.join(unknown)}. Known: {', '.join(known) or 'none'}."
        )


def _parquet(paths: Sequence[Path]) -> list[Any]:
    frames = [read_table(path).to_pandas() for path in paths]
    # a column that is null throughout one file has no type there: concatenating empty frames would guess one
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return [pd.concat(filled, ignore_index=True)]


def _csv(paths: Sequence[Path]) -> list[Any]:
    _need_one(paths, "CSV table")
    return [from_csv(paths[0])]


def _prepared(paths: Sequence[Path]) -> list[Any]:
    data = _opened(paths)
    data.check()
    return [data.images, data.labels, data.attributes]


def _labels(paths: Sequence[Path]) -> list[Any]:
    data = _opened(paths)
    return [data.labels, data.attributes]


def _opened(paths: Sequence[Path]) -> Prepared:
    folders = list(dict.fromkeys(path if path.is_dir() else path.parent for path in paths))
    _need_one(folders, "prepared data set")
    return open_prepared(folders[0])


def _representations(paths: Sequence[Path]) -> list[Any]:
    return [Representations(paths)]


def _need_one(paths: Sequence[Path], what: str) -> None:
    if len(paths) != 1:
        raise ValueError(
            f"the figure shows one {what}: got {len(paths)} paths, {', '.join(map(str, paths))}. Give one."
        )


# what studies with rules of their own read beside these are Parquet tables, by whatever name
READERS: dict[str, Callable[[Sequence[Path]], list[Any]]] = {
    "scores": _parquet,
    "panel_scores": _parquet,
    "representations": _representations,
    "labels": _labels,
    "statistics": _parquet,
    "pairs": _parquet,
    "all_statistics": _parquet,
    "manifests": _parquet,
    "tables": _csv,
    "data": _prepared,
}
