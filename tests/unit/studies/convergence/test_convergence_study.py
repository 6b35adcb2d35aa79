"""The study of convergence as others see it: groups, checkpoints, jobs, costs, and what its section may not ask for."""

import json
import time
from pathlib import Path

import pytest
import yaml

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.runs import Grid
from whyalike.planning import costs
from whyalike.planning.plan import Plan
from whyalike.similarity.checks import HELD_OUT
from whyalike.studies.convergence import checks
from whyalike.studies.convergence.pairs import main_pairs, members_at, pairs
from whyalike.studies.convergence.parameters import Member
from whyalike.studies.main_line import MainLine
from whyalike.studies.study import rule_studies

ROOT = Path(__file__).parents[4]
TINY = yaml.safe_load((ROOT / "tests" / "workflow" / "convergence.yaml").read_text(encoding="utf-8"))
FILES = {"dataset": "digits", "labelling": "digit", "size": 8, "model": "resnet", "mean": [78, 78, 78],
         "std": [96, 96, 96], "checkpoints": "my/{run}.pth", "layers": ["avgpool"]}  # fmt: skip
OF_FILES = [f"{model}{end}" for model in ("a", "b") for end in ("", "_step0", "_step7", "_epoch2")]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def configuration(section=None, **more):
    """The tiny configuration with other keys of its section."""
    values = json.loads(json.dumps({**TINY, **more}))
    values["convergence"] |= section or {}
    return values


def brought(runs=OF_FILES, steps=(7,), epochs=(2,)):
    """The tiny configuration with models from files."""
    values = configuration()
    values["settings"]["brought"] = {**FILES, "runs": list(runs)}
    values["studies"]["files"] = {"factor": "zoo", "settings": ["brought"]}
    section = values["convergence"]
    section["zoos"].append("files")
    section["stimuli"]["brought"] = "digits"
    section["checkpoints"]["brought"] = {"steps": list(steps), "epochs": list(epochs)}
    return values


def study_of(values):
    return rule_studies(check(values))["convergence"]


def member(seed, start="0", order="0", **more):
    name = f"seed{seed}" + f".start{start}" * (start != "0") + f".order{order}" * (order != "0")
    return Member(**{"model": name, "seed": seed, "start": start, "order": order, "run": name, "name": name} | more)


def test_pairs_are_told_apart_by_what_two_models_have_in_common():
    members = [member(seed, start, order) for seed in (0, 1) for start in "01" for order in "01"]
    found = {(a, b): relation for relation, a, b in pairs(members)}
    assert len(found) == 28
    assert found["seed0", "seed0.order1"] == found["seed0.start1", "seed0.start1.order1"] == "same_start"
    assert found["seed0", "seed0.start1"] == found["seed0.order1", "seed0.start1.order1"] == "same_order"
    assert found["seed0", "seed0.start1.order1"] == found["seed0.order1", "seed0.start1"] == "independent"
    # keys of another seed are others, whatever they are called
    assert {relation for (a, b), relation in found.items() if a[:5] != b[:5]} == {"independent"}


def test_the_pairs_that_count_are_of_one_model_a_seed_where_there_are_several_seeds():
    grid = [member(0, start, order) for start in "01" for order in "01"]
    assert main_pairs([*grid, member(1), member(2)]) == [("seed0", "seed1"), ("seed0", "seed2"), ("seed1", "seed2")]
    assert main_pairs(grid) == [("seed0", "seed0.start1.order1"), ("seed0.order1", "seed0.start1")]
    assert main_pairs(grid[:2]) == []


def test_a_run_from_a_file_is_one_checkpoint_and_a_trained_one_has_all():
    files = [member(0, model=name, checkpoint=checkpoint,
                    **dict.fromkeys(("name", "run", "start", "order"), name + end))
             for name in "ab" for end, checkpoint in (("", ""), ("_step0", "start"), ("_step7", "step7"))]  # fmt: skip
    assert [one.name for one in members_at(files, "step7")] == ["a_step7", "b_step7"]
    assert [one.name for one in members_at(files, "final")] == ["a", "b"]
    assert [one.name for one in members_at(files, "start")] == ["a_step0", "b_step0"]
    assert [one.name for one in members_at(files[:3] + files[3:4], "start")] == ["a_step0", "b"]  # b as it is built
    assert members_at(files, "step8") == []
    trained = [member(0), member(1)]
    assert members_at(trained, "step8") == members_at(trained, "start") == trained
    assert main_pairs(files) == [("a", "b")]


