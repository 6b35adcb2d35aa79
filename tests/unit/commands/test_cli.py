"""The command line: one run at a time in a folder, and messages instead of tracebacks."""

import fcntl
import subprocess
import sys

import pytest
import yaml

COMMAND = (sys.executable, "-c", "from whyalike.commands.cli import main; main()")


def whyalike(folder, *arguments):
    """Run the command in a folder."""
    return subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_a_second_run_in_a_folder_is_refused(tmp_path, demo, demo_path):
    lock = tmp_path / ".snakemake" / "whyalike.lock"
    lock.parent.mkdir()
    with lock.open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        answer = whyalike(tmp_path, "run", str(demo_path))
    assert answer.returncode == 1
    assert "Another run is under way in this folder (it holds .snakemake/whyalike.lock)" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert f"11 training jobs, {len(demo['figures'])} figures; results go to results/demo/" in answer.stdout


def test_values_given_to_snakemake_count_for_what_is_said_too(tmp_path, demo_path):
    elsewhere = ("--config", "name=mine", "results=out", "--cores", "1", "--snakefile", "none")
    answer = whyalike(tmp_path, "run", str(demo_path), *elsewhere)
    assert "results go to out/mine/" in answer.stdout
    assert "the logs in out/mine/logs/" in answer.stderr
    assert "partial=true" not in answer.stderr
    (tmp_path / "out" / "mine" / "models").mkdir(parents=True)
    (tmp_path / "out" / "mine" / "models" / "some.parquet").touch()
    advised = whyalike(tmp_path, "run", str(demo_path), *elsewhere).stderr.splitlines()[-1]
    assert "--config partial=true name=mine results=out --cores 1" in advised
    wrong = whyalike(tmp_path, "run", str(demo_path), "--config", "nothing")
    assert wrong.returncode == 1 and "name=value pairs" in wrong.stderr and "Traceback" not in wrong.stderr


def test_a_lock_of_snakemake_is_removed_only_where_nobody_runs(tmp_path, demo_path):
    left = tmp_path / ".snakemake" / "locks" / "0.output.lock"
    left.parent.mkdir(parents=True)
    left.touch()
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text("rule all:\n    shell: 'true'\n")
    command = ("run", str(demo_path), "--snakefile", str(snakefile), "--cores", "1", "--dry-run")
    with (tmp_path / ".snakemake" / "whyalike.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        whyalike(tmp_path, *command)
    assert left.exists()
    whyalike(tmp_path, *command)
    assert not left.exists()


def test_a_missing_configuration_is_named_with_an_example(tmp_path):
    answer = whyalike(tmp_path, "run", "nowhere.yaml")
    assert answer.returncode == 1
    assert answer.stderr == (
        "no configuration file nowhere.yaml: give one with --configfile, for example config/demo.yaml\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_results_that_cannot_be_written_are_refused_and_may_be_planned(tmp_path, demo):
    (tmp_path / "elsewhere.yaml").write_text(yaml.safe_dump({**demo, "results": "/proc/results"}))  # nobody can
    assert whyalike(tmp_path, "run", "elsewhere.yaml").stderr.startswith("nothing was run: /proc")
    assert "nothing was run" not in whyalike(tmp_path, "run", "elsewhere.yaml", "-n").stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [("nam: demo\n", "nam: unknown key. Did you mean 'name'?"), ("name: [demo\n", "is not valid YAML"), ("", "empty")],
    ids=["unknown key", "not YAML", "empty"],
)
def test_a_faulty_configuration_is_a_message(tmp_path, text, words):
    (tmp_path / "faulty.yaml").write_text(text)
    answer = whyalike(tmp_path, "run", "faulty.yaml")
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert answer.stderr.startswith("faulty.yaml")
    assert words in answer.stderr


def test_a_failed_workflow_says_where_the_logs_are_and_that_it_can_go_on(tmp_path, demo_path):
    # there is no Snakefile in this folder, so Snakemake stops at once
    answer = whyalike(tmp_path, "run", str(demo_path))
    assert answer.returncode == 1
    assert "the logs in results/demo/logs/. The same command goes on where it stopped." in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("costs", "update"), "results/demo/benchmarks and results/runs tell of no finished job: run the study first"),
        (("calibrate", "--setting=digit"), "'digit' is no setting that is trained. Did you mean 'digits'?"),
    ],
    ids=["nothing run", "unknown setting"],
)
def test_costs_that_cannot_be_measured_are_a_message(tmp_path, demo_path, command, words):
    answer = whyalike(tmp_path, *command, str(demo_path), f"--costs={demo_path.with_name('costs.yaml')}")
    assert answer.returncode == 1
    assert words in answer.stderr and "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []
