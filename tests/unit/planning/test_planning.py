"""What jobs are expected to cost, from the configuration, the cost table and the run store alone."""

import io
import logging
import math
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from whyalike.cluster.site import Site
from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.runs import Cell
from whyalike.grid.workflow import Workflow
from whyalike.planning import costs
from whyalike.planning.estimates import Estimate
from whyalike.planning.plan import SHORT, Plan
from whyalike.planning.plan_table import NAME, UNKNOWN, PlanHandler, PlannedJob, Row, makespan, number, outlook, table

COSTS = Path(__file__).parents[3] / "config" / "costs.yaml"
CELL = {"setting": "digits", "factor": "dataset", "seed": "0"}


@pytest.fixture
def values():
    """The shipped cost table as plain values."""
    return yaml.safe_load(COSTS.read_text(encoding="utf-8"))


@pytest.fixture
def plan_of(tmp_path, values):
    """Makes a plan of a configuration with an empty store, and the shipped costs or changed ones."""

    def make(config, **changed):
        flow = Workflow(check(config))
        return Plan(flow.config, flow.grid, costs.Costs.model_validate({**values, **changed}), tmp_path / "runs")

    return make


def stored(plan, *identities):
    """Put finished runs into the store of a plan."""
    for identity in identities:
        (plan.store / identity).mkdir(parents=True)
        (plan.store / identity / "result.json").write_text("{}")


def paper_cell(demo, dataset, model, recipe, size, **labels):
    """The demo with its digits setting made one of the paper's cells."""
    demo["datasets"]["own"] = dataset
    demo["models"]["own"] = {"family": "resnet", "blocks": [2, 2, 2, 2], "widths": [64, 128, 256, 512], **model}
    demo["recipes"]["own"] = {**demo["recipes"]["digits"], "precision": "bfloat16", "peak_epoch": 10, **recipe}
    demo["settings"]["own"] = {"dataset": "own", "model": "own", "recipe": "own", "size": size, **labels}
    return demo


# ---- the cost table ----


def test_the_shipped_table_is_sound():
    assert costs.read(COSTS).device in costs.read(COSTS).devices


@pytest.mark.parametrize(
    ("dataset", "model", "recipe", "size", "labelling", "seconds"),
    [
        # 25,000 images (48 batches of 512) x 70 epochs; 50,000 x 100 of TinyImageNet
        ({"source": "cifar10"}, {"stem": "3x3"}, {"batch_size": 512, "epochs": 70}, 32, "class", 16.4),
        ({"source": "tinyimagenet"}, {"stem": "7x7"}, {"batch_size": 256, "epochs": 100}, 64, "class", 14),
    ],
)
def test_the_papers_cells_cost_what_was_derived_for_them(
    demo, plan_of, dataset, model, recipe, size, labelling, seconds
):
    demo = paper_cell(demo, dataset, model, recipe, size, labelling=labelling)
    demo["studies"]["dataset_overlap"] |= {"settings": ["own"], "min_accuracy": 0}
    plan = plan_of(demo)
    estimate = plan.estimate("train_models", {**CELL, "setting": "own"})
    # within 3 %: the last partial batch of an epoch is dropped
    assert [run.seconds for run in estimate.runs.values()] == pytest.approx([seconds] * 6, rel=0.03)
    assert "given" in estimate.sources


@pytest.mark.parametrize(("objective", "passes"), [("simclr", 2), ("moco", 4 / 3), ("captions", 1)])
def test_a_contrastive_step_costs_its_passes_whether_a_rate_is_known_or_not(demo, plan_of, objective, passes):
    demo["recipes"]["digits"] = {
        "objective": objective, "lr": 0.1, "epochs": 70, "batch_size": 512, "mean": [78], "std": [96]
    }  # fmt: skip
    cell = Cell("digits", "dataset", 0)
    known = {"match": {"family": "resnet"}, "device": "h100", "samples_per_second": 1000, "source": "given"}
    demo["operation"] = {"device": "auto"}
    for rates, beside in (((known,), 0.0), ((), 0.005)):
        plan = plan_of(demo)
        plan.costs = plan.costs.model_copy(update={"rates": tuple(map(costs.Rate.model_validate, rates))})
        seconds, _, _ = plan.step(cell)
        one = plan.step_of(plan.workload.features("digits"), plan.workload.model("digits"), 512)[0]
        assert seconds - beside == pytest.approx(passes * (one - beside))
        assert seconds > beside


