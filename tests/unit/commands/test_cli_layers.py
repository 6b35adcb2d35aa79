"""`whyalike layers`: what makes a model, the order of layers and stimuli, the table, the file, the picture."""

import sys

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.files import file_sha256, made_by
from whyalike.similarity.layers import layers

N = 40


def whyalike(*arguments):
    return CliRunner().invoke(main, ["layers", *map(str, arguments)])


@pytest.fixture
def two():
    """Two models of 40 stimuli, whose second layers share a signal."""
    g = np.random.default_rng(0)
    shared = g.normal(size=(N, 4))
    return (
        {"layer1": g.normal(size=(N, 5)), "layer10": shared + 0.5 * g.normal(size=(N, 4))},
        {"layer1": g.normal(size=(N, 3)), "layer2": g.normal(size=(N, 6)), "layer10": shared @ g.normal(size=(4, 7))},
    )


@pytest.fixture
def files(two, tmp_path):
    np.savez(tmp_path / "a.npz", **two[0])
    safetensors.numpy.save_file(two[1], tmp_path / "b.safetensors")
    return tmp_path


def test_archives_of_layers_give_a_table_the_best_pair_a_file_and_a_picture(files, two):
    out, plot = files / "out.parquet", files / "heat.svg"
    answer = whyalike(files / "a.npz", files / "b.safetensors", "--null", 99, "--out", out, "--plot", plot)
    assert answer.exit_code == 0, answer.output
    expected = layers(*two, permutations=99)
    lines = answer.stdout.splitlines()
    assert lines[0].split() == ["layer1", "layer2", "layer10"]
    assert lines[2].split()[0] == "layer10" and lines[2].endswith(f"{expected.value:.3f}*")
    assert "most alike: layer10 and layer10, cka_unbiased 0." in answer.stdout
    assert "p 0.01 for the best of 6 pairs" in answer.stdout
    found = pd.read_parquet(out)
    pd.testing.assert_frame_equal(found[list(expected.table)], expected.table)
    assert (found.null_end_of_best == expected.null_end).all() and (found.n == N).all()
    made = made_by(out)
    names = ("a.npz", "b.safetensors")
    assert made.pop("inputs") == [{"file": name, "sha256": file_sha256(files / name)} for name in names]
    assert made.pop("versions").keys() == {"python", "whyalike", "numpy", "scipy"}
    assert made.pop("scorings")["cka_unbiased"]["version"] == 1 and made.pop("n") == [N, N]
    assert made == {"metrics": {"cka_unbiased": {}}, "permutations": 99, "seed": 0}  # neither labels nor groups
    assert {path.name for path in files.glob("heat.*")} == {"heat.svg", "heat.csv"}
    assert lines[-1].startswith("made by: whyalike ") and f"a.npz {file_sha256(files / 'a.npz')[:12]}" in lines[-1]
    drawn = pd.read_csv(files / "heat.csv")
    assert drawn.value.tolist() == expected.table.value.tolist()
    # a cell is set against the null of the best pair, not its own
    assert drawn.beyond_null.tolist() == (expected.table.value > expected.null_end).astype(float).tolist()


def test_a_folder_is_a_model_and_its_stimuli_are_put_in_the_order_of_the_first(files, two):
    ids, order = np.arange(7, 7 + N), np.random.default_rng(1).permutation(N)
    np.savez(files / "a.npz", stimulus_id=ids, **two[0])
    (files / "b").mkdir()
    for name, x in two[1].items():
        np.savez(files / "b" / f"{name}.npz", vectors=x[order], stimulus_id=ids[order])
    out = files / "out.parquet"
    options = ("--metric", "mutual_knn:k=5", "--null", 19, "--out", out)
    answer = whyalike(files / "a.npz", files / "b", *options)
    assert answer.exit_code == 0, answer.output
    expected = layers(*two, "mutual_knn", permutations=19, k=5)
    found = pd.read_parquet(out)
    assert found.layer_b.tolist() == ["layer1", "layer2", "layer10"] * 2
    np.testing.assert_allclose(found.value, expected.table.value, atol=1e-12)


def test_labels_permute_within_classes(files, two):
    labels = np.arange(N) % 4
    np.save(files / "labels.npy", labels)
    out = files / "out.parquet"
    answer = whyalike(files / "a.npz", files / "b.safetensors", "--labels", files / "labels.npy", "--out", out)
    assert answer.exit_code == 0, answer.output
    assert pd.read_parquet(out).null_end_of_best[0] == layers(*two, labels=labels).null_end


