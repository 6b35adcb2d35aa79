"""The manifest of a cell that was trained in parts is the one of a cell that was not."""

import pytest
from training_jobs import OPERATION, identity

from whyalike.training.cell import train_cell
from whyalike.training.joining import join_manifests


def trained_in_parts(cell, work):
    """A manifest for each run of a cell, trained one after another."""
    manifests = []
    cell.split(work)
    for number, run in enumerate(work.runs):
        manifests.append(cell.folder / f"seed0.part{number}.parquet")
        part = work.model_copy(update={"runs": (run,)})
        train_cell(part, OPERATION, 1, cell.dataset, cell.splits, cell.store, manifests[-1])
    return manifests


def test_parts_give_the_same_weights_and_the_same_bytes(cell):
    work = cell.work(levels=("0.25", "0.5"))
    manifests = trained_in_parts(cell, work)
    weights = {run.name: cell.stored(run.name).weights.read_bytes() for run in work.runs}
    join_manifests(work, manifests, cell.folder / "joined.parquet")
    cell.store = cell.folder / "another store"
    cell.train(work)
    assert {name: cell.stored(name).weights.read_bytes() for name in weights} == weights
    assert (cell.folder / "joined.parquet").read_bytes() == cell.manifest.read_bytes()


def test_parts_of_another_cell_are_refused(cell):
    manifests = trained_in_parts(cell, cell.work())
    with pytest.raises(ValueError, match=rf"got \['{identity('A')}'\] from .*seed0\.part0\.parquet\. Remove these"):
        join_manifests(cell.work(), manifests[:1], cell.manifest)
    assert not cell.manifest.exists()
