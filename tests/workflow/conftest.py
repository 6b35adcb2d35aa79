"""The tiny study, run once for all tests of the workflow; and these tests begin before the others."""

import shutil

import pytest
from workflow_folder import Folder, shared

LONG = {"cluster", "workflow", "training", "test_benchmarks.py"}


def pytest_collection_modifyitems(items):
    """Put long files first: none is left at the end for one process of pytest, while the others have nothing to do."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.parts))


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Folder:
    """The tiny study, run to its end without a disturbance. Tests do not change it.

    Each process of pytest takes a copy: Snakemake locks a folder even in a dry-run.
    """
    study, own = shared(tmp_path_factory), tmp_path_factory.mktemp("finished")
    shutil.copytree(study.path, own, dirs_exist_ok=True)
    folder = Folder(own)
    folder.said = study.said
    return folder
