"""The command line: one run at a time in a folder, and messages instead of tracebacks."""

import fcntl
import os
from contextlib import chdir

import pytest
import yaml
from typer.testing import CliRunner

from whyalike import folder_lock
from whyalike.commands import cli


@pytest.fixture
def whyalike(tmp_path, monkeypatch):
    """Runs the command in the folder of the test, as a process of its own would: it leaves no lock behind."""
    held, hold = [], folder_lock.hold

    def noted():
        held.append(hold())
        return held[-1]

    def call(*arguments):
        with chdir(tmp_path):
            answer = CliRunner().invoke(cli.main, arguments)
        while held:
            os.close(held.pop())
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer

    monkeypatch.setattr(folder_lock, "hold", noted)
    return call


def test_a_second_run_in_a_folder_is_refused(whyalike, tmp_path, demo, demo_path):
    lock = tmp_path / ".snakemake" / "whyalike.lock"
    lock.parent.mkdir()
    with lock.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        answer = whyalike("run", str(demo_path))
    assert answer.exit_code == 1
    assert "Another run is under way in this folder (it holds .snakemake/whyalike.lock)" in answer.stderr
    assert f"11 training jobs, {len(demo['figures'])} figures; results go to results/demo/" in answer.stdout


def test_values_given_to_snakemake_count_for_what_is_said_too(whyalike, tmp_path, demo_path, monkeypatch):
    monkeypatch.setattr(cli, "SNAKEMAKE", ("false",))  # what is said before and after a Snakemake that fails
    elsewhere = ("--config", "name=mine", "results=out", "--cores", "1", "--snakefile", "none")
    answer = whyalike("run", str(demo_path), *elsewhere)
    assert "results go to out/mine/" in answer.stdout
    assert "the logs in out/mine/logs/" in answer.stderr
    assert "partial=true" not in answer.stderr
    (tmp_path / "out" / "mine" / "models").mkdir(parents=True)
    (tmp_path / "out" / "mine" / "models" / "some.parquet").touch()
    advised = whyalike("run", str(demo_path), *elsewhere).stderr.splitlines()[-1]
    assert "--config partial=true name=mine results=out --cores 1" in advised
    wrong = whyalike("run", str(demo_path), "--config", "nothing")
    assert wrong.exit_code == 1 and "name=value pairs" in wrong.stderr


def test_a_lock_of_snakemake_is_removed_only_where_nobody_runs(whyalike, tmp_path, demo_path):
    left = tmp_path / ".snakemake" / "locks" / "0.output.lock"
    left.parent.mkdir(parents=True)
    left.touch()
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text("rule all:\n    shell: 'true'\n")
    command = ("run", str(demo_path), "--snakefile", str(snakefile), "--cores", "1", "--dry-run")
    with (tmp_path / ".snakemake" / "whyalike.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        whyalike(*command)
    assert left.exists()
    whyalike(*command)
    assert not left.exists()


def test_a_missing_configuration_is_named_with_an_example(whyalike, tmp_path):
    answer = whyalike("run", "nowhere.yaml")
    assert answer.exit_code == 1
    assert answer.stderr == (
        "no configuration file nowhere.yaml: give one with --configfile, for example config/demo.yaml\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_results_that_cannot_be_written_are_refused_and_may_be_planned(whyalike, tmp_path, demo):
    (tmp_path / "elsewhere.yaml").write_text(yaml.safe_dump({**demo, "results": "/proc/results"}))  # nobody can
    assert whyalike("run", "elsewhere.yaml").stderr.startswith("nothing was run: /proc")
    assert "nothing was run" not in whyalike("run", "elsewhere.yaml", "-n").stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [("nam: demo\n", "nam: unknown key. Did you mean 'name'?"), ("name: [demo\n", "is not valid YAML"), ("", "empty")],
    ids=["unknown key", "not YAML", "empty"],
)
def test_a_faulty_configuration_is_a_message(whyalike, tmp_path, text, words):
    (tmp_path / "faulty.yaml").write_text(text)
    answer = whyalike("run", "faulty.yaml")
    assert answer.exit_code == 1
    assert answer.stderr.startswith("faulty.yaml")
    assert words in answer.stderr


def test_a_failed_workflow_says_where_the_logs_are_and_that_it_can_go_on(whyalike, demo_path):
    # there is no Snakefile in this folder, so Snakemake stops at once
    answer = whyalike("run", str(demo_path))
    assert answer.exit_code == 1
    assert "the logs in results/demo/logs/. The same command goes on where it stopped." in answer.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("costs", "update"), "results/demo/benchmarks and results/runs tell of no finished job: run the study first"),
        (("calibrate", "--setting=digit"), "'digit' is no setting that is trained. Did you mean 'digits'?"),
    ],
    ids=["nothing run", "unknown setting"],
)
def test_costs_that_cannot_be_measured_are_a_message(whyalike, tmp_path, demo_path, command, words):
    answer = whyalike(*command, str(demo_path), f"--costs={demo_path.with_name('costs.yaml')}")
    assert answer.exit_code == 1
    assert words in answer.stderr
    assert list(tmp_path.iterdir()) == []
