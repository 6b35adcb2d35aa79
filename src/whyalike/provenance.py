"""What a stage's result depends on: its parameters as one canonical text, and a fingerprint of its code.

Snakemake compares ``params`` as a set of values, so each rule passes one canonical JSON string. Code is followed by a
fingerprint in that string: SHA-256 over the syntax, without comments and docstrings, of the stage's entry and of every
first-party definition that it reaches: the functions, classes and constants that it uses, those that they use, and so
on. A comment changes nothing; a changed constant changes the stages that reach it; a new function in a module changes
nothing until somebody calls it. Names of first-party modules do not count, so a definition may move from one file to
another. Stages on which stored runs or GPU time depend (data, splits, models, training, extraction) carry an explicit
VERSION instead, see `version`; a test compares it with the fingerprint.

Two things are out of sight: the table of a `Registry` (a line for another metric is no change of this one: the entry
in use and its facts belong in the parameters), and what is imported by a name that is computed, as such a table does.
"""

import ast
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = "whyalike"
_ROOT = Path(__file__).parent
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# how files are written and read, what a job that was cut off has kept, who is told, who holds a run, what is tried
# before training, and what a GPU would do (the workflow scores on the CPU): no fingerprint counts it, for no number of
# a study depends on it
_WITHOUT_EFFECT = frozenset(
    {
        "whyalike.file_faults:readable",
        "whyalike.files:atomic",
        "whyalike.files:check_archive",
        "whyalike.files:made_by",
        "whyalike.files:read_group",
        "whyalike.files:read_table",
        "whyalike.files:table_writer",
        "whyalike.files:write_table",
        "whyalike.job:note",
        "whyalike.data.array_sums:is_as_written",
        "whyalike.data.stimuli:try_stimuli",
        "whyalike.models.recording:try_layers",
        "whyalike.similarity.on_device:forms_on_gpu",
        "whyalike.similarity.unfinished:Unfinished",
        "whyalike.training.store:StoredRun",
    }
)
_UNSEEN = ("ctx", "kind", "type_comment")  # fields of a syntax tree that change nothing


@cache
def _path(module: str) -> Path | None:
    """Source file of a first-party module, or None if there is no such module."""
    if module.split(".")[0] != PACKAGE:
        return None
    base = _ROOT.joinpath(*module.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _tree(module: str) -> ast.Module:
    if (path := _path(module)) is None:
        raise ModuleNotFoundError(f"{module} is not a module of {PACKAGE}")
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(module: str) -> set[str]:
    """First-party modules that ``module`` imports anywhere in its text, functions included."""
    names = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    return {name for name in names if _path(name)}


@dataclass(frozen=True)
class _Source:
    """A module as its statements: where each name is bound, where first-party names come from, what runs anyway."""

    statements: list[ast.stmt]
    bound: dict[str, list[int]]
    imported: dict[str, str]
    loose: list[int]


@cache
def _source(module: str) -> _Source:
    whole = _body(_tree(module))
    statements = [part for statement in whole if not _is_table(statement) for part in _parts(statement)]
    tables = {name: [] for statement in whole if _is_table(statement) for name in _bound(statement)}
    source = _Source(statements, tables, {}, [])
    for place, statement in enumerate(statements):
        source.imported.update(_imported(statement))
        if not (isinstance(statement, _DEFINITIONS) or _is_import(statement) or _is_assignment(statement)):
            source.loose.append(place)
        for name in _bound(statement) - set(source.imported):
            source.bound.setdefault(name, []).append(place)
    return source


@cache
def _nodes(statement: ast.stmt) -> tuple[ast.AST, ...]:
    """A statement and all that is in it, from the outside in."""
    nodes = [statement]
    for node in nodes:  # `ast.walk` takes four times as long
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(value, ast.AST):
                nodes.append(value)
            elif isinstance(value, list):
                nodes.extend(part for part in value if isinstance(part, ast.AST))
    return tuple(nodes)


def _body(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The statements of a module, class or function, without its docstring."""
    return node.body[ast.get_docstring(node, clean=False) is not None :]


def _parts(statement: ast.stmt) -> list[ast.stmt]:
    """An import as one statement a name, so that a name more beside it is no change; others as they are."""
    if not _is_import(statement):
        return [statement]
    return [type(statement)(**{**dict(ast.iter_fields(statement)), "names": [alias]}) for alias in statement.names]


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _is_assignment(statement: ast.stmt) -> bool:
    """Whether a statement does nothing but give values to names."""
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and all(
        isinstance(node, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
        for target in targets
        for node in ast.walk(target)
    )


def _is_table(statement: ast.stmt) -> bool:
    """Whether a statement makes the table of a registry."""
    value = getattr(statement, "value", None)
    return _is_assignment(statement) and isinstance(value, ast.Call) and getattr(value.func, "id", "") == "Registry"


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module binds; for a compound statement also those bound inside it."""
    if isinstance(statement, _DEFINITIONS):
        return {statement.name}
    names = set()
    for node in _nodes(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, _DEFINITIONS):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return names


@cache
def _imported(statement: ast.stmt) -> dict[str, str]:
    """First-party names that a statement imports, anywhere in it -> "module" or "module:name"."""
    names = {}
    for node in _nodes(statement):
        if isinstance(node, ast.ImportFrom) and node.module and _path(node.module):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names[alias.asname or alias.name] = inner if _path(inner) else f"{node.module}:{alias.name}"
        elif isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names if _path(alias.name)})
    return names


