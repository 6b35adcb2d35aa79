"""What is measured for a configuration, and what becomes of it in the cost table; the measuring has its own tests."""

import datetime
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from whyalike.cluster.site import Site
from whyalike.commands import cli_costs
from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.data.synthetic import Shape
from whyalike.grid.workflow import Workflow
from whyalike.planning import calibration, costs
from whyalike.training.timing import Sample, Timing, measure

ROOT = Path(__file__).parents[3]
COSTS = costs.read(ROOT / "config" / "costs.yaml", "none.yaml")
TODAY = datetime.date(2026, 1, 2)


@pytest.fixture
def flow_of(tmp_path):
    """Makes a workflow whose results lie in a folder of the test."""
    return lambda values: Workflow(check({**values, "results": str(tmp_path)}))


def timing(setting="digits", device="cpu", hardware="AMD EPYC", **figures):
    known = {"step_seconds": 0.0123456, "run_seconds": 0.5, "startup_seconds": 4.0, "memory_mb": 800.0,
             "gpu_memory_mb": None, "steps": 9, "synthetic": False}  # fmt: skip
    return Timing(setting, device, hardware, **{**known, **figures})


# ---- what is measured ----


def test_each_setting_is_measured_once_at_the_factor_with_most_images_a_run(demo, flow_of):
    demo["studies"]["all"] = {**demo["studies"]["label_overlap"], "settings": ["colorshapedigit"], "seeds": [7]}
    demo["studies"]["label_overlap"] |= {"factor": "dataset", "levels": ["0"], "min_accuracy": 0}
    found = calibration.samples(flow_of(demo), COSTS, [], 5)
    cells = [(one.parameters.setting, one.parameters.factor, one.parameters.seed) for one in found]
    assert cells == [("digits", "dataset", 0), ("colorshapedigit", "label", 7)]
    assert all([run.level for run in one.parameters.runs] == [None] for one in found)
    assert {(one.threads, one.seconds) for one in found} == {(1, 5)}


def test_prepared_data_are_taken_where_they_are_there(demo, flow_of):
    flow = flow_of(demo)
    folder = Path(flow.dataset("digits")[0]).parent
    folder.mkdir(parents=True)
    (folder / "checksums.json").touch()
    found = {one.parameters.setting: one.dataset for one in calibration.samples(flow, COSTS, [], 5)}
    assert found["digits"] == folder
    # noise: 8 batches of 100 for a run that has half of them, and 8 test images of each of 80 classes
    assert found["colorshapedigit"] == Shape(("shape", "digit", "color"), 1600, 640, 20, 3)


def test_noise_for_text_has_the_models_vocabulary_and_context(flow_of):
    flow = flow_of(yaml.safe_load((ROOT / "tests" / "workflow" / "objectives.yaml").read_text()))
    found = {one.parameters.setting: one.dataset for one in calibration.samples(flow, COSTS, ["topics"], 5)}
    assert found == {"topics": Shape(("corpus",), calibration.TEXTS, 60, vocabulary=400, context=16)}


def test_a_factorial_is_measured_on_noise_that_has_no_groups(flow_of, tmp_path):
    flow = flow_of(yaml.safe_load((ROOT / "tests" / "workflow" / "factorial.yaml").read_text()))
    [sample] = calibration.samples(flow, COSTS, ["colorshapedigit"], 0.1)
    found = measure(sample)
    assert found.synthetic and found.step_seconds > 0


def test_without_shared_models_the_first_model_of_a_level_is_measured(demo, flow_of):
    found = calibration.samples(flow_of({**demo, "share_a": False}), COSTS, ["digits"], 5)
    assert found[0].parameters.runs[0].name == "A@0"


def test_a_setting_that_is_not_trained_is_refused_with_the_nearest(demo, flow_of):
    with pytest.raises(ConfigError, match=r"'digit' is no setting that is trained. Did you mean 'digits'\? Known: dig"):
        calibration.samples(flow_of(demo), COSTS, ["digit"], 5)


def test_where_all_runs_come_from_files_there_is_nothing_to_measure(demo, flow_of):
    theirs = {"dataset": "digits", "labelling": "digit", "runs": ["a", "b"], "activations": "{run}.{stimuli}.npy"}
    demo["settings"] = {"theirs": theirs}
    demo["studies"] = {"all": {"factor": "external", "settings": ["theirs"], "stimuli": ["digits_test"]}}
    demo["figures"] = {}
    with pytest.raises(ConfigError, match="no setting is trained"):
        calibration.samples(flow_of(demo), COSTS, [], 5)


@pytest.fixture
def sinfo(tmp_path, monkeypatch):
    """Makes a fake sinfo that says something, if it is asked for a partition."""

    def make(text, status=0):
        program = tmp_path / "bin" / "sinfo"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\nprintf '{text}'\nexit {status}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return tmp_path / "asked"

    return make


def test_the_types_of_gpu_are_those_of_the_partition(sinfo):
    asked = sinfo("gpu:h100:4(S:0-1)\\n(null)\\ngpu:a100_80:2,gpu:h100:1\\ngpu:4\\n")
    assert calibration.gpu_types("big") == ["a100_80", "h100"]
    assert asked.read_text().split()[-1] == "--partition=big"
    calibration.gpu_types(None)
    assert "partition" not in asked.read_text()


