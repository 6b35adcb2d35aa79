"""Copies of prepared data on a node's own disk: whole, shared, checked, bounded; never a reason to fail."""

import errno
import fcntl
import os
import shutil
import threading

import numpy as np
import pandas as pd
import pytest

from whyalike.cluster.site import Site
from whyalike.data import staging
from whyalike.data.prepared import DamagedData, open_prepared, write_prepared
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


def test_a_scratch_without_locks_is_no_fault(prepared, scratch, caplog, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    caplog.set_level("INFO", "whyalike")
    monkeypatch.setattr(fcntl, "flock", refuse)
    with staged(folder := prepared(), scratch, ROOM) as read:
        assert read == folder
    assert "is read where it is: no copy can be kept" in caplog.text


def test_a_scratch_that_cannot_be_written_is_no_fault(prepared, tmp_path, caplog):
    caplog.set_level("INFO", "whyalike")
    (tmp_path / "file").write_text("not a folder")
    folder = prepared()
    with staged(folder, str(tmp_path / "file"), ROOM) as read:
        assert read == folder
    assert "is read where it is: no copy can be made in" in caplog.text


def theirs(place):
    if os.getuid() != 0:
        pytest.skip("only root can give a folder to another user")
    place.mkdir()
    os.chown(place, 12345, 12345)


def linked(place):
    (place.parent / "elsewhere").mkdir(mode=0o700)
    place.symlink_to(place.parent / "elsewhere")


@pytest.mark.parametrize(
    ("take", "wrong"),
    [
        (theirs, "it belongs to the user with the id 12345"),
        (linked, "it is a link, not a folder"),
        (lambda place: place.symlink_to("/nowhere"), "it is a link, not a folder"),
        (lambda place: place.write_text(""), "it is a file, not a folder"),
        (lambda place: (place.mkdir(), place.chmod(0o750)), "others may enter it (its mode is 0750)"),
        (lambda place: (place.mkdir(), place.chmod(0o701)), "others may enter it (its mode is 0701)"),
    ],
)
def test_a_folder_that_others_may_have_filled_is_not_used(prepared, tmp_path, caplog, take, wrong):
    caplog.set_level("INFO", "whyalike")
    folder, place = prepared(), tmp_path / f"whyalike-{os.getuid()}"
    take(place)
    before = {path: path.lstat() for path in tmp_path.rglob("*")}
    with staged(folder, str(tmp_path), ROOM) as read:
        assert read == folder
    (line,) = caplog.messages
    assert line.startswith(
        f"{folder} is read where it is: no copy can be made in {place} ({wrong}. It must be your fol"
    )
    assert "remove it, have its owner do so, or set another `scratch`" in line
    assert {path: path.lstat() for path in tmp_path.rglob("*")} == before


def test_the_folder_of_copies_is_open_to_nobody_else(prepared, tmp_path):
    before = os.umask(0)
    try:
        with staged(prepared(), str(tmp_path / "scratch"), ROOM) as copy:
            assert copy.parent.lstat().st_mode & 0o777 == 0o700
    finally:
        os.umask(before)


def zeroed(path):
    """Zero some bytes near the end of a file, which keeps its size."""
    content = bytearray(path.read_bytes())
    content[-1000:-500] = bytes(500)
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["array.npy", "labels.parquet"])
def test_a_damaged_copy_is_told_when_it_is_read_and_made_again_by_the_next_job(prepared, scratch, name):
    folder = prepared()
    with staged(folder, scratch, ROOM) as copy:
        zeroed(copy / name)
    with (
        pytest.raises(DamagedData, match=rf"{copy}/{name} is not the file that checksums\.json describes") as caught,
        staged(folder, scratch, ROOM) as read,
    ):
        open_prepared(read, verify=True)
    assert caught.value.__notes__ == [
        f"It is a copy of {folder}, which the next job makes again: give the same command."
    ]
    with staged(folder, scratch, ROOM) as again:
        assert again == copy
        open_prepared(again, verify=True)


def test_a_copy_with_other_checksums_than_the_original_is_made_anew(prepared, scratch):
    """Swapped as a whole, it would be true to itself."""
    folder, other = prepared(0), prepared(1)
    with staged(folder, scratch, ROOM) as copy:
        pass
    shutil.rmtree(copy)
    shutil.copytree(other, copy)
    with staged(folder, scratch, ROOM) as read:
        assert read == copy
        assert (read / "array.npy").read_bytes() == (folder / "array.npy").read_bytes()


def test_damage_elsewhere_leaves_the_copy(prepared, scratch):
    folder, other = prepared(0), prepared(1)
    zeroed(other / "array.npy")
    with pytest.raises(DamagedData) as caught, staged(folder, scratch, ROOM) as copy:
        open_prepared(other, verify=True)
    assert not hasattr(caught.value, "__notes__")
    assert (copy / "checksums.json").exists()


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