def test_label_overlap_trains_on_all_images_of_the_data_set(demo, plan_of):
    csd = {"source": "colorshapedigit"}  # 800,000 images
    demo = paper_cell(demo, csd, {"stem": "7x7"}, {"batch_size": 512, "epochs": 20}, 28, labelling="digit")
    demo["studies"]["label_overlap"] |= {"settings": ["own"], "min_accuracy": 0}
    estimate = plan_of(demo).estimate("train_models", {"setting": "own", "factor": "label", "seed": "0"})
    assert [run.seconds for run in estimate.runs.values()] == pytest.approx([12] * 7, rel=0.01)


def test_a_rate_of_a_setting_goes_before_one_with_more_keys_and_unknown_keys_never_fit(values):
    rates = [
        {"match": {"family": "resnet", "stem": "3x3"}, "device": "h100", "samples_per_second": 1, "source": "given"},
        {"match": {"setting": "mine"}, "device": "h100", "samples_per_second": 2, "source": "given"},
        {"match": {"setting": "mine", "depth": 3}, "device": "h100", "samples_per_second": 3, "source": "given"},
        {"match": {"setting": "mine"}, "device": "h100", "samples_per_second": 4, "source": "measured"},
        {"match": {"setting": "mine"}, "device": "cpu", "samples_per_second": 5, "source": "measured"},
    ]
    known = costs.Costs.model_validate({**values, "rates": rates})
    features = {"family": "resnet", "stem": "3x3", "setting": "mine"}
    assert known.rate(features, "h100", "training").samples_per_second == 4
    assert known.rate({**features, "setting": "other"}, "h100", "training").samples_per_second == 1
    assert known.rate({"family": "gpt"}, "h100", "training") is None
    assert known.rate(features, "h100", "extraction") is None


def test_a_local_table_goes_over_the_shipped_one(tmp_path, values):
    rate = {"match": {"setting": "digits"}, "device": "a40", "step_seconds": 0.001, "source": "measured"}
    a40 = {**values["devices"]["h100"], "startup_seconds": 20, "source": "measured"}
    local = {"device": "a40", "devices": {"a40": a40}, "rates": [rate]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(local))
    before, after = (costs.read(COSTS, tmp_path / name) for name in ("absent.yaml", "own.yaml"))
    assert after.device == "a40" and set(after.devices) == {*before.devices, "a40"}
    assert after.rates[0].source == "measured" and after.rates[1:] == before.rates
    assert after.reserve == before.reserve


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"device": "h1000"}, "device: 'h1000' is not under devices. Known: "),
        ({"units": {"mu": 20}}, "units: the key 'other' is missing"),
        ({"stages": {}}, "stages: the key 'other' is missing"),
        ({"rates": [{"match": {"a": 1}, "device": "x", "source": "given", "step_seconds": 1}]}, "rates.0.device: 'x'"),
        ({"devic": "cpu"}, "devic: unknown key. Did you mean 'device'?"),
        ({"reserve": {"margin_minutes": 0, "measured": 1, "given": 1, "guessed": 1}}, "reserve.margin_minutes"),
        ({"rates": [{"match": {"size": 1}, "device": "cpu", "source": "felt", "step_seconds": 1}]}, "rates.0.source"),
        ({"rates": [{"match": {"size": 1}, "device": "cpu", "source": "given"}]}, "one of samples_per_second and step"),
        (
            {"rates": [{"match": {"size": 1}, "device": "cpu", "source": "given", "step_seconds": 1,
                        "work": "extraction"}]},
            "give samples_per_second for extraction",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_the_table_is_told_with_file_and_key(tmp_path, values, changed, message):
    path = tmp_path / "costs.yaml"
    path.write_text(yaml.safe_dump({**values, **changed}))
    with pytest.raises(ConfigError, match=re.escape(message)) as fault:
        costs.read(path)
    assert str(path) in str(fault.value)


def test_a_fault_of_the_local_table_names_the_local_file(tmp_path):
    (tmp_path / "own.yaml").write_text("device: abacus\n")
    with pytest.raises(ConfigError, match=r"own\.yaml: 1 fault"):
        costs.read(COSTS, tmp_path / "own.yaml")


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "not valid YAML"), ("- a", "must hold keys"), (None, "no cost")]
)
def test_a_table_that_cannot_be_read_is_told(tmp_path, text, message):
    path = tmp_path / "costs.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        costs.read(path)


# ---- estimates ----


def test_a_training_job_costs_its_start_and_the_runs_that_the_store_lacks(demo, plan_of):
    plan = plan_of(demo)
    whole = plan.estimate("train_models", CELL)
    assert len(whole.runs) == 6
    one, two, *others = whole.runs
    stored(plan, one, two)
    (plan.store / others[0]).mkdir()  # begun, not finished
    less = plan_of(demo).estimate("train_models", CELL)
    assert set(less.runs) == set(others)
    assert less.seconds == pytest.approx(whole.seconds - 2 * whole.runs[one].seconds)
    stored(plan, *others[1:])
    (plan.store / others[0] / "result.json").write_text("{}")
    nothing = plan_of(demo).estimate("train_models", CELL)
    assert not nothing.runs and nothing.seconds == plan.costs.devices["h100"].startup_seconds


