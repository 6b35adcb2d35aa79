"""A preparation that was killed goes on where it stopped, and ends in the same bytes."""

import json
import multiprocessing
import os
import signal

import numpy as np
import pytest

from whyalike.data import colorshapedigit, filling
from whyalike.data.filling import JOURNAL, PIXELS, blocks_of, fill_images, state_of
from whyalike.data.prepared import open_prepared

SHAPE, BLOCKS = (10, 2, 2, 1), blocks_of(10, 3)
FILES = ("array.npy", "labels.parquet", "checksums.json")


class Filler:
    """Fills block i with i + 1, remembers which it was asked for, and fails before block ``last``."""

    def __init__(self, last=None):
        self.asked, self.last = [], last

    def __call__(self, pixels, number):
        if number == self.last:
            raise OSError("no room on the disk")
        self.asked.append(number)
        pixels[:] = number + 1
        return {"block": number}


def fill(folder, filler, work="this", report=lambda text: None):
    return fill_images(folder, SHAPE, {"work": work}, BLOCKS, filler, 1, report)


@pytest.fixture
def stopped(tmp_path):
    """A folder whose filling stopped before the third of four blocks."""
    with pytest.raises(OSError, match="no room on the disk"):
        fill(tmp_path, Filler(last=2))
    assert not (tmp_path / "array.npy").exists()
    return tmp_path


def is_whole(folder, values):
    assert values == [{"block": number} for number in range(4)]
    assert np.load(folder / "array.npy")[:, 0, 0, 0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    return sorted(path.name for path in folder.iterdir()) == ["array.npy"]


def test_rows_are_cut_into_blocks_that_hold_each_once():
    assert [list(range(10))[block] for block in BLOCKS] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


def test_without_a_disturbance_every_block_is_filled_once(tmp_path):
    filler = Filler()
    assert is_whole(tmp_path, fill(tmp_path, filler))
    assert filler.asked == [0, 1, 2, 3]


def test_finished_blocks_are_kept_and_told(stopped):
    filler, told = Filler(), []
    assert is_whole(stopped, fill(stopped, filler, report=told.append))
    assert filler.asked == [2, 3]
    assert told[0].endswith("2/4 blocks of images are there from an earlier attempt")


def test_a_line_that_was_cut_costs_its_block_alone(stopped):
    text = (stopped / JOURNAL).read_text()
    (stopped / JOURNAL).write_text(text[:-9])
    filler = Filler()
    assert is_whole(stopped, fill(stopped, filler))
    assert filler.asked == [1, 2, 3]


def test_pixels_that_did_not_reach_the_disk_are_made_again(stopped):
    pixels = np.lib.format.open_memmap(stopped / PIXELS, mode="r+")
    pixels[1] = 0
    pixels.flush()
    filler = Filler()
    assert is_whole(stopped, fill(stopped, filler))
    assert filler.asked == [0, 2, 3]


@pytest.mark.parametrize("damage", ["another work", "no pixels", "no array"])
def test_other_work_or_a_lost_array_begins_anew(stopped, damage):
    if damage == "no pixels":
        (stopped / PIXELS).unlink()
    if damage == "no array":
        (stopped / PIXELS).write_bytes(b"12345")
    filler = Filler()
    assert is_whole(stopped, fill(stopped, filler, work="other" if damage == "another work" else "this"))
    assert filler.asked == [0, 1, 2, 3]


def test_a_file_that_changed_is_other_work(tmp_path):
    path = tmp_path / "one"
    path.write_text("a")
    before = state_of([path])
    os.utime(path, ns=(1, 1))
    assert state_of([path]) != before


SMALL = {"shapes": ["circle", "kite"], "digits": [1, 7], "colors": ["red", "blue"], "train_per_class": 30,
         "test_per_class": 5, "drawings_per_shape": 10}  # fmt: skip


def prepare_and_die(folder, after):
    """SIGKILL this process when so many blocks are noted."""
    original = filling.canonical_json

    def noted(value):
        if isinstance(value, list) and (folder / JOURNAL).read_text().count("\n") > after:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(value)

    filling.canonical_json = noted
    colorshapedigit.prepare(SMALL, folder, 1, lambda text: None)


def test_colorshapedigit_killed_and_started_again_is_the_same_data_set(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    colorshapedigit.prepare(SMALL, whole, 1, lambda text: None)
    killed.mkdir()
    process = multiprocessing.get_context("fork").Process(target=prepare_and_die, args=(killed, 6))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert len(json.loads("[" + ",".join((killed / JOURNAL).read_text().splitlines()) + "]")) == 7
    told = []
    colorshapedigit.prepare(SMALL, killed, 2, told.append)
    assert "colorshapedigit: 6/16 blocks of images are there from an earlier attempt" in told
    assert sorted(path.name for path in killed.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    open_prepared(killed, verify=True)
