"""Drivers that are interrupted, killed and started again while jobs run; a second one; two studies with one store."""

import os
import shutil
import signal

import pytest
from driven import FAULTS, PROFILE, SITE, Study, Training, faults_of

pytestmark = pytest.mark.cluster
SEEDS = (0, 1)  # whose models are trained here


@pytest.fixture(scope="module")
def study(cluster, undisturbed, tmp_path_factory):
    """The fault study, finished but for the models of two seeds; in a partition that cancels what it preempts."""
    study = Study(tmp_path_factory.mktemp("drivers"), cluster, FAULTS, {**SITE, "gpu_partition": "cancel"}, held=True)
    study.take(undisturbed, without_seeds=SEEDS)
    yield study
    study.stop()


def in_training(study: Study) -> list[Training]:
    """The jobs of both seeds, as soon as they train."""
    study.wait_for(lambda: len(study.trainings()) == len(SEEDS), "both seeds in training")
    return study.trainings()


def test_an_interrupted_driver_takes_its_jobs_with_it(study):
    driver = study.start()
    jobs = in_training(study)
    os.killpg(driver.pid, signal.SIGINT)  # Ctrl-C
    study.wait_for(lambda: driver.poll() is not None, "the driver's end")
    assert driver.returncode == 1
    assert {study.state(job.id) for job in jobs} == {"CANCELLED"}


@pytest.fixture(scope="module")
def restarted(study):
    """What was seen when its driver was killed while both seeds trained, and started again."""
    first = study.start()
    left = in_training(study)
    study.kill(first)
    still = {job.id: study.state(job.id) for job in left}
    status = study.status()
    study.driver = study.start()
    return left, still, status


def test_jobs_of_a_killed_driver_are_cancelled_before_new_ones_are_submitted(study, restarted):
    left, still, _ = restarted
    assert set(still.values()) == {"RUNNING"}  # nobody tells them that their driver is gone
    for job in left:
        successor = study.successor(job)
        assert study.state(job.id) == "CANCELLED"
        assert study.resumed(job)["job"] == successor["id"]
    assert "2 jobs of an earlier run in this folder are cancelled" in study.said()


def test_the_status_tells_what_jobs_of_a_killed_driver_do(restarted):
    left, _, said = restarted
    for job in left:
        [row] = [line for line in said.splitlines() if line.startswith(job.run)]
        assert " running at step " in row and row.endswith(f"(job {job.id})"), said
    [counts] = [line.split()[-6:] for line in said.splitlines() if line.startswith("all, each run once")]
    assert counts == ["12", "6", "2", "4", "0", "0"], said  # all, done, running, waiting, interrupted, failed
    assert "In SLURM's queue: 2 train_models RUNNING" in said
    assert "Time left by the plan: " in said and "with 2 jobs at a time, as now" in said


def test_a_job_that_is_preempted_for_good_is_submitted_again(study, cluster, restarted):
    job = study.a_training()
    asked = ("--partition=gpu", f"--nodelist={job.node}", "--gpus=2")
    cluster.call("sbatch", *asked, "--output=/dev/null", "--wrap=true")
    successor = study.successor(job)
    assert study.state(job.id) == "PREEMPTED"
    assert study.resumed(job)["job"] == successor["id"]


def test_a_second_driver_in_the_folder_is_refused_and_disturbs_nothing(study, restarted):
    running = {job["id"] for job in study.jobs("rule_") if job["state"] == "RUNNING"}
    refused = study.call(study.driver_command())
    assert refused.returncode == 1
    assert "Another run is under way in this folder" in refused.stdout
    plain = study.snakemake_command("all", config=FAULTS)
    plain[plain.index("--profile") + 1] = str(PROFILE)
    refused = study.call(plain)
    assert refused.returncode == 1
    assert "Directory cannot be locked" in refused.stdout
    assert study.driver.poll() is None
    assert {study.state(job) for job in running} <= {"RUNNING", "COMPLETED"}


def test_the_driver_that_was_started_again_ends_as_if_nothing_had_been(study, restarted, undisturbed):
    study.finish(study.driver)
    assert study.numbers() == undisturbed.numbers()
    assert {run: faults for run, ledger in study.ledgers().items() if (faults := faults_of(ledger, study.every))} == {}


def test_two_studies_at_once_train_a_shared_run_once(cluster, undisturbed, tmp_path):
    studies = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        shared = f"results={tmp_path / 'shared'}"
        study = Study(folder, cluster, FAULTS, options=("--config", shared, f"name={name}"), held=True)
        study.hold_file = tmp_path / "hold"
        study.results, study.store = tmp_path / "shared" / name, tmp_path / "shared" / "runs"
        studies.append(study)
    shutil.copytree(undisturbed.store, studies[0].store)
    for seed in SEEDS:
        for run in undisturbed.runs_of(seed):
            shutil.rmtree(studies[0].store / run)
    try:
        drivers = [study.start() for study in studies]
        logs = [study.results for study in studies]
        studies[0].wait_for(
            lambda: [path for results in logs for path in results.rglob("logs/train_models/*.log")
                     if "waiting until it ends" in path.read_text()],
            "a trainer that waits for another study's",
        )  # fmt: skip
        for study, driver in zip(studies, drivers, strict=True):
            study.finish(driver)
    finally:
        for study in studies:
            study.stop()
    expected = undisturbed.numbers()
    for study in studies:
        found = study.numbers()
        assert {name for name in found if found[name] != expected[name]} == set()
    ledgers = studies[0].ledgers()
    assert {run: faults for run, ledger in ledgers.items() if (faults := faults_of(ledger, studies[0].every))} == {}
    # each run has one beginning and one end, whoever trained it
    assert {sum(event["event"] == "end" for event in ledger) for ledger in ledgers.values()} == {1}


def test_a_job_that_is_preempted_with_a_grace_time_has_failed(cluster):
    asked = ("--parsable", "--nodelist=g1", "--output=/dev/null")
    job = cluster.call("sbatch", *asked, "--partition=grace", "--gpus=1", "--requeue", "--wrap=srun sleep 600").strip()
    cluster.wait_for(lambda: cluster.state(job) == "RUNNING", "the job")
    cluster.call("sbatch", *asked, "--partition=gpu", "--gpus=2", "--wrap=true")
    # what the plugin takes for a failure and tries again; it is not requeued although that is asked for
    cluster.wait_for(lambda: cluster.state(job) == "FAILED", "its end")