def test_parameters_do_not_depend_on_what_the_store_holds(demo, tmp_path):
    demo["results"] = str(tmp_path)
    wildcards = SimpleNamespace(**CELL)
    flow = Workflow(check(demo))
    before = flow.training_work(wildcards)
    for run in flow.grid.runs(next(iter(flow.grid.cells))):
        folder = Path(flow.store, run.identity)
        folder.mkdir(parents=True)
        (folder / "result.json").write_text("{}")
    assert Workflow(check(demo)).training_work(wildcards) == before


def test_runtime_is_whole_minutes_above_what_is_expected_and_grows_with_each_attempt(demo, plan_of):
    plan, wildcards = plan_of(demo), CELL
    seconds = plan.expected_seconds("train_models")(wildcards)
    minutes = [plan.runtime("train_models")(wildcards, attempt) for attempt in (1, 2, 3)]
    assert isinstance(seconds, int) and all(isinstance(value, int) for value in minutes)
    assert 60 * minutes[0] > seconds
    assert minutes[1:] == [2 * minutes[0], 3 * minutes[0]]
    plan.max_minutes = 2 * minutes[0] + 1
    assert [plan.runtime("train_models")(wildcards, attempt) for attempt in (1, 2, 3)] == [*minutes[:2], minutes[1] + 1]


def test_what_is_guessed_reserves_more_than_what_was_measured(demo, plan_of):
    reserve = plan_of(demo).costs.reserve
    measured, guessed = (reserve.minutes(600, how) for how in (["measured"], ["measured", "guessed"]))
    assert measured == reserve.margin_minutes + 10 * reserve.measured
    assert guessed == reserve.margin_minutes + 10 * reserve.guessed > measured


def test_scoring_grows_with_the_square_of_the_stimuli_and_with_the_pairs(demo, plan_of):
    other = {"row_squared": 1e-6, "pair_row": 1e-3}
    scoring = {"seconds": 1, "families": {"other": other}}
    wildcards = {
        "study": "dataset_overlap",
        "comparison": "digits",
        "stimuli": "colorshapedigit_test",
        "job": "kernels",
    }
    # of each of 5 seeds A, 5 levels of B and both starts; two scorings of each pair, under both protocols, n = 600
    models, pairs = 5 * (1 + 5 + 2), 5 * 5
    for n in (600, 300):
        demo["stimuli"]["colorshapedigit_test"]["n"] = n
        seconds = plan_of(demo, scoring=scoring).estimate("score_comparison", wildcards).seconds
        assert seconds == pytest.approx(1 + 2 * (models * 1e-6 * n**2 + pairs * 2 * 1e-3 * n))
    parts = [{**wildcards, "part": f".part{part}"} for part in range(3)]
    demo["operation"] = {"seeds_per_score_job": 2}
    plan = plan_of(demo, scoring={"seconds": 0, "families": {"other": other}})
    work = [plan.estimate("score_comparison", part).seconds for part in parts]
    assert work == pytest.approx([(seconds - 1) * share for share in (2 / 5, 2 / 5, 1 / 5)])


def test_a_family_takes_its_share_of_the_scoring(demo, plan_of):
    each = {"kernels": 0.1, "neighbours": 0.2, "other": 0.5}
    families = {name: {"pair_row": share} for name, share in each.items()}
    plan = plan_of(demo, scoring={"seconds": 2, "work": 3, "families": families})
    comparison = {"study": "dataset_overlap", "comparison": "digits", "stimuli": "digits_test"}
    n, _ = plan.workload.stimuli("digits_test")
    jobs = {"kernels": 2 * 0.1, "neighbours": 5 * 0.2, "rbf": 0.5}  # scorings of each, under two protocols
    found = {job: plan.estimate("score_comparison", {**comparison, "job": job}).seconds for job in jobs}
    assert found == pytest.approx({job: 2 + 3 * 25 * 2 * n * share for job, share in jobs.items()})


