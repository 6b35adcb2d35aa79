"""What a stage's result depends on: its parameters as one canonical text, and a fingerprint of its code.

Snakemake compares ``params`` as a set of values, so each rule passes one canonical JSON string. Code is followed by a
fingerprint in that string: SHA-256 over the syntax trees, without comments and docstrings, of the stage's modules and
of all first-party modules that they import. A comment changes nothing; a changed constant changes the stages that reach
it. Stages on which stored runs depend (data, splits, training) carry an explicit VERSION instead: see `version`.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = "whyalike"
_ROOT = Path(__file__).parent


def _path(module: str) -> Path | None:
    """Source file of a first-party module, or None if there is no such module."""
    base = _ROOT.joinpath(*module.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file() and module.split(".")[0] == PACKAGE:
            return candidate
    return None


@cache
def _tree(module: str) -> ast.Module:
    if (path := _path(module)) is None:
        raise ModuleNotFoundError(f"{module} is not a module of {PACKAGE}")
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(module: str) -> set[str]:
    """First-party modules that ``module`` imports anywhere in its text, functions included."""
    names = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    return {name for name in names if _path(name)}


def closure(modules: Iterable[str]) -> list[str]:
    """``modules`` and every first-party module that they import, directly or not; sorted.

    Raises
    ------
    ModuleNotFoundError : one of ``modules`` is not part of this package.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting.extend(_imports(module))
    return sorted(found)


def _without_docstrings(tree: ast.Module) -> ast.Module:
    tree = ast.parse(ast.unparse(tree))  # a copy: the cached tree stays whole
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
    return tree


@cache
def _code_digest(module: str) -> bytes:
    return hashlib.sha256(ast.dump(_without_docstrings(_tree(module))).encode()).digest()


def fingerprint(*modules: str) -> str:
    """16 hex digits that change when the code of ``modules``, or of a first-party module they reach, changes."""
    digest = hashlib.sha256()
    for module in closure(modules):
        digest.update(module.encode() + _code_digest(module))
    return digest.hexdigest()[:16]


def version(module: str) -> int:
    """The integer constant VERSION of a module, read without importing it.

    Raises
    ------
    ModuleNotFoundError : the module is not part of this package.
    LookupError : the module has no such constant.
    """
    for node in _tree(module).body:
        if isinstance(node, ast.Assign) and any(getattr(target, "id", None) == "VERSION" for target in node.targets):
            return ast.literal_eval(node.value)
    raise LookupError(f"{module} has no constant VERSION, which names the state of the code that stored runs depend on")
