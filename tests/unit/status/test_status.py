"""What `whyalike status` prints, in a terminal's stead a pipe: without SLURM, after a fault, and until Ctrl-C."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from whyalike.cluster.slurm import QueuedJob
from whyalike.config.reading import check
from whyalike.planning import costs
from whyalike.status.failures import Failure
from whyalike.status.monitoring import Monitor
from whyalike.status.status_table import shown
from whyalike.training.store import StoredRun

COSTS = Path(__file__).parents[3] / "config" / "costs.yaml"
COMMAND = (sys.executable, "-c", "from whyalike.commands.cli import main; main()", "status")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a cost table, where no squeue is found."""
    shutil.copytree(COSTS.parent, tmp_path / "config", ignore=shutil.ignore_patterns("*.local.yaml", "site.yaml"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    return tmp_path


def status(*arguments):
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, check=False)


def printed(found, width=160):
    """What a console shows."""
    stream = io.StringIO()
    Console(file=stream, width=width).print(shown(found, Path("config/demo.yaml")))
    return stream.getvalue()


@pytest.fixture
def found(demo, folder):
    """Makes a status of the demo, with fields of it changed."""

    def make(**changes):
        return replace(Monitor(check(demo), costs.read(COSTS)).look(), **changes)

    return make


def test_the_command_tells_runs_by_study_and_what_is_made_and_writes_nothing(folder):
    before = sorted(folder.rglob("*"))
    answer = status("config/demo.yaml")
    assert (answer.returncode, answer.stderr) == (0, "")
    rows = [line.split() for line in answer.stdout.splitlines()]
    assert rows[0] == ["study", "setting", "runs", "done", "running", "waiting", "interrupted", "failed"]
    assert ["task_overlap", "digits", "21", "-", "-", "21", "-", "-"] in rows
    assert ["all,", "each", "run", "once", "72", "0", "0", "72", "0", "0"] in rows
    assert "Made: activations 0 of 33, scores 0 of 46, statistics 0 of 3, figures 0 of 11" in answer.stdout
    assert "with 1 job at a time; none runs now" in answer.stdout
    assert "SLURM" not in answer.stdout
    assert sorted(folder.rglob("*")) == before


def test_faults_of_the_command_are_messages(folder):
    (folder / "config" / "costs.yaml").unlink()
    answer = status("config/demo.yaml")
    assert answer.returncode == 1 and answer.stderr.startswith("no cost table config/costs.yaml")
    assert status("config/demo.yaml", "--costs", str(COSTS)).returncode == 0
    answer = status("nowhere.yaml")
    assert answer.returncode == 1 and answer.stderr.startswith("no configuration file nowhere.yaml")


def test_neither_torch_nor_pandas_is_loaded(folder):
    code = (
        "import sys; from whyalike.commands.cli import main\n"
        "main(['status', 'config/demo.yaml'], standalone_mode=False)\n"
        "print('loaded', [name for name in ('torch', 'pandas', 'scipy') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert "loaded []" in answer.stdout, answer.stderr


def test_watching_goes_on_until_it_is_interrupted(folder, demo):
    """The last look stays on the screen, with what has changed since the first."""
    command = [*COMMAND, "config/demo.yaml", "--watch", "--every", "1"]
    monitor = Monitor(check(demo), costs.read(COSTS))
    identity = monitor.look().rows["label_overlap", "colorshapedigit"][0]
    # a shell that starts the tests in the background lets them ignore SIGINT, and they their children
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    environment = {**os.environ, "FORCE_COLOR": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **heeding) as watch:
        assert "study" in watch.stdout.readline()
        run = StoredRun(Path("results/runs"), identity)
        run.folder.mkdir(parents=True)
        run.result.write_text(json.dumps({"sha256": {}}))
        seen = iter(watch.stdout.readline, "")
        assert any(re.search(r"label_overlap .* 20 ", line) for line in seen)
        watch.send_signal(signal.SIGINT)
        watch.communicate(timeout=60)
    assert watch.returncode == 0


def test_an_unfinished_run_is_told_with_its_step_and_its_trainer(found):
    runs = found().runs
    one, two = list(runs.values())[:2]
    trainer = {"host": "node7", "pid": 1, "job": "12"}
    one = replace(one, state="running", step=500, steps=4900, trainer=trainer)
    two = replace(two, state="interrupted")
    status = found(runs={**runs, one.run.identity: one, two.run.identity: two})
    lines = [" ".join(line.split()) for line in printed(status).splitlines()]
    assert f"{one.run.identity} digits dataset seed 0 A running at step 500 of 4900 on node7 (job 12)" in lines
    assert f"{two.run.identity} digits dataset seed 0 {two.run.name} interrupted" in lines


def test_only_some_of_many_unfinished_runs_are_named(found):
    runs = found().runs
    cut = {identity: replace(one, state="interrupted") for identity, one in list(runs.items())[:20]}
    text = printed(found(runs={**runs, **cut}))
    assert len(re.findall(r" interrupted *\n", text)) == 12 and "and 8 more" in text


def test_jobs_in_the_queue_are_counted_with_the_reason_of_those_that_wait(found):
    queue = [QueuedJob("1", "RUNNING", "None", "train_models"), QueuedJob("2", "RUNNING", "None", "train_models"),
             QueuedJob("3", "PENDING", "Resources", "extract_avgpool")]  # fmt: skip
    status = found(queue=queue, left_seconds=7200.0 * 2)
    text = printed(status)
    assert "In SLURM's queue: 2 train_models RUNNING, 1 extract_avgpool PENDING (Resources)" in text
    assert "Time left by the plan: 2.0 h with 2 jobs at a time, as now" in text
    assert "No job of this folder is in SLURM's queue." in printed(found(queue=[]))
    assert "SLURM's queue is not known: squeue ended" in printed(found(queue="squeue ended\nmore"))


def test_the_last_error_comes_with_its_log_and_the_command_that_tries_it_alone(found):
    failures = [
        Failure("early", Path("a.log"), "a", 1.0),
        Failure("late\nwords", Path("logs/b.log"), "models/b b", 2.0),
    ]
    text = printed(found(failures=failures))
    assert "2 jobs failed in the last attempt. The last error:\n  late\n  words\nLog: logs/b.log\n" in text
    assert "\n  snakemake --configfile config/demo.yaml --profile profiles/local 'models/b b'\n" in text
    text = printed(found(failures=failures[:1], queue=[]))
    assert "1 job failed" in text and "--profile profiles/slurm a\n" in text


def test_hours_on_a_cpu_are_not_called_gpu_hours(found):
    status = found(device="cpu", spent_hours=1.5, planned_hours=3.0, left_hours=1.0, left_seconds=0.0)
    assert "1.50 hours spent; the plan for cpu: 3.00 hours in all, 1.00 left" in printed(status)
    assert "Time left" not in printed(status)