def test_pairs_cost_more_with_draws_where_their_nulls_have_no_closed_form(demo, plan_of):
    families = {"kernels": {"pair_row": 1, "draws": False}, "other": {"pair_row": 1}}
    comparison = {"study": "dataset_overlap", "comparison": "digits", "stimuli": "digits_test"}
    found = {"kernels": [], "svcca": []}
    for demo["similarity"]["permutations"] in (19, 99):
        plan = plan_of(demo, scoring={"seconds": 0, "families": families})
        for job, seconds in found.items():
            seconds.append(plan.estimate("score_comparison", {**comparison, "job": job}).seconds)
    assert found["kernels"][0] == found["kernels"][1]
    assert found["svcca"][1] == pytest.approx(5 * found["svcca"][0])  # 100 scores of each null in place of 20


def test_extraction_counts_trained_and_untrained_models(demo, plan_of):
    rate = {"match": {"family": "resnet"}, "device": "h100", "work": "extraction", "samples_per_second": 100,
            "source": "given"}  # fmt: skip
    plan = plan_of(demo, rates=[rate])
    estimate = plan.estimate("extract_avgpool", {**CELL, "stimuli": "colorshapedigit_test"})
    # 6 trained and 2 untrained models, 600 stimuli, 64 units of 4 bytes
    assert estimate.own_bytes == 8 * 600 * 64 * 4
    assert estimate.seconds == plan.costs.devices["h100"].startup_seconds + 8 * 600 / 100


@pytest.mark.parametrize(("kept", "share"), [("keep", 1), ("float16", 0.5), ("recompute", 0)])
def test_the_plan_tells_what_representations_take_in_every_form(demo, plan_of, kept, share):
    demo["activations"] = kept
    # the user's files may hold so many: the plan opens none
    demo["datasets"]["photographs"] = {"source": "images", "folder": "my/images", "title": "mine", "size": 20}
    demo["stimuli"]["photographs"]["n"] = 500_000
    plan, wildcards = plan_of(demo), {**CELL, "stimuli": "photographs"}
    # 8 models, 500,000 stimuli, 64 units of 4 bytes: 1.024 GB a seed; 5 seeds are compared at once
    estimate = plan.estimate("extract_avgpool", wildcards)
    assert estimate.own_bytes == share * 1.024e9
    assert plan.largest_comparison() == 5 * 1.024e9
    sentences = said([planned(plan, "extract_avgpool", wildcards)], plan, UNKNOWN)
    assert (
        "take 1.02 GB with keep, 0.51 GB with float16, 0 GB with recompute, at least 5.12 GB for a while" in sentences
    )
    assert f"Chosen: {kept}." in sentences


def test_the_plan_of_a_draw_counts_what_is_drawn(demo, plan_of):
    pictures = {"source": "webdataset", "folder": "mine", "title": "mine", "size": 8}
    demo["datasets"] |= {"all": pictures, "drawn": {**pictures, "balanced": 500, "parts": ["train"]}}
    demo["stimuli"] |= {
        "drawn": {"dataset": "drawn", "part": "train"}, "few": {"dataset": "all", "balanced": 90, "part": "train"},
    }  # fmt: skip
    workload = plan_of(demo).workload
    assert vars(workload.images("drawn")[0]) == {"train": 500, "test": 0}
    assert workload.bytes_of_images("drawn") == 500 * 8 * 8 * 3
    assert [workload.stimuli(name) for name in ("drawn", "few")] == [(500, False), (90, False)]


def test_a_plan_without_extraction_says_nothing_of_representations(demo, plan_of):
    plan = plan_of(demo)
    assert "Representations" not in said([planned(plan, "train_models", CELL)], plan, UNKNOWN)


def test_a_job_is_needed_by_the_studies_that_ask_for_its_stimuli_in_its_setting(demo, plan_of):
    demo["settings"]["twin"] = demo["settings"]["digits"]
    own = {"digits": ["digits_test"], "twin": ["photographs"]}
    demo["studies"]["dataset_overlap"] |= {"settings": list(own), "stimuli": own}
    demo["studies"]["second"] = {**demo["studies"]["dataset_overlap"], "stimuli": ["digits_test", "photographs"]}
    plan = plan_of(demo)
    extracted = plan.estimate("extract_avgpool", {**CELL, "stimuli": "digits_test"})
    assert set(extracted.studies) == {"dataset_overlap", "second"}
    assert set(plan.estimate("extract_avgpool", {**CELL, "stimuli": "photographs"}).studies) == {"second"}
    assert {"dataset_overlap", "second"} <= set(plan.estimate("prepare_data", {"dataset": "photographs"}).studies)


@pytest.mark.parametrize(
    ("changes", "size"),
    [({}, 2 * 6 * 100_000), ({"corpora": ["names"], "max_tokens": 5000}, 2 * 5000), ({"max_tokens": None}, 5e8)],
)
def test_text_takes_two_bytes_a_token_where_tokens_are_capped_and_else_what_the_table_says(
    demo, plan_of, changes, size
):
    demo["datasets"]["words"] = {"source": "bundled_text", **changes}
    plan = plan_of(demo)
    assert plan.estimate("prepare_data", {"dataset": "words"}).own_bytes == size
    corpora = len(changes.get("corpora", range(6)))
    parts, known = plan.workload.images("words")
    assert (parts.train, parts.test, known) == (80 * corpora, 500 * corpora, True)


