"""Runs from files in the configuration and the grid."""

import copy
import json
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow
from whyalike.planning.preflight import missing_weights
from whyalike.studies.main_line import studies_of

THEIRS = {
    "dataset": "digits", "labelling": "digit", "runs": ["clip", "dino", "sup"],
    "activations": "my/{run}.{stimuli}.npy",
}  # fmt: skip
OURS = {
    "dataset": "digits", "labelling": "digit", "runs": ["a", "b"], "checkpoints": "my/{run}.pt",
    "model": "resnet8", "size": 8, "mean": [78, 78, 78], "std": [96, 96, 96],
}  # fmt: skip
CELL = Cell("theirs", "external", 0)


@pytest.fixture
def values(demo):
    """The demo with two external settings and a study of each."""
    demo["settings"] |= {"theirs": copy.deepcopy(THEIRS), "ours": copy.deepcopy(OURS)}
    demo["studies"]["all_pairs"] = {"factor": "external", "settings": ["theirs"], "stimuli": ["digits_test"]}
    pairs = [{"a": "a", "b": "b", "seed": 3, "overlap": 0.25}]
    demo["datasets"]["words"] = {"source": "bundled_text"}
    demo["studies"]["given"] = {
        "factor": "external", "settings": ["ours"], "stimuli": ["digits_test"], "pairs": pairs,
    }  # fmt: skip
    return demo


def identities(values, cell=CELL):
    return {run.name: run.identity for run in Grid(check(values)).runs(cell)}


def test_all_pairs_of_a_setting_are_compared_without_an_overlap(values):
    pairs = list(Grid(check(values)).pairs("all_pairs", "theirs"))
    assert [(p.condition, p.run_a.name, p.run_b.name) for p in pairs] == [
        ("clip-dino", "clip", "dino"), ("clip-sup", "clip", "sup"), ("dino-sup", "dino", "sup"),
    ]  # fmt: skip
    assert {(p.data_overlap, p.label_overlap, p.run_a.untrained) for p in pairs} == {(None, None, None)}


def test_given_pairs_carry_their_seed_and_overlap(values):
    [pair] = Grid(check(values)).pairs("given", "ours")
    assert (pair.condition, pair.seed, pair.data_overlap) == ("0.25", 3, 0.25)
    assert pair.run_a.untrained != pair.run_b.untrained  # a checkpoint's architecture has a start


def test_a_study_of_runs_from_files_has_a_heatmap_unless_one_is_named(values):
    values["figures"] = {"mine": {"kind": "heatmap", "study": "given", "caption": "Mine."}}
    figures = check(values).figures
    assert list(figures) == ["mine", "all_pairs_heatmap"]
    assert figures["all_pairs_heatmap"].options == {"metric": "cka", "score_protocol": "exact"}
    del values["figures"], values["similarity"]["metrics"]["cka"]
    assert check(values).figures["given_heatmap"].options["metric"] == "cka_unbiased"
    inputs = Workflow(check(values)).figure_inputs(SimpleNamespace(figure="all_pairs_heatmap"))
    assert inputs == {"pairs": ["results/demo/similarity/all_pairs/theirs/pairs/digits_test.parquet"]}


def test_a_heatmap_shows_runs_from_files_alone(values):
    values["figures"]["wrong"] = {"kind": "heatmap", "study": "label_overlap", "caption": "None."}
    with pytest.raises(ConfigError, match="a figure of kind heatmap shows a study of factor zoo, external"):
        check(values)


def test_claims_of_the_overlap_study_are_made_where_one_of_its_designs_is_asked_for(values):
    assert Workflow(check(values)).claims() == ["results/demo/claims.md"]
    values["studies"] = {name: study for name, study in values["studies"].items() if study["factor"] == "external"}
    values["figures"] = {}
    assert Workflow(check(values)).claims() == []
    rules = {job.rule for job in studies_of(check(values))[0].jobs()}
    assert "write_claims" not in rules and "write_pairs" in rules


