"""A score job that is killed goes on where it stopped: the same bytes, and no finished pair is scored again."""

import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from job_parameters import score_parameters

from whyalike.activations.table import write_activations
from whyalike.data.prepared import write_prepared
from whyalike.files import is_temporary, write_table
from whyalike.similarity import unfinished
from whyalike.similarity.unfinished import Unfinished

N, RUNS, PAIRS = 40, 9, 8
JOB = """
import sys, time
from pathlib import Path

from whyalike.similarity import comparison, scoring, unfinished
from whyalike.similarity.parameters import ScoreParameters

folder, pause = Path(sys.argv[1]), float(sys.argv[2])
unfinished.SECONDS = 0.0
real = scoring._score_pair

def watched(workbench, pair, *others):
    rows = real(workbench, pair, *others)
    with open(folder / "computed", "a") as file:
        file.write(pair.run_b + " ")
    time.sleep(pause)
    return rows

scoring._score_pair = watched
parameters = ScoreParameters.from_text((folder / "parameters").read_text())
data, activations = folder / "data", {"l": [folder / "x.parquet"]}
comparison.score_comparison(parameters, activations, [folder / "m.parquet"], data, data, folder / "scores.parquet")
"""


@pytest.fixture
def folder(tmp_path):
    """The inputs of a score job of some pairs, two of which share their baselines, with nulls."""
    labels = pd.DataFrame({"part": "test", "class": np.repeat(["a", "b"], N // 2)})
    write_prepared(tmp_path / "data", np.zeros((N, 2, 2, 3), np.uint8), labels, ["class"], {})
    random = np.random.default_rng(1)
    names = [f"r{i}" for i in range(RUNS)] + ["u", "v"]
    x = [(name, random.normal(size=(N, 5)).astype(np.float32)) for name in names]
    write_activations(tmp_path / "x.parquet", np.arange(N), x, 5, {})
    rows = {"run": names, "labelling": ["class"] * len(names), "class_names": [["a", "b"]] * len(names)}
    write_table(tmp_path / "m.parquet", pa.table(rows), {})
    pairs = [{"run_a": "r0", "run_b": f"r{i}", "untrained_a": "u", "untrained_b": "v", "seed": i, "condition": "1",
              "name_a": "A", "name_b": f"B{i}", "data_overlap": 1 / 3, "label_overlap": None}
             for i in range(1, RUNS)]  # fmt: skip
    parameters = score_parameters(
        pairs=pairs, metrics={"cka": {}, "cka_unbiased": {}}, protocols=["exact", "as_published"], permutations=3
    )
    (tmp_path / "parameters").write_text(parameters.text())
    return tmp_path


def start(folder, pause):
    return subprocess.Popen([sys.executable, "-c", JOB, folder, str(pause)])


def computed(folder):
    path = folder / "computed"
    return path.read_text().split() if path.is_file() else []


def test_a_killed_job_goes_on_with_the_pairs_that_are_left_and_ends_in_the_same_bytes(folder):
    assert start(folder, 0).wait() == 0
    table = folder / "scores.parquet"
    whole = table.read_bytes()
    table.unlink()
    (folder / "computed").unlink()
    for kills, pairs in enumerate((1, 3, 6), 1):
        process = start(folder, 0.3)
        while len(computed(folder)) < pairs:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.1)
        process.kill()
        process.wait()
        # the pair after whose end it was killed is perhaps not written yet
        assert len(computed(folder)) - len(set(computed(folder))) <= kills
    assert not table.exists()
    assert start(folder, 0).wait() == 0
    assert table.read_bytes() == whole
    assert len(set(computed(folder))) == PAIRS and len(computed(folder)) <= PAIRS + 3
    assert not list(folder.glob(".*"))


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """A maker of the parts of one job: with these parameters, of this input."""
    monkeypatch.setattr(unfinished, "SECONDS", 0.0)
    (tmp_path / "input").write_text("one")

    def make(work=None):
        return Unfinished(tmp_path / "out.parquet", work or {"k": 1}, [tmp_path / "input"], "t", 4, "pairs")

    return make


def fail(parts, *numbers):
    with suppress(OSError), parts:
        for number in numbers:
            parts[number] = [number / 3, None, "x"]
        raise OSError


def test_parts_are_found_again_as_they_were_and_go_once_the_job_is_done(begun, tmp_path):
    fail(begun(), 2, 0)
    parts = begun()
    assert dict(parts) == {2: [2 / 3, None, "x"], 0: [0.0, None, "x"]}
    assert is_temporary(parts.path)  # so that `whyalike clean` removes it
    with parts:
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["input"]


def test_other_parameters_or_inputs_begin_anew(begun, tmp_path):
    fail(begun(), 0)
    assert not begun({"k": 2})
    fail(begun(), 0)
    (tmp_path / "input").write_text("other")
    assert not begun()


@pytest.mark.parametrize("damage", [lambda text: text[:-3], lambda text: text[:-9] + b"7" + text[-8:],
                                    lambda text: text + b"00000000 [9"], ids=["cut", "changed", "more"])  # fmt: skip
def test_of_a_damaged_file_the_whole_lines_before_count(begun, damage):
    parts = begun()
    fail(parts, 0, 1)
    parts.path.write_bytes(damage(parts.path.read_bytes()))
    again = begun()
    assert {0} <= again.keys() <= {0, 1}
    fail(again, 3)
    assert {0, 3} <= begun().keys() <= {0, 1, 3}


def test_a_file_without_a_whole_first_line_begins_anew(begun):
    for content in (b"", b"\n", b"00000000 {", b"\xff" * 40):
        begun().path.write_bytes(content)
        assert not begun()
        fail(begun(), 0)
        assert begun().keys() == {0}


def test_notes_tell_how_many_parts_there_are_and_when_the_rest_will_be(begun, caplog):
    with caplog.at_level("INFO", logger="whyalike"):
        fail(begun(), 0)
        with begun() as parts:
            for number in (1, 2, 3):
                parts[number] = []
    assert "t · 1/4 pairs are there from an attempt before" in caplog.text
    assert "t · 3/4 pairs · 0 s · eta 0 s" in caplog.text and "t · 4/4 pairs" in caplog.text


def test_additions_are_seldom(begun, monkeypatch):
    monkeypatch.setattr(unfinished, "SECONDS", 3600.0)
    parts = begun()
    for number in range(3):
        parts[number] = []
    assert not parts.path.exists()
