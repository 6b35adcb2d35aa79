"""What `clean` and `verify` find in a store, and that nothing else is touched."""

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from whyalike.commands.housekeeping import OLD_SECONDS, one_run, stale, verify
from whyalike.config.reading import check
from whyalike.data.ffcv_file import BETON, BETON_NOTE
from whyalike.data.prepared import write_prepared
from whyalike.files import file_sha256, temporary_of, write_table
from whyalike.grid.runs import Grid
from whyalike.training.store import StoredRun

STALE = "0" * 16


@pytest.fixture
def values(demo, tmp_path):
    """The demo's values with its results in a folder of the test."""
    demo["results"] = str(tmp_path / "results")
    return demo


@pytest.fixture
def config(values):
    return check(values)


@pytest.fixture
def store(config):
    """The folder of the store, with one finished run that the demo asks for and one that nobody asks for."""
    folder = config_store(config)
    for identity in (asked(config), STALE):
        put(folder, identity)
    return folder


def config_store(config):
    return Path(config.results, "runs")


def asked(config):
    """A run that the configuration asks for."""
    grid = Grid(config)
    return grid.runs(next(iter(grid.cells)))[0].identity


def put(store, identity, finished=True):
    """A stored run of 1000 bytes."""
    run = StoredRun(store, identity)
    run.folder.mkdir(parents=True)
    run.weights.write_bytes(identity[:1].encode() * 1000)
    (run.folder / "lock").touch()
    if finished:
        run.result.write_text(json.dumps({"sha256": {run.weights.name: file_sha256(run.weights)}}))
    return run


def manifest(config, runs, name="demo", part=""):
    """A manifest of another or the same name beside the store, of a cell or of a part of it."""
    path = config_store(config).parent / name / "models" / "digits" / "dataset" / f"seed0{part}.parquet"
    write_table(path, pa.table({"run": runs, "setting": ["digits"] * len(runs)}), {"work": {}})
    return path


def leftover(path, process=None, age=2 * OLD_SECONDS, host=None):
    """A temporary file of `files.atomic`; of a process that has ended, where none is given."""
    if process is None:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        process = process.pid
    path = temporary_of(path, process, host)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    os.utime(path, (time.time() - age,) * 2)
    return path


def test_only_runs_that_no_configuration_asks_for_are_removed(config, store):
    unfinished = put(store, "1" * 16, finished=False)
    (store / "notes.txt").write_text("mine")
    (store / "README").mkdir()
    removal = stale([config])
    assert [run.identity for run in removal.runs] == [STALE, "1" * 16]
    assert removal.carry_out() == "removed 2 runs, 0 files"
    assert {path.name for path in store.iterdir()} == {asked(config), "notes.txt", "README"}
    assert not unfinished.folder.exists()
    assert not stale([config])


def test_a_run_that_any_of_several_configurations_asks_for_stays(values, store):
    first = check(values)
    second = check({**values, "share_a": False})
    only_second = {run.identity for cell in Grid(second).cells for run in Grid(second).runs(cell)} - {
        run.identity for cell in Grid(first).cells for run in Grid(first).runs(cell)
    }
    kept = sorted(only_second)[0]
    put(store, kept)
    assert [run.identity for run in stale([first]).runs] == sorted([STALE, kept])
    assert [run.identity for run in stale([first, second]).runs] == [STALE]


def test_the_plan_tells_sizes_and_settings_of_all_results_beside_the_store(config, store):
    put(store, "1" * 16).weights.write_bytes(b"1" * 12_000_000)
    manifest(config, [STALE, asked(config)], name="other")
    models = pa.table({"model": ["a"], "setting": ["a"], "view": ["b" * 16]})  # of the study of consistency
    write_table(config_store(config).parent / "sets" / "models" / "models.parquet", models, {"work": {}})
    plan = stale([config]).plan().splitlines()
    assert plan == [
        "2 runs of the store, 0.012 GB",
        "  of no setting that a manifest names: 1 run, 0.012 GB",
        "  other digits: 1 run, 0.000 GB",
        "0 files of killed writers, 0.000 GB",
    ]


