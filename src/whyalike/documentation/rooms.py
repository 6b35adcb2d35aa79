"""What docs/architecture.md shows of the code: its units, which imports which, and each one's door.

A unit is a package or module right below the root. An arrow goes from a unit to one that imports it, which is the way
data flow; one that a chain of others implies is left out. Roles and doors are those of the units' docstrings.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from whyalike.markdown import table
from whyalike.provenance import PACKAGE, imports

ROOT = Path(__file__).parents[1]
ROOMS = ("data", "splits", "models", "training", "activations", "similarity", "statistics", "figures")
# every unit from the ground up: it imports those before it, but for what tests/unit/test_layers.py gives a reason for
ORDER = (
    *(
        "registry",
        "section",
        "provenance",
        "table_sums",
        "files",
        "file_faults",
        "locks",
        "parameters",
        "randomness",
        "job",
        "markdown",
        "driver_lock",
        "termination",
        "designs",
    ),
    *("data", "splits", "models", "training", "activations", "similarity", "statistics", "figures"),
    *("config", "grid", "cluster", "planning", "studies", "status", "documentation", "commands"),
)
PAGE = ROOT.parents[1] / "docs" / "architecture.md"
BEGIN, END = "<!-- from the code, by `make reference` -->\n", "<!-- end of what is from the code -->\n"
Graph = Mapping[str, set[str]]


def modules() -> list[str]:
    """Every module of the package, sorted."""
    paths = (path.relative_to(ROOT).with_suffix("") for path in ROOT.rglob("*.py"))
    return sorted(".".join((PACKAGE, *path.parts)).removesuffix(".__init__") for path in paths)


def units() -> Graph:
    """Unit -> the other units that its modules import."""
    graph: dict[str, set[str]] = {}
    for module in modules():
        if module != PACKAGE:
            unit = module.split(".")[1]
            used = {name.split(".")[1] for name in imports(module) if "." in name}
            graph.setdefault(unit, set()).update(used - {unit})
    return graph


def chart(graph: Graph) -> str:
    """A graph as Mermaid text."""
    arrows = [f"  {used} --> {unit}" for unit in sorted(graph) for used in sorted(_drawn(graph, unit))]
    nodes = [f"  {unit}" for unit in sorted(graph, key=_place)]
    return "\n".join(["```mermaid", "flowchart LR", *nodes, *arrows, "```"])


def _place(unit: str) -> tuple[int, str]:
    return ORDER.index(unit) if unit in ORDER else len(ORDER), unit


def _drawn(graph: Graph, unit: str) -> set[str]:
    """What a unit imports, without what its other imports reach; in a circle nothing stands for another."""
    reached = {used: _reached(graph, used) for used in graph[unit]}
    return {used for used, back in reached.items()
            if not any(used in others and unit not in others and other not in back
                       for other, others in reached.items() if other != used)}  # fmt: skip


def _reached(graph: Graph, unit: str) -> set[str]:
    seen, left = set(), [*graph[unit]]
    while left:
        if (one := left.pop()) not in seen:
            seen.add(one)
            left += graph[one]
    return seen


def described(unit: str) -> tuple[str, str]:
    """Role and door of a unit.

    Raises
    ------
    ValueError : a package whose docstring has no line ``Role:``.
    """
    package = ROOT / unit / "__init__.py"
    source = package if package.is_file() else ROOT / f"{unit}.py"
    words = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    role = re.search(r"^Role: (.+?)(?=\n\n|\n[A-Z][a-z ]+:|\Z)", words, re.MULTILINE | re.DOTALL)
    if package.is_file() and not role:
        raise ValueError(f"{source} must say `Role: ...` in its docstring, it does not. Add what the package is for.")
    door = re.search(r"^Door: `(\S+)`", words, re.MULTILINE)
    text = role[1] if role else words.split("\n\n")[0]
    return " ".join(text.split()).rstrip("."), f"`{door[1]}`" if door else "–"


def door_is_there(unit: str, door: str) -> bool:
    """Whether a door, ``module.function`` inside its unit, is defined there."""
    module, _, name = f"{unit}.{door}".rpartition(".")
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return re.search(rf"^((def|class) )?{name}\b", text, re.MULTILINE) is not None


def page() -> str:
    """docs/architecture.md with what is from the code as the code is now."""
    graph = units()
    rooms = {room: graph[room] & set(ROOMS) for room in ROOMS}
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    return "".join([before, BEGIN, *_generated(graph, rooms), END, rest.split(END)[1]])


def _generated(graph: Graph, rooms: Graph) -> Iterator[str]:
    yield f"\n{chart(rooms)}\n\nAll units:\n\n{chart(graph)}\n\n"
    yield table(("unit", "role", "door"), [(f"`{name}`", *described(name)) for name in ORDER])
    yield "\n"
