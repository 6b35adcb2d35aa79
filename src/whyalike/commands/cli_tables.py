"""`--out` of the commands that score files: checked before any work."""

from collections.abc import Iterable
from pathlib import Path

from whyalike.commands.cli_faults import fail
from whyalike.planning import preflight


def check(out: Path | None, inputs: Iterable[Path]) -> None:
    """Say what is wrong with ``--out``, and end: no file, one that is read, a folder that cannot be written.

    Raises
    ------
    ValueError
    """
    if out is None:
        return
    if out.is_dir():
        raise ValueError(f"--out must name a file, .parquet or .csv; {out} is a folder. Add a file name.")
    if out.exists() and not out.is_file():
        raise ValueError(
            f"--out must name a file, .parquet or .csv; {out} is a device, pipe or socket. Give another name."
        )
    if out.resolve() in {one.resolve() for one in inputs}:
        raise ValueError(f"--out would overwrite {out}, which is read. Give another name.")
    if fault := preflight.unwritable(out.parent, "give --out another folder"):
        fail(fault)
