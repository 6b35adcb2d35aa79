"""The benchmark runs, and its plain forms agree with the package."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("benchmarks") / "page.md"
    command = [sys.executable, str(BENCHMARKS / "run.py"), "--quick", "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(BENCHMARKS.parent / "src")}
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return out.read_text(encoding="utf-8")


def _rows(page, title):
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if "|" in line]
    header, _, *rows = [line for line in lines if len(line) == len(lines[-1])]
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_the_page_states_every_claim_with_its_value_and_verdict(page):
    for claim in ("≥ 70%", "≤ 1.7", "≥ 500×", "≥ 200×", "≥ 250×", "≥ 100×"):
        assert claim in page
    claimed = [row for row in _rows(page, "Against the straightforward forms") if row["claimed"] != "–"]
    assert len(claimed) == 7
    for row in claimed:
        factor, least = (float(re.sub("[≥×, ]", "", row[key])) for key in ("faster", "claimed"))
        assert (factor >= least) is (row["reached"] == "yes")


def test_plain_forms_and_libraries_give_the_values_of_the_package(page):
    rows = _rows(page, "Against the straightforward forms") + _rows(page, "Against other libraries")
    assert {"cka", "cka_unbiased", "cka_rbf", "cknna", "rsa", "svcca", "neighbour family", "cca"} <= {
        row["what"] for row in rows
    }
    for row in rows:
        assert float(row["values differ by"]) < 1e-5, row  # the plain forms are in float32


def test_the_page_names_the_machine_and_versions_and_no_host_or_date(page):
    assert "Machine: " in page and "numpy" in page and "PyTorch" in page
    assert os.uname().nodename not in page
    assert not re.search(r"20\d\d-\d\d|\d\d:\d\d", page)
