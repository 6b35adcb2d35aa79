"""Arrays that may be larger than memory, as they are read or recorded: in temporary files beyond a bound.

The files lie in the folder for temporary files (`TMPDIR`), and go with the ``with`` block that they were made in,
whatever ends it. A mapped file takes no memory that the system could not have back.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np


class Scratch:
    """Where arrays are made: in memory, or beyond some bytes in files.

    Parameters
    ----------
    memory : bytes of all that is added and not yet taken, and of each array that `empty` makes; None: no bound.

    Example
    -------
    >>> with Scratch(memory=100) as scratch:
    ...     for batch in range(3):
    ...         scratch.add("layer", np.full((5, 4), batch, np.float32))
    ...     x = scratch.take("layer")
    ...     type(x).__name__, x.shape, x[:, 0].tolist()[::5]
    ('memmap', (15, 4), [0.0, 1.0, 2.0])
    """

    def __init__(self, memory: int | None = None):
        self.memory = memory
        self.held = 0  # bytes of what was added and is in memory
        self._folder: Any = None
        self._made = 0  # files
        self._files: dict[str, Path] = {}
        self._parts: dict[str, list[np.ndarray]] = {}
        self._rows: dict[str, np.ndarray] = {}  # one row of each, which tells width and type

    def __enter__(self) -> "Scratch":
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array to fill, as `numpy.empty` makes it."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if self.memory is None or size <= self.memory:
            return np.empty(shape, dtype)
        return np.lib.format.open_memmap(self._new_file(), "w+", dtype, shape)

    def add(self, name: str, rows: np.ndarray) -> None:
        """Add rows (b x d) to those of this name.

        Raises
        ------
        ValueError : they are not as wide as those before, or of another type.
        """
        first = self._rows.setdefault(name, rows[:1].copy())
        if first.shape[1:] != rows.shape[1:] or first.dtype != rows.dtype:
            raise ValueError(
                f"{name} must have rows of one width and type; it had {first.shape[1:]} {first.dtype} and then "
                f"{rows.shape[1:]} {rows.dtype}. Give batches of one shape."
            )
        self._parts.setdefault(name, []).append(rows)
        self.held += rows.nbytes
        if self.memory is not None and self.held > self.memory:
            self._write()

    def names(self) -> list[str]:
        """What was added, in the order in which it first was."""
        return list(self._parts)

    def take(self, name: str) -> np.ndarray:
        """All rows of this name, n x d, in memory or mapped; once."""
        if self._files:
            self._write()
            first = self._rows[name]
            return np.memmap(self._files[name], first.dtype, "r").reshape(-1, *first.shape[1:])
        found = np.concatenate(self._parts[name])
        self._parts[name].clear()
        return found

    def _write(self) -> None:
        for name, parts in self._parts.items():
            if name not in self._files:
                self._files[name] = self._new_file()
            with self._files[name].open("ab") as stream:
                for part in parts:
                    part.tofile(stream)
            parts.clear()
        self.held = 0

    def _new_file(self) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="whyalike-")
        self._made += 1
        return Path(self._folder.name, str(self._made))
