"""Files that the user brings: a fault is told with file, place and remedy, and what was passed by in one line."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

SHOWN = 3  # names of each kind that a message gives


class UnreadableFile(ValueError):
    """A file of the user cannot be read; the message says which, where and what helps."""


@contextmanager
def readable(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Turn whatever a reader raises in the body into one message: ``path`` must be ``what``, the fault, the remedy.

    Raises
    ------
    UnreadableFile : the body failed; one that it raised itself is passed on as it is.
    """
    try:
        yield
    except UnreadableFile:
        raise
    except Exception as error:  # each format, and each library, fails in its own way
        fault = str(error.args[0] if isinstance(error, KeyError) and error.args else error) or type(error).__name__
        raise UnreadableFile(
            f"{path} must be {what}, it cannot be read ({' '.join(fault.split())}). {remedy}"
        ) from error


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
