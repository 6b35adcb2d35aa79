"""Comparisons of all pairs of representations: what is compared, by which jobs, and what of it stays."""

import copy
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid import all_pairs, views
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow
from whyalike.planning.costs import read
from whyalike.planning.memory import Memory
from whyalike.planning.plan import Plan
from whyalike.similarity.all_pairs_parameters import AllPairsParameters
from whyalike.studies.main_line import MainLine

GIVEN = {"dataset": "digits", "labelling": "digit", "runs": ["clip", "dino"], "activations": "my/{run}.{stimuli}.npy"}
OURS = {
    "dataset": "digits", "labelling": "digit", "runs": ["a"], "checkpoints": "my/{run}.pt",
    "model": "resnet8", "size": 8, "mean": [78, 78, 78], "std": [96, 96, 96], "layers": ["layer1", "avgpool"],
}  # fmt: skip
COSTS = Path(__file__).parents[3] / "config" / "costs.yaml"
WILDCARDS = {"study": "models", "comparison": "everything", "stimuli": "digits_test"}


@pytest.fixture
def values(demo):
    """The demo with a zoo of a trained setting, of checkpoints and of activations from files."""
    demo["recipes"]["digits"]["keep_steps"] = [50]
    demo["settings"] |= {"given": copy.deepcopy(GIVEN), "ours": copy.deepcopy(OURS)}
    demo["settings"]["alone"] = copy.deepcopy(demo["settings"]["digits"])
    demo["studies"]["models"] = {
        "factor": "zoo", "settings": ["alone", "ours", "given"], "seeds": [0, 1], "stimuli": ["digits_test"],
        "comparisons": {"everything": {"of": "all", "steps": [0, 50, "final"]}},
    }  # fmt: skip
    return demo


def compared(values, stimuli="digits_test"):
    flow = Workflow(check(values))
    comparison = flow.comparisons("models")["everything"]
    return all_pairs.representations(flow.grid, "models", comparison, stimuli)


def faults(values, **comparison):
    values["studies"]["models"]["comparisons"]["everything"] = {"of": "all", **comparison}
    with pytest.raises(ConfigError) as error:
        check(values)
    return str(error.value)


def test_every_model_is_seen_at_each_layer_and_at_the_steps_that_it_has(values):
    found = [(one.setting, one.seed, one.name, one.step, one.layer) for one in compared(values)]
    trained = [("alone", seed, f"seed{seed}", step, "avgpool") for seed in (0, 1) for step in (0, 50, None)]
    files = [("ours", 0, "a", step, layer) for step in (0, None) for layer in ("layer1", "avgpool")]
    files += [("given", 0, name, None, "features") for name in ("clip", "dino")]
    assert found == trained + files
    assert len({(one.view, one.layer) for one in compared(values)}) == len(found)


def test_steps_of_a_rule_are_compared_where_models_are_known_to_have_them(values):
    values["recipes"]["digits"]["keep_steps"] = {"log2": True, "extra": [50]}
    values["studies"]["models"]["comparisons"]["everything"]["steps"] = [0, 8, 50, "final"]
    assert {one.step for one in compared(values) if one.setting == "alone"} == {0, 8, 50, None}
    said = faults(values, steps=[7])
    assert "has a step 7. Known: 0, 50, 1, 2, 4, ... below the end, final." in said


def test_models_that_start_from_the_same_weights_are_one_at_step_0(values):
    values["studies"]["models"] |= {"grid": 2, "seeds": [0], "settings": ["alone"]}
    steps = [one.step for one in compared(values)]
    assert steps.count(0) == 2 and steps.count(None) == 4


def test_a_setting_counts_on_the_stimuli_that_the_study_has_for_it(values):
    values["studies"]["models"]["stimuli"] = {"alone": ["digits_test", "photographs"], "ours": ["photographs"],
                                              "given": ["digits_test"]}  # fmt: skip
    for stimuli, settings in (("digits_test", {"alone", "given"}), ("photographs", {"alone", "ours"})):
        assert {one.setting for one in compared(values, stimuli)} == settings
        flow = Workflow(check(values))
        wildcards = SimpleNamespace(**{**WILDCARDS, "stimuli": stimuli}, job="kernels")
        assert {path.split("/")[3] for path in flow.comparison_activations(wildcards)} == settings


