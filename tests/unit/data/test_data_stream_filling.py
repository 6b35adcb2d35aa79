"""Tokens that were made before a preparation was killed are kept, and it ends in the same bytes."""

import multiprocessing
import os
import signal

import numpy as np
import pytest
from text_files import gpt2_files, json_lines, story, tinystories

from whyalike.data import text, token_stream
from whyalike.data.array_file import ARRAY, CHECKSUMS
from whyalike.data.prepared import open_prepared
from whyalike.data.stream_filling import JOURNAL, TOKENS, fill_tokens

CHUNKS = [("a", [("one two", True)]), ("a", [("three", False), (" four", True)]), ("b", [("five", True)])]
FILES = (ARRAY, "labels.parquet", CHECKSUMS)


class Maker:
    """Makes the tokens 0, 1, ... of chunk i, i + 2 of them; remembers for which, and fails at the chunk ``last``."""

    def __init__(self, last=None):
        self.asked, self.last, self.told = [], last, []

    def fill(self, folder, chunks=CHUNKS, work="this"):
        with fill_tokens(folder, {"work": work}, self.told.append) as append:
            return [append(*chunk, lambda i=i: self.tokens(i)) for i, chunk in enumerate(chunks)]

    def tokens(self, number):
        if number == self.last:
            raise OSError("no room on the disk")
        self.asked.append(number)
        return np.arange(number + 2, dtype=np.uint16)


def is_whole(folder, counts):
    assert counts == [2, 3, 4]
    assert np.load(folder / ARRAY).tolist() == [0, 1, 0, 1, 2, 0, 1, 2, 3]
    return sorted(path.name for path in folder.iterdir()) == [ARRAY]


@pytest.fixture
def stopped(tmp_path):
    """A folder whose filling stopped before the last of three chunks."""
    with pytest.raises(OSError, match="no room on the disk"):
        Maker(last=2).fill(tmp_path)
    assert not (tmp_path / ARRAY).exists()
    return tmp_path


@pytest.mark.parametrize("lengths", [[], [0], [10], [3, 0, 7], [1] * 10])
def test_a_stream_of_unknown_length_is_the_file_that_numpy_saves(tmp_path, lengths):
    tokens = np.random.default_rng(0).integers(2**16, size=sum(lengths)).astype(np.uint16)
    with fill_tokens(tmp_path / "streamed", {}, print) as append:
        for some in np.split(tokens, np.cumsum(lengths)):
            append("a", [("text", True)], lambda some=some: some)
    np.save(tmp_path / "whole.npy", tokens)
    assert (tmp_path / "streamed" / ARRAY).read_bytes() == (tmp_path / "whole.npy").read_bytes()


def test_only_tokens_of_two_bytes_are_appended_and_the_old_array_stays_without_its_checksums(tmp_path):
    for name in (ARRAY, CHECKSUMS):
        (tmp_path / name).write_text("old")
    with pytest.raises(TypeError, match="int64"), fill_tokens(tmp_path, {}, print) as append:
        append("a", [("text", True)], lambda: np.arange(3))
    assert (tmp_path / ARRAY).read_text() == "old"
    assert not (tmp_path / CHECKSUMS).exists()


def test_finished_chunks_are_kept_and_told(stopped):
    maker = Maker()
    assert is_whole(stopped, maker.fill(stopped))
    assert maker.asked == [2]
    assert maker.told == ["5 tokens are there from an earlier attempt"]


def test_killed_behind_the_last_chunk_nothing_is_made_again(stopped):
    with pytest.raises(OSError, match="no room on the disk"):
        Maker(last=3).fill(stopped, [*CHUNKS, ("b", [("six", True)])])
    maker = Maker()
    assert is_whole(stopped, maker.fill(stopped))
    assert maker.asked == []


@pytest.mark.parametrize("lost", [1, 9])
def test_a_line_that_was_cut_costs_its_chunk_alone(stopped, lost):
    whole = (stopped / JOURNAL).read_bytes()
    (stopped / JOURNAL).write_bytes(whole[:-lost])
    maker = Maker()
    assert is_whole(stopped, maker.fill(stopped))
    assert maker.asked == [1, 2]


@pytest.mark.parametrize(("place", "again"), [(2, [0, 1, 2]), (8, [1, 2])])
def test_tokens_that_did_not_reach_the_disk_are_made_again_with_all_after_them(stopped, place, again):
    with (stopped / TOKENS).open("r+b") as handle:
        handle.seek(128 + place)  # behind the header
        handle.write(b"\xff")
    maker = Maker()
    assert is_whole(stopped, maker.fill(stopped))
    assert maker.asked == again


def test_a_text_that_changed_is_made_again_with_all_after_it(stopped):
    maker = Maker()
    changed = [CHUNKS[0], ("a", [("three four", True)]), CHUNKS[2]]
    assert is_whole(stopped, maker.fill(stopped, changed))
    assert maker.asked == [1, 2]


@pytest.mark.parametrize("damage", ["another work", "no tokens", "few bytes"])
def test_other_work_or_a_lost_stream_begins_anew(stopped, damage):
    if damage == "no tokens":
        (stopped / TOKENS).unlink()
    if damage == "few bytes":
        (stopped / TOKENS).write_bytes(b"12345")
    maker = Maker()
    assert is_whole(stopped, maker.fill(stopped, work="other" if damage == "another work" else "this"))
    assert maker.asked == [0, 1, 2]
    assert maker.told == []


def prepare_and_die(parameters, folder, after):
    """SIGKILL this process in the middle of a chunk, when so many are noted."""
    original = token_stream.encode

    def dying(tokenizer, pieces):
        for tokens in original(tokenizer, pieces):
            yield tokens
            if (folder / JOURNAL).read_text().count("\n") > after:
                os.kill(os.getpid(), signal.SIGKILL)

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
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    text.prepare(parameters, whole, 1, lambda line: None)
    killed.mkdir()
    noted = []
    for after in (2, 4, 6):
        process = multiprocessing.get_context("fork").Process(target=prepare_and_die, args=(parameters, killed, after))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        noted.append((killed / JOURNAL).read_text().count("\n") - 1)
        assert not (killed / ARRAY).exists()
    assert noted == [2, 4, 6]
    told = []
    text.prepare(parameters, killed, 2, told.append)
    assert any("tokens are there from an earlier attempt" in line for line in told)
    assert sorted(path.name for path in killed.iterdir()) == sorted(FILES)
    for name in FILES:
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert set(open_prepared(killed, verify=True).labels["corpus"]) == {"a", "b"}
