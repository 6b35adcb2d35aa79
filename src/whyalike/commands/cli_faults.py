"""How the command line tells a fault that a person can act on: its message, and exit status 1."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

from whyalike.section import path_of_user

INSTALL = 'pip install "whyalike[workflow]", or `make setup` in a clone of the repository.'


@contextmanager
def messages(*further: type[Exception]) -> Iterator[None]:
    """A fault of the configuration, of names or of files in the body is a message; ``further`` kinds are too."""
    try:
        with installed():
            yield
    except (ValueError, LookupError, OSError, *further) as error:
        fail(str(error.args[0] if isinstance(error, KeyError) else error))


@contextmanager
def installed() -> Iterator[None]:
    """A library that studies need and a plain installation has not is a message."""
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"{error.name} is missing, which this needs: {INSTALL}")


def path(text: str) -> Path:
    """The parser of options and arguments that are paths."""
    try:
        return path_of_user(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def fail(text: str) -> NoReturn:
    """Say it and end."""
    print(text, file=sys.stderr)
    raise typer.Exit(1)
