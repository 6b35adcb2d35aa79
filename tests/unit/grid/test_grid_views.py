"""Views, and what the comparisons of a study stand for."""

import json
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.files import canonical_json
from whyalike.grid import views
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.views import View
from whyalike.grid.workflow import Workflow

CELL = Cell("digits", "dataset", 0)
STUDY = "dataset_overlap"


@pytest.fixture
def named(demo):
    """The demo with a deeper setting beside `digits`, a kept step, and the comparisons that a test adds."""
    demo["recipes"]["digits"]["keep_steps"] = [0, 50]
    demo["settings"]["digits"]["layers"] = ["layer1", "avgpool"]
    demo["settings"]["half"] = {**demo["settings"]["digits"], "model": "resnet8_half", "layers": ["layer2", "avgpool"]}
    study = demo["studies"][STUDY]
    study |= {"settings": ["digits", "half"], "comparisons": {}}
    study["stimuli"] = {"digits": ["digits_test", "photographs"], "half": ["photographs", "digits_test"]}
    return demo


def asked(values, **comparisons):
    """The grid and the comparisons of the study, with these beside its own."""
    values["studies"][STUDY]["comparisons"] = comparisons
    grid = Grid(check(values))
    return grid, views.comparisons(grid.config, STUDY)


def faults(values, **comparison):
    with pytest.raises(ConfigError) as error:
        asked(values, **{"across": {"a": "digits", **comparison}})
    return str(error.value)


def test_a_view_is_its_run_its_start_or_a_step_of_its_own(named):
    grid, _ = asked(named)
    run, other = grid.runs(CELL)[:2]
    assert View(run, "avgpool").identity == View(run, "layer1").identity == run.identity
    assert View(run, "avgpool", 0).identity == run.untrained
    steps = [View(run, "avgpool", 50), View(run, "avgpool", 51), View(other, "avgpool", 50)]
    seen = [View(run, "avgpool", look={"pooling": "center"}), View(run, "avgpool", 50, look={"recalibration": 512})]
    assert len({one.identity for one in (*steps, *seen)} | {run.identity, run.untrained}) == 7


def test_every_setting_has_a_comparison_of_its_name_before_the_named_ones(named):
    _, known = asked(named, across={"a": "digits", "b": "half"})
    assert list(known) == ["digits", "half", "across"]
    assert known["digits"].layers is None and known["digits"].steps == ((None, None),)
    assert known["across"].layers == (("avgpool", "avgpool"),)


def test_layers_and_steps_are_pairs(named):
    across = {"a": "digits", "b": "half", "layers": "all", "steps": [0, "final", [0, 50]]}
    _, known = asked(named, across=across, some={"a": "half", "layers": [["layer2", "avgpool"]]})
    assert known["across"].layers == (
        ("layer1", "layer2"), ("layer1", "avgpool"), ("avgpool", "layer2"), ("avgpool", "avgpool"),
    )  # fmt: skip
    assert known["across"].steps == ((0, 0), (None, None), (0, 50))
    assert known["some"].layers == (("layer2", "avgpool"),) and known["some"].b == "half"


def test_model_a_is_of_the_one_setting_and_model_b_of_the_other_at_each_level(named):
    grid, known = asked(named, across={"a": "digits", "b": "half"})
    across = [pair.runs for pair in views.pairs(grid, STUDY, known["across"])]
    own = {name: list(grid.pairs(STUDY, name)) for name in ("digits", "half")}
    assert [pair.condition for pair in across] == [pair.condition for pair in own["digits"]]
    assert [pair.run_a for pair in across] == [pair.run_a for pair in own["digits"]]
    assert [pair.run_b for pair in across] == [pair.run_b for pair in own["half"]]


def test_a_comparison_has_the_stimuli_and_seeds_of_both_settings(named):
    named["studies"][STUDY]["stimuli"]["half"] = ["digits_test"]
    grid, known = asked(named, across={"a": "digits", "b": "half"})
    assert views.stimuli(grid.config, STUDY, known["across"]) == ("digits_test",)
    grid = Grid(grid.config, without=[Cell("half", "dataset", 1), Cell("digits", "dataset", 2)])
    assert {pair.runs.seed for pair in views.pairs(grid, STUDY, known["across"])} == {0, 3, 4}


def test_a_cell_extracts_the_kept_steps_of_its_side_and_no_others(named):
    grid, _ = asked(named, across={"a": "digits", "b": "half", "steps": [[50, "final"], 0]})
    steps = views.kept_steps(grid, CELL, "digits_test")
    run_a = next(run for run in grid.runs(CELL) if run.name == "A")
    assert steps == {View(run_a, "avgpool", 50).identity: (run_a.identity, 50)}
    assert views.kept_steps(grid, Cell("half", "dataset", 0)) == {}


def test_parameters_of_extraction_change_where_steps_are_asked_for_alone(named):
    def work(stimuli="digits_test", **comparisons):
        asked(named, **comparisons)
        return Workflow(check(named)).activations_work(SimpleNamespace(**vars(CELL), stimuli=stimuli))

    before = work()
    assert work(across={"a": "digits", "b": "half", "layers": "all", "steps": ["final", 0]}) == before
    after = json.loads(work(early={"a": "digits", "steps": [50]}))
    steps = after.pop("steps")
    assert canonical_json(after) == before and len(steps) == len(after["runs"])
    assert set(map(tuple, steps.values())) == {(run, 50) for run in after["runs"]}


