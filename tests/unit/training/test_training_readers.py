"""Readers: the same bytes from everywhere, and of a mapped data set no copy."""

import resource
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from job_parameters import split_parameters
from training_jobs import MODEL, OPERATION, end, start, varied

from whyalike.data.array_file import new_images
from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.models.inputs import adapt
from whyalike.splits.stage import make_splits
from whyalike.training.classification import Classification
from whyalike.training.parameters import TaskParameters, TrainedRun
from whyalike.training.readers import MappedReader, ResidentReader, resident

CPU = torch.device("cpu")
ROWS = torch.tensor([7, 0, 4, 4, 9, 2])


def images(channels=3, side=6, n=10):
    return np.random.default_rng(0).integers(0, 256, (n, side, side, channels), dtype=np.uint8)


@pytest.mark.parametrize(
    ("stored", "size", "channels", "kind"),
    [
        (images(3), 6, 3, MappedReader),
        (images(1), 6, 3, MappedReader),
        (images(1), 6, 1, MappedReader),
        (images(3), 6, 1, ResidentReader),
        (images(3), 8, 3, ResidentReader),
        (images(1, 9), 6, 3, ResidentReader),
    ],
)
def test_every_reader_gives_the_images_of_its_rows_as_the_model_takes_them(stored, size, channels, kind):
    stored.flags.writeable = False  # as a mapped file is
    reader, expected = resident(stored, size, channels, CPU), adapt(stored, size, channels)[ROWS]
    assert type(reader) is kind
    assert reader.device == CPU
    assert torch.equal(reader.take(ROWS), expected)
    batches = list(reader.batches(ROWS, 2))
    assert [batch.shape for batch in batches] == [(2, size, size, channels)] * 3
    assert torch.equal(torch.cat(batches), expected)


def test_a_batch_of_a_mapped_file_is_nobody_elses():
    stored = images()
    reader = resident(stored, 6, 3, CPU)
    for batch in (reader.take(ROWS), *reader.batches(ROWS, 3)):
        batch.zero_()
    assert np.array_equal(stored, images())


# ---- memory: 100,000 images of 28 pixels are 235 MB; a process may take 100 MB more than it has

N, SIDE, ALLOWED = 100_000, 28, 100 * 2**20
RUN = {"name": "label.0", "labelling": "label", "level": None}
PARAMETERS = TaskParameters(seed=0, size=SIDE, model=MODEL)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A data set whose pixels are a hole in its file, so that it takes no disk."""
    folder = tmp_path_factory.mktemp("large")
    with new_images(folder / "data", (N, SIDE, SIDE, 3)):
        pass
    part = np.repeat(["train", "test"], [N - 5_000, 5_000])
    labels = pd.DataFrame({"part": part, "label": np.tile(["a", "b"], N // 2)})
    write_prepared(folder / "data", None, labels, ["label"], {"source": "test"})
    make_splits(split_parameters("label", [RUN], PARAMETERS.seed), folder / "data", folder / "splits.parquet")
    return folder


def limit_memory():
    """Private memory, without the pages of mapped files: what a copy needs and a map does not."""
    with Path("/proc/self/statm").open() as handle:
        data = int(handle.read().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (data + ALLOWED, data + ALLOWED))


def read_batches(folder):
    """What a run reads: some batches, and all test images."""
    limit_memory()
    torch.set_num_threads(1)
    data, recipe = open_prepared(folder / "data"), varied(batch_size=512)
    reader = Classification.material(data, PARAMETERS, CPU, OPERATION)
    run = TrainedRun(**RUN, replica="0", identity="a" * 16)
    task = Classification.read(PARAMETERS, recipe, run, data, reader, folder / "splits.parquet")
    batches = task.batches(0)
    assert sum(len(next(batches)[0][0]) for _ in range(20)) == 20 * 512
    assert sum(len(labels) for _, labels in task.test_batches()) == 5_000


def copy_all(folder):
    limit_memory()
    try:
        np.array(open_prepared(folder / "data").images)
    except MemoryError:
        return
    raise AssertionError("the limit does not hold: a copy of the data set fits into it")


def test_training_reads_a_mapped_data_set_without_a_copy_of_it(large):
    assert end(start(read_batches, large)) == 0


def test_a_copy_of_the_data_set_would_not_fit_under_that_limit(large):
    assert end(start(copy_all, large)) == 0