def test_intervals_are_a_part_of_the_pair_tables_parameters_alone(values):
    names = SimpleNamespace(study="all_pairs", comparison="theirs", stimuli="digits_test")
    before = Workflow(check(values))
    values["studies"]["all_pairs"]["intervals"] = False
    after = Workflow(check(values))
    assert json.loads(after.pairs_work(names))["intervals"] is False
    assert before.pairs_work(names) != after.pairs_work(names)
    assert before.similarity_work(names) == after.similarity_work(names)


def test_other_runs_keep_their_identity(values, demo):
    alone = {k: v for k, v in demo.items() if k != "studies"}
    alone["studies"] = {k: v for k, v in demo["studies"].items() if v["factor"] != "external"}
    cell = Cell("digits", "dataset", 0)
    assert identities(values, cell) == identities(alone, cell)


def test_an_identity_comes_from_name_setting_and_version_not_from_places_or_other_runs(values):
    before = identities(values)
    values["settings"]["theirs"]["activations"] = "elsewhere/{run}/{stimuli}.npz"
    values["settings"]["theirs"]["runs"].append("more")
    after = identities(values)
    assert {name: after[name] for name in before} == before
    assert len(set(after.values())) == 4
    values["settings"]["theirs"]["version"] = 2
    assert not set(identities(values).values()) & set(after.values())


def test_a_prefix_is_part_of_an_identity_where_it_is_given(values):
    cell, wildcards = Cell("ours", "external", 0), SimpleNamespace(setting="ours", seed="0")
    before, work = identities(values, cell), Workflow(check(values)).import_work(wildcards)
    values["settings"]["ours"]["prefix"] = ""
    assert identities(values, cell) == before
    assert Workflow(check(values)).import_work(wildcards) == work and "prefix" not in work
    values["settings"]["ours"]["prefix"] = "vit."
    assert not set(identities(values, cell).values()) & set(before.values())
    assert json.loads(Workflow(check(values)).import_work(wildcards))["prefix"] == "vit."


def test_files_are_asked_for_by_run_in_the_order_of_the_work(values):
    values["studies"]["all_pairs"]["stimuli"].append("photographs")
    flow = Workflow(check(values))
    wildcards = SimpleNamespace(setting="theirs", seed="0", stimuli="photographs", layer="features")
    assert flow.import_files(wildcards)[:3] == [
        "my/clip.digits_test.npy", "my/clip.photographs.npy", "my/dino.digits_test.npy",
    ]  # fmt: skip
    assert flow.activation_files(wildcards) == [f"my/{run}.photographs.npy" for run in ("clip", "dino", "sup")]
    assert list(json.loads(flow.import_activations_work(wildcards))["runs"]) == ["clip", "dino", "sup"]
    assert flow.import_files(SimpleNamespace(setting="ours", seed="0")) == ["my/a.pt", "my/b.pt"]
    assert "my/" not in flow.import_work(wildcards) + flow.import_activations_work(wildcards)


def test_checkpoints_that_are_missing_are_told_of_and_a_plan_is_made_without_them(values, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "b.pt").touch()
    flow, wildcards = Workflow(check(values)), SimpleNamespace(setting="ours", seed="0")
    assert flow.files_to_import(wildcards) == ["my/b.pt"]
    assert missing_weights(flow.config, ["ours"]) == [
        "settings.ours.checkpoints: 1 of 2 files are missing (my/a.pt). Put them there, or correct the path."
    ]
    assert missing_weights(flow.config, ["theirs", "digits"]) == []
    manifest = tmp_path / flow.manifest(Cell("ours", "external", 0))
    manifest.parent.mkdir(parents=True)
    manifest.touch()  # they are in the run store: Snakemake sees that nothing is to be done, as before they were moved
    assert flow.files_to_import(wildcards) == ["my/a.pt", "my/b.pt"]


def test_how_a_layer_becomes_a_vector_is_not_known_of_activations_from_files(values, demo):
    assert json.loads(Workflow(check(values)).views_work(None))["given"] == ["theirs"]
    demo["settings"].pop("theirs")
    demo["studies"].pop("all_pairs")
    assert "given" not in json.loads(Workflow(check(demo)).views_work(None))


def test_only_settings_with_a_model_are_extracted_and_only_external_ones_imported(values, demo):
    flow = Workflow(check(values))
    assert flow.layer_sets() == {"avgpool": (("avgpool",), ["digits", "colorshapedigit", "ours"])}
    assert flow.import_settings("checkpoints", "activations") == "theirs|ours"
    assert flow.import_settings("activations") == "theirs"


def test_nothing_is_imported_where_no_setting_asks_for_it(demo):
    assert Workflow(check(demo)).import_settings("checkpoints", "activations") == "(?!)"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("settings.theirs.activations", "my/{run}.npy", "theirs.activations: the path must hold {run}, {stimuli}"),
        ("settings.theirs.activations", "my/{run}.{stimuli}.{x}", "no other places than {run}, {stimuli}, {layer}"),
        ("settings.theirs.layers", ["x", "y"], "settings.theirs: 2 layers need {layer} in the path"),
        ("settings.theirs.runs", ["a", "a"], "runs names a run twice: ['a', 'a']"),
        ("settings.theirs.run", ["a"], "settings.theirs.run: unknown key. Did you mean 'runs'?"),
        ("settings.ours.model", "resnet9", "settings.ours.model: 'resnet9' is not under models. Did you mean"),
        ("studies.given.settings", ["theirs"], "pairs: setting 'theirs' has no run a, b. Runs: clip, dino"),
        ("studies.given.settings", ["digits"], "'digits' is trained here, which does not fit the factor external"),
        ("studies.dataset_overlap.settings", ["ours"], "'ours' names runs from files, which does not fit the factor"),
        ("studies.given.pairs", [], "pairs is empty"),
        ("studies.given.pairs", [{"a": "a", "b": "a"}], "every pair names two runs, and stands once: a-a"),
        ("studies.given.pairs", [{"a": "a", "b": "b"}, {"a": "b", "b": "a"}], "stands once: a-b, b-a"),
        ("settings.theirs.runs", ["clip"], "all_pairs.settings: 'theirs' has one run, and nothing to compare it with"),
        ("models.resnet8", {"family": "gpt"}, "settings.ours.model: checkpoints are of models of images, the family"),
        ("settings.ours.dataset", "words", "settings.ours.dataset: 'words' holds text, the family resnet takes rgb"),
        ("models.resnet8", {"family": "vae", "size": 28}, "settings.ours.size: 8 must be the size of the model"),
        ("studies.given.factor", "externals", "given.factor: unknown factor 'externals'. Did you mean 'external'?"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_path_and_remedy(values, path, value, words):
    *sections, last = path.split(".")
    inner = values
    for section in sections:
        inner = inner[section]
    inner[last] = value
    with pytest.raises(ConfigError) as error:
        check(values, "my.yaml")
    assert words in str(error.value)


def test_one_run_may_be_compared_with_another_setting(values):
    values["settings"]["theirs"]["runs"] = ["clip"]
    values["settings"]["others"] = {**THEIRS, "runs": ["dino"]}
    study = values["studies"]["all_pairs"]
    study |= {"settings": ["theirs", "others"], "comparisons": {"both": {"a": "theirs", "b": "others"}}}
    check(values)
    study["comparisons"]["both"] = {"a": "theirs"}  # with itself
    with pytest.raises(ConfigError, match=r"'theirs' has one run.*\n.*'others' has one run"):
        check(values)


def test_an_overlap_is_given_for_every_pair_or_none(values):
    values["settings"]["ours"]["runs"].append("c")
    values["studies"]["given"]["pairs"].append({"a": "a", "b": "c"})
    with pytest.raises(ConfigError, match="give an overlap for every pair or for none"):
        check(values)
