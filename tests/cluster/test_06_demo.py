"""The demo itself, config/demo.yaml as it is, through SLURM from an empty folder: some ten minutes, so it is no part of
`make test-cluster`; `make test-cluster-demo` runs it. Its costs are learnt, and its plan compared with what it took.
"""

import pytest
from driven import COSTS, REPOSITORY, Study

from whyalike.config import reading
from whyalike.grid.workflow import Workflow
from whyalike.planning import accuracy, costs

pytestmark = pytest.mark.cluster_demo
DEMO = REPOSITORY / "config" / "demo.yaml"
DEMO_SECONDS = 3600  # it took a third of that beside much other work
CELLS = 5 + 3 + 3  # seeds of the three studies
SCORES = 3 * 3  # stimulus sets of the three studies


@pytest.fixture(scope="module")
def submitted(cluster, tmp_path_factory) -> Study:
    """The demo, run by SLURM on whatever GPU is free."""
    site = {"partition": "cpu", "gpu_partition": "gpu", "max_minutes": 60}
    study = Study(tmp_path_factory.mktemp("demo"), cluster, DEMO, site=site)
    try:
        study.finish(study.start(), DEMO_SECONDS)
    finally:
        study.stop()
    return study


def test_every_byte_is_that_of_a_run_on_this_machine(submitted, cluster, tmp_path):
    local = Study(tmp_path, cluster, DEMO)
    done = local.call(local.run_command())
    assert done.returncode == 0, done.stdout
    expected, found = local.numbers(), submitted.numbers()
    names = {
        "statistics/dataset_overlap.parquet",
        "statistics/task_overlap.parquet",
        "statistics/label_overlap.parquet",
    }
    assert names <= expected.keys()
    assert {name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)} == set()


def test_each_cell_is_two_jobs_and_each_table_of_scores_one(submitted):
    jobs = submitted.jobs("rule_")
    assert {job["state"] for job in jobs} == {"COMPLETED"}
    assert len(jobs) == 2 * CELLS + SCORES


def test_what_was_learnt_plans_the_cells(submitted):
    submitted.ask("costs", "update")
    flow = Workflow(reading.read(DEMO))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(submitted.path)
        jobs = accuracy.compared(flow, costs.read(COSTS, costs.LOCAL))
    said = submitted.ask("costs", "compare")
    for of in ("digits, dataset", "digits, task", "colorshapedigit, label"):
        planned, took = (sum(getattr(job, name) for job in jobs if (job.stage, job.of) == ("train_models", of))
                         for name in ("planned", "took"))  # fmt: skip
        # the cells of a setting share one rate, learnt of them all; what else the machine did at the time remains
        assert abs(took / planned - 1) < accuracy.NEAR, said
