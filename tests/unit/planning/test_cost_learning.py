"""What is learnt from benchmark files and ledgers that are made by hand."""

import datetime
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning import cost_learning, costs
from whyalike.planning.cost_learning import apart
from whyalike.planning.plan import Plan
from whyalike.planning.spending import Span
from whyalike.training.store import StoredRun

COSTS = costs.read(Path(__file__).parents[3] / "config" / "costs.yaml", "none.yaml")
TODAY = datetime.date(2026, 1, 2)
CELL = Cell("digits", "dataset", 0)
NOW = 1_700_000_000.0  # when the benchmark files were written


@pytest.fixture
def flow(demo, tmp_path):
    return Workflow(check({**demo, "results": str(tmp_path)}))


def benchmark(flow, name, seconds, written=NOW):
    path = Path(flow.root, "benchmarks", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t1\n")
    os.utime(path, (written, written))


def trained(flow, number, *events, cell=CELL, device="cpu"):
    """A finished run of a cell, with a ledger of (event, seconds before NOW, step)."""
    run = StoredRun(Path(flow.store), flow.grid.runs(cell)[number].identity)
    run.folder.mkdir(parents=True, exist_ok=True)
    run.result.write_text(json.dumps({"device": device, "sha256": {}}))
    lines = [{"event": event, "time": NOW - ago} | ({} if step is None else {"step": step})
             for event, ago, step in events]  # fmt: skip
    run.ledger.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def learnt(flow, table=COSTS, gpu=None):
    return cost_learning.learn(flow, table, gpu, TODAY)


def rate(found, work="training"):
    [one] = [rate for rate in found.values["rates"] if rate["work"] == work]
    return one


# ---- training ----


def test_steps_cost_what_their_ledgers_say_and_the_start_is_the_rest_of_the_job(flow):
    trained(flow, 0, ("start", 30, 0), ("checkpoint", 22, 80), ("end", 20, 100))
    trained(flow, 1, ("start", 18, 0), ("end", 8, 100))
    benchmark(flow, "train_models/digits.dataset.seed0.tsv", 37)
    found = learnt(flow)
    one = rate(found)
    assert (one["step_seconds"], one["startup_seconds"]) == (20 / 200, 37 - 20)
    assert (one["device"], one["source"], one["date"]) == ("cpu", "measured", TODAY)
    assert found.values["device"] == "cpu" and found.jobs == {"train_models": 1}
    assert found.untrained == ["colorshapedigit"]


def test_the_start_is_the_median_of_jobs(flow):
    for seed, took in enumerate((5, 100, 6)):
        cell = Cell("digits", "dataset", seed)
        trained(flow, 0, ("start", 4, 0), ("end", 3, 10), cell=cell)
        benchmark(flow, f"train_models/digits.dataset.seed{seed}.tsv", took)
    assert rate(learnt(flow))["startup_seconds"] == 5


def test_attempts_that_were_cut_off_count_with_the_steps_that_they_kept(flow):
    # killed 300 s after its last checkpoint; then an unusable checkpoint was noted, and trained on from step 40
    trained(flow, 0, ("start", 900, 0), ("checkpoint", 880, 40), ("checkpoint unusable", 581, None),
            ("start", 580, 40), ("end", 550, 100))  # fmt: skip
    assert rate(learnt(flow))["step_seconds"] == (20 + 30) / 100


def test_a_job_that_found_its_runs_trained_took_its_start_alone(flow):
    trained(flow, 0, ("start", 9000, 0), ("end", 8000, 100))
    benchmark(flow, "train_models/digits.dataset.seed0.tsv", 4)
    one = rate(learnt(flow))
    assert (one["step_seconds"], one["startup_seconds"]) == (10, 4)


def test_a_gpu_is_that_of_the_plans_or_the_one_named(flow):
    trained(flow, 0, ("start", 9, 0), ("end", 5, 40), device="cuda")
    assert learnt(flow).values["device"] == "h100"
    a40 = {**COSTS.devices, "a40": COSTS.devices["h100"]}
    assert learnt(flow, COSTS.model_copy(update={"devices": a40}), "a40").values["device"] == "a40"


@pytest.mark.parametrize(("device", "gain", "step"), [("cpu", 1, 0.2), ("cuda", 1, 0.1), ("cuda", 1.5, 0.15)])
def test_runs_that_were_trained_at_once_cost_what_each_would_alone(flow, device, gain, step):
    # two runs of 100 steps in the same 20 s: a core for each; a GPU that makes them no faster, or half as fast again
    for number in (0, 1):
        trained(flow, number, ("start", 30, 0), ("end", 10, 100), device=device)
    benchmark(flow, "train_models/digits.dataset.seed0.tsv", 27)
    h100 = COSTS.devices["h100"].model_copy(update={"gain_at_once": gain})
    one = rate(learnt(flow, COSTS.model_copy(update={"devices": {**COSTS.devices, "h100": h100}})))
    assert (one["step_seconds"], one["startup_seconds"]) == (pytest.approx(step), 27 - 20)


def test_a_cell_in_parts_has_a_start_for_each_part(demo, flow):
    demo |= {"results": flow.config.results, "operation": {"runs_per_job": 4}}
    split = Workflow(check(demo))
    trained(split, 0, ("start", 30, 0), ("end", 20, 100))
    trained(split, 5, ("start", 18, 0), ("end", 8, 100))
    benchmark(split, "train_models/digits.dataset.seed0.part0.tsv", 14, written=NOW - 15)
    benchmark(split, "train_models/digits.dataset.seed0.part1.tsv", 16)
    benchmark(split, "join_parts/digits.dataset.seed0.tsv", 2)
    found = learnt(split)
    assert rate(found)["startup_seconds"] == (4 + 6) / 2
    assert found.jobs == {"train_models": 2, "join_parts": 1}
    assert found.values["stages"]["join_parts"]["seconds"] == 2


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 20)), max_size=8))
def test_covered_time_is_that_of_a_loop_over_seconds(spans):
    expected = sum(any(began <= second < began + length for began, length in spans) for second in range(80))
    assert cost_learning.covered([Span(began, length, 0) for began, length in spans]) == expected


