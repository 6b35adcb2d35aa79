"""What jobs took beside what is planned of them, for benchmark files and ledgers that are made by hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning import accuracy, costs
from whyalike.planning.accuracy import Compared, compared
from whyalike.training.store import StoredRun

TABLE = Path(__file__).parents[3] / "config" / "costs.yaml"
CELL = Cell("digits", "dataset", 0)
STEPS = 15 * 11  # epochs x batches of 50 of half of the 1197 training images of the digits
NOW = 1_700_000_000.0  # when the benchmark files were written


@pytest.fixture
def flow(demo, tmp_path):
    return Workflow(check({**demo, "results": str(tmp_path)}))


@pytest.fixture
def table(flow):
    """The shipped costs; digits: a second for 100 steps, 4 to start, a second for 1000 samples, 2 to start."""
    values = yaml.safe_load(TABLE.read_text())
    rate = {"match": {"setting": "digits"}, "device": "cpu", "source": "measured"}
    values["rates"] = [
        {**rate, "step_seconds": 0.01, "startup_seconds": 4, "run_seconds": 0.5},
        {**rate, "work": "extraction", "samples_per_second": 1000, "startup_seconds": 2},
    ]
    values["stages"]["draw_figure"] = {"seconds": 8}
    return costs.Costs.model_validate(values)


def benchmark(flow, name, seconds):
    path = Path(flow.root, "benchmarks", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t1\n")
    os.utime(path, (NOW, NOW))


def trained(flow, number, *attempts):
    """A finished run of the cell; of each attempt the seconds before NOW when it began, and its first and last step."""
    run = StoredRun(Path(flow.store), flow.grid.runs(CELL)[number].identity)
    run.folder.mkdir(parents=True, exist_ok=True)
    run.result.write_text(json.dumps({"device": "cpu", "sha256": {}}))
    for ago, first, last in attempts:
        events = [
            {"event": "start", "time": NOW - ago, "step": first},
            {"event": "end", "time": NOW - ago + 1, "step": last},
        ]
        with run.ledger.open("a") as file:
            file.write("".join(f"{json.dumps(event)}\n" for event in events))


def test_a_training_job_is_planned_with_the_runs_that_it_trained(flow, table):
    trained(flow, 0, (30, 0, STEPS))
    trained(flow, 1, (20, 0, STEPS))
    trained(flow, 2, (9000, 0, STEPS))  # by an earlier job
    benchmark(flow, "train_models/digits.dataset.seed0.tsv", 10)
    assert compared(flow, table) == [Compared("train_models", "digits, dataset", 4 + 2 * (0.01 * STEPS + 0.5), 10)]


def test_of_a_run_that_was_cut_off_the_last_job_is_planned_with_its_share(flow, table):
    trained(flow, 0, (9000, 0, STEPS - 50), (20, STEPS - 50, STEPS))
    benchmark(flow, "train_models/digits.dataset.seed0.tsv", 10)
    [job] = compared(flow, table)
    assert job.planned == pytest.approx(4 + 50 / STEPS * (0.01 * STEPS + 0.5))


def test_parts_of_a_cell_are_jobs_of_their_own(demo, flow, table):
    demo |= {"results": flow.config.results, "operation": {"runs_per_job": 4}}
    split = Workflow(check(demo))
    trained(split, 0, (20, 0, STEPS))
    benchmark(split, "train_models/digits.dataset.seed0.part0.tsv", 10)
    benchmark(split, "train_models/digits.dataset.seed0.part1.tsv", 4)
    assert [job.planned for job in compared(split, table)] == [4 + 0.01 * STEPS + 0.5, 4]


def test_other_jobs_are_planned_by_their_wildcards_and_those_no_longer_asked_for_left_out(flow, table):
    trained(flow, 0, (20, 0, STEPS))  # tells the device
    for name, seconds in {"extract_avgpool/digits.dataset.seed0.photographs.tsv": 9,
                          "extract_avgpool/old.dataset.seed0.photographs.tsv": 9,
                          "score_comparison/dataset_overlap.digits.photographs.rbf.tsv": 7,
                          "prepare_data/photographs.tsv": 3,
                          "draw_figure/accuracy.tsv": 6}.items():  # fmt: skip
        benchmark(flow, name, seconds)
    models = len({run.identity for run in flow.grid.runs(CELL)} | {run.untrained for run in flow.grid.runs(CELL)})
    found = {(job.stage, job.of): job for job in compared(flow, table)}
    assert set(found) == {("prepare_data", "photographs"), ("extract", "digits, dataset"), ("draw_figure", ""),
                          ("score_comparison", "digits, dataset_overlap, rbf")}  # fmt: skip
    assert found["extract", "digits, dataset"].planned == pytest.approx(2 + models * 500 / 1000)
    assert found["draw_figure", ""] == Compared("draw_figure", "", 8, 6)
    assert found["prepare_data", "photographs"].planned == pytest.approx(3 + 500e-3)  # a millisecond an image


def test_jobs_with_a_word_of_their_own_in_the_table_are_a_kind(flow, table):
    benchmark(flow, "../../closeness/benchmarks/train_embeddings/k4_width16.tsv", 20)
    assert compared(flow, table) == [Compared("train_embeddings", "width16", 24, 20)]


def test_with_nothing_run_there_is_nothing_to_compare(flow, table):
    with pytest.raises(ConfigError, match="benchmarks tells of no finished job: run the study first"):
        compared(flow, table)


@pytest.mark.parametrize(("took", "near"), [(6.9, False), (7.1, True), (12.9, True), (13.1, False)])
def test_near_is_within_thirty_per_cent_of_the_plan(took, near):
    assert Compared("draw_figure", "", 10, took).is_near is near


def test_the_table_sums_the_jobs_of_a_kind():
    jobs = [Compared("train_models", "digits, dataset", 10, 12), Compared("train_models", "digits, dataset", 10, 18),
            Compared("train_models", "digits, task", 5, 5), Compared("free", "", 0, 1)]  # fmt: skip
    console = Console(width=120)
    with console.capture() as captured:
        console.print(accuracy.shown(jobs))
    rows = [line.split() for line in captured.get().splitlines()[1:]]
    assert rows == [["train_models", "digits,", "dataset", "2", "20.0", "30.0", "1.50", "1"],
                    ["train_models", "digits,", "task", "1", "5.0", "5.0", "1.00", "1"],
                    ["free", "1", "0.0", "1.0", "-", "0"]]  # fmt: skip


def test_the_command_tells_how_many_jobs_are_near(flow, demo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    benchmark(flow, "draw_figure/accuracy.tsv", 10)
    benchmark(flow, "draw_figure/label_overlap.tsv", 50)
    Path("demo.yaml").write_text(yaml.safe_dump({**demo, "results": str(tmp_path)}))
    done = CliRunner().invoke(main, ["costs", "compare", "demo.yaml", "--costs", str(TABLE)])
    assert done.exit_code == 0, done.output
    assert "1 of 2 jobs took what is planned, give or take 30%." in done.output


def test_comparing_loads_neither_torch_nor_pandas():
    code = "import sys, whyalike.planning.accuracy; print({'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr
