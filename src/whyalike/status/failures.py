"""What failed: the message, the log and the target of each job whose last attempt ended in a fault.

`whyalike.job.job` writes these beside the log of a job that fails, and removes them when the job begins anew.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from whyalike.file_faults import UnreadableFile, readable
from whyalike.job import FAULT, TRY_ALONE


@dataclass(frozen=True)
class Failure:
    """One job that failed.

    Its message, its log, the file that it was to make, when (seconds since 1970), and identities of the runs that the
    message names.
    """

    message: str
    log: Path
    target: str
    time: float
    runs: frozenset[str] = frozenset()


def read(logs: Path) -> list[Failure]:
    """Every failed job whose log lies under a folder, the latest last; without those whose target was made since."""
    found = []
    for path in logs.rglob(f"*{FAULT}"):
        log = path.with_name(path.name.removesuffix(FAULT))
        try:
            with readable(path, "what a job that failed told", f"Delete it: {log.name} beside it tells the same."):
                fault, time = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
                message, target, runs = str(fault["message"]), str(fault["target"]), frozenset(map(str, fault["runs"]))
        except UnreadableFile:
            if path.exists():
                raise
            continue  # its job begins anew just now
        if not _made_since(Path(target), time):
            found.append(Failure(message, log, target, time, runs))
    return sorted(found, key=lambda failure: failure.time)


def told(logs: Path, since: float) -> Iterator[str]:
    """What a run says at its end of the jobs that failed in it.

    Parameters
    ----------
    logs : the folder of the logs.
    since : when the run began, seconds since 1970.
    """
    for failure in read(logs):
        if failure.time >= since:
            yield f"{failure.message}\nLog: {failure.log}\n{TRY_ALONE.format(target=failure.target)}"


def _made_since(target: Path, time: float) -> bool:
    try:
        return target.stat().st_mtime > time
    except FileNotFoundError:
        return False
