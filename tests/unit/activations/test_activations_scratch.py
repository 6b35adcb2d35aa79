"""Arrays beyond a bound are in temporary files, which are gone afterwards."""

import numpy as np
import pytest

from whyalike.activations.scratch import Scratch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder for temporary files, empty."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


BATCHES = [np.arange(12, dtype=np.float32).reshape(4, 3) + 100 * i for i in range(5)]


@pytest.mark.parametrize(("memory", "mapped"), [(None, False), (10**6, False), (100, True), (0, True)])
def test_added_rows_come_back_whole_and_in_order(folder, memory, mapped):
    with Scratch(memory) as scratch:
        for batch in BATCHES:
            scratch.add("one", batch)
            scratch.add("two", batch[:, :2].astype(np.float64))
        assert scratch.names() == ["one", "two"]
        for name, wanted in (("one", np.concatenate(BATCHES)), ("two", np.concatenate(BATCHES)[:, :2])):
            found = scratch.take(name)
            assert isinstance(found, np.memmap) is mapped and len(list(folder.iterdir())) == mapped
            np.testing.assert_array_equal(found, wanted)
    assert list(folder.iterdir()) == []


def test_no_more_than_the_bound_is_held():
    with Scratch(100) as scratch:
        for batch in BATCHES:
            scratch.add("one", batch)  # 48 bytes each
            assert scratch.held <= 100


def test_the_files_are_gone_after_an_error(folder):
    def fails():
        with Scratch(10) as scratch:
            scratch.add("one", BATCHES[0])
            assert len(list(folder.iterdir())) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert list(folder.iterdir()) == []


def test_batches_of_other_widths_or_types_are_refused():
    with Scratch() as scratch:
        scratch.add("layer", BATCHES[0])
        for wrong in (BATCHES[1][:, :2], BATCHES[1].astype(np.float64)):
            with pytest.raises(ValueError, match="layer must have rows of one width and type"):
                scratch.add("layer", wrong)


def test_an_array_to_fill_is_a_file_beyond_the_bound(folder):
    with Scratch(100) as scratch:
        small, large = scratch.empty((5, 5), np.float32), scratch.empty((6, 5), np.dtype(np.float32))
        large[:] = 3
        assert not isinstance(small, np.memmap) and isinstance(large, np.memmap) and large.sum() == 90
    assert list(folder.iterdir()) == []
