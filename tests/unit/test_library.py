"""`import whyalike`: what is public, and what it does not import."""

import doctest
import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import whyalike as wa

HEAVY = {"torch", "snakemake", "pandas", "matplotlib", "sklearn", "pydantic", "transformers"}


def imported_by(code):
    """The libraries that a new Python has loaded after some code."""
    told = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split())


def test_every_public_name_is_there_and_listed():
    assert set(wa.__all__) <= set(dir(wa))
    for name in wa.__all__:
        assert callable(getattr(wa, name)) and getattr(wa, name).__doc__
    with pytest.raises(
        AttributeError, match=r"module 'whyalike' has no attribute 'scores'\. Public: compare, describe"
    ):
        _ = wa.scores


def test_the_import_loads_nothing_and_a_score_nothing_heavy():
    assert not imported_by("import whyalike as wa; dir(wa)") & {*HEAVY, "numpy", "scipy", "pyarrow"}
    assert not imported_by("import whyalike as wa; wa.metrics(); wa.describe('cka')") & {*HEAVY, "numpy", "scipy"}
    code = "import numpy as np, whyalike as wa; x = np.eye(9) + np.arange(9.0); wa.score('cka', x, x)"
    assert not imported_by(code) & HEAVY


@pytest.mark.parametrize("module", sorted({*wa._HOMES.values(), "whyalike"}))
def test_the_examples_of_what_is_public_run(module):
    found = doctest.testmod(importlib.import_module(module))
    assert not found.failed


def test_scores_need_nothing_that_studies_bring_and_the_lock_holds_all():
    root = Path(__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {
        part: {re.match(r"[\w-]+", line)[0].lower() for line in lines}
        for part, lines in {"base": project["dependencies"], **project["optional-dependencies"]}.items()
    }
    assert not needed["base"] & (needed["workflow"] | needed["dev"] | {"torch", "snakemake", "matplotlib"})
    locked = set(re.findall(r"^([\w-]+)(?:\[\w+\])?==", (root / "envs" / "requirements.txt").read_text(), re.MULTILINE))
    assert needed["base"] | needed["workflow"] | needed["dev"] <= {name.lower() for name in locked}


def test_the_lock_of_the_extra_zoo_adds_to_the_other_one_and_both_hold_all_of_it():
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    needed = {re.match(r"[\w-]+", line)[0].lower() for extra in ("zoo", "zoo-tests") for line in extras[extra]}
    texts = [(root / "envs" / f"{name}.txt").read_text() for name in ("requirements", "requirements-zoo")]
    main, added = (
        {name.lower() for name in re.findall(r"^([\w-]+)(?:\[\w+\])?==", text, re.MULTILINE)} for text in texts
    )
    assert needed <= main | added
    assert not main & added
    assert "://" not in texts[1]