def test_without_a_gpu_none_is_asked_for_and_the_cpus_costs_count(demo, plan_of):
    assert plan_of(demo).gpus == 1
    demo["operation"] = {"device": "cpu"}
    plan = plan_of(demo)
    assert plan.gpus == 0 and plan.device == "cpu"
    # the demo's benchmark: 10 to 20 s for this cell on one core; a guess within a factor of three
    assert 5 < plan.estimate("train_models", CELL).seconds < 40


@pytest.mark.parametrize("name", ["write_tables", "a_rule_of_tomorrow"])
def test_a_rule_without_wildcards_has_a_fixed_cost(demo, plan_of, name):
    assert plan_of(demo).estimate(name, {}).seconds == 10


@pytest.mark.parametrize(("group", "seconds"), [("k4_width16", 24), ("k18_width256", 630), ("digits_m5", 220)])
def test_a_job_costs_what_the_table_says_of_a_word_of_its_name(demo, plan_of, group, seconds):
    assert plan_of(demo).estimate("train_embeddings", {"group": group}).seconds == seconds


def test_runs_from_files_are_extracted_and_scored_but_not_trained(demo, plan_of):
    demo["settings"]["files"] = {
        "dataset": "digits", "labelling": "digit", "runs": ["a", "b", "c"], "checkpoints": "{run}.pt",
        "model": "resnet8", "size": 8, "mean": [0, 0, 0], "std": [1, 1, 1],
    }  # fmt: skip
    demo["studies"]["mine"] = {"factor": "external", "settings": ["files"], "stimuli": ["colorshapedigit_test"]}
    plan = plan_of(demo, scoring={"seconds": 0, "families": {"other": {"pair_row": 1 / 600}}})
    imported = plan.estimate("import_runs", {"setting": "files", "seed": "0"})
    assert (imported.factor, set(imported.studies), imported.runs) == ("external", {"mine"}, {})
    wildcards = {"setting": "files", "factor": "external", "seed": "0", "stimuli": "colorshapedigit_test"}
    # 3 models and the 3 that they started from, 600 stimuli, 64 units of 4 bytes
    assert plan.estimate("extract_avgpool", wildcards).own_bytes == 6 * 600 * 64 * 4
    comparison = {"study": "mine", "comparison": "files", "stimuli": "colorshapedigit_test", "job": "kernels"}
    assert plan.estimate("score_comparison", comparison).seconds == pytest.approx(
        3 * 2 * 2
    )  # pairs, by two metrics and protocols


def test_every_cell_of_the_demo_and_the_default_is_planned(demo, plan_of):
    for config in (demo, yaml.safe_load(COSTS.with_name("config.yaml").read_text(encoding="utf-8"))):
        plan = plan_of(config)
        for cell in plan.grid.cells:
            wildcards = {key: str(value) for key, value in vars(cell).items()}
            assert plan.estimate("train_models", wildcards).runs
            for stimuli in plan.grid.stimuli(cell):
                assert plan.estimate("extract_", {**wildcards, "stimuli": stimuli}).own_bytes > 0


# ---- the table ----


def planned(plan, rule, wildcards):
    return PlannedJob(rule, plan.estimate(rule, wildcards), plan.gpus, 60, 1)


def rows(text):
    """Name -> the row's words."""
    lines = [line for line in text.splitlines() if re.match(r"(  \S|total)", line)]
    return {line[:NAME].strip(): line[NAME:].split() for line in lines}


def test_runs_of_two_studies_count_in_each_and_once_in_the_total(demo, plan_of):
    demo["studies"]["second"] = {**demo["studies"]["dataset_overlap"], "levels": ["0", "1", "0.1"]}
    plan = plan_of(demo)
    found = rows(table([planned(plan, "train_models", CELL)], plan))
    # A and five levels; A and three levels, two of them the same
    assert [found[name][:2] for name in ("dataset_overlap", "second", "total")] == [["1", "6"], ["1", "4"], ["1", "7"]]
    assert float(found["second"][3]) <= float(found["total"][3])


