"""Files of vectors and labels that the user gives: nothing is taken for a class, left out or blamed without a word."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whyalike.similarity.read_files import read_labels, read_pairs

X = np.random.default_rng(0).normal(size=(6, 3))
NAMES = ["cat", "dog", "owl"] * 2


def test_a_mark_and_windows_line_ends_make_no_class(tmp_path):
    (tmp_path / "plain.txt").write_text("\n".join(NAMES), encoding="utf-8")
    (tmp_path / "mark.txt").write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*NAMES, ""]).encode())
    assert np.array_equal(read_labels(tmp_path / "plain.txt"), read_labels(tmp_path / "mark.txt"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["", *NAMES], r"one label a stimulus; 1 of 7 are missing.*row 0, ''"),
        (["nan", *NAMES], r"one label a stimulus; 1 of 7 are missing.*row 0, 'nan'"),
        (["None", *NAMES], r"one label a stimulus; 1 of 7 are missing"),
        (["label", *NAMES], r"its first line, 'label', is a name\. Remove it"),
        ([f"{i},{name}" for i, name in enumerate(NAMES)], r"columns between commas, the first is '0,cat'"),
        (["id\tlabel", "0\tcat", "1\tcat"], r"columns between tabs"),
        (["a7", "b3", "c9"], r"its 3 labels all differ, as ids do"),
        (["cat", "Cat", "cat"], r"the classes 'Cat', 'cat' are one name in 2 spellings"),
        (["cat", "cat ", "cat"], r"are one name in 2 spellings"),
        (["caf\u00e9", "cafe\u0301", "dog"], r"are one name in 2 spellings"),
    ],
)
def test_what_is_no_label_is_refused_with_the_file(tmp_path, lines, words):
    (tmp_path / "l.txt").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"(?s)l\.txt.*{words}"):
        read_labels(tmp_path / "l.txt")
    pd.DataFrame({"label": lines}).to_parquet(tmp_path / "l.parquet")
    with pytest.raises(ValueError, match=rf"(?s)l\.parquet.*{words}"):
        read_labels(tmp_path / "l.parquet")
    np.save(tmp_path / "l.npy", np.array(lines))
    with pytest.raises(ValueError, match=rf"(?s)l\.npy.*{words}"):
        read_labels(tmp_path / "l.npy")


def test_what_is_missing_among_categories_is_no_class(tmp_path):
    for column in (pa.array(["a", None, "a"]).dictionary_encode(), pa.array([None, "b"])):
        pq.write_table(pa.table({"label": column}), tmp_path / "l.parquet")
        with pytest.raises(ValueError, match=r"l\.parquet must hold one label a stimulus; 1 of \d are missing"):
            read_labels(tmp_path / "l.parquet")
        vectors = X[: len(column)].tolist()
        pq.write_table(pa.table({"vector": vectors, "stimulus_id": column}), tmp_path / "x.parquet")
        with pytest.raises(ValueError, match=r"x\.parquet needs one stimulus_id a row.*1 of them missing"):
            read_pairs(tmp_path / "x.parquet", tmp_path / "x.parquet")


def test_labels_of_several_fields_are_refused(tmp_path):
    np.save(tmp_path / "l.npy", np.array([(1, 2), (1, 2)], [("id", int), ("label", int)]))
    with pytest.raises(ValueError, match=r"l\.npy must hold labels that are numbers or text"):
        read_labels(tmp_path / "l.npy")


def test_names_with_commas_are_labels(tmp_path):
    lines = ["tench, Tinca tinca", "hen", "cock, rooster", "hen"]
    (tmp_path / "l.txt").write_text("\n".join(lines), encoding="utf-8")
    assert read_labels(tmp_path / "l.txt").tolist() == [2, 1, 0, 1]


def test_names_with_a_colon_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run:1").mkdir()
    for name in ("resnet:v1.parquet", "run:1/b.parquet"):
        pq.write_table(pa.table({"vector": X.tolist()}), tmp_path / name)
    pq.write_table(pa.table({"label": NAMES}), tmp_path / "labels:v1.parquet")
    found = read_pairs(Path("resnet:v1.parquet"), Path("run:1/b.parquet"))
    assert found.pairs == [("resnet:v1", "b")]
    assert read_labels(Path("labels:v1.parquet")).tolist() == [0, 1, 2] * 2


def test_files_without_a_partner_and_of_other_kinds_are_said(tmp_path):
    lines = []
    for folder, names in (("a", "x y"), ("b", "x z")):
        (tmp_path / folder).mkdir()
        for name in names.split():
            np.save(tmp_path / folder / name, X)
    (tmp_path / "b" / "notes.txt").write_text("words")
    read_pairs(tmp_path / "a", tmp_path / "b", lines.append)
    assert lines == [
        f"1 files and folders in {tmp_path / 'a'} are passed by: 1 .npy (y.npy)",
        f"2 files and folders in {tmp_path / 'b'} are passed by: 1 .npy (z.npy), 1 .txt (notes.txt)",
    ]
    lines.clear()
    read_pairs(tmp_path / "b", None, lines.append)
    assert lines == [f"1 files and folders in {tmp_path / 'b'} are passed by: 1 .txt (notes.txt)"]


def test_arrays_beside_the_vectors_are_said(tmp_path):
    lines = []
    np.savez(tmp_path / "a.npz", vectors=X, ids=np.arange(6))
    pq.write_table(pa.table({"vector": X.tolist(), "id": range(6)}), tmp_path / "b.parquet")
    read_pairs(tmp_path / "a.npz", tmp_path / "b.parquet", lines.append)
    assert lines == [
        f"{tmp_path / 'a.npz'} holds ids, which is not read; ids of the rows are called stimulus_id",
        f"{tmp_path / 'b.parquet'} holds id, which is not read; ids of the rows are called stimulus_id",
    ]


def test_damaged_and_other_files_are_named(tmp_path):
    pq.write_table(pa.table({"vector": X.tolist()}), tmp_path / "a.parquet")
    np.savez(tmp_path / "a.npz", vectors=np.array(X, object))
    whole = (tmp_path / "a.parquet").read_bytes()
    np.save(tmp_path / "good.npy", X)
    for name, content in {"cut.parquet": whole[:-9], "hole.parquet": whole[:4] + bytes(60) + whole[64:],
                          "a.npy.gz": gzip.compress(b"x"), "a.csv": b"1,2"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=rf"{name} must be a .*\. (Save|Rename)"):
            read_pairs(tmp_path / name, tmp_path / "good.npy")
    with pytest.raises(ValueError, match=r"a\.npz must be a .*array vectors: Object arrays.*Save it again"):
        read_pairs(tmp_path / "a.npz", tmp_path / "good.npy")


def test_a_npy_is_mapped_and_not_read(tmp_path):
    for order in "CF":
        np.save(tmp_path / f"{order}.npy", np.asarray(X, order=order))
    found = read_pairs(tmp_path / "C.npy", tmp_path / "F.npy").representations
    for x in found.values():
        assert not x.flags.owndata and not x.flags.writeable
        assert np.array_equal(x, X)


def test_ids_that_are_bytes_are_matched(tmp_path):
    ids = [f"img{i}".encode() for i in range(6)]
    order = [3, 1, 0, 2, 5, 4]
    pq.write_table(pa.table({"vector": X.tolist(), "stimulus_id": ids}), tmp_path / "a.parquet")
    np.savez(tmp_path / "b.npz", vectors=X[order], stimulus_id=np.array(ids)[order])
    found = read_pairs(tmp_path / "a.parquet", tmp_path / "b.npz").representations
    assert np.array_equal(found["a"], found["b"])
    pq.write_table(pa.table({"vector": X.tolist(), "stimulus_id": [*ids[:5], None]}), tmp_path / "c.parquet")
    with pytest.raises(ValueError, match=r"c\.parquet needs one stimulus_id a row.*1 of them missing"):
        read_pairs(tmp_path / "c.parquet", tmp_path / "b.npz")


def test_ids_of_nullable_columns_are_read(tmp_path):
    ids = pd.array([5, 3, 1, 0, 2, 4], dtype="Int64")
    pd.DataFrame({"vector": X.tolist(), "stimulus_id": ids}).to_parquet(tmp_path / "a.parquet")
    np.savez(tmp_path / "b.npz", vectors=X[np.argsort(ids)], stimulus_id=np.arange(6))
    found = read_pairs(tmp_path / "a.parquet", tmp_path / "b.npz").representations
    assert np.array_equal(found["a"], found["b"])
