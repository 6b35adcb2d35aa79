"""Six corpora that every installation has, since the project's own dependencies bring them: text without downloads.

What they hold depends on the installed versions. The order of their files is shuffled, by a key that no parameter
changes, so that the first tokens of a corpus are a fair sample of it: the standard library sorted by name would start
with one module's arithmetic. Texts are read one after the other.
"""

import ast
import importlib.metadata
import importlib.util
import inspect
import sys
import sysconfig
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from whyalike.randomness import keyed

DOCUMENTED = ("numpy", "scipy", "sklearn")  # packages with long docstrings
LICENSED = ("matplotlib", "numpy", "pandas", "pillow", "pyarrow", "scikit-learn", "scipy", "torch")  # 0.8 MB together
LICENSE_NAMES = ("COPYING", "LICENCE", "LICENSE", "NOTICE")
SHORTEST_DOCSTRING = 200  # characters: below it most are a signature in words
BLOCK = 256  # characters of Unicode in a text


def texts(name: str) -> Iterator[str]:
    """The texts of one corpus, in an order that depends on nothing but what is installed.

    Raises
    ------
    ValueError : the installation holds none of it.
    """
    found = False
    for text in _CORPORA[name]():
        found = True
        yield text
    if not found:
        raise ValueError(
            f"corpus {name} must come with the installed packages and Python, but there is none of it in {sys.prefix}. "
            "Set the environment up from its lock (envs/README.md), or leave the corpus out."
        )


def _shuffled(files: Sequence, corpus: str) -> list:
    return [files[place] for place in keyed("bundled text", corpus).permutation(len(files))]


def _library() -> Iterator[str]:
    """Public modules of Python's standard library that are one file."""
    folder = Path(sysconfig.get_path("stdlib"))
    names = sorted(name for name in sys.stdlib_module_names if not name.startswith("_"))
    files = [path for name in names if (path := folder / f"{name}.py").is_file()]
    return (_read(path) for path in _shuffled(files, "library"))


def _topics() -> Iterator[str]:
    """Python's language reference in prose, as `help()` shows it."""
    from pydoc_data.topics import topics  # 0.5 MB, for this corpus alone

    return (topics[name] for name in _shuffled(sorted(topics), "topics"))


def _docstrings() -> Iterator[str]:
    """Docstrings of numerical libraries, without those of tests, each once."""
    files = [
        path for package in DOCUMENTED for path in sorted(_root(package).rglob("*.py")) if "tests" not in path.parts
    ]
    seen: set[str] = set()
    for path in _shuffled(files, "docstrings"):
        for node in ast.walk(ast.parse(_read(path))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = inspect.cleandoc(ast.get_docstring(node, clean=False) or "")
                if len(text) >= SHORTEST_DOCSTRING and text not in seen:
                    seen.add(text)
                    yield text


def _headers() -> Iterator[str]:
    """The C++ headers of PyTorch's core library."""
    files = sorted((_root("torch") / "include" / "c10").rglob("*.h"))
    return (_read(path) for path in _shuffled(files, "headers"))


def _licenses() -> Iterator[str]:
    """Licence texts of the packages that the project needs, each once."""
    found: dict[str, None] = {}  # an ordered set
    for name in LICENSED:
        with suppress(importlib.metadata.PackageNotFoundError):
            for file in sorted(importlib.metadata.files(name) or ()):
                named = file.name.upper().startswith(LICENSE_NAMES) and file.suffix in ("", ".md", ".rst", ".txt")
                if named and (path := Path(file.locate())).is_file():
                    found.setdefault(_read(path))
    return iter(_shuffled(list(found), "licenses"))


def _names() -> Iterator[str]:
    """The characters of Unicode with their names, without those that are only numbered."""
    for block in _shuffled(range(0, sys.maxunicode, BLOCK), "names"):
        named = [(code, unicodedata.name(chr(code), "")) for code in range(block, block + BLOCK)]
        told = [f"U+{code:04X} {name}" for code, name in named
                if name and not name.endswith(f"-{code:X}") and not name.startswith("HANGUL SYLLABLE")]  # fmt: skip
        if told:
            yield "\n".join(told)


def _root(package: str) -> Path:
    """The folder of a package, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else Path(package)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


_CORPORA: dict[str, Callable[[], Iterator[str]]] = {
    "docstrings": _docstrings,
    "headers": _headers,
    "library": _library,
    "licenses": _licenses,
    "names": _names,
    "topics": _topics,
}