HOLD = """
import sys
from pathlib import Path
from whyalike.training.store import StoredRun
print("started", flush=True)
with StoredRun(Path(sys.argv[1]), sys.argv[2]).held(0.1, lambda text: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def trainer_of(store, identity):
    """Another process that takes a run: it says "started", then "held", and ends with the block."""
    command = [sys.executable, "-c", HOLD, str(store), identity]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "started\n"
        yield process
        process.stdin.close()


@pytest.fixture
def trainer(store):
    """Another process that holds the stale run."""
    with trainer_of(store, STALE) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_run_in_training_is_never_touched(config, store, trainer):
    removal = stale([config])
    assert removal.runs == []
    assert removal.plan().splitlines()[-1] == "not touched: 1 run in training now"
    with pytest.raises(ValueError, match=f"run {STALE} is in training now"):
        one_run([config], STALE)


def test_a_run_that_a_trainer_took_after_the_plan_is_left(config, store):
    removal = stale([config])
    with (store / STALE / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert removal.carry_out() == "removed 0 runs, 0 files; 1 run taken by a trainer since and left"
    assert (store / STALE / "result.json").is_file()


def test_a_run_with_the_heartbeat_of_another_machine_is_in_training(config, store):
    beat = {"host": "elsewhere", "pid": 1, "job": "", "every": 10}
    (store / STALE / "heartbeat.json").write_text(json.dumps(beat))
    assert stale([config]).busy == 1
    os.utime(store / STALE / "heartbeat.json", (0, 0))
    assert stale([config]).busy == 0


def test_a_trainer_that_waited_for_a_removed_run_holds_the_new_folder(store):
    run = StoredRun(store, STALE)
    with (run.folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with trainer_of(store, STALE) as process:
            time.sleep(0.3)  # it polls every .1 s
            run.folder.rename(store / f".{STALE}.1.tmp")
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert process.stdout.readline() == "held\n"
            with run.held_if_free() as free:
                assert not free
            assert (run.folder / "heartbeat.json").is_file()


def test_files_of_killed_writers_go_and_those_of_living_or_young_ones_stay(config, store):
    results = store.parent / "demo"
    gone = [
        leftover(results / "similarity" / "study" / "scores.parquet"),
        leftover(store / asked(config) / "checkpoint.pt"),
        leftover(results / "figures" / "d.svg", process=os.getpid(), host="elsewhere"),
    ]
    stay = [
        leftover(results / "figures" / "a.svg", process=os.getpid()),
        leftover(results / "figures" / "b.svg", age=OLD_SECONDS / 2),
        leftover(store.parent / "other" / "c.csv"),
    ]
    hidden = results / ".notes"
    hidden.write_text("mine")
    removal = stale([config])
    assert sorted(removal.temporary) == sorted(gone)
    assert removal.carry_out() == "removed 1 run, 3 files"
    assert not any(path.exists() for path in gone)
    assert all(path.exists() for path in (*stay, hidden))


def test_a_removal_that_was_killed_is_ended_by_the_next(config, store):
    half = leftover(store / STALE)
    half.unlink()
    (store / STALE).rename(half)
    os.utime(half, (0, 0))
    assert stale([config]).temporary == [half]
    stale([config]).carry_out()
    assert not half.exists()


def test_one_run_goes_with_the_manifests_that_name_it(config, store):
    run = asked(config)
    naming = manifest(config, [run])
    other = manifest(config, [STALE], name="other")
    removal = one_run([config], run)
    assert f"and the manifest {naming}: " in removal.plan()
    removal.carry_out()
    assert not (store / run).exists()
    assert not naming.exists()
    assert other.exists()
    assert (store / STALE).exists()


def test_a_run_of_a_part_goes_with_the_manifests_of_its_part_and_its_cell(config, store):
    run = "a" * 16
    naming = [manifest(config, [run]), manifest(config, [run], part=".part1")]
    other = manifest(config, [STALE], part=".part0")
    one_run([config], run).carry_out()
    assert not any(path.exists() for path in naming) and other.is_file()


def test_a_manifest_whose_run_is_gone_can_be_removed(config, store):
    naming = manifest(config, ["a" * 16])
    one_run([config], "a" * 16).carry_out()
    assert not naming.exists()


@pytest.mark.parametrize("name", ["../demo", "0123", "G" * 16])
def test_what_names_no_run_is_refused(config, store, name):
    with pytest.raises(ValueError, match=f"16 hex digits, got '{name}'"):
        one_run([config], name)


def test_an_unknown_run_is_refused_with_the_store(config, store):
    with pytest.raises(LookupError, match=f"no run {'b' * 16} in {store}"):
        one_run([config], "b" * 16)


def test_whole_unfinished_and_damaged_runs_are_told_apart(config, store):
    put(store, "1" * 16, finished=False)
    StoredRun(store, STALE).weights.write_bytes(b"other")
    put(store, "2" * 16).weights.unlink()
    found = verify(config)
    assert (found.runs, found.unfinished, len(found.faults)) == (1, 1, 2)
    assert "weights.safetensors is not the file that was written (SHA-256 differs)" in found.faults[0]
    assert f"`whyalike clean CONFIG --run {STALE}`" in found.faults[0]
    assert "weights.safetensors is missing" in found.faults[1]
    assert all("\n" not in fault for fault in found.faults)


def test_a_run_that_is_being_written_anew_is_no_fault(config, store, trainer):
    StoredRun(store, STALE).weights.write_bytes(b"being written")
    found = verify(config)
    assert (found.faults, found.unfinished) == ([], 1)


@pytest.fixture
def prepared(config):
    """The folder of the demo's digits, prepared; its other data sets are not."""
    folder = config_store(config).parent / "demo" / "data" / "digits"
    labels = pd.DataFrame({"part": ["train", "test"], "digit": ["0", "1"]})
    write_prepared(folder, np.zeros((2, 8, 8, 1), np.uint8), labels, ["digit"], {"source": "digits"})
    return folder


