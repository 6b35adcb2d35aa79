"""The site of all pages: what is public stands in it with an example that runs, and no link of it is broken."""

import doctest
import importlib
import inspect
import os
import re
import subprocess
from pathlib import Path

import pytest

import whyalike
from whyalike.documentation import site

ROOT = Path(__file__).parents[3]
NAMES = re.findall(r"^::: (\S+)$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
MKDOCS = ROOT / ".venv" / "docs" / "bin" / "mkdocs"


def public(name):
    module, _, own = name.rpartition(".")
    return getattr(importlib.import_module(module), own)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_public_is_described_and_a_function_has_an_example_that_runs(name):
    one = public(name)
    assert inspect.getdoc(one)
    found = doctest.DocTestFinder(recurse=False).find(one, name, globs=vars(importlib.import_module(one.__module__)))
    examples = sum(len(test.examples) for test in found)
    assert examples or inspect.isclass(one), f"{name} needs a section `Example` in its docstring"
    for test in found:
        told = []
        assert doctest.DocTestRunner(verbose=False).run(test, out=told.append).failed == 0, "".join(told)


def test_every_public_name_of_the_package_is_in_the_reference():
    names = [name for name in getattr(whyalike, "__all__", ()) if not isinstance(getattr(whyalike, name), str)]
    homes = {f"{one.__module__}.{one.__qualname__}" for one in (getattr(whyalike, name) for name in names)}
    assert homes <= set(NAMES)
    assert len(set(NAMES)) == len(NAMES)


def test_the_navigation_has_every_page_of_the_folder_and_only_pages():
    def leaves(part):
        return [part] if isinstance(part, str) else [x for one in part for value in one.values() for x in leaves(value)]

    found = leaves(site.navigation())
    assert len(found) == len(set(found))
    assert set(found) >= {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert set(found) <= {path.as_posix() for path in site.pages()}


def test_sections_of_a_docstring_are_lists_and_code():
    text = (
        "A line.\n\nMore words : no item.\n\nParameters\n----------\nx, y : n x p,\n    in one order.\nz : a number\n\n"
        "Returns\n-------\nThe score,\nnever NaN.\n\nRaises\n------\nAs `score`.\nKeyError : unknown.\n\n"
        "Example\n-------\n>>> 1 + 1\n2\n"
    )
    assert site.as_markdown(text) == (
        "A line.\n\nMore words : no item.\n\n**Parameters**\n\n- `x, y`: n x p, in one order.\n- `z`: a number\n\n"
        "**Returns**\n\nThe score,\nnever NaN.\n\n**Raises**\n\nAs `score`.\n- `KeyError`: unknown.\n\n"
        "**Example**\n\n```pycon\n>>> 1 + 1\n2\n```"
    )
    assert doctest.testmod(site).failed == 0


def test_what_tests_read_behind_a_fence_is_left_out():
    text = "```python file=src/x.py\nx = 1\n```\n\n```\nplain\n```\n"
    assert site.on_page_markdown(text, None, None, None) == "```python\nx = 1\n```\n\n```\nplain\n```\n"


@pytest.mark.skipif(not MKDOCS.exists(), reason="needs MkDocs: make setup-docs")
def test_the_site_is_built_and_its_links_lead_to_what_is_there(tmp_path):
    command = [MKDOCS, "build", "--strict", "--site-dir", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False,
                          env={**os.environ, "NO_MKDOCS_2_WARNING": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    broken = []
    for page in tmp_path.rglob("*.html"):
        for link in re.findall(r'(?:href|src)="([^"#?]+)', page.read_text(encoding="utf-8")):
            target = tmp_path / link.lstrip("/") if link.startswith("/") else page.parent / link
            if not re.match(r"[a-z]+:", link) and not (target.is_file() or (target / "index.html").is_file()):
                broken.append((str(page.relative_to(tmp_path)), link))
    assert not broken
    reference = (tmp_path / "docs" / "api" / "index.html").read_text(encoding="utf-8")
    assert not [name for name in NAMES if f'id="{name}"' not in reference]
