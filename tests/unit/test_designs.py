"""The table of designs: whole, cheap to read, and the only place that knows a design by its name."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from whyalike import designs as package
from whyalike.designs.design import Asked, load
from whyalike.designs.registry import DESIGNS, design, designs
from whyalike.figures.registry import FIGURES

SOURCE = Path(package.__file__).parents[1]
COLUMNS = {"dataset", "label"}  # names of designs that are words of other tables too: a lone one says nothing


def names_a_design(node: ast.AST) -> bool:
    """Whether an expression is a design's name, or a literal of nothing but such names."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and node.value in DESIGNS
    elements = getattr(node, "elts", None) or getattr(node, "keys", None) or []
    named = {element.value for element in elements if isinstance(element, ast.Constant) and element.value in DESIGNS}
    return 0 < len(named) == len(elements) and bool(len(named) > 1 or named - COLUMNS)


def comparisons(tree: ast.AST) -> Iterator[ast.AST]:
    """Where code asks for a design by name: comparisons, tables by name, lists of names, cases."""
    entries = {
        id(argument)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Registry"
        for argument in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(map(names_a_design, [node.left, *node.comparators])):
            yield node
        elif isinstance(node, ast.Dict | ast.Tuple | ast.List | ast.Set):
            if id(node) not in entries and names_a_design(node):
                yield node
        elif isinstance(node, ast.MatchValue) and names_a_design(node.value):
            yield node


@pytest.mark.parametrize(
    "code",
    ['x == "task"', 'x in ("label", "factorial")', '{"dataset": 1, "task": 2}', 'A = ("dataset", "label")',
     'match x:\n    case "controls":\n        pass', '"external" != x', '{"controls": 1}'],
)  # fmt: skip
def test_a_comparison_with_a_design_s_name_is_seen(code):
    assert list(comparisons(ast.parse(code)))


@pytest.mark.parametrize("code", ['{"dataset": x}', 'plot(label="label")', 'x["dataset"]', '("dataset", "model")'])
def test_words_of_other_tables_are_no_names_of_designs(code):
    assert not list(comparisons(ast.parse(code)))


def test_no_design_is_known_by_its_name_outside_its_table():
    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}: {ast.unparse(node)[:80]}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.parent != Path(package.__file__).parent
        for node in comparisons(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not found, "ask the entry of the design (`whyalike.designs.registry.design`) in place of its name:\n" + (
        "\n".join(found)
    )


def test_reading_the_table_imports_nothing_heavy():
    program = (
        "import sys; from whyalike.designs.registry import DESIGNS, design; [design(name) for name in DESIGNS]; "
        "print(*{'numpy', 'pandas', 'torch', 'pyarrow', 'pydantic', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize("name", DESIGNS)
def test_what_an_entry_names_is_there(name):
    one = design(name)
    targets = [one.statistics, one.findings, *([one.split] if one.is_trained else [])]
    assert all(callable(load(target)) for target in targets)
    assert set(one.figures) <= set(FIGURES)
    assert one.is_trained is (one.declare is None)
    others = {other for other in (one.images_of, one.measured_as) if other}
    assert others <= set(designs(trained=True))


@pytest.mark.parametrize("name", designs(trained=True))
def test_a_fault_of_a_condition_says_what_came(name):
    assert "nowhere" in design(name).fault(["nowhere"])


@pytest.mark.parametrize("share_a", [True, False])
def test_conditions_share_run_a_unless_they_shall_not(share_a):
    runs = [design("dataset").expand(Asked(0, "digit", share_a), level) for level in ("0", "0.5")]
    assert (runs[0][0] == runs[1][0]) is share_a
    assert runs[0][1] != runs[1][1]