def test_groups_are_settings_and_shuffled_labels_stand_apart():
    study = study_of(configuration())
    models = {name: [one.model for one in group.members] for name, group in study.groups.items()}
    assert models == {
        "resnet": ["seed0", "seed0.order1", "seed0.start1", "seed0.start1.order1", "seed1", "seed2"],
        "simclr": ["seed0", "seed1", "seed2"],
        "gpt": ["seed0", "seed1", "seed2"],
        "resnet_shuffled": ["seed0", "seed1", "seed2"],
    }
    shuffled, given = study.groups["resnet_shuffled"], study.groups["resnet"]
    assert shuffled.setting == "resnet" and shuffled.members[0].name == "seed0.shuffled"
    assert shuffled.members[0].untrained == given.members[0].untrained
    assert shuffled.members[0].run != given.members[0].run
    assert study.kinds() == {
        "resnet": "cnn", "simclr": "self_supervised", "gpt": "language", "resnet_shuffled": "cnn",
    }  # fmt: skip


def test_checkpoints_are_start_what_is_asked_for_and_end():
    study = study_of(configuration({"checkpoints": {"resnet": {"steps": [0, 4, 1], "epochs": [1]}}}))
    assert study.checkpoints("resnet") == study.checkpoints("resnet_shuffled") == [
        "start", "step4", "step1", "epoch1", "final"]  # fmt: skip
    assert study.checkpoints("gpt") == ["start", "final"]


def test_layers_are_compared_of_groups_that_see_the_same_but_for_shuffled_labels():
    study = study_of(configuration())
    assert study.layer_jobs() == [("resnet", "resnet"), ("resnet", "simclr"), ("simclr", "simclr"), ("gpt", "gpt")]


def test_shifts_are_of_images_with_labels_as_they_are():
    study = study_of(configuration())
    shifts = ["contrast", "uniform_noise"]
    assert {name: study.shifts_of(name) for name in study.cells} == {
        "resnet": shifts, "simclr": shifts, "gpt": [], "resnet_shuffled": []}  # fmt: skip
    chosen = study_of(configuration({"shift_settings": ["simclr"]}))
    assert [job["group"] for job in chosen.rules["score_shift"].jobs] == ["simclr", "simclr"]
    work = study.shift_scores("resnet", "contrast")
    assert list(work.levels) == ["control", "0p3"]
    assert [one["levels"] for one in work.levels.values()] == [["control"], [0.3]]
    assert all(one["shift"] == "contrast" and one["shift_version"] >= 1 for one in work.levels.values())
    assert "shift" not in work.group.stimuli or work.group.stimuli["shift"] is None


def test_both_analyses_look_in_their_own_way():
    corrected, published = study_of(configuration()).analyses("resnet")
    assert (corrected.analysis, corrected.recalibration) == ("corrected", 300)
    assert (published.analysis, published.recalibration) == ("as_published", 0)
    assert corrected.scored[0].parameters == {"ridge": "inner"} and published.scored[0].parameters == {}
    assert [one.analysis for one in study_of(configuration({"as_published": {}})).analyses("gpt")] == ["corrected"]


def test_every_file_that_a_job_needs_is_made_by_another_one_or_by_the_main_line():
    study = study_of(configuration())
    main = {file for job in MainLine(study.flow).jobs() for file in job.files}
    made = {file for job in study.jobs() for file in job.files}
    assert len(made) == sum(len(job.files) for job in study.jobs())
    for rule in study.rules.values():
        for wildcards in rule.jobs:
            for of in rule.needs(study.root, wildcards).values():
                for file in [of] if isinstance(of, str) else of:
                    assert file in made or file in main, (rule.name, file)


def test_a_checkpoint_more_leaves_every_other_job_as_it_is():
    before = study_of(configuration())
    more = configuration()
    more["recipes"]["simclr"]["keep_steps"] = [5, 3]
    more["convergence"]["checkpoints"]["simclr"] = {"steps": [3, 5]}
    more = study_of(more)
    for name in ("score_checkpoint", "score_bases", "score_baselines", "score_layers", "score_shift"):
        for job in before.rules[name].jobs:
            assert before.rules[name].work(**job) == more.rules[name].work(**job)
    assert len(more.rules["score_checkpoint"].jobs) == len(before.rules["score_checkpoint"].jobs) + 1


