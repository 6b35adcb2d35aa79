"""The main line's list of jobs is that of the rules: files, parameters, benchmarks, runs."""

import re
from pathlib import Path

import pytest

from whyalike.config.reading import check
from whyalike.grid.runs import Grid
from whyalike.studies.main_line import studies_of

RULES = Path(__file__).parents[3] / "workflow" / "rules"


@pytest.fixture
def studies(demo):
    return studies_of(check(demo))


def test_no_file_is_made_by_two_jobs(studies):
    files = [file for study in studies for job in study.jobs() for file in job.files]
    assert len(files) == len(set(files))


def test_every_job_of_a_study_tells_its_parameters_and_the_archive_takes_what_it_makes(studies):
    for study in studies:
        for job in study.jobs():
            assert study.work(job).startswith("{")
            assert set(job.archive) <= set(job.files)


def test_a_benchmark_lies_where_the_rule_writes_it(studies):
    text = "".join(path.read_text(encoding="utf-8") for path in RULES.glob("*.smk"))
    patterns = dict(re.findall(r'f"\{ROOT\}/benchmarks/((\w+)[^"]*\.tsv)"', text))
    patterns = {rule: pattern for pattern, rule in patterns.items()}
    assert len(patterns) > 15
    for study in studies:
        for job in study.jobs():
            if job.rule in patterns:
                assert patterns[job.rule].replace("{{", "{").replace("}}", "}").format(**job.wildcards) == job.benchmark


def test_the_rules_of_the_main_line_all_stand_in_its_list(studies):
    rules = {job.rule for job in studies[0].jobs()}
    assert {"prepare_data", "make_splits", "train_models", "score_comparison", "analyse_study", "draw_figure",
            "write_tables", "write_findings", "write_claims"} <= rules  # fmt: skip
    assert any(rule.startswith("extract_") for rule in rules)


def test_of_a_partial_result_all_runs_are_still_wanted(demo):
    grid = Grid(check(demo))
    wanted = {run.identity for cell in grid.cells for run in grid.runs(cell)}
    assert studies_of(check({**demo, "partial": True}))[0].runs().keys() == wanted