def test_prepared_data_are_compared_with_their_checksums(config, prepared):
    found = verify(config)
    assert (found.datasets, found.faults) == (1, [])
    with (prepared / "array.npy").open("r+b") as images:
        images.seek(-1, os.SEEK_END)
        images.write(b"\1")
    (prepared / "labels.parquet").unlink()
    faults = verify(config).faults
    remedy = f"Delete the folder {prepared} and start again: the data set is then prepared anew."
    assert faults == [
        f"{prepared / 'array.npy'} is not the file that was written (SHA-256 differs). {remedy}",
        f"{prepared / 'labels.parquet'} is missing. {remedy}",
    ]


def test_what_ffcv_reads_is_compared_where_it_has_been_made(config, prepared):
    beton = prepared / BETON
    beton.write_bytes(b"images")
    (prepared / BETON_NOTE).write_text(json.dumps({"sha256": file_sha256(beton)}))
    assert verify(config).faults == []
    beton.write_bytes(b"imagez")
    assert verify(config).faults == [f"{beton} is not the file that was written. Delete it: it is then made anew."]
    (prepared / BETON_NOTE).write_text("")
    assert len(verify(config).faults) == 1


@pytest.mark.parametrize("text", ["", "[]", '{"sha256": []}'])
def test_unreadable_checksums_are_a_fault(config, prepared, text):
    (prepared / "checksums.json").write_text(text)
    assert verify(config).faults[0].startswith(f"{prepared / 'checksums.json'} cannot be read.")


TABLES = ["splits/digits/dataset/seed0", "models/digits/dataset/seed0", "activations/digits/dataset/seed0/test.avgpool",
          "similarity/overlap/digits/test", "statistics/overlap"]  # fmt: skip


