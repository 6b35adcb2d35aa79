"""A job turns a fault into one message and exit status 1; the traceback goes to its log only."""

import logging
import re

import pytest
from threadpoolctl import threadpool_info

from whyalike.job import LOG, job, note, start_log

TARGET = "results/tiny/models/digits/dataset/seed1.parquet"


@pytest.fixture(autouse=True)
def _quiet_after():
    yield
    for handler in LOG.handlers:
        handler.close()
    LOG.handlers.clear()


def fail(error):
    raise error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("n must be at least 3, got 2"),
        LookupError("n must be at least 3, got 2"),
        OSError("n must be at least 3, got 2"),
        RuntimeError("n must be at least 3, got 2"),
        ArithmeticError("n must be at least 3, got 2"),
        KeyError("n must be at least 3, got 2"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_expected_fault_is_one_message_here_and_a_traceback_in_the_log(tmp_path, capsys, error):
    log = tmp_path / "logs" / "job.log"
    with pytest.raises(SystemExit) as status, job(str(log), 1, TARGET):
        fail(error)
    assert status.value.code == 1
    shown = capsys.readouterr()
    assert shown.out + shown.err == (
        f"n must be at least 3, got 2\nLog: {log}\n"
        f"To try this job alone, give the command (snakemake or whyalike run) this target: {TARGET}\n"
    )
    text = log.read_text()
    assert text.startswith("n must be at least 3, got 2\n")
    assert text.count("Traceback") == 1
    assert "in fail" in text
    assert type(error).__name__ in text


def test_what_was_noted_about_a_fault_is_part_of_its_message(tmp_path, capsys):
    error = OSError("disk full")
    error.add_note("This was run A.")
    with pytest.raises(SystemExit), job(str(tmp_path / "job.log"), 1, TARGET):
        fail(error)
    assert capsys.readouterr().err.startswith("disk full\nThis was run A.\nLog: ")


def test_a_full_disk_is_one_message_whoever_met_it_and_wherever_the_log_is(small_disk, capsys):
    filler, target = small_disk / "filler", small_disk / "table.parquet"
    with pytest.raises(SystemExit), job(str(small_disk / "job.log"), 1, str(target)):
        filler.write_bytes(bytes(3 << 20))
    said = capsys.readouterr().err
    filler.unlink()  # for the log's end
    assert re.match(r"No space left on device \([\d,]+ bytes are free\)\. Make room, then give the same command", said)
    assert f"nothing is lost: {small_disk}\n" in said
    assert "Traceback" not in said


def test_a_fault_of_the_code_itself_keeps_its_traceback(tmp_path):
    with pytest.raises(TypeError, match="unsupported"), job(str(tmp_path / "job.log"), 1, TARGET):
        fail(TypeError("unsupported"))


def test_an_interruption_passes(tmp_path):
    with pytest.raises(KeyboardInterrupt), job(str(tmp_path / "job.log"), 1, TARGET):
        raise KeyboardInterrupt


def test_notes_go_to_the_terminal_and_to_the_log(tmp_path, capsys):
    log = tmp_path / "job.log"
    with job(str(log), 1, TARGET):
        note("3 files and folders in data/1/2 are passed by: a, b, c")
    assert capsys.readouterr().err == "3 files and folders in data/1/2 are passed by: a, b, c\n"
    assert log.read_text(encoding="utf-8") == "3 files and folders in data/1/2 are passed by: a, b, c\n"


@pytest.mark.parametrize("text", ["training 3/20 runs · 71.2 % · eta 12 min", "images: 3/16 blocks of images"])
def test_how_far_a_job_is_goes_to_its_log_alone(tmp_path, capsys, text):
    log = tmp_path / "job.log"
    with job(str(log), 1, TARGET):
        note(text)
    assert capsys.readouterr().err == ""
    assert log.read_text(encoding="utf-8") == f"{text}\n"


def test_an_error_is_seen_whatever_it_says(tmp_path, capsys):
    with pytest.raises(SystemExit), job(str(tmp_path / "job.log"), 1, TARGET):
        fail(ValueError("a · b: 1/2 c"))
    assert capsys.readouterr().err.startswith("a · b: 1/2 c\nLog: ")


def test_without_a_log_the_terminal_has_all(capsys):
    start_log()
    note("training 3/20 runs · 71.2 %")
    assert capsys.readouterr().err == "training 3/20 runs · 71.2 %\n"


def test_a_log_is_begun_anew(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("of the last attempt\n")
    with job(str(log), 1, TARGET):
        note("now")
    assert log.read_text() == "now\n"


def test_a_second_log_takes_the_place_of_the_first(tmp_path):
    for name in ("one", "two"):
        start_log(tmp_path / name)
        note(name)
    assert (tmp_path / "one").read_text() == "one\n"
    assert (tmp_path / "two").read_text() == "two\n"
    assert LOG.level == logging.INFO


def test_the_body_runs_with_the_given_number_of_threads(tmp_path):
    import numpy as np

    np.ones((4, 4)) @ np.ones((4, 4))  # loads BLAS
    before = [pool["num_threads"] for pool in threadpool_info()]
    with job(str(tmp_path / "job.log"), 1, TARGET):
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before
