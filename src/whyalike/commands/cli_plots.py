"""`--plot` of the commands that score files: where pictures go, checked before any work, and which picture it is."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from whyalike.commands.cli_faults import fail, path
from whyalike.planning import preflight

HELP = "Draw the scores: this .png, .svg or .pdf, with its numbers as .csv beside it"
NUMBERS = ".csv"


def picture(text: str) -> Path:
    """The parser of ``--plot``: pictures are written with a suffix in small letters.

    Example
    -------
    >>> picture("out.PNG").name
    'out.png'
    """
    found = path(text)
    return found.with_suffix(found.suffix.lower()) if found.suffix else found


def places(plot: Path, metrics: Sequence[str]) -> dict[str, Path]:
    """metric -> its picture: ``plot``; of several metrics, the name of each stands behind that of ``plot``.

    Example
    -------
    >>> places(Path("out.png"), ["cka", "rsa"])["rsa"].name
    'out-rsa.png'
    """
    return {one: plot if len(metrics) == 1 else plot.with_stem(f"{plot.stem}-{one}") for one in metrics}


def check(plot: Path, pictures: Iterable[Path], inputs: Iterable[Path], out: Path | None) -> None:
    """Say what is wrong with ``--plot``, and end: no picture's suffix, no place, files that are read, are ``--out``
    or a table of an earlier one.

    Raises
    ------
    ValueError, ModuleNotFoundError : the latter where what draws is not installed.
    """
    from whyalike.figures.saving import FORMS
    from whyalike.similarity.how_made import beside

    if plot.suffix[1:] not in FORMS:
        raise ValueError(f"--plot names a .png, .svg or .pdf file; got {plot}. Give another suffix.")
    files = [file for one in pictures for file in (one, one.with_suffix(NUMBERS))]
    written = {file.resolve(): file for file in files}
    if read := [one for one in inputs if one.resolve() in written]:
        raise ValueError(f"--plot would overwrite {read[0]}, which is read. Give another name.")
    if out is not None and out.resolve() in written:
        raise ValueError(f"--out and --plot would both write {out}. Give one of them another name.")
    if tables := [one for one in files if one.suffix == NUMBERS and beside(one).exists()]:
        told = f"{tables[0]}, which {beside(tables[0])} tells of"
        raise ValueError(f"--plot would overwrite {told}. Give another name.")
    if fault := preflight.unwritable(plot.parent, "give --plot another folder"):
        fail(fault)
    if folders := [file for file in files if file.is_dir()]:
        raise ValueError(f"--plot must name a file; {folders[0]} is a folder. Give another name.")


class ScorePlot:
    """The pictures of `whyalike score`: a heat map a metric of all pairs, or all metrics of single pairs in one.

    Parameters
    ----------
    plot : what ``--plot`` names.
    files : `whyalike.similarity.read_files.Pairs`.
    scorings : the metrics.
    inputs, out : files that it must not overwrite.

    Raises
    ------
    As `check`.
    """

    def __init__(self, plot: Path, files: Any, scorings: Sequence[Any], inputs: Iterable[Path], out: Path | None):
        self.scorings = {one.metric: one for one in scorings}
        if len(self.scorings) < len(scorings):
            raise ValueError("--plot draws each metric once; one is asked for twice. Score it in another call.")
        self.is_map = files.both_ways and len(files.pairs) > 1
        self.pictures = places(plot, list(self.scorings)) if self.is_map else {"": plot}
        check(plot, self.pictures.values(), inputs, out)

    def draw(self, scores: Any, made_by: dict[str, Any]) -> None:
        """Draw what is scored, and say where."""
        from whyalike.figures import saving, scores_of_files

        for name, file in self.pictures.items():
            rows = scores[scores["metric"] == name] if name else scores
            if rows.empty:
                continue
            if name:
                figure, numbers = scores_of_files.draw_map(rows, self.scorings[name])
            else:
                figure, numbers = scores_of_files.draw_rows(rows, list(self.scorings.values()))
            saving.save(figure, file.with_suffix(".svg"), numbers, made_by, [file.suffix[1:]])
            print(f"drawn: {file}", file=sys.stderr)