def test_a_silent_sinfo_is_an_error(sinfo):
    sinfo("", 1)
    with pytest.raises(RuntimeError, match=r"sinfo ended with status 1: .* or measure on this machine: --here"):
        calibration.gpu_types(None)


@pytest.mark.parametrize(
    ("own", "options", "device", "asked"),
    [
        # the types of the partition, of which sinfo tells two
        ({"gpu_partition": "big"}, {}, "auto", [("big", "a100", 15), ("big", "h100", 15)]),
        ({"gpu_partition": "big", "gpu_model": "h100"}, {}, "auto", [("big", "h100", 15)]),
        ({"gpu_model": "h100", "max_minutes": 5}, {"gpu": ["l4", "t4"]}, "cuda", [(None, "l4", 5), (None, "t4", 5)]),
        ({"partition": "own", "gpu_model": "h100"}, {"partition": "mine"}, "auto", [("mine", "h100", 15)]),
        ({"partition": "own", "gpu_model": "h100"}, {}, "cpu", [("own", None, 15)]),
    ],
)
def test_jobs_ask_for_what_the_options_say_then_the_site_then_the_partition(sinfo, own, options, device, asked):
    sinfo("gpu:h100:4\\ngpu:a100:2\\n")
    given = {"partition": None, "gpu": None, "minutes": 15, **options}
    found = cli_costs.kinds(Site(**own), **given, device=device)
    assert [(one.partition, one.gpu, one.minutes) for one in found] == asked


def test_where_sinfo_names_no_type_any_gpu_is_asked_for(sinfo):
    sinfo("gpu:4\\n")
    [one] = cli_costs.kinds(Site(account="lab"), partition=None, gpu=None, minutes=15, device="auto")
    assert (one.gpu, one.account) == ("", "lab")


# ---- what becomes of it ----


def test_a_cpu_becomes_a_rate_of_the_cpu_for_which_plans_are_made(demo, flow_of):
    found = calibration.learnt([(timing(), None)], flow_of(demo), COSTS, TODAY)
    [rate] = found["rates"]
    assert {key: rate[key] for key in rate if key != "match"} == {
        "device": "cpu", "step_seconds": 0.0123, "startup_seconds": 4.0, "run_seconds": 0.5, "memory_mb": 800.0,
        "source": "measured", "hardware": "AMD EPYC", "date": TODAY,
    }  # fmt: skip
    assert rate["match"]["setting"] == "digits" and rate["match"]["batch_size"] == 50
    assert found["device"] == "cpu" and "devices" not in found
    assert costs.Costs.model_validate({**COSTS.model_dump(), **found}).device == "cpu"


@pytest.mark.parametrize(
    ("asked", "hardware", "device"),
    [
        ("A100", "NVIDIA A100-SXM4-80GB", "a100"),
        (None, "NVIDIA H100 80GB HBM3", "h100"),
        (None, "NVIDIA RTX A6000", "nvidia_rtx_a6000"),
    ],
)
def test_a_gpu_goes_by_the_type_asked_for_or_by_its_name(demo, flow_of, asked, hardware, device):
    found = calibration.learnt(
        [(timing(device="cuda", hardware=hardware, gpu_memory_mb=900.0), asked)], flow_of(demo), COSTS, TODAY
    )
    assert found["device"] == found["rates"][0]["device"] == device
    assert found["rates"][0]["gpu_memory_mb"] == 900
    # a device that the table lacks begins as the one that plans were made for
    assert set(found.get("devices", {})) == {device} - {"h100"}
    for new in found.get("devices", {}).values():
        assert new["startup_seconds"] == 4.0
        assert new["training_operations"] == COSTS.devices["h100"].training_operations


def test_what_a_job_measured_without_seeing_its_gpu_is_the_cpu_s(demo, flow_of):
    found = calibration.learnt([(timing(device="cpu"), "a100")], flow_of(demo), COSTS, TODAY)
    assert [rate["device"] for rate in found["rates"]] == ["cpu"]
    assert "devices" not in found


def test_after_two_types_plans_are_made_for_what_they_were(demo, flow_of):
    found = calibration.learnt(
        [(timing(device="cuda"), "h100"), (timing(device="cuda"), "a100")], flow_of(demo), COSTS, TODAY
    )
    assert "device" not in found and len(found["rates"]) == 2


@pytest.mark.parametrize(
    ("device", "slurm", "kept"), [("cpu", True, False), ("cpu", False, True), ("a100", True, True)]
)
def test_where_there_is_slurm_no_measurement_takes_the_gpus_from_its_jobs(tmp_path, monkeypatch, device, slurm, kept):
    monkeypatch.setenv("PATH", str(tmp_path))
    if slurm:
        (tmp_path / "sbatch").touch(mode=0o755)
    left = cli_costs.without_cpu({"device": device, "rates": []})
    assert left == ({"device": device, "rates": []} if kept else {"rates": []})


def test_a_process_that_is_killed_is_an_error_with_its_setting(monkeypatch, tmp_path):
    # the spawned process fails to read its argument as one that was killed does: by its end
    sample = Sample(SimpleNamespace(setting="digits"), _Deadly(), 1, tmp_path, 1, tmp_path)
    with pytest.raises(RuntimeError, match=re.escape("digits: the training was killed on this machine")):
        calibration.measure_here([sample], print)


class _Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (9,)
