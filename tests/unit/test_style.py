"""How a room reads: scripts without logic, packages that say what they hold, modules of one idea."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "whyalike"
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
ROOMS = sorted(PACKAGE.glob("*/__init__.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))


def code_lines(source):
    """Number of lines with code: neither empty, nor comment, nor the module's docstring."""
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in ignored:
            lines.update(range(token.start[0], token.end[0] + 1))
    first = ast.parse(source).body[0]
    if isinstance(first, ast.Expr):
        lines -= set(range(first.lineno, first.end_lineno + 1))
    return len(lines)


def name(path):
    return str(path.relative_to(ROOT))


def test_code_lines_are_counted_without_words():
    assert code_lines('"""Words.\n\nMore.\n"""\n\nimport os  # why\n\n# a comment\nx = (\n    1,\n)\n') == 4


def test_there_are_scripts_rooms_and_modules_to_look_at():
    assert len(SCRIPTS) >= 9
    assert {path.parent.name for path in ROOMS} >= {
        "data", "splits", "models", "training", "activations", "similarity", "statistics", "figures",
    }  # fmt: skip
    assert len(MODULES) > len(ROOMS)


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_a_script_is_short_and_defines_nothing(path):
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert code_lines(source) <= 25
    assert ast.get_docstring(tree)
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    assert not [node.lineno for node in ast.walk(tree) if isinstance(node, kinds)]


def test_every_script_has_its_rule_and_every_rule_its_script():
    used = set()
    for rules in (ROOT / "workflow" / "rules").glob("*.smk"):
        lines = rules.read_text(encoding="utf-8").splitlines()
        used |= {line.strip().strip('"').rsplit("/", 1)[1] for line in lines if "../scripts/" in line}
    assert used == {path.name for path in SCRIPTS}


@pytest.mark.parametrize("path", ROOMS, ids=name)
def test_a_room_says_its_role_what_it_holds_its_layer_and_its_imports_and_nothing_else(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = ast.get_docstring(tree)
    assert not [part for part in ("Role:", "Holds:", "Layer:", "May import:") if part not in words]
    assert len(tree.body) == 1  # no re-export


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_has_one_idea_and_says_it(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(source))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_function_has_at_most_40_lines_of_code(path):
    long = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            count = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            if count > 40:
                long[node.name] = count
    assert not long
