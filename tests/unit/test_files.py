"""Files are whole or absent, and equal tables give equal bytes."""

import errno
import os
import socket
from contextlib import nullcontext, suppress
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whyalike.files import (
    DamagedFile,
    atomic,
    canonical_json,
    check_table,
    made_by,
    read_group,
    read_table,
    write_table,
    write_text,
)


def test_atomic_writes_the_file_and_makes_its_folders(tmp_path):
    path = tmp_path / "new" / "folder" / "result.txt"
    with atomic(path) as temporary:
        temporary.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    assert [item.name for item in path.parent.iterdir()] == ["result.txt"]


def test_atomic_keeps_the_old_file_when_the_writer_fails(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")

    def fail_halfway():
        with atomic(path) as temporary:
            temporary.write_text("half of the new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert path.read_text() == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["result.txt"]


@pytest.mark.parametrize("told", [True, False], ids=["as the system has it", "in torch's words"])
@pytest.mark.parametrize(
    ("files", "size", "words"),
    [
        (1, 3 << 20, r"No space left on device \([\d,]+ bytes are free\)"),
        (30, 0, r"No more files can be made on {disk} \(its inodes are used up, `df -i` shows it\)"),
    ],
    ids=["bytes", "inodes"],
)
def test_a_full_disk_is_named_whatever_the_writer_made_of_it(small_disk, files, size, words, told):
    path = small_disk / "kept.txt"
    path.write_text("old")
    with suppress(OSError):
        for number in range(files):
            (small_disk / str(number)).write_bytes(bytes(size))

    def write():
        with atomic(path) as temporary:
            with nullcontext() if told else suppress(OSError):
                temporary.write_bytes(bytes(size + 1))
            raise RuntimeError("unexpected pos 128 vs 0")  # torch's words, without a cause

    expected = rf"{words.format(disk=small_disk)}\. Make room, then give the same command: nothing is lost.*kept\.txt"
    with pytest.raises(OSError, match=expected) as raised:
        write()
    assert raised.value.errno == errno.ENOSPC
    assert path.read_text() == "old"


def test_with_room_a_fault_of_a_writer_is_its_own(tmp_path):
    with pytest.raises(RuntimeError, match="unexpected pos 128 vs 0"), atomic(tmp_path / "new.txt"):
        raise RuntimeError("unexpected pos 128 vs 0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wrapped", [False, True], ids=["as the system has it", "behind another error"])
def test_a_quota_that_is_used_up_is_named(tmp_path, wrapped):
    """No quota can be set here: the error is the one that the system's call raises."""
    met = used_up = OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
    if wrapped:
        met = RuntimeError("unexpected pos 128 vs 0")
        met.__cause__ = used_up
    words = r"Your quota on /.* is used up \(`quota -s` shows it\)\. Make room"
    with pytest.raises(OSError, match=words) as raised, atomic(tmp_path / "new.txt"):
        raise met
    assert raised.value.errno == errno.EDQUOT


def test_atomic_shows_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with atomic(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_the_temporary_file_keeps_the_suffix_that_writers_choose_formats_by(tmp_path):
    with atomic(tmp_path / "figure.svg") as temporary:
        assert temporary.suffix == ".svg"
        assert temporary.parent == tmp_path
        temporary.write_text("<svg/>")


def test_atomic_refuses_a_writer_that_wrote_nothing(tmp_path):
    path = tmp_path / "result.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), atomic(path):
        pass
    assert path.read_text() == "old"


def test_write_text_is_utf8(tmp_path):
    write_text(tmp_path / "text.md", "λ = 0.5 · Größe\n")
    assert (tmp_path / "text.md").read_bytes() == "λ = 0.5 · Größe\n".encode()


def test_canonical_json_has_one_text_for_equal_values():
    assert canonical_json({"b": (1, 2), "a": {"d": None, "c": 0.5}}) == '{"a":{"c":0.5,"d":null},"b":[1,2]}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


def test_canonical_json_refuses_values_that_json_lacks():
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json({"value": float("nan")})


def test_made_by_comes_back(tmp_path):
    maker = {"work": {"seed": 3, "levels": ["0", "0.5"]}, "classes": {"A": ["x", "y"]}}
    write_table(tmp_path / "t.parquet", pa.table({"x": [1, 2]}), maker)
    assert made_by(tmp_path / "t.parquet") == maker


def test_made_by_of_a_table_from_elsewhere_is_empty(tmp_path):
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "t.parquet")
    assert made_by(tmp_path / "t.parquet") == {}


def test_equal_tables_give_equal_bytes_whatever_metadata_they_bring(tmp_path):
    frame = pd.DataFrame({"x": [1.0, 2.0], "name": ["a", "b"]})
    with_pandas = pa.Table.from_pandas(frame, preserve_index=False)
    assert b"pandas" in with_pandas.schema.metadata
    write_table(tmp_path / "one.parquet", with_pandas, {"b": 1, "a": 2}, compression="zstd")
    write_table(
        tmp_path / "two.parquet", with_pandas.replace_schema_metadata(None), {"a": 2, "b": 1}, compression="zstd"
    )
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()
    assert list(pq.read_schema(tmp_path / "one.parquet").metadata) == [b"whyalike"]


def test_a_table_without_valid_metadata_leaves_the_old_one(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(path, pa.table({"x": [1]}), {"version": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_table(path, pa.table({"x": [2]}), {"version": float("inf")})
    assert pq.read_table(path)["x"].to_pylist() == [1]
    assert made_by(path) == {"version": 1}


@pytest.fixture
def table(tmp_path):
    """A table of several kinds of columns, and its path."""
    path, n = tmp_path / "scores.parquet", 40
    columns = {
        "run": [f"r{i}" for i in range(n)],
        "value": [i / 7 for i in range(n)],
        "seed": list(range(n)),
        "names": [["a", "b"]] * n,
        "level": [None, "0.5"] * (n // 2),
    }
    write_table(path, pa.table(columns), {"work": {"seed": 1, "n": 22}}, compression="zstd")
    return path, read_table(path)


@pytest.mark.parametrize("first", range(3))
def test_a_flipped_bit_anywhere_is_told_and_never_other_numbers(table, first):
    path, whole = table
    raw, told = path.read_bytes(), 0
    for place in range(first, len(raw), 3):
        damaged = bytearray(raw)
        damaged[place] ^= 1 << (place * 5 + first) % 8
        path.write_bytes(damaged)
        try:
            assert read_group(path, 0, whole.column_names).equals(whole)
            assert read_table(path).equals(whole)
            assert made_by(path) == {"work": {"seed": 1, "n": 22}}
        except DamagedFile as error:
            told, text = told + 1, str(error)
            assert text.startswith(f"{path} is not the table that was written (")
            assert text.endswith("Delete it and give the same command: it is made again.")
    assert told > 0.8 * len(raw) / 3


@pytest.mark.parametrize("kept", [0, 3, 12, 1000, -1])
def test_a_table_that_is_cut_off_is_told(table, kept):
    path, _ = table
    path.write_bytes(path.read_bytes()[:kept])
    for read in (read_table, made_by, check_table):
        with pytest.raises(DamagedFile, match=r"scores\.parquet is not the table that was written"):
            read(path)


def test_a_table_without_checksums_is_read_as_it_is(tmp_path):
    table = pa.table({"x": [1.5, 2.5]}).replace_schema_metadata({b"whyalike": b'{"work":{"seed":3}}'})
    pq.write_table(table, tmp_path / "old.parquet")
    write_table(tmp_path / "new.parquet", table, {"work": {"seed": 3}})
    for name, known in (("old", False), ("new", True)):
        path = tmp_path / f"{name}.parquet"
        assert check_table(path) == known
        assert read_table(path, columns=["x"])["x"].to_pylist() == [1.5, 2.5]
        assert made_by(path) == {"work": {"seed": 3}}


def test_a_table_that_is_not_there_is_no_damage(tmp_path):
    for read in (read_table, made_by):
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "none.parquet")


def test_names_that_look_like_partitions_or_addresses_are_plain_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = Path("level=0.5") / "a:b.parquet"
    write_table(path, pa.table({"x": [1]}), {})
    assert read_table(path).column_names == ["x"]
    assert made_by(path) == {}


def test_the_next_writer_removes_what_a_killed_one_left(tmp_path):
    host, dead = socket.gethostname(), 4194305  # above the largest process id that Linux gives
    leftover = tmp_path / f".table.{host}-{dead}.tmp.csv"
    others = [
        tmp_path / f".tables.{host}-{dead}.tmp.csv",  # another file's
        tmp_path / f".table.part1.{host}-{dead}.tmp.csv",
        tmp_path / f".table.{host}-{os.getppid()}.tmp.csv",  # its writer lives
        tmp_path / f".table.another{host}-{dead}.tmp.csv",  # who knows
    ]
    for path in (leftover, *others):
        path.write_text("half a ta")
    write_text(tmp_path / "table.csv", "whole")
    assert not leftover.exists()
    assert all(other.exists() for other in others)


@pytest.mark.parametrize(("umask", "mode"), [(0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_a_file_gets_the_mode_of_the_umask_whatever_its_writer_chose(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        with atomic(tmp_path / "file") as temporary:
            os.close(os.open(temporary, os.O_CREAT, 0o600))
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
