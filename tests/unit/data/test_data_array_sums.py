"""What is read of a prepared array is what was written, block by block; data sets prepared before are no others."""

import json

import numpy as np
import pandas as pd
import pytest

from whyalike.data import array_sums
from whyalike.data.array_sums import SUMS
from whyalike.data.prepared import DamagedData, open_prepared, write_prepared

ROWS, SIDE = 40, 8  # 64 bytes an image
BLOCK = 256


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A prepared data set of images, in eleven blocks."""
    monkeypatch.setattr(array_sums, "BLOCK", BLOCK)
    images = np.random.default_rng(0).integers(1, 256, (ROWS, SIDE, SIDE, 1), dtype=np.uint8)
    labels = pd.DataFrame({"part": ["train"] * 30 + ["test"] * 10, "digit": list("01") * 20})
    write_prepared(tmp_path / "set", images, labels, ["digit"], {"source": "noise"})
    return tmp_path / "set"


def damage(folder, place, name="array.npy"):
    """Flip a bit in a file, which keeps its size."""
    content = bytearray((folder / name).read_bytes())
    content[place] ^= 4
    (folder / name).write_bytes(content)


def place_of(folder, row):
    """A byte in the middle of an image."""
    return open_prepared(folder).images.offset + row * SIDE * SIDE + 20


@pytest.mark.parametrize("summed", [False, True], ids=["first read", "later"])
def test_every_damaged_row_is_refused_with_file_and_remedy(folder, summed):
    if summed:
        open_prepared(folder).check()
    for row in range(ROWS):
        damage(folder, place_of(folder, row))
        message = rf"{folder}/array\.npy is not the file that checksums\.json describes .*Delete the folder {folder}"
        for rows in (None, np.array([row]), np.arange(ROWS)):
            with pytest.raises(DamagedData, match=message):
                open_prepared(folder).check(rows)
        damage(folder, place_of(folder, row))
    open_prepared(folder).check()


def test_rows_in_other_blocks_than_the_damage_are_read(folder):
    open_prepared(folder).check()
    damage(folder, place_of(folder, 39))
    open_prepared(folder).check(np.arange(30))
    with pytest.raises(DamagedData):
        open_prepared(folder, verify=True)


def test_only_the_blocks_of_the_rows_are_read(folder, monkeypatch):
    data, read, blocks = open_prepared(folder), [], array_sums._blocks
    data.check()
    monkeypatch.setattr(array_sums, "_blocks", lambda file, numbers: read.extend(numbers) or blocks(file, numbers))
    first = data.images.offset + 64 * np.array([12, 13, 30])
    data.check(np.array([12, 13, 30]))
    assert read == sorted({0, *(first // BLOCK), *((first + 63) // BLOCK)})  # the header's, too


@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: path.write_text("no JSON"),
    lambda path: path.write_text("[]"),
    lambda path: path.write_text(path.read_text().replace('"block":256', '"block":512')),
    lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": "0" * 64})),
    lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "crc32": [1] * 11})),
])  # fmt: skip
def test_sums_that_are_lost_or_damaged_are_made_again(folder, spoil):
    open_prepared(folder).check()
    whole = (folder / SUMS).read_text()
    spoil(folder / SUMS)
    open_prepared(folder).check(np.array([3]))
    assert (folder / SUMS).read_text() == whole


def test_a_folder_that_cannot_be_written_is_verified_too(folder, monkeypatch):
    def full(*_):
        raise OSError("read-only")

    monkeypatch.setattr(array_sums, "write_text", full)
    open_prepared(folder).check(np.array([3]))
    damage(folder, place_of(folder, 3))
    with pytest.raises(DamagedData):
        open_prepared(folder).check(np.array([30]))  # without sums the whole array is compared
    assert not (folder / SUMS).exists()


def test_sums_change_nothing_of_the_data_set(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}, open_prepared(folder).content_sha256
    open_prepared(folder).check()
    (folder / SUMS).unlink()
    assert ({path.name: path.read_bytes() for path in folder.iterdir()}, open_prepared(folder).content_sha256) == before


def test_stretches_of_text_are_verified_where_they_lie(tmp_path, monkeypatch):
    monkeypatch.setattr(array_sums, "BLOCK", BLOCK)
    folder, tokens = tmp_path / "text", np.arange(1000, dtype=np.uint16)
    stretches = {"part": ["train", "test", "test"], "corpus": "a", "start": [0, 500, 750], "length": [500, 250, 250]}
    write_prepared(folder, tokens, pd.DataFrame(stretches), ["corpus"], {"source": "text"})
    data = open_prepared(folder)
    data.check()
    damage(folder, data.tokens.offset + 2 * 600)
    data.check(np.array([0]))
    for rows in (None, np.array([1]), np.array([0, 1, 2])):
        with pytest.raises(DamagedData):
            data.check(rows)
