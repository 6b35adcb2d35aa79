"""Prepare a data set: the one job of this room. Of two that prepare the same folder at once the second waits."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from whyalike.data.array_file import CHECKSUMS
from whyalike.data.registry import SOURCES
from whyalike.locks import Lock


def prepare(
    source: str, parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]
) -> None:
    """Prepare a data set, or take the one that another process was completing of the same work meanwhile.

    Parameters
    ----------
    source, parameters : of the data set, as the table of sources takes them.
    folder : what is prepared; its lock lies beside it.
    threads : to prepare it with.
    report : gets lines of progress.
    """
    work = json.dumps([source, parameters], sort_keys=True, default=str)
    before = _completed(folder)
    lock = Lock(folder.with_name(f".{folder.name}.lock"), work=work)
    with lock.held(lambda other: report(f"{folder} is prepared by {other}: waiting until it ends")) as other:
        if other and other.get("work") == work and _completed(folder) not in (None, before):
            report(f"{folder} was prepared meanwhile")
        else:
            SOURCES[source].load()(parameters, folder, threads, report)


def _completed(folder: Path) -> int | None:
    """When the data set in a folder was completed, ns; None if it is not."""
    try:
        return (folder / CHECKSUMS).stat().st_mtime_ns
    except FileNotFoundError:
        return None
