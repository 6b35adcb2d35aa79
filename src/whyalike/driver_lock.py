"""One driver a folder, and one a folder of results: `whyalike run` and every Snakemake that runs jobs hold their locks.

So a Snakemake's own lock that is found while that of its folder is free was left by one that was killed. Dry-runs take
none, and neither do the Snakemakes that a driver starts on other nodes for its jobs.
"""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from whyalike.locks import STALE_HEARTBEATS, Lock, described

LOCK = Path(".snakemake", "whyalike.lock")
INHERITED = "WHYALIKE_LOCKS"  # of the environment: the locks that a parent has, as `passed_on` gives them


def hold(*roots: str) -> list[Lock]:
    """Take the locks of the working directory and of folders of results until this process ends.

    Parameters
    ----------
    roots : folders of results, {results}/{name}; their locks lie beside them.

    Returns
    -------
    the locks that were not inherited from the parent, held.

    Raises
    ------
    RuntimeError : another driver has one of them; then none is taken.
    """
    inherited, held = json.loads(os.environ.get(INHERITED, "{}")), []
    for path, root in {LOCK: None, **{_lock_of(Path(root)): root for root in roots}}.items():
        lock = Lock(path)
        if (passed := inherited.get(str(path.resolve()))) and lock.inherit(*passed):
            continue
        if not lock.take():
            for other in held:
                other.release()
            raise RuntimeError(_refusal(lock, root))
        held.append(lock)
    return held


def passed_on(locks: Iterable[Lock]) -> tuple[list[int], dict[str, str]]:
    """Descriptors to be passed to a child, and the variable of its environment by which it has the locks too."""
    passed = {str(lock.path.resolve()): lock.passed_on() for lock in locks}
    return [file for file, _ in passed.values()], {INHERITED: json.dumps(passed)}


def _lock_of(root: Path) -> Path:
    return root.with_name(f".{root.name}.lock")


def _refusal(lock: Lock, root: str | None) -> str:
    record = lock.last_holder()
    where = "is under way in this folder" if root is None else f"writes to {root}/"
    since = f" since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(record['since']))}" if record else ""
    other = "" if root is None else ", or give this one another `name`"
    return (
        f"Another run {where} (it holds {lock.path}, {described(record)}{since}): wait for it, or stop it first{other}."
        f" If it was killed, its lock ends within {STALE_HEARTBEATS * lock.every:.0f} s."
    )