def test_a_run_that_two_cells_share_counts_once(demo, plan_of):
    demo["settings"]["twin"] = demo["settings"]["digits"]
    demo["studies"]["dataset_overlap"]["settings"] = ["digits", "twin"]
    plan = plan_of(demo, devices={name: {"startup_seconds": 0, "training_operations": 1e6, "extraction_operations": 1}
                                  for name in ("h100", "cpu")})  # fmt: skip
    jobs = [planned(plan, "train_models", {**CELL, "setting": name}) for name in ("digits", "twin")]
    total, single = Row(), Row()
    for job in jobs:
        total.add(job)
    single.add(jobs[0])
    assert total.runs == single.runs and total.gpu_seconds == single.gpu_seconds > 0
    assert (total.jobs, total.reserved) == (2, 2 * single.reserved)


def test_hours_are_reserved_by_runtime_and_gpu(demo, plan_of):
    plan = plan_of(demo)
    jobs = [planned(plan, "train_models", CELL), PlannedJob("write_tables", Estimate(3600), 0, 600, 2)]
    found = rows(table(jobs, plan))
    assert found["train_models"][2:] == ["1.00", "0.02", "0", "<0.01", "guessed"]
    assert found["write_tables"][2:] == ["0", "0", "2.00", "0", "-"]
    assert found["total"][2:] == ["1.00", "0.02", "2.00", "<0.01", "guessed"]
    assert found["(no factor)"][0] == "1"


def test_the_source_of_every_part_shows_in_the_total(demo, plan_of):
    plan = plan_of(demo)
    jobs = [PlannedJob("a", Estimate(sources=frozenset({how})), 0, 0, 1) for how in ("guessed", "measured", "given")]
    assert table(jobs, plan).endswith("measured, given, guessed")


def test_the_table_fits_100_columns_whatever_the_names(demo, plan_of):
    plan = plan_of(demo)
    sources = frozenset({"measured", "given", "guessed"})
    job = PlannedJob("extract_" + "layer" * 30, Estimate(9e9, 9e14, sources=sources), 1, 10**8, 1)
    assert max(len(line) for line in table([job], plan).splitlines()) <= 100


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.001, "<0.01"), (0.006, "0.01"), (12.346, "12.35"), (1000.4, "1000")]
)
def test_little_is_not_shown_as_nothing(value, text):
    assert number(value) == text


def test_a_study_that_only_shares_data_with_what_is_run_has_no_row(demo, plan_of):
    plan = plan_of(demo)
    jobs = [planned(plan, "prepare_data", {"dataset": "digits"}), planned(plan, "train_models", CELL)]
    found = rows(table(jobs, plan))
    assert found["dataset_overlap"][0] == "2" and "task_overlap" not in found and "(no single study)" not in found
    assert "(no single study)" in rows(table(jobs[:1], plan))


# ---- what the site adds ----


def gpu_job(hours, minutes=60, gpus=1, rule="train_models"):
    return PlannedJob(rule, Estimate(3600 * hours, sources=frozenset({"measured"})), gpus, minutes, 1)


def said(jobs, plan, site):
    """The sentences above the rows, each on one line."""
    return " ".join(table(jobs, plan, site).partition("\n\n")[0].split())


def test_the_table_tells_gpu_partition_and_hours_on_one_and_eight(demo, plan_of):
    text = said([gpu_job(3), gpu_job(2), gpu_job(2), gpu_job(7, gpus=0)], plan_of(demo), Site())
    assert "GPU: costs are of h100, the jobs ask for any type. Partition: the cluster's default." in text
    # the job without a GPU comes after those with one
    assert ("Expected wall-clock: 14.00 h on 1 GPU, 10.00 h on 8 GPUs: the 3 jobs with a GPU, then the longest job of "
            "each other rule (7.00 h).") in text  # fmt: skip
    assert "The longest jobs, as expected: train_models 7.00 h; train_models 3.00 h; train_models 2.00 h." in text
    assert "10 minutes each, and the expected time 1.5 times where costs are measured" in text
    assert "Cost" not in text and "WARNING" not in text


def test_the_site_says_how_many_gpus_of_which_type_where_and_at_what_price(demo, plan_of):
    site = Site(gpus=2, gpu_model="a100", partition="all", gpu_partition="gpu", price_per_gpu_hour=2.5)
    text = said([gpu_job(3, minutes=300), gpu_job(2), gpu_job(2)], plan_of(demo), site)
    assert "the jobs ask for a100 (if the costs do not hold there, set device in config/costs.local.yaml)" in text
    assert "Partition: gpu." in text
    assert "Expected wall-clock: 4.00 h on 2 GPUs: the 3 jobs" in text  # 3 h beside 2 + 2
    assert "Cost at 2.5 a GPU hour: 17.50 expected, 17.50 if all that is reserved is paid." in text  # 7 h; 5 + 1 + 1
    assert "(if the costs" not in said([gpu_job(1)], plan_of(demo), Site(gpu_model="H100"))


