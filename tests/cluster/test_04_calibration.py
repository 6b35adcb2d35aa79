"""Costs measured by jobs on a cluster, with accounting and without."""

import subprocess

import pytest
import yaml
from slurm_cluster import ACCOUNT
from workflow_folder import REPOSITORY, TINY, Folder

pytestmark = pytest.mark.cluster
SECONDS = 240  # until a job of some seconds has ended, on a machine that does other things too


@pytest.fixture
def folder(tmp_path):
    """A working folder with the site's account."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "site.yaml").write_text(yaml.safe_dump({"account": ACCOUNT}))
    return Folder(tmp_path)


def jobs_of(cluster, path):
    """Jobs that were submitted in a folder."""
    return [job for job in cluster.jobs() if job["folder"] == str(path)]


def start(cluster, folder, *options):
    """`whyalike calibrate` of one setting of the tiny study, as a process."""
    files = ["calibrate", str(TINY), "--costs", str(REPOSITORY / "config" / "costs.yaml"), "--setting", "digits"]
    environment = cluster.environment() | {"PYTHONPATH": str(REPOSITORY / "src")}
    return subprocess.Popen(folder.whyalike_command(*files, *options), cwd=folder.path, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)  # fmt: skip


def end(process):
    """What a process said; it has ended then, well or not."""
    try:
        return process.communicate(timeout=SECONDS)[0]
    finally:
        process.kill()


def test_each_type_of_gpu_of_the_partition_gets_its_job(accounted, folder):
    process = start(accounted, folder, "--partition=gpu", "--seconds=0.5")
    said = end(process)
    assert process.returncode == 0, said
    assert {(job["partition"], job["node"], job["gpus"]) for job in jobs_of(accounted, folder.path)} == {
        ("gpu", "g1", "gres:gpu:h100:1"), ("gpu", "g2", "gres:gpu:a100:1"),
    }  # fmt: skip
    billed = accounted.call("sacct", "--allocations", "--noheader", "--parsable2", "--format=Account")
    assert set(billed.split()) == {ACCOUNT}
    own = yaml.safe_load((folder.path / "config" / "costs.local.yaml").read_text())
    # the GPUs of this cluster are none: that is told, and the rates are the CPU's
    assert said.count("torch sees no GPU") == 2
    assert [rate["device"] for rate in own["rates"]] == ["cpu", "cpu"] and "devices" not in own
    for rate in own["rates"]:
        assert rate["source"] == "measured" and rate["match"]["setting"] == "digits"
        assert rate["hardware"] and rate["date"]
        assert 0 < rate["step_seconds"] < rate["startup_seconds"]
    assert "device" not in own  # plans are made for what they were: where there is SLURM, not for the CPU


def test_without_accounting_a_killed_job_is_told_with_its_log_and_the_others_count(cluster, folder):
    process = start(cluster, folder, "--partition=gpu", "--gpu=h100", "--gpu=a100", "--seconds=15")
    cluster.wait_for(lambda: [job for job in jobs_of(cluster, folder.path) if job["state"] == "RUNNING"
                              and job["node"] == "g1"], "the job on g1")  # fmt: skip
    [killed] = [job["id"] for job in jobs_of(cluster, folder.path) if job["node"] == "g1"]
    cluster.call("scancel", "--signal=KILL", killed)
    said = end(process)
    assert process.returncode == 1
    assert "1 of 2 were not measured" in said
    assert f"digits on h100: job {killed} ended without a result, it is " in said
    own = yaml.safe_load((folder.path / "config" / "costs.local.yaml").read_text())
    assert [rate["device"] for rate in own["rates"]] == ["cpu"] and "device" not in own
