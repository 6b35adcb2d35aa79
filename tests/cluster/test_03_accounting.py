"""The same cluster with accounting: jobs are billed to the site's account, and a cancelled one is still noticed."""

import accounting
import pytest
from driven import FAULTS, SITE, Study
from slurm_cluster import ACCOUNT

pytestmark = pytest.mark.cluster


def test_a_cancelled_job_is_submitted_again_and_all_are_billed_to_the_account(accounted, undisturbed, tmp_path):
    study = Study(tmp_path, accounted, FAULTS, site={**SITE, "account": ACCOUNT}, held=True)
    study.take(undisturbed, without_seeds=(0, 1))
    try:
        driver = study.start()
        job = study.a_training()
        accounted.call("scancel", job.id)
        study.successor(job)
        study.finish(driver)
    finally:
        study.stop()
    assert study.numbers() == undisturbed.numbers()
    said = accounted.call(
        "sacct", "--allocations", "--noheader", "--parsable2", "--format=JobID,State,Account,AllocTRES"
    )
    jobs = {line.split("|")[0]: line.split("|")[1:] for line in said.splitlines()}
    assert {account for _, account, _ in jobs.values()} == {ACCOUNT}
    assert jobs[job.id][0].startswith("CANCELLED")
    assert "gres/gpu=1" in jobs[job.id][2]


def test_a_study_ends_well_where_a_user_may_have_one_job_in_the_queue(accounted, undisturbed, tmp_path):
    study = Study(tmp_path, accounted, FAULTS, site={**SITE, "account": ACCOUNT})
    study.take(undisturbed, without_seeds=(0, 1))
    accounting.limit(accounted.call, ACCOUNT, jobs=1)
    try:
        study.finish(study.start())
    finally:
        study.stop()
        accounting.limit(accounted.call, ACCOUNT, jobs=-1)
    assert "SLURM takes no more jobs of yours for now (AssocGrpSubmitJobsLimit)" in study.said()
    assert study.numbers() == undisturbed.numbers()
