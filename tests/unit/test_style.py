"""How a room reads: scripts without logic, packages that say what they hold, modules of one idea."""

import ast
import io
import tokenize
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "whyalike"
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
ROOMS = sorted(PACKAGE.glob("*/__init__.py"))
MODULES = sorted(PACKAGE.rglob("*.py"))

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
LONG_TABLE = 20  # lines
WORDS = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source):
    """Number of lines with code: neither empty, nor comment, nor docstring."""
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in WORDS:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | FUNCTIONS) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def table_lines(source):
    """Lines of the tables of a module, which are data: names that are given long values, and the fields of classes."""
    body = ast.parse(source).body
    given = (node for node in body if isinstance(node, ast.Assign | ast.AnnAssign))
    lengths = (node.end_lineno - node.lineno + 1 for node in given)
    fields = (part for node in body if isinstance(node, ast.ClassDef) for part in node.body)
    of_fields = (part.end_lineno - part.lineno + 1 for part in fields if isinstance(part, ast.AnnAssign))
    return sum(length for length in lengths if length > LONG_TABLE) + sum(of_fields)


def function_lines(node):
    """Lines from the first statement of a function, after its docstring, to the end of the last."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def faults(paths, fault):
    """Path -> what is wrong with the file: all files at once, so that one run of the test names them all."""
    found = {str(path.relative_to(ROOT)): fault(path.read_text(encoding="utf-8")) for path in paths}
    return {path: wrong for path, wrong in found.items() if wrong}


def test_code_lines_are_counted_without_words():
    words = '"""Words.\n\nMore.\n"""\n\n'
    assert code_lines(words + "import os  # why\n\n# a comment\nx = (\n    1,\n)\n") == 4
    assert code_lines(words + 'class A:\n    """Two\n    lines."""\n\n    x = "two"\n') == 2
    assert code_lines('def f():\n    """Words."""\n    return """of\n    two lines"""\n') == 3
    assert code_lines("") == code_lines("# nothing\n") == 0


def test_a_long_value_of_a_name_is_a_table():
    table = "TABLE: dict = {\n" + "    1: 2,\n" * LONG_TABLE + "}\n"
    assert table_lines(table + "x = {\n}\ndef f(): ...\n") == LONG_TABLE + 2
    assert table_lines("class A:\n    n: int = (\n        1\n    )\n\n    def f(self):\n        return 1\n") == 3
    assert table_lines("for i in range(3):\n    TABLE = [\n" + "i,\n" * LONG_TABLE + "]\n") == 0


def test_there_are_scripts_rooms_and_modules_to_look_at():
    assert len(SCRIPTS) >= 9
    assert {path.parent.name for path in ROOMS} >= {
        "data", "splits", "models", "training", "activations", "similarity", "statistics", "figures",
    }  # fmt: skip
    assert len(MODULES) > len(ROOMS)


def test_a_script_is_short_and_defines_nothing():
    def fault(source):
        tree = ast.parse(source)
        defined = [node.lineno for node in ast.walk(tree) if isinstance(node, FUNCTIONS | ast.ClassDef | ast.Lambda)]
        wrong = {"lines": max(code_lines(source) - 25, 0), "defines": defined, "no words": not ast.get_docstring(tree)}
        return {what: value for what, value in wrong.items() if value}

    assert faults(SCRIPTS, fault) == {}


def test_every_script_has_its_rule_and_every_rule_its_script():
    used = set()
    for rules in (ROOT / "workflow" / "rules").glob("*.smk"):
        lines = rules.read_text(encoding="utf-8").splitlines()
        used |= {line.strip().strip('"').rsplit("/", 1)[1] for line in lines if "../scripts/" in line}
    assert used == {path.name for path in SCRIPTS}


def test_a_room_says_its_role_what_it_holds_its_layer_and_its_imports_and_nothing_else():
    def fault(source):
        tree = ast.parse(source)
        missing = [part for part in ("Role:", "Holds:", "Layer:", "May import:") if part not in _words(tree)]
        return missing + ["code"] * (len(tree.body) > 1)  # no re-export

    assert faults(ROOMS, fault) == {}


def test_a_module_has_one_idea_and_says_it():
    def fault(source):
        if not _words(ast.parse(source)):
            return "no docstring"
        count = code_lines(source) - table_lines(source)
        return count > 300 and f"{count} lines of code"

    assert faults(MODULES, fault) == {}


def test_a_function_has_at_most_40_lines_of_code():
    def fault(source):
        functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, FUNCTIONS))
        return {node.name: function_lines(node) for node in functions if function_lines(node) > 40}

    assert faults(MODULES, fault) == {}


def _words(tree):
    return ast.get_docstring(tree) or ""
