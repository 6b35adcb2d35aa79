"""The study of consistency as others see it: its models, rules and plan, and what its section may not ask for."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.figures.stage import make_figure
from whyalike.grid.runs import Grid
from whyalike.planning import costs
from whyalike.planning.plan import Plan
from whyalike.statistics.consistency import FEWEST_PAIRS
from whyalike.statistics.crossed import FEWEST_TO_LEAVE_OUT
from whyalike.studies.consistency import drawable
from whyalike.studies.consistency.figures import tsne
from whyalike.studies.consistency.listing import list_models
from whyalike.studies.main_line import MainLine
from whyalike.studies.study import rule_studies

ROOT = Path(__file__).parents[4]
ZOO = yaml.safe_load((ROOT / "tests" / "workflow" / "zoo.yaml").read_text(encoding="utf-8"))
KINDS = {"objective": "supervised", "data": "digits"}
SETS = {
    "digits_test": {"source": "digits", "labelling": "digit", "train": "digits_train", "test": "digits_test"},
    "drawn": {"source": "drawn", "category": "drawn"},
    "dark@0p5": {"source": "digits"},
}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def configuration(section=None, **more):
    """A zoo of two trained settings, one of two seeds, and of a run from files, with the study."""
    values = json.loads(json.dumps(ZOO))
    values["stimuli"] |= {
        "digits_train": {"dataset": "digits", "part": "train", "n": 100},
        "drawn": {"dataset": "colorshapedigit"},
        "dark": {"dataset": "digits", "shift": "contrast", "levels": [0.5]},
    }
    for name, family in (("small", "a"), ("wide", "b"), ("brought", "c")):
        setting = values["settings"][name]
        setting["attributes"] = {**setting["attributes"], **KINDS, "family": family}
    values["settings"]["wide"]["attributes"]["data"] = "drawn"
    values["settings"]["small"]["layers"] = ["layer2"]
    values["studies"]["across"].pop("comparisons")
    values["studies"].pop("labels")
    given = {"name": "sets", "zoos": ["across"], "stimuli": SETS, "categories": ["objective", "data"],
             "factorial": ["objective", "data"], "sizes": {"stimuli": "drawn", "per_class": [1, 2]}}  # fmt: skip
    return {**values, "consistency": {**given, **(section or {})}, **more}


def study_of(values):
    return rule_studies(check(values))["consistency"]


def test_models_are_named_after_their_setting_and_of_several_after_their_run_too():
    study = study_of(configuration())
    names = ["small.seed0", "small.seed1", "wide.seed0", "wide.seed1", "brought"]
    assert [one.name for one in study.models] == names
    assert [one.trained for one in study.models] == [True] * 4 + [False]
    assert [one.seed for one in study.models] == [0, 1, 0, 1, 0]
    assert len({one.view for one in study.models}) == 5
    # the study `grid` has more models of a cell that both have: of these the other zoo alone asks
    both = study_of(configuration({"zoos": ["across", "grid"]}))
    assert [one.name for one in both.models if one.setting == "wide"] == [
        "wide.seed0", "wide.seed0.order1", "wide.seed0.start1", "wide.seed0.start1.order1", "wide.seed1",
    ]  # fmt: skip


def test_extraction_asks_for_the_models_of_the_zoos_as_the_main_line_has_them():
    study = study_of(configuration())
    parameters = study.extraction("wide")
    cells = parameters.typed()
    assert [run for cell in cells for run in cell.runs] == [one.view for one in study.models if one.setting == "wide"]
    assert not any(cell.untrained or cell.steps for cell in cells)
    assert list(parameters.stimuli) == ["digits_test", "drawn", "dark@0p5", "digits_train"]
    assert parameters.stimuli["dark@0p5"]["shift_version"] >= 1 and "shift_version" not in parameters.stimuli["drawn"]
    assert study.extraction("brought").typed()[0].views == {"random": study.models[-1].view}
    files = study.rules["represent_setting"].needs(study.root, {"setting": "brought"})["files"]
    assert files == [f"my/random.{stimuli}.npz" for stimuli in study.stimuli()]
    half = study_of(configuration(activations="float16"))
    assert {cell.stored for cell in (*half.extraction("wide").typed(), *half.extraction("brought").typed())} == {
        "float16"
    }


def test_the_table_of_models_has_a_column_for_each_attribute(tmp_path):
    study = study_of(configuration())
    list_models(study.rules["list_consistency"].work(), tmp_path / "models.parquet")
    table = pd.read_parquet(tmp_path / "models.parquet")
    assert table["model"].tolist() == [one.name for one in study.models]
    assert set(table) == {"model", "setting", "view", "seed", "trained", "architecture", "blocks", "pretrained",
                          "objective", "data", "family"}  # fmt: skip
    assert table["blocks"].fillna(-1).tolist() == [2, 2, 1.5, 1.5, -1]
    assert table["pretrained"].tolist() == [False, False, None, None, None]


def test_every_file_that_a_job_needs_is_made_by_another_one_or_by_the_main_line():
    study = study_of(configuration())
    main = {file for job in MainLine(study.flow).jobs() for file in job.files} | {"my/random"}
    made = {file for job in study.jobs() for file in job.files}
    assert len(made) == sum(len(job.files) for job in study.jobs())
    for rule in study.rules.values():
        for wildcards in rule.jobs:
            for of in rule.needs(study.root, wildcards).values():
                for file in [of] if isinstance(of, str) else of:
                    assert file in made or file in main or file.startswith("my/random."), file


def test_what_is_made_of_models_knows_their_cells():
    study = study_of(configuration())
    cells = {job.files[0]: job.cells for job in study.jobs()}
    whole = {cell for own in study.cells.values() for cell in own}
    assert cells[f"{study.root}/activations/wide.digits_test.parquet"] == set(study.cells["wide"])
    assert cells[f"{study.root}/similarity/drawn.rsa.parquet"] == whole
    assert cells[f"{study.root}/probe/small.parquet"] == set(study.cells["small"])
    assert cells[f"{study.root}/models/models.parquet"] == set()


def test_what_the_section_leaves_out_has_no_rule_and_no_figure():
    whole = study_of(configuration())
    assert {"score_sizes", "probe_setting", "analyse_sizes", "analyse_gap", "analyse_shares"} <= whole.rules.keys()
    assert "anchors" not in whole.figures()
    assert "anchors" in study_of(configuration({"anchors": ["wide"]})).figures()
    assert "families" not in whole.figures()  # of two sources no family is left out
    assert {"factorial", "tsne", "scatters", "null"} <= whole.figures().keys()
    less = {"sizes": None, "probe": None, "factorial": [], "metrics": {"cka_unbiased": {}}, "as_published": {}}
    small = study_of(configuration(less))
    assert not {"score_sizes", "probe_setting", "analyse_sizes", "analyse_gap", "analyse_shares"} & small.rules.keys()
    assert (
        not {"gap", "gapsets", "sizes", "convergence", "factorial", "rsa", "metrics", "reach"} & small.figures().keys()
    )
    assert {"matrices", "groups", "spread"} <= small.figures().keys()
    assert [job["metric"] for job in small.rules["score_set"].jobs] == ["cka_unbiased"] * 3


def test_figures_of_two_sources_metrics_and_enough_models_need_these():
    alike = {name: {**one, "source": "digits"} for name, one in SETS.items()}
    assert not set(drawable.OF_SOURCES) & study_of(configuration({"stimuli": alike})).figures().keys()
    # one metric an analysis, though there are two metrics
    apart = study_of(configuration({"metrics": {"cka_unbiased": {}}, "as_published": {"rsa": {}}})).figures()
    assert "metrics" not in apart and "rsa" in apart
    values = configuration({"anchors": ["wide"]})
    values["studies"]["across"]["seeds"] = [0]
    assert not {"tsne", "anchors", "factorial"} & study_of(values).figures().keys()
    three = {name: {**one, "source": f"of_{number}"} for number, (name, one) in enumerate(SETS.items())}
    assert "families" in study_of(configuration({"stimuli": three})).figures()


def test_what_is_too_few_is_what_the_statistics_and_figures_take():
    assert drawable.FEWEST_PAIRS == FEWEST_PAIRS
    assert drawable.FEWEST_TO_LEAVE_OUT == FEWEST_TO_LEAVE_OUT
    assert drawable.FEWEST_IN_PLANE == tsne.FEWEST


def test_a_figure_without_anything_to_draw_says_so_and_the_study_ends(tmp_path):
    columns = ["metric", "analysis", "scoring", "scale", "a", "b", "group_a", "group_b", "mean", "sd", "sets"]
    pd.DataFrame(columns=columns).to_parquet(tmp_path / "spread.parquet")
    out = make_figure("consistency_spread", {}, {"spread": [tmp_path / "spread.parquet"]}, tmp_path / "a.svg", {})
    assert "Nothing to draw" in out["svg"].read_text(encoding="utf-8")
    assert "holds no row to draw" in pd.read_csv(out["csv"])["nothing_to_draw"].item()


def test_another_word_for_an_attribute_makes_no_representation_score_or_probe_anew():
    before, values = study_of(configuration()), configuration()
    values["settings"]["wide"]["attributes"]["data"] = "shapes"
    after = study_of(values)
    for name in before.rules.keys() - {"list_consistency", "draw_consistency"}:
        same = all(before.rules[name].work(**job) == after.rules[name].work(**job) for job in before.rules[name].jobs)
        assert same == (not name.startswith(("analyse", "write"))), name


def test_one_metric_more_leaves_all_other_scores_as_they_are():
    before, after = study_of(configuration()), study_of(configuration({"metrics": {"rsa": {}, "cka": {}}}))
    rsa = {"stimuli": "drawn", "metric": "rsa"}
    for rule, wildcards in (("score_set", rsa), ("represent_setting", {"setting": "wide"}),
                            ("probe_setting", {"setting": "wide"})):  # fmt: skip
        assert before.rules[rule].work(**wildcards) == after.rules[rule].work(**wildcards)
    changed = study_of(configuration({"metrics": {"rsa": {}, "cka_rbf_unbiased": {"sigma_median": 0.2}}}))
    assert before.rules["score_set"].work(**rsa) == changed.rules["score_set"].work(**rsa)


def test_the_plan_tells_of_models_and_stimuli():
    def estimates(values, table):
        config = check(values)
        plan = Plan(config, Grid(config), table, Path(config.results, "runs"))
        study = rule_studies(config)["consistency"]
        plan.add(study.name, study.rules)
        return plan, lambda rule, **wildcards: plan.estimate(rule, wildcards)

    table = costs.read(ROOT / "config" / "costs.yaml", "none")
    plan, estimate = estimates(configuration(), table)
    wide = estimate("represent_setting", setting="wide")
    # 60 and 48 test images, a darker set of all 637 test images, 100 training images; 8 units of 4 bytes; two models
    n = sum(plan.workload.stimuli(one)[0] for one in ("digits_test", "drawn", "dark@0p5", "digits_train"))
    assert wide.own_bytes == wide.vector_bytes == 2 * n * 8 * 4
    assert list(wide.studies) == ["consistency"]
    startup, _ = plan.startup(study_of(configuration()).cells["wide"][0], "extraction")
    assert wide.seconds > startup
    _, half = estimates(configuration(activations="float16"), table)
    assert half("represent_setting", setting="wide").own_bytes == wide.own_bytes / 2
    five = estimate("score_set", stimuli="drawn", metric="rsa").seconds - table.scoring.seconds
    _, of_two = estimates(configuration({"as_published": {}}), table)
    once = of_two("score_set", stimuli="drawn", metric="rsa").seconds - table.scoring.seconds
    assert five == pytest.approx(2 * once)  # corrected, and as published
    probe = estimate("probe_setting", setting="wide").seconds - table.stages["probe_setting"].seconds
    # two models, 20 epochs of 100 images, two rates of one decay and the last training; of 8 units as of 200
    a_training = table.stages["probe_setting"].seconds_per_image * 0.2 * 2 * 20 * 100
    assert probe == pytest.approx(a_training * 3)
    # of each rate as many as there are decays, of many 14; of three seeds
    for decays, trained in ((8, 1 + 2 * 8), (64, 1 + 2 * 14)):
        _, searched = estimates(configuration({"probe": {"decays": decays, "seeds": 3}}), table)
        probe = searched("probe_setting", setting="wide").seconds - table.stages["probe_setting"].seconds
        assert probe == pytest.approx(a_training * 3 * trained)
    _, given = estimates(configuration({"probe": {"rates": [0.1]}}), table)
    probe = given("probe_setting", setting="wide").seconds - table.stages["probe_setting"].seconds
    assert probe == pytest.approx(a_training)  # nothing is searched


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"zoos": []}, r"consistency\.zoos: name studies of factor zoo\. Known: across, grid\."),
        ({"zoos": ["acros"]}, r"consistency\.zoos: 'acros' is not a study .*Did you mean 'across'\?"),
        ({"zoos": ["label"]}, r"consistency\.zoos: 'label' has factor label"),
        ({"stimuli": {"drawn": {"source": "a"}}}, r"stimuli: 1 named, and consistency is between at least 2"),
        ({"stimuli": {**SETS, "drwn": {"source": "a"}}}, r"stimuli\.drwn: 'drwn' is not under stimuli\. Did you me"),
        ({"stimuli": {**SETS, "dark": {"source": "a"}}}, r"stimuli\.dark: 'dark' is not .*Did you mean 'dark@0p5'"),
        ({"stimuli": {**SETS, "drawn": {"source": "a", "train": "drawn"}}}, r"\.drawn: a linear probe needs train and"),
        ({"stimuli": {**SETS, "drawn": {"source": "a", "labelling": "size"}}}, r"labelling: 'size' must join distinct"),
        ({"sizes": {"stimuli": "none"}}, r"consistency\.sizes\.stimuli: 'none' is not under stimuli"),
        ({"sizes": {"stimuli": "drawn", "per_class": [2, 1]}}, r"per_class: the numbers must ascend, as \[1, 2\]"),
        ({"stimuli": {**SETS, "drawn": {"source": "a", "train": "drawn", "test": "drawn"}}},
         r"\.drawn: train \(drawn\) and test \(drawn\) are both of the part test of 'colorshapedigit'"),
        ({"sizes": {"stimuli": "digits_test", "per_class": [1, 61]}}, r"61 of each class are more than the 60 stimuli"),
        ({"categories": ["data", "all"]}, r"consistency\.categories: 'all' is a word of the tables"),
        ({"anchors": ["smal"]}, r"consistency\.anchors: 'smal' is not a setting of the zoos\. Did you mean 'small'"),
        ({"categories": ["objectiv"]}, r"no setting has the attribute 'objectiv'\. Did you mean 'objective'"),
        ({"strata": ["blocks"]}, r"consistency\.strata: the attribute 'blocks' is missing in brought: give it to"),
        ({"families": "none"}, r"consistency\.families: no setting has the attribute 'none'"),
        ({"factorial": ["pretrained"]}, r"consistency\.factorial: the attribute 'pretrained' is missing in wide: give"),
        ({"metrics": {"rsa": {"sigma": 1}}}, r"consistency\.metrics\.rsa: rsa has no parameter 'sigma'"),
        ({"metrics": {"procrustes_distance": {}}}, r"metrics\.procrustes_distance: the metric is a distance"),
    ],
)  # fmt: skip
def test_what_the_section_names_must_exist_and_fit(section, said):
    values = configuration(section)
    if section.get("zoos") == ["label"]:
        values["studies"]["label"] = {"factor": "label", "settings": ["wide"], "levels": ["3"], "seeds": [0],
                                      "stimuli": ["drawn"]}  # fmt: skip
    with pytest.raises(ConfigError, match=said):
        study_of(values)


def test_attributes_are_no_words_of_the_tables():
    values = configuration()
    values["settings"]["small"]["attributes"] |= {"trained": True, "objective": "others"}
    with pytest.raises(ConfigError) as error:
        study_of(values)
    assert "settings.small.attributes.trained: the table of models has this column" in str(error.value)
    assert "settings.small.attributes.objective: 'others' is a word of the tables" in str(error.value)


def test_one_model_in_two_settings_is_no_pair():
    values = configuration()
    values["settings"]["again"] = values["settings"]["wide"]
    values["studies"]["across"]["settings"].append("again")
    with pytest.raises(ConfigError, match=r"wide\.seed0 and again\.seed0 are one model with the same weights, seen in"):
        study_of(values)


def test_all_faults_are_told_at_once_and_a_setting_has_one_layer():
    values = configuration({"anchors": ["x"], "families": "y"})
    values["settings"]["small"]["layers"] = ["layer1", "layer2"]
    with pytest.raises(ConfigError) as error:
        study_of(values)
    told = str(error.value)
    assert "3 faults, nothing was run" in told
    assert "settings.small.layers: 2 layers, and in the study of consistency a model is seen at one layer: give" in told


def test_models_of_images_are_not_compared_on_text():
    values = configuration({"stimuli": {**SETS, "words": {"source": "text"}}})
    full = yaml.safe_load((ROOT / "config" / "demo_full.yaml").read_text(encoding="utf-8"))
    values["datasets"]["corpus"] = next(one for one in full["datasets"].values() if one["source"] == "bundled_text")
    values["stimuli"]["words"] = {"dataset": "corpus"}
    with pytest.raises(ConfigError, match=r"consistency\.stimuli: 'words' holds text, which the models of 'small' can"):
        study_of(values)


def test_a_configuration_without_the_section_has_nothing_of_the_study():
    values = configuration()
    del values["consistency"]
    study = study_of(values)
    assert not study.rules and not study.jobs() and not study.results() and not study.runs() and not study.asked
    assert "has no section `consistency`" in study.missing and "config/consistency.yaml" in study.missing
