"""The command line: one run at a time in a folder, and messages instead of tracebacks."""

import fcntl
import os
import subprocess
import sys
import time
from contextlib import ExitStack, chdir
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from whyalike import driver_lock
from whyalike.commands import cli, running
from whyalike.locks import Lock, holder


@pytest.fixture
def whyalike(tmp_path, monkeypatch):
    """Runs the command in the folder of the test, as a process of its own would: it leaves no lock behind."""
    held, hold = [], driver_lock.hold

    def noted(*roots):
        held.extend(hold(*roots))
        return held

    def call(*arguments):
        with chdir(tmp_path):
            answer = CliRunner().invoke(cli.main, arguments)
        while held:
            held.pop().release()
        assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
        return answer

    monkeypatch.setattr(driver_lock, "hold", noted)
    return call


@pytest.fixture
def taken():
    """Takes a lock as another run of this machine would."""
    with ExitStack() as held:

        def take(path):
            lock = Lock(path)
            assert lock.take()
            held.callback(lock.release)

        yield take


HERE = f"process {os.getpid()} on {holder()['host']} since 20"


def test_a_second_run_in_a_folder_is_refused(whyalike, tmp_path, demo, demo_path, taken):
    taken(tmp_path / ".snakemake" / "whyalike.lock")
    answer = whyalike("run", str(demo_path))
    assert answer.exit_code == 1
    assert f"Another run is under way in this folder (it holds .snakemake/whyalike.lock, {HERE}" in answer.stderr
    assert f"11 training jobs, {len(demo['figures'])} figures; results go to results/demo/" in answer.stdout


def test_a_second_run_of_the_same_results_is_refused_in_any_folder(whyalike, tmp_path, demo_path, taken):
    taken(tmp_path / "lab" / ".demo.lock")
    command = ("run", str(demo_path), "--cores", "1", "--snakefile", str(tmp_path / "Snakefile"), "--config")
    (tmp_path / "Snakefile").write_text("rule all:\n    shell: 'true'\n")
    answer = whyalike(*command, f"results={tmp_path}/lab")
    assert answer.exit_code == 1
    assert f"Another run writes to {tmp_path}/lab/demo/ (it holds {tmp_path}/lab/.demo.lock, {HERE}" in answer.stderr
    assert whyalike(*command, f"results={tmp_path}/lab", "name=other").exit_code == 0  # in the same store
    assert whyalike(*command, f"results={tmp_path}/own").exit_code == 0


def test_a_run_that_is_terminated_terminates_its_snakemake(tmp_path, demo_path):
    fake = "sleep 60 & trap 'touch ended; kill $!; exit 3' TERM; touch begun; wait"
    code = (
        "import sys; from whyalike.commands import cli, running; "
        f"running.SNAKEMAKE = ('sh', '-c', {fake!r}); cli.main(['run', {str(demo_path)!r}])"
    )
    (tmp_path / "Snakefile").touch()
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
        while not (tmp_path / "begun").exists():
            assert run.poll() is None
            time.sleep(0.05)
        for path in (tmp_path / ".snakemake" / "whyalike.lock", tmp_path / "results" / ".demo.lock"):
            assert Lock(path).holder()["pid"] == run.pid
        run.terminate()
        said = run.communicate(timeout=60)[1]
    assert (tmp_path / "ended").exists()
    assert run.returncode == 1 and "exit status 3" in said


def test_jobs_of_a_killed_driver_have_ended_before_snakemake_plans(whyalike, tmp_path, demo_path, monkeypatch):
    # a job that is cancelled at its end removes its outputs, which a plan made before would count on
    programs = tmp_path / "programs"
    programs.mkdir()
    queue, order = programs / "queue", programs / "order"
    queue.write_text(f"7|whyalike_0f|{tmp_path}\n")
    for name, does in (("squeue", f"cat {queue}"), ("scancel", f"echo cancelled $@ >>{order}; : >{queue}")):
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(running, "SNAKEMAKE", ("sh", "-c", f"echo planned >>{order}"))
    profile = demo_path.parents[1] / "profiles" / "slurm"
    assert whyalike("run", str(demo_path), "--profile", str(profile), "-n").exit_code == 0
    assert order.read_text() == "planned\n"  # a dry-run cancels nothing
    assert whyalike("run", str(demo_path), "--profile", str(profile)).exit_code == 0
    assert order.read_text() == "planned\ncancelled 7\nplanned\n"


def test_values_given_to_snakemake_count_for_what_is_said_too(whyalike, tmp_path, demo_path, monkeypatch):
    monkeypatch.setattr(running, "SNAKEMAKE", ("false",))  # what is said before and after a Snakemake that fails
    elsewhere = ("--config", "name=mine", "results=out", "--cores", "1", "--snakefile", "none")
    answer = whyalike("run", str(demo_path), *elsewhere)
    assert "results go to out/mine/" in answer.stdout
    assert "the logs in out/mine/logs/" in answer.stderr
    assert "partial=true" not in answer.stderr
    (tmp_path / "out" / "mine" / "models").mkdir(parents=True)
    (tmp_path / "out" / "mine" / "models" / "some.parquet").touch()
    advised = whyalike("run", str(demo_path), *elsewhere).stderr.splitlines()[-1]
    assert advised.endswith("--snakefile none --config name=mine results=out partial=true")  # the last one counts
    wrong = whyalike("run", str(demo_path), "--config", "nothing")
    assert wrong.exit_code == 1 and "name=value pairs" in wrong.stderr


