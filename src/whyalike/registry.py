"""A table of named things: each name points at code (imported when it is used) and carries facts about it.

Config validates names against the keys, and other rooms read the facts, without importing what the names point at.
"""

import difflib
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Facts = TypeVar("Facts")


@dataclass(frozen=True)
class Entry(Generic[Facts]):
    """``target`` is "package.module:function"; ``facts`` says what is known of it without importing it."""

    target: str
    facts: Facts

    @property
    def module(self) -> str:
        """The module that holds the target, such as "whyalike.similarity.metrics.cka"."""
        return self.target.partition(":")[0]

    def load(self) -> Callable[..., Any]:
        """Import the target and return it."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)


class Registry(Mapping[str, Entry[Facts]]):
    """Read-only mapping from names to entries; an unknown name raises a KeyError that lists the known ones."""

    def __init__(self, kind: str, entries: Mapping[str, Entry[Facts]]):
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry[Facts]:
        try:
            return self._entries[name]
        except KeyError:
            raise KeyError(self.unknown(name)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def unknown(self, name: str) -> str:
        """The message for a name that is not in the table: the nearest known name and the whole list."""
        near = difflib.get_close_matches(str(name), self._entries, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        return f"unknown {self.kind} '{name}'.{hint} Known: {', '.join(self._entries)}."
