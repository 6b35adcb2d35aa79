"""What failed: the message, the log and the target of each job whose last attempt ended in a fault, from its log.

Every job begins its log anew and ends it, in a fault, with the lines of `whyalike.jobs.job`; so a log with these lines
is that of a job whose last attempt failed, unless its target has been made since.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from whyalike.jobs import TRY_ALONE

MARK = TRY_ALONE.format(target="")
IDENTITY = re.compile(r"\b[0-9a-f]{16}\b")
PROGRESS = " · eta "  # in the lines that tell how far a job is, which are no part of its message


@dataclass(frozen=True)
class Failure:
    """One job that failed: its message, its log, the file that it was to make, and when (seconds since 1970)."""

    message: str
    log: Path
    target: str
    time: float

    @property
    def runs(self) -> frozenset[str]:
        """Identities of the runs that the message names."""
        return frozenset(IDENTITY.findall(self.message))


def read(logs: Path) -> list[Failure]:
    """Every failed job whose log lies under a folder, the latest last."""
    found = []
    for path in logs.rglob("*.log"):
        try:
            changed = path.stat().st_mtime
            failure = _failure(path, changed)
        except FileNotFoundError:  # its job begins anew just now
            continue
        if failure and not _made_since(Path(failure.target), changed):
            found.append(failure)
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
            yield f"{failure.message}\nLog: {failure.log}\n{MARK}{failure.target}"


@cache  # a log that has not changed is read once, however often one looks
def _failure(path: Path, changed: float) -> Failure | None:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    marks = [place for place, line in enumerate(lines) if line.startswith(MARK)]
    if not marks:
        return None
    before = reversed(lines[: marks[-1] - 1])  # without the line that names the log
    message = [*takewhile(lambda line: PROGRESS not in line, before)][::-1]
    return Failure("\n".join(message), path, lines[marks[-1]].removeprefix(MARK), changed)


def _made_since(target: Path, time: float) -> bool:
    try:
        return target.stat().st_mtime > time
    except FileNotFoundError:
        return False
