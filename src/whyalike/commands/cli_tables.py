"""Tables of the commands that score files: `--out`, checked before any work, and the terminal."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from whyalike.commands.cli_faults import fail
from whyalike.planning import preflight


def check(out: Path | None, inputs: Iterable[Path], folders: Iterable[Path | None] = ()) -> None:
    """Say what is wrong with ``--out``, and end: no file, one that is read, a folder that cannot be written.

    Of a CSV the same holds for what stands beside it. ``folders``: those whose files of vectors are all read, which the
    next call would read a Parquet table among.

    Raises
    ------
    ValueError
    """
    from whyalike.similarity.how_made import beside

    if out is None:
        return
    if out.is_dir():
        raise ValueError(f"--out must name a file, .parquet or .csv; {out} is a folder. Add a file name.")
    if out.exists() and not out.is_file():
        raise ValueError(
            f"--out must name a file, .parquet or .csv; {out} is a device, pipe or socket. Give another name."
        )
    metadata = beside(out) if out.suffix.lower() == ".csv" else out
    if metadata.is_dir():
        raise ValueError(f"--out {out} has {metadata} beside it, which is a folder. Give another name.")
    read = {one.resolve() for one in inputs}
    if over := [one for one in (out, metadata) if one.resolve() in read]:
        raise ValueError(f"--out would overwrite {over[0]}, which is read. Give another name.")
    whole = [one for one in folders if one is not None and one.is_dir() and one.resolve() == out.resolve().parent]
    if whole and out.suffix.lower() != ".csv":
        raise ValueError(
            f"--out {out} would lie in {whole[0]}, whose files are read as vectors: the next call would read it too. "
            "Give it another folder, or the suffix .csv."
        )
    if fault := preflight.unwritable(out.parent, "give --out another folder"):
        fail(fault)


def show(table: Any) -> None:
    """Print a table of rich's: to a file or pipe whole, to a terminal as much of it as fits."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 1000).print(table)
