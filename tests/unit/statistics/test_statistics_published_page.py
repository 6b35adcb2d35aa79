"""The commands `import-scores` and `statistics`, as docs/published-scores.md shows them."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from published_tables import CORPORA, DATASET, PARTITIONS, THIRDS, published_analysis, table
from typer.testing import CliRunner

from whyalike.commands.cli import main

PAGE = Path(__file__).parents[3] / "docs" / "published-scores.md"


def whyalike(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_example_of_the_page_runs(folder, capsys):
    page = PAGE.read_text(encoding="utf-8")
    commands, example = re.search(r"```\n(.+?)```\n\n```python\n(.+?)```", page, re.DOTALL).groups()
    text = table(CORPORA, THIRDS, header_before=(3,))
    Path("nanogpt_all_task.csv").write_text(text, encoding="utf-8")
    for command in commands.splitlines():
        answer = whyalike(*shlex.split(command)[1:])
        assert answer.exit_code == 0, answer.output
    exec(example, {})
    slope = published_analysis(text, "cka", "metric_OOD_for_one", task=True)["ols_slope"]
    assert f"slope {slope:+.2f} as published, +0." in capsys.readouterr().out
    assert slope < 0  # the example shows a change of sign
    found = [published_analysis(text, "cka", column, task=True)["mi_ksg"] for column in CORPORA]
    assert pd.read_csv("table3.csv")["value"].tolist() == pytest.approx([sum(found) / 3], abs=1e-12)


def test_the_page_names_every_column_family(folder):
    columns = set(re.findall(r"`(?:metric_)?(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert {"overlap", "common", "ood_one", "OOD_for_one", "OOD_for_all", "partition_metric", "ood_all_X"} <= columns


def test_the_commands_say_what_they_did(folder):
    Path("a.csv").write_text(table(("partition_metric", "new"), PARTITIONS), encoding="utf-8")
    options = ("--setting", "csd", "--stimuli", "new=new_test:out_of_distribution", "--out", "scores.parquet")
    answer = whyalike("import-scores", "a.csv", *options)
    assert (answer.exit_code, answer.stdout) == (0, "180 scores: 3 metrics, 2 stimuli, 6 seeds\n")
    options = ("--permutations", 9, "--information-permutations", 2, "--out", "s.parquet")
    answer = whyalike("statistics", "scores.parquet", "--protocol", "corrected", *options)
    assert answer.exit_code == 0, answer.output
    found = pd.read_parquet("s.parquet")
    assert len(answer.stdout.splitlines()) == 2 + len(found)
    assert {"slope", "gain", "mi_ross", "slope_information"} <= set(found["estimator"])
    assert "| csd | new_test | out_of_distribution | cka | slope |" in answer.stdout


def test_equal_files_give_equal_bytes_whatever_their_place(folder):
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, f"{name}.csv").write_text(table(DATASET, ("0", "1")), encoding="utf-8")
        options = ("--setting", "x", "--factor", "dataset", "--out", f"{name}.parquet")
        assert whyalike("import-scores", f"{name}/{name}.csv", *options).exit_code == 0
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("import-scores", "none.csv", "--out", "s.parquet"), "none.csv"),
        (("import-scores", "a.csv", "--setting", "x", "--out", "s.parquet"), "dataset or task: got 'None' for a.csv"),
        (("statistics", "ok.parquet", "--protocol", "both", "--out", "s.parquet"), "corrected: got 'both'"),
        (("statistics", "ok.parquet", "--protocol", "as_published", "--out", "s.parquet", "--information", "t.csv",
          "--architecture", "x"), "COMPARISON=NAME; got 'x'"),
    ],
)  # fmt: skip
def test_a_fault_is_a_message(folder, arguments, message):
    Path("a.csv").write_text(table(DATASET, ("0", "1")), encoding="utf-8")
    whyalike("import-scores", "a.csv", "--setting", "x", "--factor", "dataset", "--out", "ok.parquet")
    answer = whyalike(*arguments)
    assert answer.exit_code == 1
    assert message in answer.stderr
    assert not Path("t.csv").exists()
