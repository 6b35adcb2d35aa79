"""Files that the user brings: their names in messages, and what was passed by in one line."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePath

SHOWN = 3  # names of each kind that a message gives


def shown(names: Iterable[str]) -> str:
    """The first few of some names, and how many more there are; bytes that are no text are escaped."""
    names = [name.encode("utf-8", "backslashreplace").decode() for name in names]
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def passed_by(names: Iterable[str]) -> str:
    """What was not read, by kind: "8 .gif (a/0.gif, a/1.gif, a/2.gif and 5 more), 1 hidden (a/.b.png)"; or nothing."""
    kinds = defaultdict(list)
    for name in sorted(names):
        hidden = any(part.startswith(".") for part in PurePath(name).parts)
        kinds["hidden" if hidden else PurePath(name).suffix.lower() or "without a suffix"].append(name)
    return ", ".join(f"{len(members)} {kind} ({shown(members)})" for kind, members in sorted(kinds.items()))
