"""A preparation that was killed goes on where it stopped, and ends in the same bytes."""

import multiprocessing
import os
import signal

import numpy as np
import pytest
from text_files import gpt2_files, json_lines, story, tinystories

from whyalike.data import colorshapedigit, resumable_array, text, token_stream
from whyalike.data.array_file import TOKEN
from whyalike.data.prepared import open_prepared
from whyalike.data.resumable_array import JOURNAL, PARTIAL, blocks_of, fill_images, filled, state_of

SHAPE, BLOCKS = (10, 2, 2, 1), blocks_of(10, 3)
FILES = ("array.npy", "labels.parquet", "checksums.json")


class Filler:
    """Fills block i with i + 1, remembers which it was asked for, and fails from block ``last`` on."""

    def __init__(self, last=None):
        self.asked, self.last = [], last

    def __call__(self, pixels, number):
        if self.last is not None and number >= self.last:
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
    assert told[0] == "2 blocks are there from an earlier attempt"


def test_a_line_that_was_cut_costs_its_block_alone(stopped):
    text = (stopped / JOURNAL).read_text()
    (stopped / JOURNAL).write_text(text[:-9])
    filler = Filler()
    assert is_whole(stopped, fill(stopped, filler))
    assert filler.asked == [1, 2, 3]


def test_pixels_that_did_not_reach_the_disk_are_made_again(stopped):
    with (stopped / PARTIAL).open("r+b") as handle:
        handle.seek(128 + 4)  # behind the header and the first image
        handle.write(b"\0")
    filler = Filler()
    assert is_whole(stopped, fill(stopped, filler))
    assert filler.asked == [0, 2, 3]


@pytest.mark.parametrize("damage", ["another work", "no pixels", "no array"])
def test_other_work_or_a_lost_array_begins_anew(stopped, damage):
    if damage == "no pixels":
        (stopped / PARTIAL).unlink()
    if damage == "no array":
        (stopped / PARTIAL).write_bytes(b"12345")
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


def dies_when(folder, after):
    """A look at the journal that kills this process when so many blocks are noted."""
    if (folder / JOURNAL).read_text().count("\n") > after:
        os.kill(os.getpid(), signal.SIGKILL)


def killed(target, *arguments):
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def same_data_set(one, other):
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(FILES)
    return [(one / name).read_bytes() for name in names] == [(other / name).read_bytes() for name in names]


def compose_and_die(folder, after):
    original = resumable_array.canonical_json

    def noted(value):
        if isinstance(value, list):
            dies_when(folder, after)
        return original(value)

    resumable_array.canonical_json = noted
    colorshapedigit.prepare(SMALL, folder, 1, lambda text: None)


def test_colorshapedigit_killed_and_started_again_is_the_same_data_set(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "killed"
    colorshapedigit.prepare(SMALL, whole, 1, lambda text: None)
    cut.mkdir()
    killed(compose_and_die, cut, 6)
    assert not (cut / "array.npy").exists()
    told = []
    colorshapedigit.prepare(SMALL, cut, 2, told.append)
    assert "colorshapedigit: 6 blocks are there from an earlier attempt" in told
    assert same_data_set(cut, whole)
    open_prepared(cut, verify=True)


# ---- token streams, whose blocks are of unknown length ----

TEXTS = {"one two": 2, "three four": 3, "five": 4}  # text -> its tokens


def stream(folder, texts=tuple(TEXTS), last=None):
    """Write texts one after the other, each as 0, 1, ..., up to a fault at ``last``; returns those that were made."""
    made, place = [], 0

    def make(text):
        if text == last:
            raise OSError("no room on the disk")
        made.append(text)
        return np.arange(TEXTS[text], dtype=np.uint16), None

    with filled(folder, TOKEN, (), "this", lambda text: None) as blocks:
        for text in texts:
            place += blocks.fill(place, text, lambda text=text: make(text))[0]
    return made


@pytest.mark.parametrize("lengths", [[], [0], [10], [3, 0, 7], [1] * 10])
def test_a_stream_of_unknown_length_is_the_file_that_numpy_saves(tmp_path, lengths):
    tokens = np.random.default_rng(0).integers(2**16, size=sum(lengths)).astype(np.uint16)
    ends = np.cumsum(lengths, dtype=int)
    with filled(tmp_path / "streamed", TOKEN, (), {}, print) as blocks:
        for end, size in zip(ends, lengths, strict=True):
            blocks.fill(int(end) - size, size, lambda end=end, size=size: (tokens[end - size : end], None))
    np.save(tmp_path / "whole.npy", tokens)
    assert (tmp_path / "streamed" / "array.npy").read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_only_tokens_of_two_bytes_are_written_and_the_old_array_stays_without_its_checksums(tmp_path):
    for name in ("array.npy", "checksums.json"):
        (tmp_path / name).write_text("old")
    with pytest.raises(TypeError, match="int64"), filled(tmp_path, TOKEN, (), {}, print) as blocks:
        blocks.fill(0, "text", lambda: (np.arange(3), None))
    assert (tmp_path / "array.npy").read_text() == "old"
    assert not (tmp_path / "checksums.json").exists()


def test_a_text_that_changed_is_made_again_and_nothing_of_the_old_one_stays(tmp_path):
    with pytest.raises(OSError, match="no room on the disk"):
        stream(tmp_path, ["one two", "five", "three four"], last="three four")
    assert stream(tmp_path, ["one two", "three four"]) == ["three four"]
    assert np.load(tmp_path / "array.npy").tolist() == [0, 1, 0, 1, 2]


def encode_and_die(parameters, folder, after):
    original = token_stream.encode

    def dying(tokenizer, pieces):
        for tokens in original(tokenizer, pieces):
            yield tokens
            dies_when(folder, after)

    token_stream.encode = dying
    text.prepare(parameters, folder, 1, lambda line: None)


def test_corpora_killed_again_and_again_are_the_same_data_set(tmp_path, monkeypatch):
    monkeypatch.setattr(token_stream, "CHUNK", 3000)  # characters: 5 chunks of the one corpus, 4 of the other
    gpt2_files(tmp_path / "gpt2")
    tinystories(tmp_path / "stories.txt", [story(seed) for seed in range(40)])
    json_lines(tmp_path / "codes.jsonl", [{"text": story(seed)} for seed in range(50, 90)])
    parameters = {
        "corpora": {name: {"path": tmp_path / file} for name, file in (("a", "stories.txt"), ("b", "codes.jsonl"))},
        "tokenizer": {"folder": tmp_path / "gpt2"}, "max_tokens": 2500,
        "chunks": 5, "context": 16, "windows": 20, "held_out": 0.2,
    }  # fmt: skip
    whole, cut = tmp_path / "whole", tmp_path / "killed"
    text.prepare(parameters, whole, 1, lambda line: None)
    cut.mkdir()
    for after in (2, 4, 6):
        killed(encode_and_die, parameters, cut, after)
        assert (cut / JOURNAL).read_text().count("\n") - 1 == after
    told = []
    text.prepare(parameters, cut, 2, told.append)
    assert "6 blocks are there from an earlier attempt" in told
    assert same_data_set(cut, whole)
    assert set(open_prepared(cut, verify=True).labels["corpus"]) == {"a", "b"}