def test_stimuli_are_of_the_data_of_those_who_see_them(values):
    """That a model of other data is compared on other stimuli changes nothing."""
    values["settings"]["other"] = copy.deepcopy(values["settings"]["colorshapedigit"])
    stimuli = {"alone": ["digits_test"], "other": ["colorshapedigit_test"]}
    values["studies"]["models"] |= {"settings": ["alone", "other"], "stimuli": stimuli}
    values["studies"]["models"]["comparisons"]["everything"]["steps"] = ["final"]
    flow = Workflow(check(values))
    work = json.loads(flow.all_pairs_work(SimpleNamespace(**WILDCARDS, job="kernels")))
    assert (work["in_distribution"], work["labelling"]) == (True, "digit")


@pytest.mark.parametrize("kept", [{"extra": [50]}, {"log2": True}])
def test_steps_that_a_rule_keeps_are_steps_of_its_models(values, kept):
    values["recipes"]["digits"]["keep_steps"] = kept
    step = 50 if "extra" in kept else 32
    values["studies"]["models"]["comparisons"]["everything"]["steps"] = [step, "final"]
    flow = Workflow(check(values))
    steps = views.kept_steps(flow.grid, Cell("alone", "zoo", 0), "digits_test")
    assert [kept for _, kept in steps.values()] == [step]


def test_steps_that_are_compared_are_extracted(values):
    flow = Workflow(check(values))
    steps = views.kept_steps(flow.grid, Cell("alone", "zoo", 0), "digits_test")
    assert [step for _, step in steps.values()] == [50]
    assert set(steps) <= {one.view for one in compared(values)}


def test_one_job_a_family_scores_all_and_its_text_comes_back(values):
    flow = Workflow(check(values))
    jobs = [job for job in MainLine(flow).jobs() if job.rule == "score_all_pairs"]
    assert [job.wildcards["job"] for job in jobs] == list(flow.family_jobs())
    text = flow.all_pairs_work(SimpleNamespace(**jobs[0].wildcards))
    asked = AllPairsParameters.from_text(text)
    assert asked.permutations is None and asked.text() == text and len(asked.representations) == 12
    first = jobs[0].wildcards["job"]
    assert jobs[0].files == (f"{flow.root}/similarity/models/everything/all_pairs/digits_test.{first}.parquet",)
    values["studies"]["models"]["comparisons"]["everything"] |= {"nulls": True, "layers": "same"}
    asked = AllPairsParameters.from_text(Workflow(check(values)).all_pairs_work(SimpleNamespace(**jobs[0].wildcards)))
    assert asked.permutations == check(values).similarity.permutations and asked.same_layers


def test_intervals_statistics_and_findings_leave_them_out(values):
    flow = Workflow(check(values))
    assert json.loads(flow.pairs_work(SimpleNamespace(**WILDCARDS)))["intervals"] is False
    assert flow.interval_activations(SimpleNamespace(**WILDCARDS)) == []
    assert flow.told_scores("models") == [] and flow.study_scores("models")
    assert not any("models" in path for path in (*flow.all_statistics(), *flow.pair_tables(told=True)))
    assert any("models" in path for path in flow.pair_tables())


def test_what_only_studies_that_keep_scores_read_is_temporary(values):
    flow = Workflow(check(values))
    assert not any(map(flow.is_temporary, ("alone", "ours", "given", "digits")))
    before = flow.layer_sets()
    values["studies"]["models"]["keep"] = "scores"
    flow = Workflow(check(values))
    assert all(map(flow.is_temporary, ("alone", "ours", "given"))) and not flow.is_temporary("digits")
    assert flow.import_rules() == {"import_activations": [], "import_activations_for_scores_alone": ["given"]}
    sets = flow.layer_sets()
    assert sets["avgpool_for_scores_alone"] == (("avgpool",), ["alone"])
    assert "alone" in before["avgpool"][1] and "alone" not in sets["avgpool"][1]
    values["activations"] = "recompute"
    assert Workflow(check(values)).layer_sets() == before  # then all are temporary, under the rules of always


