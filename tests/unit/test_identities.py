"""The names of stored runs do not change by accident: identities.json holds every run of the repository's studies.

A run's identity is its folder in the run store: months of GPU time on a cluster. A change that renames runs on purpose
is announced in CHANGELOG.md, and this file, run as a program, writes the new names.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from whyalike import provenance
from whyalike.config.reading import read
from whyalike.files import write_text
from whyalike.grid.runs import Grid
from whyalike.studies.study import rule_studies

GOLDEN = Path(__file__).with_name("identities.json")
REPOSITORY = Path(__file__).parents[2]
CONFIGURATIONS = ("config", "demo", "demo_full")


def identities(name: str) -> dict[str, str]:
    """Run -> its identity and that of its start, of one file under config/."""
    grid = Grid(read(REPOSITORY / "config" / f"{name}.yaml"))
    cells = [(f"{cell.setting}/{cell.factor}/seed{cell.seed}", run) for cell in grid.cells for run in grid.runs(cell)]
    return dict(sorted((f"{cell}/{run.name}", f"{run.identity} {run.untrained}") for cell, run in cells))


def of_studies_with_rules() -> dict[str, str]:
    """Identity -> the group that it belongs to, of studies with rules of their own at full size."""
    studies = rule_studies(read(REPOSITORY / "config" / "config.yaml"), REPOSITORY / "config").values()
    return dict(sorted((run, f"{study.name}/{group}") for study in studies for run, group in study.runs().items()))


@pytest.fixture(scope="module")
def golden():
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_every_run_keeps_its_identity(golden, name):
    assert identities(name) == golden[name]


def test_every_run_of_studies_with_rules_of_their_own_keeps_its_identity(golden):
    assert of_studies_with_rules() == golden["studies"]


PROGRAM = """
import json, pathlib, sys
from whyalike.config.reading import check
from whyalike.grid.runs import Grid
from whyalike.config.yaml_file import keys_of
values = keys_of(pathlib.Path(sys.argv[1]), "")
for section, entries in json.loads(sys.argv[2]).items():
    for name, keys in entries.items():
        values[section][name].update(keys)
grid = Grid(check(values))
cells = [(f"{cell.setting}/{cell.factor}/seed{cell.seed}", run) for cell in grid.cells for run in grid.runs(cell)]
print(json.dumps({f"{cell}/{run.name}": f"{run.identity} {run.untrained}" for cell, run in cells}))
"""


def grown(folder: Path, sections: dict[str, tuple[str, str]], **given: dict) -> dict[str, str]:
    """Identities of the demo, of a copy of the code with a key more: {section's class: (its file, the key's default)}.

    The key was "none" before it existed; ``given`` are values of the configuration that take the place of others.
    """
    copy = folder / "whyalike"
    shutil.copytree(provenance._ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for name, (file, default) in sections.items():
        lines = (copy / file).read_text(encoding="utf-8").splitlines()
        head = next(i for i, line in enumerate(lines) if line.startswith(f"class {name}("))
        end = next(i for i in range(head + 1, len(lines)) if lines[i].endswith('"""'))
        key = f'    toy: Annotated[str, Before("none")] = Field("{default}", description="A toy.")'
        imports = ["from typing import Annotated", "from whyalike.section import Before"]
        text = [*imports, *lines[: end + 1], "", key, *lines[end + 1 :], ""]
        (copy / file).write_text("\n".join(text), encoding="utf-8")
    command = [sys.executable, "-c", PROGRAM, str(REPOSITORY / "config" / "demo.yaml"), json.dumps(given)]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout)


def renamed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    assert before.keys() == after.keys()
    return {name for name in before if before[name] != after[name]}


TOYS = {
    "ResNetParameters": ("models/parameters.py", "none"),
    "ClassifierRecipe": ("training/parameters.py", "none"),
    "DigitsParameters": ("data/parameters.py", "none"),
}


def test_a_key_more_renames_no_run(tmp_path, golden):
    assert grown(tmp_path, TOYS) == golden["demo"]


def test_a_key_more_that_is_set_renames_just_the_runs_that_have_it(tmp_path, golden):
    found = renamed(golden["demo"], grown(tmp_path, TOYS, recipes={"colorshapedigit": {"toy": "some"}}))
    assert found == {name for name in golden["demo"] if name.startswith("colorshapedigit/")}


def test_a_default_that_is_another_than_before_shows(tmp_path, golden):
    toy = {"DigitsParameters": (TOYS["DigitsParameters"][0], "some")}
    found = renamed(golden["demo"], grown(tmp_path, toy))
    assert found == {name for name in golden["demo"] if name.startswith("digits/")}


if __name__ == "__main__":
    found = {name: identities(name) for name in CONFIGURATIONS} | {"studies": of_studies_with_rules()}
    write_text(GOLDEN, json.dumps(found, indent=0) + "\n")
    print(f"written: {GOLDEN}")
