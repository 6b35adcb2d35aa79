"""`whyalike score --plot`: which pictures are drawn, what they show, and what is refused before any score."""

import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.files import canonical_json, made_by

N = 40
FAST = ("--metrics", "cka", "--null", 19)


def whyalike(*arguments):
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Four files; c and d share a signal."""
    monkeypatch.chdir(tmp_path)
    g = np.random.default_rng(0)
    shared = g.normal(size=(N, 3))
    for name in "abcd":
        np.save(f"{name}.npy", g.normal(size=(N, 3)) * 0.1 + shared if name in "cd" else g.normal(size=(N, 3)))
    return tmp_path


def names(folder, stem):
    return {path.name for path in folder.glob(f"{stem}*")}


def test_three_files_and_more_are_scored_pair_by_pair_and_drawn_as_one_map(folder):
    answer = whyalike(*(f"{name}.npy" for name in "abcd"), *FAST, "--plot", "p.png", "--out", "s.parquet")
    assert answer.exit_code == 0, answer.output
    scores, drawn = pd.read_parquet("s.parquet"), pd.read_csv("p.csv")
    assert ["".join(pair) for pair in scores[["a", "b"]].to_numpy()] == ["ab", "ac", "ad", "bc", "bd", "cd"]
    assert names(folder, "p") == {"p.png", "p.csv"}
    np.testing.assert_allclose(drawn["value"], scores["value"], rtol=1e-12)  # as text
    np.testing.assert_allclose(drawn["ci_low"], scores["ci_low"], rtol=1e-12)
    assert drawn["beyond_null"].tolist() == (scores["value"] > scores["null_p95"]).astype(float).tolist()
    assert drawn["beyond_null"].iloc[-1] == 1
    assert Image.open("p.png").info["whyalike"] == canonical_json(made_by("s.parquet"))
    assert "drawn: p.png" in answer.stderr


def test_a_folder_is_drawn_as_its_files_are_and_each_metric_has_a_picture(folder):
    answer = whyalike(".", "--metrics", "cka,pwcca", "--null", 19, "--no-interval", "--plot", "made/p.svg")
    assert answer.exit_code == 0, answer.output
    assert names(folder / "made", "p") == {"p-cka.svg", "p-cka.csv", "p-pwcca.svg", "p-pwcca.csv"}
    # an asymmetric metric has both directions
    assert len(pd.read_csv("made/p-pwcca.csv")) == 12 and len(pd.read_csv("made/p-cka.csv")) == 6


@pytest.mark.parametrize("files", [("a.npy", "b.npy"), ("a.npy", "b.npy", "--labels", "l.txt")])
def test_a_single_pair_is_a_row_a_metric_in_one_picture(folder, files):
    (folder / "l.txt").write_text("u\nv\n" * (N // 2))
    answer = whyalike(*files, "--metrics", "cka,procrustes_distance", "--null", 19, "--plot", "p.pdf", "--out", "s.csv")
    assert answer.exit_code == 0, answer.output
    assert names(folder, "p") == {"p.pdf", "p.csv"}
    shared = ["metric", "a", "b", "value", "ci_low", "ci_high", "null_mean", "null_p95", "p_value", "n"]
    pd.testing.assert_frame_equal(pd.read_csv("p.csv")[shared], pd.read_csv("s.csv")[shared])


def test_pairs_of_two_folders_are_rows(folder):
    for side in ("left", "right"):
        (folder / side).mkdir()
        for name in "abc":
            (folder / side / f"{name}.npy").write_bytes((folder / f"{name}.npy").read_bytes())
    answer = whyalike("left", "right", *FAST, "--plot", "p.svg")
    assert answer.exit_code == 0, answer.output
    assert pd.read_csv("p.csv")[["a", "b"]].to_numpy().tolist() == [[f"left/{one}", f"right/{one}"] for one in "abc"]


def test_a_suffix_in_capitals_is_written_in_small_letters_and_said(folder):
    answer = whyalike("a.npy", "b.npy", *FAST, "--plot", "P.PNG", "--out", "S.CSV")
    assert answer.exit_code == 0, answer.output
    assert names(folder, "P") == {"P.png", "P.csv"} and "drawn: P.png" in answer.stderr
    assert names(folder, "S") == {"S.CSV", "S.made_by.json"}


def test_a_metric_without_a_value_has_no_picture(folder):
    np.save("wide.npy", np.random.default_rng(0).normal(size=(N, 5)))
    np.save("wider.npy", np.random.default_rng(1).normal(size=(N, 6)))
    answer = whyalike("a.npy", "wide.npy", "wider.npy", "--metrics", "permutation,cka", "--null", 0, "--plot", "p.png")
    assert answer.exit_code == 0, answer.output
    assert names(folder, "p") == {"p-cka.png", "p-cka.csv"}
    assert "no permutation of a and wide" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.npy", "b.npy", "--plot", "p.jpg"), "--plot names a .png, .svg or .pdf file; got p.jpg"),
        (("a.npy", "b.npy", "--plot", "p"), "--plot names a .png, .svg or .pdf file; got p."),
        (("a.npy", "b.npy", "--plot", "s.png", "--out", "s.csv"), "--out and --plot would both write s.csv"),
        (("a.npy", "b.npy", "--plot", "l.png", "--labels", "l.csv"), "--plot would overwrite l.csv, which is read"),
        (("a.npy", "b.npy", "--plot", "a.npy/p.png"), "a.npy is no folder: give --plot another folder"),
        (("a.npy", "b.npy", "--plot", "more.png"), "--plot must name a file; more.png is a folder"),
        (("a.npy", "b.npy", "--plot", "old.png"), "overwrite old.csv, which old.made_by.json tells of. Give another"),
        (("a.npy", "b.npy", "--out", "wide.csv"), "--out wide.csv has wide.made_by.json beside it, which is a folder"),
        (
            ("a.npy", "b.npy", "--labels", "l.made_by.json", "--out", "l.csv"),
            "would overwrite l.made_by.json, which",
        ),
        ((".", "--metrics", "cka,rsa", "--plot", "s.png", "--out", "s-rsa.csv"), "would both write s-rsa.csv"),
        (("a.npy", "b.npy", "--metrics", "cka,k:metric=cka", "--plot", "p.png"), "--plot draws each metric once"),
        (("a.npy", "b.npy", "c.npy", "--b-is", "rdm"), "of all pairs every file holds the same: say 'rdm' of A alone"),
        (("a.npy", "b.npy", "a.npy"), "a.npy is given twice: name each file once"),
        (("a.npy", "b.npy", "more.png"), "more.png is a folder: give files alone, one folder, or two"),
        (("a.npy", "b.npy", "e.npy"), "there is no file or folder e.npy"),
    ],
)
def test_what_cannot_be_drawn_is_said_before_any_score(folder, monkeypatch, arguments, words):
    monkeypatch.setattr("whyalike.similarity.score_files.score_pairs_of_files", lambda *_, **__: pytest.fail("scored"))
    (folder / "l.csv").write_text("u\nv\n" * (N // 2))
    (folder / "l.made_by.json").write_text("u\nv\n" * (N // 2))
    (folder / "old.made_by.json").write_text("{}")
    (folder / "more.png").mkdir()
    (folder / "wide.made_by.json").mkdir()
    answer = whyalike(*arguments)
    assert answer.exit_code == 1
    assert words in answer.stderr and "Traceback" not in answer.output


def test_what_draws_is_missed_before_any_score(folder, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.score_files.score_pairs_of_files", lambda *_, **__: pytest.fail("scored"))
    for name in [name for name in sys.modules if name.startswith("whyalike.figures")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("whyalike.figures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = whyalike("a.npy", "b.npy", "--plot", "p.png")
    assert answer.exit_code == 1
    assert "matplotlib is missing, which this needs" in answer.stderr


def test_how_scores_were_made_stands_beside_a_csv_and_in_a_line(folder):
    answer = whyalike("a.npy", "b.npy", "--metrics", "mutual_knn:k=5", "--null", 19, "--out", "s.csv")
    whyalike("a.npy", "b.npy", "--metrics", "mutual_knn:k=5", "--null", 19, "--out", "s.parquet")
    assert (folder / "s.made_by.json").read_text() == canonical_json(made_by("s.parquet")) + "\n"
    line = answer.stdout.splitlines()[-1]
    for words in ("mutual_knn version 2 (k 5, preprocessing l2, overlap)", "n 40", "permutations 19", "seed 0"):
        assert f"; {words};" in line
    for one in made_by("s.parquet")["inputs"]:
        assert f"{one['file']} {one['sha256'][:12]}" in line


def test_many_inputs_are_counted_and_hashed_together(folder):
    for number in range(9):
        np.save(f"many{number}.npy", np.random.default_rng(number).normal(size=(N, 2)))
    line = whyalike(".", "--metrics", "cka", "--null", 0, "--no-interval").stdout.splitlines()[-1]
    assert "inputs 13 files, hash of their hashes " in line and "many0" not in line
