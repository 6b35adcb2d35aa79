"""What a run of the workflow kept and what it made: the line at the end of `whyalike run`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyalike.config.config import Config
from whyalike.studies.main_line import studies_of
from whyalike.studies.study import Job, Study
from whyalike.studies.traces import made_from

NAMED = 3  # changed parameters that are said
ABSENT = "none"


@dataclass(frozen=True)
class Made:
    """A file that is there: when it was made, and from which parameters if it tells."""

    time: int
    origin: str | None


@dataclass(frozen=True)
class Found:
    """What there is of a configuration: finished runs by identity, files by stage and path."""

    runs: Mapping[str, int]
    files: Mapping[tuple[str, str], Made]


def look(config: Config) -> Found:
    """What there is now of all that the configuration asks for."""
    studies = [study for study in studies_of(config) if study.asked]
    results = {run: Path(study.store, run, "result.json") for study in studies for run in study.runs()}
    files = {(job.stage, job.files[0]): Path(job.files[0]) for study in studies for job in _told(study)}
    return Found(
        {run: path.stat().st_mtime_ns for run, path in results.items() if path.is_file()},
        {key: Made(path.stat().st_mtime_ns, _origin(path)) for key, path in files.items() if path.is_file()},
    )


def _told(study: Study) -> Iterator[Job]:
    """The jobs of the counted stages, one a file that people read or that a later stage takes whole."""
    return (
        job for job in study.jobs(whole=False)
        if job.is_traced and job.stage in study.stages and (job.archive or job.stage == "activations")
    )  # fmt: skip


def _origin(path: Path) -> str | None:
    with suppress(OSError, ValueError):  # a damaged file does not tell
        return made_from(path)
    return None


def line(before: Found, after: Found) -> str:
    """What was kept, trained, made for the first time and made anew, with the parameters that changed."""
    trained = sum(after.runs[run] != before.runs.get(run) for run in after.runs)
    parts = [f"Kept {len(after.runs) - trained} runs, trained {trained}"]
    anew = [key for key, one in after.files.items() if key in before.files and one.time != before.files[key].time]
    if anew:
        parts.append(f"made anew: {_counted(anew)}{_changes([(before.files[key], after.files[key]) for key in anew])}")
    if first := [key for key in after.files if key not in before.files]:
        parts.append(f"made first: {_counted(first)}")
    return "; ".join(parts) + "."


def _counted(keys: Sequence[tuple[str, str]]) -> str:
    stages = [stage for stage, _ in keys]
    return ", ".join(f"{stage} {stages.count(stage)}" for stage in dict.fromkeys(stages))


def _changes(pairs: Sequence[tuple[Made, Made]]) -> str:
    """The parameters that differ, in brackets; of code, that it does."""
    found: dict[str, None] = {}
    for old, new in pairs:
        if old.origin and new.origin and old.origin != new.origin:
            was, now = (dict(_leaves(json.loads(one.origin))) for one in (old, new))
            for key in sorted(was.keys() | now.keys()):
                if was.get(key) != now.get(key):
                    found[_named(key, was.get(key, ABSENT), now.get(key, ABSENT))] = None
    said = [*found][:NAMED] + [f"and {len(found) - NAMED} more"] * (len(found) > NAMED)
    return f" ({', '.join(said)})" if said else ""


def _named(key: tuple[str, ...], was: Any, now: Any) -> str:
    return "other code" if "code" in key else f"{'.'.join(key[-2:])} {was} → {now}"


def _leaves(value: Any, key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and value:
        for name, one in value.items():
            yield from _leaves(one, (*key, name))
    else:
        yield key, value