def test_without_a_gpu_the_longest_jobs_are_named_and_no_more(demo, plan_of):
    text = outlook([gpu_job(5, gpus=0)], plan_of(demo), Site(price_per_gpu_hour=2.5))
    assert text == ["The longest jobs, as expected: train_models 5.00 h."]


@pytest.mark.parametrize(("workers", "hours"), [(1, 11), (2, 6), (3, 5), (9, 5)])
def test_the_longest_job_goes_first_to_the_first_free_gpu(workers, hours):
    assert makespan([1, 5, 2, 3], workers) == hours


def test_jobs_that_would_reserve_more_than_the_site_allows_are_a_warning_with_advice(demo, plan_of):
    plan = plan_of(demo)
    plan.max_minutes = 120
    # 10 minutes of margin and 1.5 times what is expected: 100, 190 and 370 minutes
    jobs = [gpu_job(1), gpu_job(2), gpu_job(4), gpu_job(3, gpus=0, rule="score_comparison")]
    text = said(jobs, plan, Site())
    assert ("WARNING: 2 of 3 jobs of train_models would reserve more than max_minutes: 120 of config/site.yaml "
            "(up to 370; 240 expected). One that is cut off goes on from its checkpoint") in text  # fmt: skip
    assert "1 of 1 jobs of score_comparison would reserve more" in text and "(up to 280; 180 expected)" in text
    plan.max_minutes = 370
    assert "WARNING" not in said(jobs, plan, Site())


def test_before_anything_is_trained_the_plan_says_what_can_be_claimed_with_so_many_seeds(demo, plan_of):
    demo["studies"]["label_overlap"]["seeds"] = list(range(7))
    text = said([gpu_job(1)], plan_of(demo), Site())
    assert ("Findings of dataset_overlap: no claim is possible if every panel is there: with 5 seeds in each of 3 "
            "panels the smallest p (Holm) is 0.188; at least 7 seeds are needed.") in text  # fmt: skip
    # classes of both models, of one, of neither, one at a time, and two other sets
    assert (
        "Findings of task_overlap: no claim is possible if every panel is there: with 3 seeds in each of 6 panels"
        in text
    )
    assert (
        "Findings of label_overlap: a claim is possible if all seeds agree in sign (7 seeds, at most 3 panels: "
        "smallest p (Holm) 0.047)."
    ) in text
    assert "Findings of" not in said([gpu_job(1, rule="score_comparison")], plan_of(demo), Site())


# ---- jobs as a cluster gets them ----


def queued(seconds, submission, gpus=0, rule="score_comparison"):
    return PlannedJob(rule, Estimate(seconds), gpus, 60, 1, submission)


def test_the_jobs_of_a_group_are_one_and_those_beside_snakemake_none(demo, plan_of):
    jobs = [queued(90, 1), queued(20, 2, gpus=1), queued(70, 2, gpus=1), queued(3, None), queued(600, 3)]
    text = said(jobs, plan_of(demo), Site())
    assert "Jobs for a cluster's queue: 3, of 1.5 to 10.0 expected minutes, none under a minute" in text
    assert "Expected wall-clock: 0.19 h on 1 GPU" in text  # 90 s, and 600 s without one
    text = said([*jobs, queued(30, 4), queued(59, 5)], plan_of(demo), Site())
    assert "queue: 5, of 0.5 to 10.0 expected minutes, 2 under a minute" in text
    assert "queue" not in said([queued(3, None)], plan_of(demo), Site())


def test_the_stimulus_sets_of_a_cell_share_one_margin_and_one_limit(demo, plan_of):
    demo["studies"]["dataset_overlap"]["stimuli"] = ["digits_test", "photographs"]
    plan = plan_of(demo, reserve={"margin_minutes": 10, "measured": 1, "given": 1, "guessed": 1})
    assert plan.estimate("train_models", CELL).together == 1
    wildcards = {**CELL, "stimuli": "photographs"}
    estimate = plan.estimate("extract_avgpool", wildcards)
    minutes = estimate.seconds / 60
    assert estimate.together == 2
    assert plan.runtime("extract_avgpool")(wildcards, attempt=1) == math.ceil(5 + minutes)
    plan.max_minutes = 9
    assert plan.runtime("extract_avgpool")(wildcards, attempt=3) == 4  # twice 4 is no more than 9
    job = PlannedJob("extract_avgpool", estimate, 1, 4, 1)
    assert "2 of 2 jobs of extract_avgpool would reserve more than max_minutes: 9" in said([job, job], plan, Site())
    plan.max_minutes = 2 * math.ceil(5 + minutes)
    assert "WARNING" not in said([job, job], plan, Site())
    plan.max_minutes = math.ceil(5 + minutes)  # enough for one of them
    assert "WARNING" in said([job, job], plan, Site())
    plan.max_minutes = 1
    assert plan.runtime("extract_avgpool")(wildcards, attempt=1) == 1