@pytest.fixture
def told(whyalike, monkeypatch, tmp_path, demo_path):
    """What is said of a run with these options, and the command that a Snakemake that does nothing gets."""
    monkeypatch.setattr(running, "SNAKEMAKE", ("sh", "-c", 'echo "$PYTHONSAFEPATH $@" > command.txt', "-"))

    def call(*arguments):
        answer = whyalike("run", str(demo_path), *arguments)
        assert answer.exit_code == 0, answer.output
        return answer.stdout, (tmp_path / "command.txt").read_text().strip()

    return call


@pytest.mark.parametrize(
    "options",
    [
        ["--config=name=other"],
        ["-C", "name=other"],
        ["--config", "name=first", "--config", "name=other"],
        ["--configfile", "other.yaml"],
        ["--configfile=other.yaml"],
        ["--profile", "own"],
        ["--profile=own"],
    ],
    ids=" ".join,
)
def test_the_study_that_is_announced_is_the_one_that_runs(told, tmp_path, demo_path, options):
    (tmp_path / "other.yaml").write_text("name: other\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "config.yaml").write_text("config: [name=other]\n")
    said, command = told(*options)
    assert "results go to results/other/" in said
    more = " other.yaml" if "configfile" in options[0] else ""
    assert command == f"1 {' '.join(options)} --configfile {demo_path}{more}"


def test_a_key_within_a_section_is_changed_and_the_others_stay(told):
    said, _ = told("--config", "studies={dataset_overlap: {seeds: [0]}}")
    assert "7 training jobs" in said  # 11 but for four seeds


def test_a_target_is_no_configuration_and_what_follows_two_dashes_is_one(told, demo_path):
    assert told("label_overlap")[1] == f"1 label_overlap --configfile {demo_path}"
    assert told("--config", "name=demo", "--", "all")[1] == f"1 --config name=demo --configfile {demo_path} -- all"


def test_another_directory_has_the_results_and_the_lock(told, tmp_path):
    (tmp_path / "there" / "results" / "demo").mkdir(parents=True)
    (tmp_path / "there" / "results" / "demo" / "findings.md").write_text("found")
    assert "found" in told("--directory", "there")[0]
    assert (tmp_path / "there" / ".snakemake" / "whyalike.lock").is_file()


@pytest.mark.parametrize("options", [["-n"], ["-np"], ["--dry-run"]], ids=" ".join)
def test_a_dry_run_in_any_form_takes_no_lock_and_does_not_tell_what_is_old(told, tmp_path, options, taken):
    (tmp_path / "results" / "demo").mkdir(parents=True)
    (tmp_path / "results" / "demo" / "findings.md").write_text("of an older run")
    assert "older" not in told(*options)[0]
    assert not list(tmp_path.rglob("*.lock*"))
    taken(tmp_path / ".snakemake" / "whyalike.lock")
    taken(tmp_path / "results" / ".demo.lock")
    assert "older" not in told(*options)[0]


def test_only_what_is_there_is_told_and_of_a_part_only_what_it_wrote(told, tmp_path):
    root = tmp_path / "results" / "demo"
    assert "Figures" not in told()[0]
    (root / "figures").mkdir(parents=True)
    (root / "figures" / "accuracy.svg").touch()
    (root / "findings.md").write_text("found before")
    os.utime(root / "findings.md", (0, 0))
    assert "Figures: results/demo/figures/ (accuracy; each" in told()[0]
    assert "found before" in told()[0]  # nothing had to be done
    for part in (["--until", "make_splits"], ["accuracy"], ["--omit-from", "draw_figure"]):
        assert "found before" not in told(*part)[0]


def test_a_cache_that_cannot_be_written_is_replaced_and_said(told, monkeypatch):
    monkeypatch.setenv("HOME", "/dev/null")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert "Caches go to" in told("-n")[0]


def test_options_that_snakemake_does_not_know_are_its_message(whyalike, demo_path):
    answer = whyalike("run", str(demo_path), "--nonsense")
    assert answer.exit_code == 2
    assert "--nonsense" in answer.stderr


def test_a_lock_of_snakemake_is_removed_only_where_nobody_runs(whyalike, tmp_path, demo_path):
    left = tmp_path / ".snakemake" / "locks" / "0.output.lock"
    left.parent.mkdir(parents=True)
    left.touch()
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text("rule all:\n    shell: 'true'\n")
    command = ("run", str(demo_path), "--snakefile", str(snakefile), "--cores", "1")
    with (tmp_path / ".snakemake" / "whyalike.lock").open("w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        whyalike(*command)
    whyalike(*command, "--dry-run")
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


def test_a_failed_workflow_says_where_the_logs_are_and_that_it_can_go_on(whyalike, tmp_path, demo_path):
    (tmp_path / "Snakefile").write_text("raise ValueError\n")
    answer = whyalike("run", str(demo_path))
    assert answer.exit_code == 1
    assert "the logs in results/demo/logs/. The same command goes on where it stopped." in answer.stderr
    dry = whyalike("run", str(demo_path), "-n")
    assert dry.exit_code == 1
    assert dry.stderr.endswith("There is no plan (exit status 1): the message is above.\n")


def test_where_no_snakefile_is_the_message_says_where_one_is(whyalike, tmp_path, demo_path):
    answer = whyalike("run", str(demo_path), "--cores", "1")
    assert answer.exit_code == 1
    repository = demo_path.parents[1]
    assert (
        f"There is no Snakefile in {tmp_path}: start in {repository}, or add --snakefile {repository}/" in answer.stderr
    )


def test_a_folder_that_cannot_be_written_is_one_message(whyalike, demo_path, monkeypatch):
    wrong = lambda path, remedy="": "here cannot be written." if path == Path(".snakemake") else None  # noqa: E731
    monkeypatch.setattr(running.preflight, "unwritable", wrong)
    for dry in ([], ["-n"]):
        assert whyalike("run", str(demo_path), *dry).stderr.endswith("nothing was run: here cannot be written.\n")


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
