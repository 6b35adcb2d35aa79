"""Write a figure as SVG, PDF and PNG, and the numbers it shows as CSV: same figure, same bytes.

Each file is written atomically and carries ``made_by`` in its own metadata (SVG: Description, PDF: Subject, PNG: the
text chunk ``whyalike``; a CSV has no place for it). Nothing that varies between machines or days is written: no date,
no version stamp, a fixed salt for the identifiers in the SVG.
"""

import os
import re
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from whyalike.figures.style import RC
from whyalike.files import atomic, canonical_json
from whyalike.job import note

GLYPH = re.compile(r"Glyph ([0-9]+) \(.*missing from font", re.DOTALL)  # matplotlib's warning
PNG_DPI = 200  # 7 pt type is 19 px high: readable in a report and a README
FORMS = ("svg", "pdf", "png")
LAYOUT_PASSES = 2  # the first pass settles tick labels, the second places the panels around them


def save(
    figure: Figure,
    path_svg: str | os.PathLike,
    numbers: pd.DataFrame,
    made_by: Mapping[str, Any],
    forms: Collection[str] = FORMS,
) -> dict[str, Path]:
    """Write ``{stem}.svg``, ``.pdf``, ``.png`` (200 dpi) and ``.csv`` next to one another.

    Parameters
    ----------
    figure : the figure; its layout is frozen here, so that all formats and all later saves place things alike.
    path_svg : path of the SVG file; the others differ in the suffix only.
    numbers : what the figure shows, one row a mark; written without its index.
    made_by : JSON values: parameters and fingerprint of the maker; no time, host or path.
    forms : those of the figure's files that are written; the CSV is written always.

    Returns
    -------
    paths by format: ``svg``, ``pdf``, ``png``, ``csv``; those of ``forms`` and the last.

    Raises
    ------
    ValueError : ``path_svg`` does not end in .svg.
    """
    path = Path(path_svg)
    if path.suffix != ".svg":
        raise ValueError(f"a figure is named by its SVG file: got '{path.name}'. Give a path that ends in .svg.")
    maker = canonical_json(made_by)
    metadata = {
        "svg": {"Date": None, "Creator": None, "Description": maker},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None, "Subject": maker},
        "png": {"Software": None, "whyalike": maker},
    }
    paths = {form: path.with_suffix(f".{form}") for form in (*forms, "csv")}
    with matplotlib.rc_context(RC), _missing_glyphs_said(path.stem):
        _freeze_layout(figure)
        for form in forms:
            with atomic(paths[form]) as temporary:
                figure.savefig(temporary, format=form, dpi=PNG_DPI, metadata=metadata[form])
    with atomic(paths["csv"]) as temporary:
        numbers.to_csv(temporary, index=False, lineterminator="\n")
    return paths


@contextmanager
def _missing_glyphs_said(figure: str) -> Iterator[None]:
    """One line on all characters that the font lacks, in place of a warning for each at every drawing."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    lacking = dict.fromkeys(found[1] for one in said if (found := GLYPH.match(str(one.message))))
    if lacking:
        characters = ", ".join(f"{chr(int(code))} (U+{int(code):04X})" for code in lacking)
        note(f"figure {figure}: {RC['font.family']} has no glyph for {characters}: boxes stand in their place, the CSV "
             "has the names")  # fmt: skip
    for one in said:
        if not GLYPH.match(str(one.message)):
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _freeze_layout(figure: Figure) -> None:
    if figure.get_layout_engine() is None:
        return
    for _ in range(LAYOUT_PASSES):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
