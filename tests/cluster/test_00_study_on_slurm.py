"""The tiny study through SLURM, from an empty folder."""

import shutil

import pandas as pd
import pytest
from driven import Study

pytestmark = pytest.mark.cluster
SETS = [f"results/tiny/activations/digits/dataset/seed0/{name}.avgpool.parquet"
        for name in ("digits_test", "colorshapedigit_test")]  # fmt: skip
MANIFEST = "results/tiny/models/digits/dataset/seed1.parquet"


@pytest.fixture(scope="module")
def submitted(cluster, tmp_path_factory) -> Study:
    """The tiny study, run by SLURM on the A100s; the controller is away when its first jobs are to be submitted."""
    site = {"partition": "cpu", "gpu_partition": "gpu", "gpu_model": "a100", "max_minutes": 12}
    study = Study(tmp_path_factory.mktemp("submitted"), cluster, site=site)
    try:
        driver = study.start()
        # data and splits are made beside the driver, before any job
        study.wait_for(lambda: list(study.results.glob("logs/prepare_data/*")), "the first file")
        cluster.stop_controller()
        study.wait_for(lambda: "train_models is submitted when it does" in study.said(), "the driver's notice")
        cluster.start_controller()
        study.finish(driver)
    finally:
        study.stop()
    return study


def test_every_byte_is_that_of_a_run_on_this_machine(submitted, cluster, tmp_path):
    local = Study(tmp_path, cluster)
    done = local.call(local.run_command())
    assert done.returncode == 0, done.stdout
    assert submitted.numbers() == local.numbers()


def test_models_run_on_the_gpus_of_the_site_and_all_else_beside_them(submitted):
    jobs = submitted.jobs("rule_")
    on_gpus = [job for job in jobs if job["comment"].startswith(("rule_train_models", "rule_extract"))]
    assert len(on_gpus) == 4 + 4  # training and extraction of each cell: its stimulus sets are one job
    assert {(job["partition"], job["node"], job["gpus"]) for job in on_gpus} == {("gpu", "g2", "gres:gpu:a100:1")}
    beside = [job for job in jobs if job not in on_gpus]
    assert {(job["partition"], job["node"], job["gpus"]) for job in beside} == {("cpu", "c1", "N/A")}


def test_no_job_asks_for_more_time_than_the_site_gives(submitted):
    limits = {job["comment"].split("_wildcards_")[0]: job["limit"] for job in submitted.jobs("rule_")}
    assert limits["rule_train_models"] == "12:00"  # 15 minutes without the limit
    # two stimulus sets, one after the other: half of it each
    assert limits["rule_extract.digits.dataset.seed0_extract_avgpool"] == "12:00"
    assert limits["rule_score_comparison"] == "11:00"


def test_a_job_that_could_not_be_submitted_uses_up_no_retry(submitted):
    assert "sbatch failed" not in submitted.said()
    assert "Trying to restart" not in submitted.said()  # Snakemake's word for a retry


def test_the_rules_of_seconds_are_no_jobs(submitted):
    rules = {job["comment"].split("_wildcards_")[0].split(".")[0] for job in submitted.jobs("rule_")}
    assert rules == {"rule_train_models", "rule_extract", "rule_score_comparison"}


@pytest.fixture(scope="module")
def half(submitted, cluster, tmp_path_factory) -> Study:
    """A copy of the study that makes a cell's representations anew, and cannot train one run; its driver has ended.

    The job that extracts was cancelled, and the weights of the run cannot be written.
    """
    path = tmp_path_factory.mktemp("half")
    shutil.copytree(submitted.path, path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("driver.out"))
    for file in [*SETS, MANIFEST]:
        (path / file).unlink()
    study = Study(path, cluster, options=(*SETS, MANIFEST, "--retries", "1"))
    study.lost = pd.read_parquet(submitted.path / MANIFEST)["run"][0]
    shutil.rmtree(study.store / study.lost)
    (study.store / study.lost / "weights.safetensors").mkdir(parents=True)  # a folder in their place
    try:
        driver = study.start()
        (study.cancelled,) = study.wait_for(lambda: study.jobs("rule_extract"), "the extraction")
        cluster.call("scancel", study.cancelled["id"])
        study.wait_for(lambda: driver.poll() is not None, "the driver's end")
        assert driver.returncode == 1
    finally:
        study.stop()
    return study


def test_a_cancelled_extraction_of_several_sets_is_submitted_again_and_made_whole(submitted, half):
    assert half.state(half.cancelled["id"]) == "CANCELLED"
    assert len(half.jobs("rule_extract")) == 2  # it, and once more
    assert {file: (half.path / file).read_bytes() for file in SETS} == {
        file: (submitted.path / file).read_bytes() for file in SETS
    }


def test_what_failed_is_told_with_its_run_its_log_and_the_command_that_tries_it_alone(half):
    log = "Log: results/tiny/logs/train_models/digits.dataset.seed1.log"
    assert log in half.said()  # by the driver at its end
    said = half.status()
    [row] = [line for line in said.splitlines() if line.startswith(half.lost)]
    assert " failed at step " in row, said
    assert "1 job failed in the last attempt. The last error:" in said
    assert "Is a directory" in said and f"{half.lost}/weights.safetensors'" in said
    assert log in said
    assert f"--profile profiles/slurm {MANIFEST}" in said
    assert "No job of this folder is in SLURM's queue." in said


def test_its_jobs_teach_what_they_cost(submitted):
    said = submitted.ask("costs", "update")
    assert "4 jobs of train_models, 6 jobs of extraction" in said
    assert "plans are made for h100" in said  # the GPUs here are none, yet jobs go on asking for them
    rows = [line.split() for line in submitted.ask("costs", "compare").splitlines()]
    assert {(row[1], row[2], row[3]) for row in rows if row[0] == "train_models"} == {
        ("digits,", "dataset", "2"), ("digits,", "task", "1"), ("colorshapedigit,", "label", "1")
    }  # fmt: skip