def test_sample_text_starts_a_device_before_it_speaks(demo, plan_of):
    plan = plan_of(demo, stages={"write_sample_text": {"seconds": 5}, "other": {"seconds": 10}})
    start = plan.costs.devices[plan.device].startup_seconds
    assert plan.estimate("write_sample_text", {"sample": "words"}).seconds == 5 + start


def test_data_sets_of_seconds_are_told_apart(demo, plan_of):
    plan = plan_of(demo, stages={"prepare_data": {"seconds": 50, "seconds_per_image": 0.01}, "other": {"seconds": 10}})
    assert plan.short_datasets() == ["photographs"]  # of few images; the others are above a minute
    assert plan.estimate("prepare_data", {"dataset": "photographs"}).seconds < SHORT
    small = plan.estimate("prepare_small_data", {"dataset": "digits"})
    assert small == plan.estimate("prepare_data", {"dataset": "digits"})


# ---- the handler ----


def record(event=None, level=logging.INFO, message="", **fields):
    extra = {"event": SimpleNamespace(name=event)} if event else {}
    return logging.makeLogRecord({"levelno": level, "msg": message, **extra, **fields})


def job_info(rule="train_models", wildcards=CELL, **fields):
    resources = {"gpu": 1, "runtime": 90}
    work = {"resources": resources, "wildcards": wildcards, "threads": 1, "output": ["a"], "log": ["b"]}
    return record("JOB_INFO", rule_name=rule, **{**work, **fields})


def printed(plan, *records, site=UNKNOWN):
    stream = io.StringIO()
    handler = PlanHandler(plan, stream, site)
    for one in records:
        handler.handle(one)
    handler.close()
    handler.close()  # by Snakemake, and again by the interpreter
    return stream.getvalue()


def test_the_plan_is_printed_once_when_logging_ends(demo, plan_of):
    text = printed(plan_of(demo), job_info())
    assert text.count("GPU-hour plan") == 1
    assert rows(text)["total"][:3] == ["1", "6", "1.50"]


def test_jobs_that_snakemake_names_as_a_group_are_one_for_the_queue(demo, plan_of):
    extraction = {**CELL, "stimuli": "photographs"}
    pair = [record("GROUP_INFO", jobs={"a", "b"}), *[job_info("extract_avgpool", extraction)] * 2]
    stream = io.StringIO()
    handler = PlanHandler(plan_of(demo), stream, UNKNOWN, local={"make_splits"})
    for one in (job_info("make_splits"), *pair, job_info(), *pair, job_info("all", None, output=[], log=[])):
        handler.handle(one)
    handler.close()
    assert "Jobs for a cluster's queue: 3," in stream.getvalue()


def test_the_plan_that_is_printed_knows_the_site(demo, plan_of):
    assert "on 3 GPUs" in printed(plan_of(demo), job_info(), site=Site(gpus=3))


def test_a_target_rule_is_a_job_that_costs_nothing(demo, plan_of):
    target = job_info("all", None, output=[], log=[], resources={"runtime": 60})
    assert rows(printed(plan_of(demo), target))["all"] == ["1", "0", "0", "0", "0", "0", "-"]


def test_nothing_to_do_is_zero_hours(demo, plan_of):
    text = printed(plan_of(demo), record(message="Nothing to be done (all requested files are present)."))
    assert rows(text) == {"total": ["0", "0", "0", "0", "0", "0", "-"]}


def test_no_table_where_snakemake_names_no_job_but_a_word_why(demo, plan_of):
    text = printed(plan_of(demo), record("RUN_INFO"))
    assert text.startswith("No plan of hours") and "total" not in text


def test_no_table_after_a_fault(demo, plan_of, capsys, monkeypatch):
    assert printed(plan_of(demo), job_info(), record(level=logging.ERROR, message="no such file")) == ""
    monkeypatch.setattr(logging, "raiseExceptions", True)
    assert printed(plan_of(demo), job_info(wildcards={"setting": "unheard_of"})) == ""
    assert "KeyError" in capsys.readouterr().err
    assert printed(plan_of(demo)) == ""  # neither jobs nor nothing to do: no dry-run of jobs, such as --list-rules


def test_planning_imports_nothing_heavy():
    heavy = ("torch", "pandas", "sklearn", "scipy", "matplotlib", "snakemake")
    code = f"import sys, whyalike.planning.plan_table; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