def test_groups_permute_whole_blocks(files, two):
    groups = np.arange(N) // 5
    np.save(files / "groups.npy", groups)
    out = files / "out.parquet"
    options = ("--groups", files / "groups.npy", "--null", 39, "--out", out)
    answer = whyalike(files / "a.npz", files / "b.safetensors", *options)
    assert answer.exit_code == 0, answer.output
    assert pd.read_parquet(out).null_end_of_best[0] == layers(*two, groups=groups, permutations=39).null_end


def test_a_dead_layer_is_said_and_others_are_scored(files, two):
    np.savez(files / "a.npz", dead=np.ones((N, 2)), **two[0])
    answer = whyalike(files / "a.npz", files / "b.safetensors", "--null", 19)
    assert answer.exit_code == 0
    assert answer.output.count("no cka_unbiased of dead and ") == 3
    assert "dead" in answer.stdout and "best of 6 pairs" in answer.stdout


def test_scores_are_written_as_csv_by_their_suffix(files, two):
    out = files / "out.csv"
    answer = whyalike(files / "a.npz", files / "b.safetensors", "--null", 19, "--out", out)
    assert answer.exit_code == 0, answer.output
    expected = layers(*two, permutations=19)
    assert pd.read_csv(out).p_corrected.tolist() == expected.table.p_corrected.tolist()


def test_what_is_no_layer_in_a_folder_is_said(files, two):
    (files / "b").mkdir()
    for name, x in two[1].items():
        np.save(files / "b" / f"{name}.npy", x)
    (files / "b" / "notes.txt").write_text("words")
    answer = whyalike(files / "a.npz", files / "b", "--null", 19)
    assert answer.stderr == f"1 files and folders in {files / 'b'} are passed by: 1 .txt (notes.txt)\n"


def test_what_draws_is_missed_before_anything_is_scored(files, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.layers.layers", lambda *_, **__: pytest.fail("scored"))
    for name in [name for name in sys.modules if name.startswith("whyalike.figures")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("whyalike.figures", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    answer = whyalike(files / "a.npz", files / "b.safetensors", "--plot", files / "heat.svg")
    assert answer.exit_code == 1
    assert "matplotlib is missing, which this needs" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a.npz", "none.npz"), "there is no file or folder none.npz"),
        (("a.npz", "one.npy"), "(it ends in '.npy'). Give a folder of vectors, a file a layer"),
        (("a.npz", "empty"), "empty holds no file of .npy"),
        (("a.npz", "short.npz"), "a: layer1 has 40 rows, b: one 39"),
        (("a.npz", "a.npz", "--metric", "cka,rsa"), "layers takes one metric; got cka, rsa"),
        (("a.npz", "a.npz", "--null", "5"), "at least 19 draws"),
        (("a.npz", "a.npz", "--out", "a.npz"), "would overwrite a.npz"),
        (("a.npz", "a.npz", "--plot", "heat.jpg"), "--plot names a .png, .svg or .pdf file; got heat.jpg"),
        (("a.npz", "a.npz", "--labels", "l.csv", "--plot", "l.png"), "--plot would overwrite l.csv"),
        (("a.npz", "a.npz", "--out", "p.csv", "--plot", "p.pdf"), "--out and --plot would both write p.csv"),
        (("a.npz", "objects.npz"), "objects.npz"),
        (("a.npz", "longer.npz"), "one of longer.npz has 40 rows, two of longer.npz 41"),
        (("a.npz", "shorter.npz"), "one of shorter.npz has 40 rows, two of shorter.npz 39"),
        (("a.npz", "uneven"), "1 of uneven has 40 rows, 2 of uneven 39"),
    ],
    ids=[
        "missing",
        "npy",
        "empty",
        "rows",
        "two",
        "draws",
        "out",
        "jpg",
        "csv",
        "both",
        "objects",
        "longer",
        "shorter",
        "uneven",
    ],
)
def test_what_is_wrong_is_a_message(files, arguments, message, monkeypatch):
    monkeypatch.chdir(files)
    (files / "empty").mkdir()
    np.save("one.npy", np.eye(N))
    np.savez("short.npz", one=np.eye(N - 1))
    (files / "l.csv").write_text("u\nv\n" * (N // 2))
    (files / "uneven").mkdir()
    for name, rows in (("1", N), ("2", N - 1)):
        np.save(f"uneven/{name}.npy", np.eye(rows))
    for name, rows in (("longer", N + 1), ("shorter", N - 1)):
        np.savez(f"{name}.npz", one=np.eye(N), two=np.eye(rows), stimulus_id=np.arange(N))
    np.savez("objects.npz", one=np.array([[{}]] * N))
    answer = whyalike(*arguments)
    assert answer.exit_code == 1
    assert message in answer.output and "Traceback" not in answer.output
