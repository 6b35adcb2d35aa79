"""One's own cost table: what is put into it, what stays, and what is told of it."""

import datetime
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.workflow import Workflow
from whyalike.planning import cost_file, costs

COSTS = Path(__file__).parents[3] / "config" / "costs.yaml"
TODAY = datetime.date(2026, 1, 2)


@pytest.fixture
def flow(demo):
    return Workflow(check(demo))


@pytest.fixture
def rate(flow):
    """Makes a measured rate of the digits."""
    workload = cost_file.Workload(flow.config, costs.read(COSTS))

    def make(seconds=0.01, device="cpu", **values):
        match = cost_file.match(workload, "digits")
        return {
            "match": match,
            "device": device,
            "step_seconds": seconds,
            "source": "measured",
            "date": TODAY,
            **values,
        }

    return make


def printed(table):
    console = Console(width=200)
    with console.capture() as captured:
        console.print(table)
    return [line.split() for line in captured.get().splitlines()[1:]]


def test_a_rate_takes_the_place_of_one_for_the_same_work_and_leaves_the_others(tmp_path, rate):
    local = tmp_path / "config" / "own.yaml"
    cost_file.write({"rates": [rate(0.01), rate(0.02, "h100")]}, COSTS, local)
    cost_file.write({"rates": [rate(0.03)]}, COSTS, local)
    extraction = {"samples_per_second": 9.0, "work": "extraction", "step_seconds": None}
    cost_file.write({"rates": [rate(**extraction)]}, COSTS, local)
    own = yaml.safe_load(local.read_text())["rates"]
    assert sorted((one["device"], one.get("work", "training"), one["step_seconds"] or 0) for one in own) == [
        ("cpu", "extraction", 0), ("cpu", "training", 0.03), ("h100", "training", 0.02),
    ]  # fmt: skip
    assert own[0]["date"] == TODAY
    assert "&" not in local.read_text()  # each rate can be read and removed alone


def test_what_the_user_wrote_stays_with_the_head_of_the_file(tmp_path, rate):
    local = tmp_path / "own.yaml"
    local.write_text("# our cluster\n# since May\n\nreserve: {guessed: 2}\nstages: {draw_figure: {seconds: 1}}\n")
    after = cost_file.write({"rates": [rate()], "stages": {"write_tables": {"seconds": 3}}}, COSTS, local)
    assert local.read_text().startswith("# our cluster\n# since May\n")
    assert after == costs.read(COSTS, local)
    assert (after.reserve.guessed, after.stages["draw_figure"].seconds, after.stages["write_tables"].seconds) == (
        2,
        1,
        3,
    )
    assert after.stages["prepare_data"] == costs.read(COSTS, tmp_path / "none").stages["prepare_data"]


@pytest.mark.parametrize(("before", "new"), [("device: abacus\n", {}), (None, {"device": "abacus"})])
def test_a_table_with_a_fault_is_refused_and_the_file_left(tmp_path, before, new):
    local = tmp_path / "own.yaml"
    if before:
        local.write_text(before)
    with pytest.raises(ConfigError, match="device: 'abacus' is not under devices"):
        cost_file.write(new, COSTS, local)
    assert (local.read_text() if local.exists() else None) == before


def test_a_measured_rate_is_not_taken_for_another_model_or_batch(tmp_path, demo, rate):
    local = tmp_path / "own.yaml"
    after = cost_file.write({"rates": [rate(0.5)]}, COSTS, local)

    def step(values):
        flow = Workflow(check(values))
        return cost_file.models(flow, after, "cpu")["digits: training step, s"]

    assert step(demo) == (0.5, "measured")
    demo["recipes"]["digits"]["batch_size"] = 25
    assert step(demo)[1] == "guessed"
    demo["recipes"]["digits"]["batch_size"] = 50
    demo["models"]["resnet8"]["widths"] = [16, 32, 65]
    assert step(demo)[1] == "guessed"


def test_what_changed_is_told_with_both_figures_and_nothing_else(tmp_path, flow, rate):
    local = tmp_path / "own.yaml"
    before = costs.read(COSTS, local)
    new = {"rates": [rate(0.5, startup_seconds=7)], "device": "cpu",
           "stages": {"draw_figure": {"seconds": 1.5, "source": "measured"}}}  # fmt: skip
    after = cost_file.write(new, COSTS, local)
    lines = printed(cost_file.changes(flow, before, after, ["cpu"]))
    assert [line[-4:] for line in lines[:1]] == [["made", "for", "h100", "cpu"]]
    told = {" ".join(line[:-4]): line[-4:] for line in lines[1:]}
    assert told["cpu digits: start of a training job, s"] == ["3", "guessed", "7", "measured"]
    assert told["draw_figure: each job, s"] == ["10", "guessed", "1.5", "measured"]
    assert told["cpu digits: training step, s"][2:] == ["0.5", "measured"]
    assert not [words for words in told if "colorshapedigit" in words or "extraction" in words or "prepare" in words]
    assert printed(cost_file.changes(flow, after, after, ["cpu"])) == []


def test_on_a_device_that_is_new_only_what_was_measured_is_told(tmp_path, flow, rate):
    local = tmp_path / "own.yaml"
    before = costs.read(COSTS, local)
    devices = {"a40": before.devices["h100"].model_dump()}
    after = cost_file.write({"rates": [rate(0.5, "a40")], "devices": devices}, COSTS, local)
    told = {" ".join(line) for line in printed(cost_file.changes(flow, before, after, ["a40"]))}
    assert "a40 digits: training step, s - - 0.5 measured" in told
    assert len(told) == 1  # a run costs nothing beside