@pytest.mark.parametrize("name", ["cpu", "abacus"])
def test_a_gpu_that_is_none_is_refused(flow, name):
    trained(flow, 0, ("start", 9, 0), ("end", 5, 40), device="cuda")
    with pytest.raises(ConfigError, match=f"digits was trained on a GPU, and '{name}' is none.*Known: h100, cpu"):
        learnt(flow, gpu=name)


def test_with_nothing_run_there_is_nothing_to_learn(flow):
    with pytest.raises(ConfigError, match="tell of no finished job: run the study first"):
        learnt(flow)


# ---- the other jobs ----


def test_jobs_of_a_fixed_cost_cost_their_mean(flow):
    for number, seconds in enumerate((1.0, 2.0, 6.0)):
        benchmark(flow, f"draw_figure/figure{number}.tsv", seconds)
    benchmark(flow, "write_tables.tsv", 4.5)
    benchmark(flow, "a_rule_of_tomorrow/one.tsv", 7)
    benchmark(flow, "download_data/one.tsv", 7000)
    found = learnt(flow)
    assert found.values["stages"] == {
        rule: {"seconds": seconds, "source": "measured"}
        for rule, seconds in {"a_rule_of_tomorrow": 7, "draw_figure": 3.0, "write_tables": 4.5}.items()
    }
    assert found.jobs == {"a_rule_of_tomorrow": 1, "draw_figure": 3, "write_tables": 1}


@pytest.mark.parametrize("rule", ["write_sample_text", "write_beton", "../../closeness/benchmarks/train_embedders"])
def test_jobs_whose_cost_the_plan_makes_up_otherwise_teach_nothing(flow, rule):
    benchmark(flow, "write_tables.tsv", 4)
    benchmark(flow, f"{rule}/some.tsv", 70)
    assert set(learnt(flow).values["stages"]) == {"write_tables"}


def test_jobs_whose_names_have_a_word_cost_the_mean_of_those(flow):
    took = {"k4_width16": 20, "k6_width16": 30, "k4_width32": 50, "digits_m2": 100}
    for name, seconds in took.items():
        benchmark(flow, f"../../closeness/benchmarks/train_embeddings/{name}.tsv", seconds)
    found = learnt(flow).values["stages"]["train_embeddings"]
    # three more widths are as they were, so all is known no better than before
    assert found == {"seconds": 100, "seconds_of": {"width16": 25, "width32": 50}, "source": "given"}
    for width in (64, 128, 256):
        benchmark(flow, f"../../closeness/benchmarks/train_embeddings/k4_width{width}.tsv", width)
    assert learnt(flow).values["stages"]["train_embeddings"]["source"] == "measured"


@pytest.mark.parametrize("seconds", [(2.0, 3.0), (200.0, 300.0)])
def test_a_plan_with_what_was_learnt_takes_as_long_as_it_took(demo, flow, seconds):
    # mostly start, or mostly work: 600 and 500 stimuli, 15 pairs
    names = ["colorshapedigit_test", "photographs"]
    for stimuli, took in zip(names, seconds, strict=True):
        benchmark(flow, f"score_comparison/label_overlap.colorshapedigit.{stimuli}.kernels.tsv", took)
        benchmark(flow, f"extract_avgpool/digits.dataset.seed0.{stimuli}.tsv", took)
        benchmark(flow, f"prepare_data/{stimuli.removesuffix('_test')}.tsv", took)
    trained(flow, 0, ("start", 9000, 0), ("end", 8000, 100))
    values = learnt(flow).values
    table = COSTS.model_dump()
    for key in ("scoring", "stages"):
        table[key] |= {k: ({**table[key][k], **v} if key == "stages" else v) for k, v in values[key].items()}
    table |= {"rates": [*values["rates"], *table["rates"]], "device": "cpu"}
    plan = Plan(flow.config, flow.grid, costs.Costs.model_validate(table), flow.store)
    compared = {"study": "label_overlap", "comparison": "colorshapedigit", "job": "kernels"}
    jobs = {
        "score_comparison": [{**compared, "stimuli": name} for name in names],
        "extract_avgpool": [{"setting": "digits", "factor": "dataset", "seed": "0", "stimuli": name} for name in names],
        "prepare_data": [{"dataset": name.removesuffix("_test")} for name in names],
    }  # fmt: skip
    for rule, wildcards in jobs.items():
        planned = [plan.estimate(rule, one) for one in wildcards]
        # figures are rounded to three digits, starts to a hundredth of a second
        assert sum(one.seconds for one in planned) == pytest.approx(sum(seconds), rel=0.01), rule
        assert {source for one in planned for source in one.sources} == {"measured"}, rule


def test_benchmarks_of_what_is_no_longer_asked_for_are_left_out(flow):
    for name in ("score_comparison/old.digits.digits_test.rbf.tsv", "prepare_data/old.tsv",
                 "extract_avgpool/old.dataset.seed0.digits_test.tsv", "score_comparison/half.tsv",
                 "score_comparison/dataset_overlap.digits.digits_test.gone.tsv"):  # fmt: skip
        benchmark(flow, name, 1000)
    benchmark(flow, "write_tables.tsv", 4.5)
    assert set(learnt(flow).jobs) == {"write_tables"}


JOBS = st.lists(st.tuples(st.floats(0.01, 1e4), st.floats(0, 1e4)), min_size=1, max_size=9)


@given(st.floats(0, 100), JOBS)
def test_start_and_work_together_are_what_all_jobs_took(start, jobs):
    found, factor = apart(start, jobs)
    assert found >= 0 and factor > 0
    together = len(jobs) * found + factor * sum(work for _, work in jobs)
    assert together == pytest.approx(sum(took for took, _ in jobs))


def test_what_is_mostly_start_leaves_the_work_and_what_is_mostly_work_the_start():
    assert apart(1.0, [(10, 1), (12, 3)]) == (9.0, 1.0)
    assert apart(2.0, [(10, 8), (20, 16)]) == (2.0, 26 / 24)
    assert apart(8.0, [(10, 8), (20, 16)]) == (5.0, 20 / 24)  # no start is longer than half of a job


def test_runs_that_are_not_finished_teach_nothing_and_are_told(flow):
    run = StoredRun(Path(flow.store), flow.grid.runs(CELL)[0].identity)
    trained(flow, 0, ("start", 9, 0), ("checkpoint", 5, 40))
    run.result.unlink()
    benchmark(flow, "write_tables.tsv", 4.5)
    found = learnt(flow)
    assert "rates" not in found.values and found.jobs == {"write_tables": 1}
    assert found.untrained == ["digits", "colorshapedigit"]
