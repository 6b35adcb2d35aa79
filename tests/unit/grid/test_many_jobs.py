"""What planning asks of the package grows with the jobs, not with their square."""

import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from many_jobs import scaled

from whyalike.config.reading import check
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.plan import Plan
from whyalike.similarity.parameters import ScoreParameters
from whyalike.studies.main_line import MainLine

COSTS = Path(__file__).parents[3] / "config" / "costs.yaml"


@cache
def calls_a_job(copies, seeds):
    """Calls of the package's functions for a job: of those that Snakemake asks of each."""
    flow = Workflow(check(scaled(copies, seeds)))
    line, plan = MainLine(flow), Plan(flow.config, flow.grid, costs.read(COSTS), "nowhere")
    jobs = [job for job in line.jobs() if job.is_traced]
    calls = 0

    def count(frame, event, _):
        nonlocal calls
        calls += event == "call" and "/whyalike/" in frame.f_code.co_filename

    sys.setprofile(count)
    try:
        for job in jobs:
            line.work(job)
            plan.estimate(job.rule, job.wildcards)
            if job.rule == "score_comparison":
                flow.comparison_activations(SimpleNamespace(**job.wildcards))
    finally:
        sys.setprofile(None)
    return calls / len(jobs)


@pytest.fixture(scope="module", autouse=True)
def fingerprints_are_known():
    """They are found once a process, whatever the number of jobs."""
    calls_a_job(1, 2)


def test_the_calls_for_a_job_are_the_same_whatever_the_number_of_settings():
    assert calls_a_job(2, 5) < 1.1 * calls_a_job(1, 5)


def test_the_pairs_of_a_comparison_are_made_once_for_all_of_its_jobs():
    assert calls_a_job(1, 10) < 1.1 * calls_a_job(1, 5)


def test_a_job_costs_a_few_hundred_calls():
    assert calls_a_job(1, 10) < 300


def test_the_text_of_scores_whose_pairs_are_made_once_is_that_of_their_parameters():
    flow = Workflow(check(scaled(1, 2)))
    wildcards = {"study": "controls", "comparison": "cifar10", "stimuli": "cifar10_test"}
    for job in ({}, {"job": "neighbours"}):
        text = flow.similarity_work(SimpleNamespace(**wildcards, **job))
        assert len(ScoreParameters.from_text(text).pairs) > 2
        assert ScoreParameters.from_text(text).text() == text
