"""Pieces of Markdown that the generated pages share: tables, code in lists, settings."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# of an underscore only one that is not within a word
_MARKUP = re.compile(r"[\\`*\[<&$~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; a bar within a cell is escaped."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def plain(text: str) -> str:
    """A text that is no markup, whatever it holds; what stands for itself in Markdown stays as it is.

    Examples
    --------
    >>> plain("layer_1"), plain("<b>*$x$*")
    ('layer_1', '\\\\<b>\\\\*\\\\$x\\\\$\\\\*')
    """
    return _MARKUP.sub(r"\\\g<0>", text)


def codes(values: Iterable[Any]) -> str:
    """Values as code, joined by commas."""
    return ", ".join(f"`{value}`" for value in values)


def assignments(values: Mapping[str, Any]) -> str:
    """Names with their values as code, joined by commas; a name alone where the value is None."""
    return ", ".join(f"`{name}`" if value is None else f"`{name}: {value}`" for name, value in values.items())


def extent(low: float, high: float) -> str:
    """A range in words."""
    return f"{low:g} to {high:g}".replace("inf", "∞").replace("-", "−")
