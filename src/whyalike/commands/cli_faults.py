"""How the command line tells a fault that a person can act on: its message, and exit status 1."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer


@contextmanager
def messages(*further: type[Exception]) -> Iterator[None]:
    """A fault of the configuration, of names or of files in the body is a message; ``further`` kinds are too."""
    try:
        yield
    except (ValueError, LookupError, OSError, *further) as error:
        fail(str(error.args[0] if isinstance(error, KeyError) else error))


def fail(text: str) -> NoReturn:
    """Say it and end."""
    print(text, file=sys.stderr)
    raise typer.Exit(1)