def test_a_scoring_job_reads_both_settings_and_knows_views_by_name(named):
    asked(named, across={"a": "digits", "b": "half", "layers": "all", "steps": [[50, 0]]})
    flow = Workflow(check(named))
    job = SimpleNamespace(study=STUDY, comparison="across", stimuli="digits_test")
    folder = "results/demo/activations"
    assert flow.comparison_activations(job)[::5] == [
        f"{folder}/{setting}/dataset/seed0/digits_test.{layer}.parquet"
        for setting, layer in (("digits", "layer1"), ("digits", "avgpool"), ("half", "layer2"), ("half", "avgpool"))
    ]
    assert len(flow.comparison_manifests(job)) == 10
    assert flow.study_scores(STUDY)[-2:] == [
        f"results/demo/similarity/{STUDY}/across/{stimuli}.parquet" for stimuli in ("digits_test", "photographs")
    ]
    assert not any("across" in path for path in flow.settings_scores())
    work = json.loads(flow.similarity_work(job))
    assert (work["setting"], work["setting_b"], len(work["layer_pairs"])) == ("digits", "half", 4)
    [run_b] = [run for run in flow.grid.runs(Cell("half", "dataset", 0)) if run.name == "B@0"]
    pair = next(pair for pair in work["pairs"] if pair["condition"] == "0" and pair["seed"] == 0)
    assert (pair["name_a"], pair["name_b"], pair["step_a"], pair["step_b"]) == ("A", "B@0", 50, 0)
    assert pair["run_b"] == run_b.identity and pair["view_b"] == run_b.untrained


@pytest.mark.parametrize(
    ("comparison", "fault"),
    [
        ({"b": "halve"}, "across.b: 'halve' is not under studies.dataset_overlap.settings. Did you mean 'half'?"),
        ({"b": "colorshapedigit"}, "across.b: 'colorshapedigit' is not under studies.dataset_overlap.settings."),
        ({"layers": [["layer1", "layer9"]]}, "across.layers: 'layer9' is not under settings.digits.layers."),
        ({"layers": "some"}, "across.layers: layers are same, all, or a list of [layer of A, layer of B]"),
        (
            {"steps": [10]},
            "'digits' keeps no weights of step 10: it is not under recipes.digits.keep_steps. Kept: 0, 50",
        ),
        ({"steps": [[0, 50, 50]]}, "a pair of steps is [step of A, step of B]"),
        ({"steps": [50, [50, 50]]}, "name at least one step, and each step or pair of steps once"),
        ({"step": [50]}, "across.step: unknown key"),
    ],
)
def test_a_comparison_that_cannot_be_made_is_a_fault(named, comparison, fault):
    assert fault in faults(named, **comparison)


def test_a_comparison_cannot_have_the_name_of_a_setting(named):
    with pytest.raises(ConfigError, match=r"comparisons\.colorshapedigit: a setting has this name"):
        asked(named, colorshapedigit={"a": "digits"})


def test_pairs_of_other_labels_or_without_common_stimuli_and_layers_are_faults(named):
    named["settings"]["half"] |= {"layers": ["layer2"], "dataset": "colorshapedigit", "labelling": "shape"}
    named["studies"][STUDY]["stimuli"] = {"digits": ["digits_test"], "half": ["photographs"]}
    text = faults(named, b="half")
    assert "the dataset of 'digits' is digits, that of 'half' colorshapedigit." in text
    assert "the labelling of 'digits' is digit, that of 'half' shape." in text
    assert "the study has no stimuli that are both of 'digits' and of 'half'" in text
    assert "none of the same name: name pairs of layers, or write all" in text


@pytest.fixture
def external(demo):
    one = {"dataset": "digits", "labelling": "digit", "runs": ["x", "y"], "activations": "my/one/{run}.{stimuli}.npy"}
    demo["settings"] |= {"one": one, "two": {**one, "runs": ["y", "z"], "activations": "my/two/{run}.{stimuli}.npy"}}
    demo["studies"]["theirs"] = {"factor": "external", "settings": ["one", "two"], "stimuli": ["digits_test"]}
    demo["studies"]["theirs"]["comparisons"] = {"both": {"a": "one", "b": "two"}}
    return demo


def test_each_run_of_one_external_setting_meets_each_of_another(external):
    grid = Grid(check(external))
    both = views.comparisons(grid.config, "theirs")["both"]
    names = [(pair.runs.run_a.name, pair.runs.run_b.name) for pair in views.pairs(grid, "theirs", both)]
    assert names == [("x", "y"), ("x", "z"), ("y", "y"), ("y", "z")]


def test_external_runs_of_another_setting_must_be_there_and_have_no_steps(external):
    external["studies"]["theirs"] |= {"settings": ["one", "two"], "pairs": [{"a": "x", "b": "y"}]}
    external["studies"]["theirs"]["comparisons"]["both"]["steps"] = [0]
    with pytest.raises(ConfigError) as error:
        check(external)
    assert "the runs of 'one' come from files, which have no step 0" in str(error.value)
    external["settings"]["two"]["runs"] = ["z"]
    with pytest.raises(ConfigError, match=r"both\.b: 'two' has no run y\. Runs: z\."):
        check(external)


def test_every_view_is_listed_with_its_run_and_its_step(named):
    grid, _ = asked(named, across={"a": "digits", "b": "half", "steps": [[50, "final"]]})
    cells = {Cell(cell["setting"], cell["factor"], cell["seed"]): cell["views"] for cell in views.listed(grid)}
    assert list(cells) == list(grid.cells)
    of_a = {view.get("step"): view for view in cells[CELL] if view["name"] == "A"}
    run = next(run for run in grid.runs(CELL) if run.name == "A")
    assert set(of_a) == {None, 0, 50}
    assert {step: view["view"] for step, view in of_a.items()} == {
        step: View(run, "avgpool", step).identity for step in of_a
    }
    assert {view["run"] for view in of_a.values()} == {run.identity}
    assert {view.get("step") for view in cells[Cell("half", "dataset", 0)]} == {None, 0}