@pytest.fixture
def tables(config):
    """A table of every kind that a study has, in the demo's folder."""
    paths = [config_store(config).parent / "demo" / f"{name}.parquet" for name in TABLES]
    for path in paths:
        write_table(path, pa.table({"run": ["a" * 16], "value": [0.5]}), {"work": {}})
    return paths


def test_every_kind_of_table_is_compared_with_its_sums(config, tables):
    assert (verify(config).tables, verify(config).faults) == (len(TABLES), [])
    for path in tables:
        raw = path.read_bytes()
        for place in (100, len(raw) // 2, len(raw) - 300):
            path.write_bytes(raw[:place] + bytes([raw[place] ^ 8]) + raw[place + 1 :])
            found = verify(config)
            assert found.tables == len(TABLES) - 1
            (fault,) = found.faults
            assert fault.startswith(f"{path} is not the table that was written (")
            assert fault.endswith("Delete it and give the same command: it is made again.")
        path.write_bytes(raw)


def test_tables_of_before_there_were_sums_are_counted_and_no_fault(config, tables):
    pq.write_table(pa.table({"value": [0.5]}), tables[-1])
    found = verify(config)
    assert (found.tables, found.unknown, found.faults) == (len(TABLES) - 1, 1, [])
    assert "4 tables are what was written; 0 unfinished; 1 table of before sums were kept, not comp" in found.summary()


def test_a_manifest_that_names_other_weights_than_the_store_has_is_a_fault(config, store):
    path, sha256 = manifest(config, [STALE]), file_sha256(StoredRun(store, STALE).weights)
    rows = {"run": [STALE, "a" * 16], "sha256": [sha256, "0" * 64]}  # of a run that is gone nothing is known
    write_table(path, pa.table(rows), {"work": {}})
    assert verify(config).faults == []
    write_table(path, pa.table({**rows, "sha256": ["1" * 64, "0" * 64]}), {"work": {}})
    assert verify(config).faults == [
        f"{path} names other weights than the store has of {STALE}. Delete it and give the same command: it is made "
        "again, and no run is trained."
    ]


def whyalike(values, tmp_path, *arguments, answer=""):
    """The command on a file with these values."""
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(values))
    command = [sys.executable, "-c", "from whyalike.commands.cli import main; main()", *arguments]
    command[4:4] = [str(path)]
    return subprocess.run(command, input=answer, capture_output=True, text=True, timeout=120, check=False)


def test_clean_asks_before_it_removes(values, store, tmp_path):
    for arguments, answer, code, there in ((["--dry-run"], "", 0, True), ([], "n\n", 1, True), ([], "", 1, True),
                                           ([], "y\n", 0, False)):  # fmt: skip
        done = whyalike(values, tmp_path, "clean", *arguments, answer=answer)
        assert done.returncode == code, done.stderr
        assert done.stdout.startswith("1 run of the store, 0.000 GB\n")
        assert (store / STALE).exists() == there
        assert "Traceback" not in done.stderr
    put(store, STALE)
    assert whyalike(values, tmp_path, "clean", "--yes").stdout.endswith("removed 1 run, 0 files\n")
    assert not (store / STALE).exists()


def test_clean_says_what_is_wrong_with_the_name_of_a_run(values, store, tmp_path):
    done = whyalike(values, tmp_path, "clean", "--run", "b" * 16, "--yes")
    assert done.returncode == 1
    assert done.stderr == f"no run {'b' * 16} in {store}, and no manifest names it: nothing to remove\n"


def test_verify_ends_with_status_one_and_a_line_a_fault(values, store, tmp_path):
    done = whyalike(values, tmp_path, "verify")
    assert done.returncode == 0
    assert done.stdout == "2 runs, 0 data sets and 0 tables are what was written; 0 unfinished; 0 faults\n"
    StoredRun(store, STALE).weights.unlink()
    done = whyalike(values, tmp_path, "verify")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"{store / STALE / 'weights.safetensors'} is missing. Remove the run with")
    assert lines[1:] == ["1 run, 0 data sets and 0 tables are what was written; 0 unfinished; 1 fault"]