def test_a_seed_of_another_setting_and_a_zoo_that_is_not_asked_leave_a_group_as_it_is():
    values = configuration()
    values["studies"]["other"] = {"factor": "zoo", "settings": ["resnet"], "seeds": [0, 7], "grid": 3}
    values["studies"]["alone"] = {"factor": "zoo", "settings": ["simclr"], "seeds": [9]}
    values["convergence"]["zoos"].append("alone")
    before, after = study_of(configuration()), study_of(values)
    assert after.groups["resnet"] == before.groups["resnet"]
    assert len(after.groups["simclr"].members) == 4


def test_of_models_from_files_a_job_names_the_runs_of_its_checkpoint_and_of_the_end():
    study = study_of(brought())
    group = study.groups["brought"]
    assert {one.model for one in group.members} == {"a", "b"}
    work = study.checkpoint_scores("brought", "step7")
    assert [one.name for one in work.group.members] == ["a", "a_step7", "b", "b_step7"]
    assert sorted(run for cell in work.group.cells for run in cell["runs"]) == sorted(
        one.run for one in work.group.members
    )
    fewer = study_of(brought(steps=()))
    assert fewer.checkpoint_scores("brought", "epoch2") == study.checkpoint_scores("brought", "epoch2")
    assert group.recipe == {}


def test_what_the_section_leaves_out_has_no_rule_table_or_figure():
    whole, values = study_of(configuration()), configuration({"shifts": {}, "checkpoints": {}, "spearman": False})
    assert {
        "grid",
        "objectives",
        "early",
        "scatter",
        "selfsupervised",
        "language",
        "spearman",
    } <= whole.figures().keys()
    assert "transformer" not in whole.figures()
    values["convergence"] |= {"zoos": ["seeds"], "self_supervised": [], "language": []}
    small = study_of(values)
    assert not {"grid", "objectives", "early", "epochs", "updates", "scatter", "tracking", "gaps", "shifted",
                "correlations", "selfsupervised", "language", "spearman"} & small.figures().keys()  # fmt: skip
    assert {"depth", "layermaps", "baselines", "rotations", "table"} <= small.figures().keys()
    assert list(small.tables()) == ["depth", "bases", "baselines", "layers"]
    assert not {"score_shift", "tell_grid", "tell_time", "tell_shifts"} & small.rules.keys()
    assert list(whole.tables()) == ["depth", "time", "grid", "bases", "baselines", "layers", "shifts"]
    # models from files have no accuracy to follow
    values = brought()
    values["convergence"] |= {"shift_settings": ["brought"]}
    assert not {"scatter", "tracking", "correlations"} & study_of(values).figures().keys()