def test_a_setting_that_another_study_reads_stays(values):
    values["studies"]["models"] |= {"keep": "scores", "settings": ["digits", "given"]}
    flow = Workflow(check(values))
    assert not flow.is_temporary("digits") and flow.is_temporary("given")


def test_plan_and_memory_know_the_job(values, tmp_path):
    flow = Workflow(check(values))
    costs = read(COSTS)
    plan = Plan(flow.config, flow.grid, costs, tmp_path, 10_000)
    job = {**WILDCARDS, "job": "kernels"}
    few = plan.estimate("score_all_pairs", job)
    values["studies"]["models"]["seeds"] = list(range(30))
    more = Workflow(check(values))
    many = Plan(more.config, more.grid, costs, tmp_path, 10_000).estimate("score_all_pairs", job)
    assert many.own_seconds > few.own_seconds > 0 and list(few.studies) == ["models"]
    megabytes = Memory(plan, flow).of("score_all_pairs")(SimpleNamespace(**job), 1)
    assert 4 << 30 < 1e6 * megabytes < 8e9
    assert Memory(plan, flow).of("write_pairs")(SimpleNamespace(**WILDCARDS), 1) < 2500


@pytest.mark.parametrize(
    ("comparison", "message"),
    [
        ({"of": ["alone", "nobody"]}, "studies.models.comparisons.everything.of: 'nobody' is not under studies.models"),
        ({"steps": [7]}, "no model of alone, ours, given has a step 7. Known: 0, 50, final."),
        ({"steps": [0]}, "'given' has none of the steps 0: leave it out."),
        ({"steps": [0, 0]}, "each step once"),
        ({"of": ["alone", "alone"]}, "each setting stands once"),
        ({"layers": [["layer1", "avgpool"]]}, "studies.models.comparisons.everything.layers"),
        ({"a": "alone"}, "studies.models.comparisons.everything.a"),
    ],
)
def test_what_cannot_be_is_told(values, comparison, message):
    assert message in faults(values, **comparison)


def test_a_single_representation_has_nothing_to_be_compared_with(values):
    values["studies"]["models"]["seeds"] = [0]
    said = faults(values, of=["alone"])
    assert "everything: on digits_test there is one representation, and nothing to compare it with" in said


def test_layers_of_one_name_must_be_there_to_be_compared(values):
    values["studies"]["models"]["seeds"] = [0]
    values["settings"]["ours"]["layers"] = ["layer1"]
    said = faults(values, of=["alone", "ours"], layers="same")
    assert "everything.layers: on digits_test no two representations are of layers of one name: write all." in said


def test_exact_scores_and_a_study_of_pairs_are_needed(values):
    values["similarity"]["protocols"] = ["as_published"]
    assert "have exact scores alone: add exact to similarity.protocols" in faults(values)
    values["similarity"]["protocols"] = ["exact"]
    values["studies"]["dataset_overlap"]["comparisons"] = {"all_of_it": {"of": "all"}}
    said = faults(values)
    assert "studies.dataset_overlap.comparisons.all_of_it.of" in said and "a study of factor zoo, external" in said


def test_a_partial_result_has_no_table_of_stimuli_that_no_finished_model_sees(values):
    values["studies"]["models"]["stimuli"] = {"alone": ["digits_test"], "ours": ["photographs"],
                                              "given": ["photographs"]}  # fmt: skip
    flow = Workflow(check(values))
    assert len(flow.study_scores("models")) == 2
    flow.grid = Grid(flow.config, frozenset(cell for cell in flow.grid.cells if cell.setting == "alone"))
    assert [Path(path).stem for path in flow.study_scores("models")] == ["photographs"]
