"""FFCV: the bytes, order and weights of the other readers, and its traps."""

import gc
import importlib.util
import sys
import threading

import numpy as np
import pandas as pd
import pytest
import torch
from training_jobs import OPERATION, ToyCell

from whyalike.data.ffcv_file import BETON, BETON_NOTE, beton_of, ffcv, write_beton
from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.training.cell import train_cell
from whyalike.training.ffcv_reader import FfcvReader
from whyalike.training.parameters import Operation
from whyalike.training.readers import resident

CPU = torch.device("cpu")
FFCV = OPERATION.model_copy(update={"loader": "ffcv"})
N = 90
installed = pytest.mark.skipif(
    importlib.util.find_spec("ffcv") is None, reason="FFCV is not installed: `make setup-ffcv` as envs/README.md says"
)


def prepare(folder, seed=0):
    """Images of three channels, 8 x 8."""
    images = np.random.default_rng(seed).integers(0, 256, (N, 8, 8, 3), dtype=np.uint8)
    labels = pd.DataFrame({"part": ["train"] * (N - 9) + ["test"] * 9, "label": (["a", "b", "c"] * N)[:N]})
    write_prepared(folder, images, labels, ["label"], {"source": "test"})
    return open_prepared(folder)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ffcv")
    found = prepare(folder)
    beton_of(found)
    return found


@pytest.fixture(scope="module")
def reader(data):
    """Compiled once for all tests: seconds."""
    threads = torch.get_num_threads()
    made = FfcvReader(data, 8, 3, CPU)
    assert torch.get_num_threads() == threads  # FFCV sets it
    return made


def order(n=80):
    return torch.randperm(N, generator=torch.Generator().manual_seed(1))[:n]


@installed
def test_batches_are_those_of_the_resident_reader_byte_for_byte(data, reader):
    other = resident(data.images, 8, 3, CPU)
    for batch_size in (16, 5):
        batches = list(reader.batches(order(), batch_size))  # kept, while FFCV reuses its memory
        assert [len(batch) for batch in batches] == [batch_size] * (80 // batch_size)
        for own, theirs in zip(batches, other.batches(order(), batch_size), strict=True):
            assert own.dtype == torch.uint8 and torch.equal(own, theirs)
    assert torch.equal(reader.take(order(7)), other.take(order(7)))


@installed
def test_an_epoch_that_is_left_leaves_no_thread_and_the_next_one_is_whole(reader):
    before = threading.active_count()
    for _ in range(3):
        batches = reader.batches(order(), 4)
        next(batches)
        assert threading.active_count() == before + 1
        batches.close()
    gc.collect()
    assert threading.active_count() == before
    assert len(list(reader.batches(order(), 4))) == 20


@installed
def test_the_number_of_torchs_threads_stays_as_it_was(reader):
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            seen = {torch.get_num_threads() for _ in reader.batches(order(), 4)}
            assert seen == {count} == {torch.get_num_threads()}
    finally:
        torch.set_num_threads(threads)


@installed
def test_an_error_in_its_thread_is_an_error_of_the_trainer(reader, monkeypatch):
    from ffcv.loader.epoch_iterator import EpochIterator

    original = EpochIterator.run_pipeline

    def fail(self, number, *arguments):
        if number == 3:
            raise OSError("the disk is gone")
        return original(self, number, *arguments)

    monkeypatch.setattr(EpochIterator, "run_pipeline", fail)
    batches = reader.batches(order(), 4)
    read = [next(batches) for _ in range(3)]
    with pytest.raises(RuntimeError, match=r"FFCV failed to read .*array\.beton: OSError\('the disk is gone'\)"):
        next(batches)
    assert len(read) == 3  # without the error it would wait for ever


@installed
def test_weights_and_results_are_the_same_with_either_loader(tmp_path):
    weights = {}
    for operation in (OPERATION, FFCV):
        cell = ToyCell(tmp_path / operation.loader)
        cell.split()
        train_cell(cell.work(), operation, 1, cell.dataset, cell.splits, cell.store, cell.manifest)
        weights[operation.loader] = [cell.stored(name).weights.read_bytes() for name in ("A", "B@0.5")]
        results = [cell.stored(name).finished() for name in ("A", "B@0.5")]
        weights[operation.loader] += [(one["accuracy"], one["loss"]) for one in results]
    assert weights["ffcv"] == weights["resident"]


@installed
def test_a_beton_has_the_same_bytes_when_it_is_made_again(data, tmp_path):
    write_beton(data, tmp_path / BETON)
    for name in (BETON, BETON_NOTE):
        assert (tmp_path / name).read_bytes() == (data.folder / name).read_bytes()


@installed
def test_a_beton_is_made_once_and_again_only_if_it_is_not_of_these_images(tmp_path):
    path = beton_of(prepare(tmp_path))
    whole, made = path.read_bytes(), path.stat().st_mtime_ns
    assert beton_of(open_prepared(tmp_path)).stat().st_mtime_ns == made
    path.write_bytes(whole[:-1])
    assert beton_of(open_prepared(tmp_path)).read_bytes() == whole
    assert beton_of(prepare(tmp_path, seed=1)).read_bytes() != whole


# ---- without FFCV


def test_without_ffcv_one_message_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ffcv", None)
    monkeypatch.setitem(sys.modules, "ffcv.writer", None)
    with pytest.raises(RuntimeError, match=r"operation.loader is ffcv, and FFCV cannot be imported .*apt-get install "
                                           r"--no-install-recommends g\+\+ .* then `make setup-ffcv`"):  # fmt: skip
        ffcv()
    data = prepare(tmp_path)
    with pytest.raises(RuntimeError, match=r"set operation\.loader to resident"):
        FfcvReader(data, 8, 3, CPU)
    assert not list(tmp_path.glob("array.beton*"))


def test_the_loader_is_no_part_of_what_a_run_is():
    assert Operation().loader == "resident"
    assert FFCV.model_dump().keys() == Operation().model_dump().keys()