def test_the_plan_tells_of_models_pairs_layers_and_stimuli():
    def estimates(values):
        config = check(values)
        table = costs.read(ROOT / "config" / "costs.yaml", "none")
        plan = Plan(config, Grid(config), table, Path(config.results, "runs"))
        study = rule_studies(config)["convergence"]
        plan.add(study.name, study.rules)
        return plan, study, lambda rule, **wildcards: plan.estimate(rule, wildcards)

    plan, study, estimate = estimates(configuration())
    wide = configuration()
    wide["models"]["resnet"]["widths"], wide["stimuli"]["digits"]["n"] = [400, 600], 600
    _, _, larger = estimates(wide)
    beside = plan.costs.scoring.seconds + plan.costs.devices["h100"].startup_seconds
    final = estimate("score_checkpoint", group="resnet", checkpoint="final")
    assert beside < final.seconds < beside + 5  # 9 pairs of small layers
    assert larger("score_checkpoint", group="resnet", checkpoint="final").seconds > beside + 60
    # 9 pairs, eight scorings with ranks; 9 pairs, six ends of their own and six of others, two scorings
    rows = [estimate("score_checkpoint", group="resnet", checkpoint=one).own_bytes for one in ("final", "step1")]
    assert rows[0] / rows[1] == pytest.approx(9 * 8 * 2 / ((9 + 6 + 6) * 2))
    assert all(estimate(rule.name, **job).seconds > 0 for rule in study.rules.values() for job in rule.jobs)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"zoos": []}, r"convergence\.zoos: name studies of factor zoo\. Known: seeds, grid, shuffled\."),
        ({"zoos": ["seed"]}, r"convergence\.zoos: 'seed' is not a study .*Did you mean 'seeds'\?"),
        ({"stimuli": {}}, r"convergence\.stimuli: name the settings whose models are compared"),
        ({"stimuli": {"resnt": "digits"}}, r"convergence\.stimuli: 'resnt' is not a setting of the zoos\. Did you mea"),
        ({"stimuli": {"resnet": "digit"}}, r"stimuli\.resnet: 'digit' is not under stimuli\. Did you mean 'digits'"),
        ({"stimuli": {"gpt": "digits"}}, r"stimuli\.gpt: 'digits' holds images, and the models of 'gpt' take text"),
        ({"checkpoints": {"resnt": {"steps": [1]}}}, r"checkpoints\.resnt: 'resnt' is not under .* mean 'resnet'"),
        ({"checkpoints": {"resnet": {"steps": [3]}}},
         r"checkpoints\.resnet\.steps: step 3 is not kept: name it in recipes\.sgd\.keep_steps\. Kept: 1, 2, 4"),
        ({"checkpoints": {"resnet": {"steps": [16]}}}, r"resnet\.steps: there is no step 16, the last one is 10"),
        ({"checkpoints": {"resnet": {"epochs": [2]}}}, r"epochs: the end of epoch 2 is not kept: name it under recip"),
        ({"checkpoints": {"resnet": {"epochs": [3]}}}, r"epochs: there is no epoch 3, the last one is 2"),
        ({"checkpoints": {"gpt": {"epochs": [1]}}}, r"gpt\.epochs: the recipe of 'gpt' counts steps, not epochs"),
        ({"checkpoints": {"gpt": {"steps": [5]}}}, r"gpt\.steps: step 5 is not kept: .* Kept: 4"),
        ({"metrics": {"cka": {}}, "over_time": ["cka"]}, r"metrics\.cka: 'cka' fits no map .* take one of linear"),
        ({"metrics": {"linear": {"ridge": "outer"}}, "over_time": ["linear"]}, r"metrics\.linear: .*ridge"),
        ({"metrics": {"procrustes": {"folds": 3}}}, r"metrics\.procrustes\.folds: it is one for all metrics: set conv"),
        ({"over_time": ["procrusts"]}, r"over_time: 'procrusts' is not under convergence\.metrics\. Did you mean"),
        ({"counts": [121]}, r"convergence\.counts: 121 are more than any setting's stimuli, 120 at most: lower it"),
        ({"counts": [14]}, r"convergence\.counts: 14 stimuli are fewer than 5 folds need, 15"),
        ({"matched": 121}, r"convergence\.matched: 121 are more than the 120 stimuli of 'digits': lower it"),
        ({"matched": 3}, r"convergence\.matched: 3 are fewer than 5 folds need, 15: raise it"),
        ({"folds": 50}, r"stimuli\.resnet: 50 folds need 150 stimuli, and 'digits' has 120: take more, or fewer"),
        ({"shifts": {"contrast": [2]}}, r"convergence\.shifts\.contrast: .*2"),
        ({"shifts": {"contrast": [1, 0.3]}}, r"shifts\.contrast: the control is scored anyway"),
        ({"shifts": {"opponent_colour": [1]}}, r"shifts\.opponent_colour: it needs images in colour, and those of 'd"),
        ({"shift_settings": ["gpt"]}, r"shift_settings: the models of 'gpt' see text, and shifts are of images"),
        ({"shifted_stimuli": ["digitss"]}, r"shifted_stimuli: 'digitss' is not under stimuli\. Did you mean 'digits'"),
        ({"shifted_stimuli": ["digits"]}, r"shifted_stimuli: 'digits' is what models are compared on undistorted"),
        ({"shifted_stimuli": ["text"]}, r"shifted_stimuli: 'text' holds text, and shifts are of images"),
        ({"language": ["resnet"]}, r"convergence\.language: the models of 'resnet' see images, no text"),
        ({"transformers": ["simclr"]}, r"convergence\.transformers: 'simclr' is under self_supervised too"),
        ({"transformers": ["vit"]}, r"convergence\.transformers: 'vit' is not a setting under convergence\.stimuli"),
    ],
)  # fmt: skip
def test_what_the_section_names_must_exist_and_fit(section, said):
    with pytest.raises(ConfigError, match=said):
        study_of(configuration(section))


