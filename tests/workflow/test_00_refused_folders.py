"""A working or results folder that is full, read-only or a link to nowhere: one sentence before any job."""

import re
from contextlib import suppress

import pytest
from mounts import mounted
from workflow_folder import Folder


def fill(path):
    """Leave no room."""
    with suppress(OSError), (path / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(1 << 16))


def is_refused(folder, path, words):
    """Both commands end with the sentence, and nothing was made; Snakemake may have made the folder of its notes."""
    sentence = rf"nothing was run: {re.escape(str(path))}(/\.snakemake)?{re.escape(words)}"
    for command in (folder.run_command(), folder.snakemake_command()):
        refused = folder.call(command)
        said = " ".join(refused.stdout.split())
        assert refused.returncode == 1
        assert re.search(sentence, said), said
        assert "Traceback" not in said and "Data: prepare" not in said


@pytest.mark.parametrize("noted", ["", ".snakemake"], ids=["working folder", "Snakemake's notes"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("size=4m,ro", " cannot be written (a read-only file system, or its permissions): start in a folder of yours"),
        ("size=2m", ": No space left on device (0 bytes are free). Make room, then give the same command"),
        ("size=2m,nr_inodes=1", ": No more files can be made on {path} (its inodes are used up, `df -i` shows it)"),
    ],
    ids=["read-only", "full", "no inodes"],
)
def test_a_working_folder_that_takes_nothing_is_one_sentence(tmp_path, noted, options, words):
    path = tmp_path / noted
    path.mkdir(exist_ok=True)
    with mounted(path, options):
        if options == "size=2m":
            fill(path)
        is_refused(Folder(tmp_path), path, words.format(path=path))


def test_results_that_take_nothing_are_one_sentence(tmp_path):
    results = tmp_path / "results"
    results.symlink_to("/scratch/gone")
    is_refused(Folder(tmp_path), results, " is a link to /scratch/gone, which is not there: mount or make that, set")
    results.unlink()
    results.write_text("a file")
    is_refused(Folder(tmp_path), results, " is no folder: set `results`, or move the file away.")
    results.unlink()
    results.mkdir()
    with mounted(results, "size=1m,ro"):
        is_refused(Folder(tmp_path), results, " cannot be written (a read-only file system")
