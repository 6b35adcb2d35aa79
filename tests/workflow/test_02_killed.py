"""Killed with -9 at random moments, in a stage after the other, and started again: the same bytes in the end."""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from workflow_folder import Folder

# stage: the rule whose first job the kill waits for, and the folder of the stage's results
STAGES = {
    "data": ("prepare_data", "data"),
    "splits": ("make_splits", "splits"),
    "training": ("train_models", "models"),
    "activations": ("extract_avgpool", "activations"),
    "similarity": ("score_comparison", "similarity"),
    "statistics": ("analyse_study", "statistics"),
    "figures": ("draw_figure", "figures"),
}
# every stage once, training and the two stages after it a second time: ten kills
KILLS = {"every stage": tuple(STAGES), "again": ("training", "activations", "similarity")}
START_SECONDS = 300  # until the stage begins: the stages before it take 40 s on two busy cores


@pytest.fixture
def disturbed(finished, tmp_path) -> Folder:
    """A folder of its own that starts as a copy of the finished study."""
    shutil.copytree(finished.path, tmp_path, dirs_exist_ok=True)
    return Folder(tmp_path)


def forget_from(folder: Folder, stage: str) -> None:
    """Remove the results of a stage and of all later ones; before activations also the trained runs."""
    names = list(STAGES)
    for later in names[names.index(stage) :]:
        shutil.rmtree(folder.results / STAGES[later][1], ignore_errors=True)
    if names.index(stage) <= names.index("training"):
        shutil.rmtree(folder.path / "results" / "runs", ignore_errors=True)
    shutil.rmtree(folder.results / "logs", ignore_errors=True)
    (folder.results / "findings.md").unlink(missing_ok=True)


def kill_in(folder: Folder, stage: str, delay: float) -> None:
    """Start the study, wait for the stage's first job and a moment more, and kill the whole process group."""
    log = folder.results / "logs" / STAGES[stage][0]
    process = subprocess.Popen(
        folder.run_command(),
        cwd=folder.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + START_SECONDS
    while not (log.is_dir() and any(log.iterdir())):
        assert time.monotonic() < deadline, f"{stage} did not begin within {START_SECONDS} s"
        assert process.poll() is None, f"the study ended before {stage} began"
        time.sleep(0.02)
    time.sleep(delay)
    assert process.poll() is None, f"the study ended before it could be killed in {stage}"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("stages", KILLS.values(), ids=KILLS)
def test_killed_and_started_again_ends_in_the_same_bytes(finished, disturbed, stages):
    moments = random.Random(len(stages))
    for stage in stages:  # the run that is killed in a stage has gone on from where the one before it was killed
        forget_from(disturbed, stage)
        # a stage's first job takes from one to several seconds: the moment falls in it, or in the jobs after it
        kill_in(disturbed, stage, moments.uniform(0, 2.0))
    resumed = disturbed.call(disturbed.run_command())
    assert resumed.returncode == 0, resumed.stdout
    assert disturbed.numbers() == finished.numbers()