def test_a_number_of_stimuli_that_one_set_has_is_left_out_of_smaller_ones():
    assert study_of(configuration({"counts": [100]})).section.counts == (100,)  # of 120 images, and 60 windows


def test_ends_of_epochs_and_powers_are_known_where_the_data_are():
    values = configuration({"checkpoints": {"resnet": {"steps": [5, 8], "epochs": [1]}, "simclr": {"epochs": [1]}}})
    values["recipes"]["simclr"]["keep_steps"] = [5]  # the end of the first epoch of 1160 images in batches of 200
    assert study_of(values).checkpoints("simclr") == ["start", "epoch1", "final"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (brought([one for one in OF_FILES if one != "b_step7"]), r"checkpoints\.brought: b has no run 'b_step7' under"),
        (brought([one for one in OF_FILES if one != "b"]), r"settings\.brought\.runs: b has checkpoints and no final "),
        (brought(["a", "a_step7"], epochs=()), r"zoos: the group 'brought' has no two models that differ .* only a:"),
    ],
)
def test_models_from_files_need_every_checkpoint_and_their_end(values, said):
    with pytest.raises(ConfigError, match=said):
        study_of(values)


def test_a_group_of_one_start_is_refused_and_so_is_a_name_of_shuffled_labels():
    values = configuration()
    values["studies"] |= {"seeds": {"factor": "zoo", "settings": ["simclr", "gpt"], "seeds": [0, 1]}}
    values["studies"]["grid"] |= {"grid": 1}
    del values["studies"]["shuffled"]
    values["convergence"] |= {"zoos": ["seeds", "grid"]}
    with pytest.raises(ConfigError, match=r"group 'resnet' has no two models that differ .* only seed0: give its zoo"):
        study_of(values)
    named = configuration()
    named["settings"]["b_shuffled"] = named["settings"]["resnet"]
    named["studies"]["seeds"]["settings"].append("b_shuffled")
    named["convergence"]["stimuli"]["b_shuffled"] = "digits"
    with pytest.raises(ConfigError, match=r"settings\.b_shuffled: names that end in _shuffled are those of models of"):
        study_of(named)


def test_activations_alone_are_refused():
    values = configuration()
    values["settings"]["vectors"] = {"dataset": "digits", "labelling": "digit", "runs": ["a", "b"],
                                     "activations": "my/{run}.{stimuli}.npz"}  # fmt: skip
    values["studies"]["files"] = {"factor": "zoo", "settings": ["vectors"], "stimuli": ["digits"]}
    values["convergence"]["zoos"].append("files")
    values["convergence"]["stimuli"]["vectors"] = "digits"
    with pytest.raises(ConfigError, match=r"stimuli\.vectors: of 'vectors' there are activations alone"):
        study_of(values)


def test_as_many_stimuli_are_asked_of_a_fold_as_the_scores_need():
    assert checks.HELD_OUT == HELD_OUT


def test_a_configuration_without_the_section_has_nothing_of_the_study():
    values = configuration()
    del values["convergence"]
    study = study_of(values)
    assert not study.rules and not study.jobs() and not study.asked
    assert "has no section `convergence`" in study.missing and "config/convergence.yaml" in study.missing


def test_parameters_of_many_checkpoints_are_quick_and_small():
    steps = range(1, 151)
    runs = [f"{model}{end}" for model in "abcde" for end in ("", *(f"_step{step}" for step in steps))]
    study = study_of(brought(runs, steps=list(steps), epochs=()))
    begin = time.process_time()
    rule = study.rules["score_checkpoint"]
    texts = [len(rule.work(**job).text()) for job in rule.jobs if job["group"] == "brought"]
    assert len(texts) == 152 and max(texts) < 20_000
    assert time.process_time() - begin < 5  # measured: 0.3 s
