"""What may import what: units in one order, from the ground up, and no circle of modules."""

import ast
from graphlib import CycleError, TopologicalSorter

import pytest

from whyalike.documentation.rooms import ORDER, ROOT, modules, units
from whyalike.provenance import PACKAGE

# an import that runs back up -> why it does
UPWARDS = {
    ("config", "studies"): "a study with rules of its own has a section of the configuration, found in their table",
    ("planning", "studies"): "missing data and measured costs are asked of every study, which says what its jobs cost",
}


def imported(module):
    """First-party modules that ``module`` imports, for type hints alone too."""
    path = ROOT.joinpath(*module.split(".")[1:])
    tree = ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            parent = getattr(node, "module", None)
            found |= {f"{parent}.{alias.name}" if parent else alias.name for alias in node.names} | {parent}
    return found & set(modules()) - {PACKAGE, module}


def circle(graph):
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


def test_every_unit_has_its_place_in_the_order():
    assert sorted(ORDER) == sorted(units())


def test_imports_run_down_but_for_those_with_a_reason():
    place = {unit: number for number, unit in enumerate(ORDER)}
    up = {(unit, used) for unit, names in units().items() for used in names if place[used] > place[unit]}
    assert up == UPWARDS.keys(), "move what is imported down, or say here why it cannot be"


def test_no_modules_import_each_other_in_a_circle():
    assert circle({module: imported(module) for module in modules()}) is None


@pytest.mark.parametrize(("graph", "found"), [({"a": {"b"}, "b": {"c"}}, False), ({"a": {"b"}, "b": {"a"}}, True)])
def test_a_circle_is_found(graph, found):
    assert bool(circle(graph)) == found