@cache
def _uses(module: str, place: int) -> frozenset[str]:
    """What a statement refers to, as "module:name", or "module" where a whole module is handed on."""
    source = _source(module)
    statement = source.statements[place]
    imported = {**source.imported, **_imported(statement)}
    seen, uses = set(), set()
    for node in _nodes(statement):  # `module.name` comes before the `module` in it
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            target = imported.get(node.value.id, ":")
            if ":" not in target:
                seen.add(node.value)
                uses.add(f"{target}:{node.attr}")
        elif isinstance(node, ast.Name) and node not in seen:
            if node.id in imported:
                uses.add(imported[node.id])
            elif node.id == PACKAGE:  # of `import whyalike.room.module`
                uses.update(target for name, target in imported.items() if "." in name)
            elif node.id in source.bound:
                uses.add(f"{module}:{node.id}")
    return frozenset(uses)


def _reached(entries: Iterable[str], ignored: Iterable[str] = ()) -> set[tuple[str, int]]:
    """Every statement, as (module, place), that the entries are or refer to, directly or through others not ignored."""
    found: set[tuple[str, int]] = set()
    known, waiting = set(ignored), list(entries)
    while waiting:
        entry = waiting.pop()
        if entry in known:
            continue
        known.add(entry)
        module, _, name = entry.partition(":")
        source = _source(module)
        if name in source.imported:
            waiting.append(source.imported[name])
            continue
        if not name:
            waiting.extend(source.imported.values())
        elif name not in source.bound:
            raise LookupError(f"{module} defines no {name}")
        for place in [*source.bound[name], *source.loose] if name else range(len(source.statements)):
            found.add((module, place))
            waiting.extend(_uses(module, place))
    return found


def closure(entries: Iterable[str]) -> list[str]:
    """The first-party modules that take part in ``entries``, sorted.

    Parameters
    ----------
    entries : modules ("whyalike.splits.overlap") or definitions in them ("whyalike.data.digits:prepare").

    Raises
    ------
    ModuleNotFoundError : a module is not part of this package.
    LookupError : a module has no such definition.
    """
    return sorted({module for module, _ in _reached(entries)})


def _shape(node: object) -> str:
    """A syntax tree as text, the same in every Python version: `ast.dump` shows empty fields in some of them."""
    if isinstance(node, list):
        return f"[{','.join(map(_shape, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if name not in _UNSEEN}
    if isinstance(node, ast.ImportFrom) and node.module and _path(node.module):
        del fields["module"]  # where a first-party definition lies does not count
    if isinstance(node, _DEFINITIONS):
        fields["body"] = _body(node)
    told = (f"{name}={_shape(value)}" for name, value in fields.items() if value is not None and value != [])
    return f"{type(node).__name__}({','.join(told)})"


@cache
def _text(module: str, place: int) -> str:
    """A statement of a module as text; an import of first-party names is none."""
    statement = _source(module).statements[place]
    return "" if _is_import(statement) and _imported(statement) else _shape(statement)


@cache
def fingerprint(*entries: str) -> str:
    """16 hex digits that change when the code of ``entries``, or first-party code that they reach, changes.

    Entries are as in `closure`. What only carries results (`_WITHOUT_EFFECT`) does not count, nor do names of modules:
    only if two definitions of one name in two modules swapped their texts would nothing be seen.
    """
    # as a set: two modules that become one import what both need only once
    shapes = {_text(*statement) for statement in _reached(entries, _WITHOUT_EFFECT)} - {""}
    return hashlib.sha256("\n".join(sorted(shapes)).encode()).hexdigest()[:16]


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
