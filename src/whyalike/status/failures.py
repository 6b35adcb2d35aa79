"""What failed: the message, the log and the target of each job whose last attempt ended in a fault.

`whyalike.job.job` writes these beside the log of a job that fails, and removes them when the job begins anew.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
        try:
            fault, time = json.loads(path.read_text(encoding="utf-8")), path.stat().st_mtime
        except FileNotFoundError:  # its job begins anew just now
            continue
        log = path.with_name(path.name.removesuffix(FAULT))
        if not _made_since(Path(fault["target"]), time):
            found.append(Failure(fault["message"], log, fault["target"], time, frozenset(fault["runs"])))
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
