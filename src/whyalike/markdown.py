"""Pieces of Markdown that the generated pages share: tables, code in lists, settings."""

from collections.abc import Iterable, Mapping
from typing import Any


def table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table; a bar within a cell is escaped."""
    lines = [heads, ("---",) * len(heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def codes(values: Iterable[Any]) -> str:
    """Values as code, joined by commas."""
    return ", ".join(f"`{value}`" for value in values)


def assignments(values: Mapping[str, Any]) -> str:
    """Names with their values as code, joined by commas; a name alone where the value is None."""
    return ", ".join(f"`{name}`" if value is None else f"`{name}: {value}`" for name, value in values.items())


def extent(low: float, high: float) -> str:
    """A range in words."""
    return f"{low:g} to {high:g}".replace("inf", "∞").replace("-", "−")
