"""The first page, the index, and the pages of words and of commands: short, complete, and true of the code."""

import re
from pathlib import Path

import numpy as np
import typer

from whyalike.commands import cli
from whyalike.designs.label import CONDITIONS, OVERLAP, PARTITIONS
from whyalike.similarity.table import SCORE_SCHEMA
from whyalike.training.models_table import MODEL_SCHEMA

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text(encoding="utf-8")


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def plain(text):
    """Words alone, in small letters, each a space apart."""
    return " ".join(re.sub(r"[_`*]", " ", text).lower().split())


# ---- the first page ----


def test_the_readme_is_one_page():
    lines = README.splitlines()
    assert len(lines) <= 70
    assert [line for line in lines if len(line) > 100] == []


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    a = np.random.default_rng(0).normal(size=(20, 4))
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", 2 * a[:, ::-1])
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert round(float(capsys.readouterr().out), 6) == 1


def test_the_changes_in_the_readme_are_those_of_the_findings():
    changes = re.findall(r"\| ([+−]\.?[\d.]+ \[[^]]+\]) \|", README)
    assert len(changes) == 4
    findings = plain(page("findings.md"))
    assert [change for change in changes if change not in findings] == []


# ---- the index ----


def test_the_index_names_every_page():
    links = re.findall(r"\]\(([^)#\s]+)", page("README.md"))
    assert {path.name for path in DOCS.glob("*.md")} - set(links) == {"README.md"}


# ---- words ----


def test_every_word_is_used_elsewhere():
    words = re.findall(r"^- \*\*(.+?)\*\*", page("words.md"), re.MULTILINE)
    assert len(set(words)) == len(words) > 40
    others = [path for path in DOCS.glob("*.md") if path.name not in ("words.md", "README.md")]
    text = plain(" ".join(path.read_text(encoding="utf-8") for path in [*others, ROOT / "config" / "README.md"]))
    assert [word for word in words if plain(word) not in text] == []


def test_the_drawing_has_the_conditions_of_label_overlap():
    row = re.compile(r"^(\w+) +([SDC. ]{5}) +([SDC. ]{5}) +\w+ +([\d.]+) +(\d+), (\d+)$", re.MULTILINE)
    letters = {"S": ("shape", 8), "D": ("digit", 10), "C": ("color", 10)}
    drawn = {}
    for condition, *labels, overlap, classes_a, classes_b in row.findall(page("words.md")):
        learnt = [[letters[letter] for letter in label if letter in letters] for label in labels]
        drawn[condition] = (*("_".join(name for name, _ in one) for one in learnt), float(overlap))
        assert [np.prod([count for _, count in one]) for one in learnt] == [int(classes_a), int(classes_b)]
    assert drawn == {
        condition: (PARTITIONS[partition][a], PARTITIONS[partition][b], OVERLAP[condition])
        for condition, (partition, a, b) in CONDITIONS.items()
    }


# ---- results and commands ----


def test_the_page_of_results_has_the_columns_of_the_score_table():
    table = page("results.md").partition("## The score table")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(SCORE_SCHEMA.names)


def test_the_page_of_results_has_the_columns_of_the_table_of_models():
    table = page("results.md").partition("## The table of models")[2].partition("\n## ")[0]
    columns = {
        name for line in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", line)
    }
    assert columns == set(MODEL_SCHEMA.names)


def commands(group):
    """Names of the commands of a group, those of its groups behind its own: "costs update"."""
    for name, command in group.commands.items():
        yield from (f"{name} {rest}" for rest in commands(command)) if hasattr(command, "commands") else [name]


def test_the_page_of_commands_has_every_command():
    listed = re.findall(r"^\| `whyalike ([a-z -]+?)(?: [A-Z].*)?` \|", page("commands.md"), re.MULTILINE)
    assert sorted(listed) == sorted(commands(typer.main.get_command(cli.main)))


def test_the_page_of_commands_has_every_target_of_make():
    [targets] = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    listed = re.findall(r"^\| `make ([a-z-]+)` \|", page("commands.md"), re.MULTILINE)
    assert sorted(listed) == sorted(targets.split())
