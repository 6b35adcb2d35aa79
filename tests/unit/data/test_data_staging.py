"""Copies of prepared data on a node's own disk: whole, shared, checked, bounded; never a reason to fail."""

import fcntl
import os
import shutil
import threading

import numpy as np
import pandas as pd
import pytest

from whyalike.cluster.site import Site
from whyalike.data import staging
from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.data.staging import staged

ROOM = 1.0  # GB: enough for everything here


@pytest.fixture
def prepared(tmp_path):
    """Makes a prepared data set of noise; each takes about 50 kB."""

    def make(seed=0):
        folder = tmp_path / "shared" / f"set{seed}"
        images = np.random.default_rng(seed).integers(0, 256, (16, 32, 32, 3), dtype=np.uint8)
        labels = pd.DataFrame({"part": ["train"] * 16, "shape": ["disc", "star"] * 8})
        write_prepared(folder, images, labels, ["shape"], {"source": "noise"})
        return folder

    return make


@pytest.fixture
def scratch(tmp_path):
    return str(tmp_path / "scratch")


def copies(scratch):
    """Names of everything in the folder of copies but the locks."""
    (place,) = os.listdir(scratch)
    return {name for name in os.listdir(os.path.join(scratch, place)) if not name.endswith(".lock")}


def gigabytes(*folders):
    return sum(path.stat().st_size for folder in folders for path in folder.iterdir()) / 1e9


def test_without_the_option_the_data_set_is_read_where_it_is(prepared, scratch):
    folder = prepared()
    for arguments in ((None, ROOM), (scratch, None)):
        with staged(folder, *arguments) as read:
            assert read == folder
    assert not os.path.exists(scratch)


def test_a_copy_holds_the_same_bytes_and_is_made_once(prepared, scratch):
    folder = prepared()
    with staged(folder, scratch, ROOM) as first:
        assert str(first).startswith(scratch)
        assert {path.name: path.read_bytes() for path in first.iterdir()} == {
            path.name: path.read_bytes() for path in folder.iterdir()
        }
        assert open_prepared(first, verify=True).content_sha256 == open_prepared(folder).content_sha256
        made = (first / "array.npy").stat()
        with staged(folder, scratch, ROOM) as second:  # while the first job reads it
            assert second == first
            assert (second / "array.npy").stat() == made
    with staged(folder, scratch, ROOM) as later:
        assert (later / "array.npy").stat() == made


def test_jobs_that_begin_together_make_one_copy(prepared, scratch, monkeypatch):
    folder, made, read = prepared(), [], []
    original = staging._copy
    monkeypatch.setattr(staging, "_copy", lambda *paths: made.append(paths) or original(*paths))
    start = threading.Barrier(4)

    def job():
        start.wait()
        with staged(folder, scratch, ROOM) as copy:
            read.append((copy, open_prepared(copy, verify=True).content_sha256))

    threads = [threading.Thread(target=job) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(staging.FILES)
    assert len(read) == 4 and len(set(read)) == 1


def test_what_is_left_of_a_killed_job_or_was_cleaned_away_is_made_anew(prepared, scratch):
    folder = prepared()
    with staged(folder, scratch, ROOM) as copy:
        pass
    (copy / "array.npy").write_bytes(b"short")
    half = copy.with_name(f".{copy.name}.tmp")
    half.mkdir()
    (half / "array.npy").write_bytes(b"half")
    with staged(folder, scratch, ROOM) as again:
        assert again == copy
        open_prepared(again, verify=True)
    assert copies(scratch) == {copy.name}


def test_changed_data_are_another_copy(prepared, scratch):
    with staged(prepared(0), scratch, ROOM) as first, staged(prepared(1), scratch, ROOM) as second:
        assert first != second
    assert copies(scratch) == {first.name, second.name}


def test_the_copy_that_was_unused_longest_goes_first_and_none_that_is_read(prepared, scratch):
    folders = [prepared(seed) for seed in range(4)]
    most = gigabytes(*folders[:3])
    names = []
    for when, folder in enumerate(folders[:3]):
        with staged(folder, scratch, most) as copy:
            names.append(copy.name)
        os.utime(copy.with_suffix(".lock"), (when, when))
    with staged(folders[0], scratch, most), staged(folders[3], scratch, most) as fourth:
        assert copies(scratch) == {names[0], names[2], fourth.name}  # the first is in use, so the second went


def test_where_there_is_no_room_the_original_is_read_and_nobody_waits(prepared, scratch, caplog):
    caplog.set_level("INFO", "whyalike")
    small, other = prepared(0), prepared(1)
    with staged(small, scratch, gigabytes(small)) as copy, staged(other, scratch, gigabytes(small)) as read:
        assert (copy != small, read) == (True, other)
        with staged(other, scratch, gigabytes(small)) as also:
            assert also == other
    assert "more than stage_gb" in caplog.text
    assert copies(scratch) == {copy.name}


def test_a_copy_taken_from_under_its_readers_is_not_waited_for(prepared, scratch, monkeypatch):
    monkeypatch.setattr(staging, "WAIT_SECONDS", 0)
    folder = prepared()
    with staged(folder, scratch, ROOM) as copy:
        shutil.rmtree(copy)
        with staged(folder, scratch, ROOM) as read:
            assert read == folder


def test_a_scratch_that_cannot_be_written_is_no_fault(prepared, tmp_path, caplog):
    caplog.set_level("INFO", "whyalike")
    (tmp_path / "file").write_text("not a folder")
    folder = prepared()
    with staged(folder, str(tmp_path / "file"), ROOM) as read:
        assert read == folder
    assert "is read where it is: no copy can be made in" in caplog.text


def test_damaged_data_are_not_copied(prepared, scratch):
    folder = prepared()
    content = bytearray((folder / "array.npy").read_bytes())
    content[-1] ^= 1
    (folder / "array.npy").write_bytes(content)
    with (
        pytest.raises(
            ValueError, match=r"array\.npy is not the file that checksums\.json describes.*Delete the folder"
        ),
        staged(folder, scratch, ROOM),
    ):
        pass
    assert copies(scratch) == set()


def test_a_job_holds_its_copy_and_lets_it_go(prepared, scratch):
    with (
        staged(prepared(), scratch, ROOM) as copy,
        copy.with_suffix(".lock").open() as lock,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with copy.with_suffix(".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_copies_need_a_place():
    with pytest.raises(ValueError, match="stage_gb is 5, but there is no scratch"):
        Site(stage_gb=5)
