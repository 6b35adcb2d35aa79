"""One study, disturbed again and again while it trains: it ends as if nothing had been.

The tests are stages of one run and share its driver, in this order; each disturbs jobs that train at that moment.
"""

import os
import signal

import pytest
from driven import FAULTS, Study, faults_of

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def study(cluster, undisturbed, tmp_path_factory):
    """The fault study under way on two nodes of two GPUs each."""
    study = Study(tmp_path_factory.mktemp("faults"), cluster, FAULTS, held=True)
    study.driver = study.start()
    yield study
    study.stop()


@pytest.fixture(scope="module")
def hung(study, cluster):
    """A job that hangs from now on, with a minute to its time limit; the tests in between have that minute."""
    job = study.a_training()
    os.kill(job.pid, signal.SIGSTOP)
    give_a_minute(cluster, job)
    return job


def give_a_minute(cluster, job):
    """Set the time limit of a job to the shortest that there is."""
    cluster.call("scontrol", "update", f"JobId={job.id}", "TimeLimit=1")


@pytest.fixture(scope="module")
def node(hung):
    """A node that the job which hangs does not run on."""
    return {"g1": "g2", "g2": "g1"}[hung.node]


def test_jobs_outlive_a_restart_of_the_controller(study, cluster, hung, node):
    job = study.a_training(node)
    cluster.stop_controller()
    study.wait_for(lambda: "SLURM does not answer" in study.said(), "the driver's notice")
    study.release()
    study.wait_for(lambda: study.last_step(job) > job.step, "steps without a controller")
    study.hold()
    cluster.start_controller()
    give_a_minute(cluster, hung)  # a controller that is killed forgets what it has not saved yet
    assert study.driver.poll() is None
    assert study.state(hung.id) == "RUNNING"


def test_a_cancelled_job_is_submitted_again(study, cluster, node):
    job = study.a_training(node)
    cluster.call("scancel", job.id)
    assert study.successor(job)["name"] == next(one["name"] for one in study.jobs() if one["id"] == job.id)
    assert study.state(job.id) == "CANCELLED"
    assert study.resumed(job)["job"] != job.id


def test_a_killed_process_is_started_again_in_a_new_job(study, node):
    job = study.a_training(node)
    os.kill(job.pid, signal.SIGKILL)
    study.successor(job)
    assert study.state(job.id) == "FAILED"
    assert study.resumed(job)["job"] != job.id


def test_a_job_whose_node_dies_is_requeued(study, cluster, node):
    job = study.a_training(node)
    cluster.kill_node(node)
    cluster.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=power")
    study.wait_for(lambda: study.state(job.id) in ("PENDING", "RUNNING"), "the requeued job")
    cluster.start_node(node)
    study.wait_for(lambda: cluster.states()[node] in ("idle", "mixed", "allocated"), "the node's return")
    assert study.resumed(job)["job"] == job.id


def test_a_preempted_job_is_requeued(study, cluster, node):
    job = study.a_training(node)
    asked = ("--partition=gpu", f"--nodelist={node}", "--gpus=2")
    urgent = cluster.call("sbatch", "--parsable", *asked, "--output=/dev/null", "--wrap=true").strip()
    study.wait_for(lambda: study.state(urgent) == "COMPLETED", "the job that goes first")
    assert study.resumed(job)["job"] == job.id


def test_a_job_out_of_time_gets_twice_as_much(study, hung):
    study.wait_for(lambda: study.state(hung.id) == "TIMEOUT", "the time limit")
    successor = study.successor(hung)
    minutes = [int(limit.split(":")[0]) for limit in (hung.limit, successor["limit"])]
    assert minutes[1] == 2 * minutes[0]
    assert study.resumed(hung)["job"] == successor["id"]


def test_it_ends_as_if_nothing_had_been(study, undisturbed):
    study.finish(study.driver)
    assert study.numbers() == undisturbed.numbers()


def test_no_two_trainers_were_at_a_run_and_few_steps_were_done_twice(study):
    ledgers = study.ledgers()
    assert len(ledgers) == 12
    assert {run: faults for run, ledger in ledgers.items() if (faults := faults_of(ledger, study.every))} == {}
    # the disturbances did happen to trainers
    assert sum(event["event"] == "start" for ledger in ledgers.values() for event in ledger) >= 12 + 5
