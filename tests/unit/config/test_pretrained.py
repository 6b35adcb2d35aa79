"""Settings of other libraries' models: what is wrong is told when the configuration is read, without PyTorch."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from whyalike.config import pretrained_files
from whyalike.config.pretrained import ResolvedPretrained
from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.files import file_sha256
from whyalike.grid import all_pairs
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.views import view_of
from whyalike.grid.workflow import Workflow
from whyalike.models.libraries.parameters import Facts
from whyalike.planning.preflight import missing_data, missing_weights

RULE = {"resize": 64, "crop": 64, "interpolation": "bicubic", "mean": [127.5] * 3, "std": [127.5] * 3}
FACTS = Facts(
    modules=("stem", "blocks", "blocks.0", "blocks.1"), blocks=("blocks.0", "blocks.1"), convolutions=("stem",),
    parameters=(300, 200), rule=RULE,
)  # fmt: skip


@pytest.fixture
def answers(monkeypatch):
    """What the process that knows libraries would say; the list of what it was asked."""
    asked = []

    def told(questions):
        asked.extend(questions)
        return [{"facts": FACTS.plain()} for _ in questions]

    monkeypatch.setattr(pretrained_files, "_told", told)
    monkeypatch.setattr(pretrained_files, "_installed", lambda package: "1")
    return asked


@pytest.fixture
def values(demo, tmp_path, answers):
    """The demo with a setting of timm's, whose two models lie in files."""
    demo["results"] = str(tmp_path / "results")
    for run in "ab":
        (tmp_path / f"{run}.safetensors").write_bytes(run.encode())
    demo["settings"]["vit"] = {
        "library": "timm", "name": "vit_tiny", "tag": "mine", "weights": f"{tmp_path}/{{run}}.safetensors",
        "runs": ["a", "b"], "dataset": "digits", "labelling": "digit", "layers": "blocks",
    }  # fmt: skip
    demo["studies"]["vits"] = {"factor": "external", "settings": ["vit"], "stimuli": ["digits_test"]}
    return demo


def vit(values) -> ResolvedPretrained:
    return check(values).settings["vit"]


def runs(values, setting="vit"):
    return {run.name: run for run in Grid(check(values)).runs(Cell(setting, "external", 0))}


def told(values) -> str:
    with pytest.raises(ConfigError) as caught:
        check(values)
    return str(caught.value)


def test_layers_hashes_and_the_native_rule_are_found(values, tmp_path):
    setting = vit(values)
    assert setting.layers == ("blocks.0", "blocks.1")
    assert setting.hashes == {run: file_sha256(tmp_path / f"{run}.safetensors") for run in "ab"}
    assert setting.rule.plain() == RULE
    values["settings"]["vit"]["layers"] = "convolutions"
    assert vit(values).layers == ("stem",)


def test_a_rule_takes_means_from_the_library(values):
    values["settings"]["vit"]["input"] = {"resize": 80, "crop": 64, "mean": [1, 2, 3]}
    rule = vit(values).rule
    assert (rule.resize, rule.mean, rule.std, rule.interpolation) == (80, (1, 2, 3), (127.5,) * 3, "bilinear")


def test_one_model_has_the_name_of_its_setting(values, tmp_path):
    own = values["settings"]["vit"]
    own["weights"] = str(tmp_path / "a.safetensors")
    del own["runs"], values["studies"]["vits"]
    assert vit(values).runs == ("vit",)


def test_identities_come_from_the_weights_and_not_from_places_or_looks(values, tmp_path):
    before = runs(values)
    (tmp_path / "there").mkdir()
    for run in "ab":
        os.replace(tmp_path / f"{run}.safetensors", tmp_path / "there" / f"{run}.safetensors")
    own = values["settings"].pop("vit")
    values["settings"]["other"] = own | {"weights": f"{tmp_path}/there/{{run}}.safetensors", "layers": ["stem"],
                                         "pooling": "cls", "input": {"resize": 32}}  # fmt: skip
    values["studies"]["vits"]["settings"] = ["other"]
    after = runs(values, "other")
    assert {name: (run.identity, run.untrained) for name, run in before.items()} == {
        name: (run.identity, run.untrained) for name, run in after.items()
    }
    (tmp_path / "there" / "a.safetensors").write_bytes(b"else")
    assert runs(values, "other")["a"].identity != before["a"].identity
    assert runs(values, "other")["b"].identity == before["b"].identity
    own["tag"] = "theirs"
    values["settings"]["other"]["tag"] = "theirs"
    assert runs(values, "other")["b"].identity != before["b"].identity


def test_folders_of_equal_weights_with_other_input_rules_are_other_views(values, tmp_path, monkeypatch):
    own = values["settings"].pop("vit") | {"library": "transformers", "name": "mine/vit", "runs": ["m"]}
    for setting in "cd":
        folder = tmp_path / setting
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        (folder / "model.safetensors").write_bytes(b"m")
        (folder / "preprocessor_config.json").write_text(setting)
        values["settings"][setting] = own | {"weights": str(folder)}
    rules = [RULE, RULE | {"mean": [1, 2, 3]}]
    answer = [{"facts": FACTS.model_copy(update={"rule": rule}).plain()} for rule in rules]
    monkeypatch.setattr(pretrained_files, "_told", lambda asked: answer)
    values["studies"]["vits"] |= {"settings": ["c", "d"], "comparisons": {"cd": {"a": "c", "b": "d"}}}
    config = check(values)
    grid = Grid(config)
    (c,), (d,) = (grid.runs(Cell(setting, "external", 0)) for setting in "cd")
    assert c.identity == d.identity
    assert view_of(config, c).identity != view_of(config, d).identity


def test_how_a_model_is_looked_at_is_in_the_parameters_of_its_extraction(values):
    wildcards = SimpleNamespace(setting="vit", factor="external", seed="0", stimuli="digits_test")

    def text():
        return Workflow(check(values)).activations_work(wildcards)

    before = text()
    for key, value in (("pooling", "cls"), ("layers", ["stem"]), ("input", {"resize": 32}), ("drop", ["head."])):
        one = values["settings"]["vit"].get(key)
        values["settings"]["vit"][key] = value
        assert text() != before, key
        values["settings"]["vit"] |= {key: one}
        if one is None:
            del values["settings"]["vit"][key]
    assert text() == before


def test_weights_under_two_names_are_refused(values, tmp_path):
    (tmp_path / "b.safetensors").write_bytes(b"a")
    assert "settings.vit.weights: run b has the weights of run a of settings.vit" in told(values)
    (tmp_path / "b.safetensors").write_bytes(b"b")
    values["settings"]["twin"] = values["settings"]["vit"] | {"layers": ["stem"]}
    check(values)  # the same models, looked at in another way
    values["settings"]["twin"]["name"] = "vit_small"
    fault = told(values)
    assert "settings.twin.weights: run a has the weights of run a of settings.vit" in fault
    assert "timm vit_tiny mine, not timm vit_small mine: one model under two names" in fault


def test_other_weights_than_declared_are_refused(values, tmp_path):
    sha256 = {run: file_sha256(tmp_path / f"{run}.safetensors") for run in "ab"}
    values["settings"]["vit"]["sha256"] = sha256
    check(values)
    values["settings"]["vit"]["sha256"] = sha256 | {"b": "0" * 64}
    assert f"settings.vit.sha256: {tmp_path}/b.safetensors has {sha256['b']}, not the declared {'0' * 64}" in told(
        values
    )


def test_all_missing_weights_are_told_before_any_job_and_a_plan_is_made(values, tmp_path):
    values["settings"]["vit"]["sha256"] = {"a": "1" * 64, "b": "2" * 64}
    for run in "ab":
        (tmp_path / f"{run}.safetensors").unlink()
    config = check(values)
    jobs = [SimpleNamespace(rule=SimpleNamespace(name="import_runs"), wildcards=SimpleNamespace(setting="vit"))]
    first, second = missing_data(config, jobs, {})
    assert first == (
        f"settings.vit: {tmp_path}/a.safetensors is missing: timm vit_tiny, tag mine, SHA-256 {'1' * 64}. On a machine "
        "with a network (CONFIG: your configuration): whyalike zoo save CONFIG vit; then bring it here."
    )
    assert "b.safetensors is missing" in second
    values["settings"]["vit"]["weights"] = f"{tmp_path}/{{run}}.pth"  # which `whyalike zoo save` does not write
    first, _ = missing_data(check(values), jobs, {})
    assert "Put your file there; or name a .safetensors in `weights`. On a machine with a network" in first
    many = {**values["settings"], "vit": {**values["settings"]["vit"], "runs": list("abcdefgh")}}
    *first_three, more = missing_weights(check({**values, "settings": many}), ["vit"])
    assert len(first_three) == 3 and more == "settings.vit: of its 8 runs the weights of 5 more are missing."
    values["settings"]["vit"] |= {"library": "import", "name": "my.nets:vit"}
    first, _ = missing_data(check(values), jobs, {})
    assert first.endswith("They are yours: put them there.")
    assert (
        missing_data(config, [SimpleNamespace(rule=SimpleNamespace(name="all"), wildcards=SimpleNamespace())], {}) == []
    )
    assert Workflow(config).import_files(SimpleNamespace(setting="vit", seed="0")) == []  # Snakemake waits for none
    declared = runs(values)  # what is declared names the runs, with their files or without
    assert len({run.identity for run in declared.values()}) == 2


def test_only_a_changed_file_is_read_again(values, tmp_path, answers, monkeypatch):
    read = []
    monkeypatch.setattr(pretrained_files, "file_sha256", lambda path: read.append(path.name) or file_sha256(path))
    check(values)
    assert read == ["a.safetensors", "b.safetensors"]
    assert len(answers) == 1
    check(values)
    assert (len(read), len(answers)) == (2, 1)
    (tmp_path / "b.safetensors").write_bytes(b"other")
    check(values)
    assert read[2:] == ["b.safetensors"]
    assert len(answers) == 1


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"key": 1}', None])
def test_a_damaged_cache_is_only_a_miss(values, tmp_path, answers, damage):
    before = vit(values)
    for entry in Path(values["results"], ".pretrained").iterdir():
        if damage is None:
            whole = json.loads(entry.read_text())
            entry.write_text(json.dumps(whole | {"value": "f" * 64}))
        else:
            entry.write_text(damage)
    assert vit(values) == before
    assert len(answers) == 2


def test_a_results_folder_that_cannot_be_written_is_no_fault(values, tmp_path):
    values["results"] = str(tmp_path / "a.safetensors")  # a file
    assert vit(values).layers == ("blocks.0", "blocks.1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": ["block.0"]}, "vit_tiny has no module 'block.0'. Did you mean 'blocks.0'?"),
        ({"library": "tim"}, "unknown library 'tim'. Did you mean 'timm'?"),
        ({"tag": None}, "settings.vit.tag"),
        ({"weights": "x/{layer}.pt"}, "it may hold {run} and no other places"),
        ({"weights": "x.pt"}, "2 runs need {run} in the path x.pt"),
        ({"name": "vit_tiny.augreg"}, "write the tag of its own: name: vit_tiny, tag: augreg"),
        ({"projection": "before"}, "models of timm have no projection: remove the key"),
        ({"library": "import"}, "name must be a function of yours, package.module:function; got vit_tiny"),
        ({"pooling": "max"}, "settings.vit.pooling"),
        ({"input": {"resize": 32, "crop": 64}}, "crop 64 is larger than resize 32"),
        ({"sha256": "0" * 64}, "sha256 must be one for each of the runs, by name"),
        ({"sha256": {"c": "0" * 64}}, "sha256 names no run c. Runs: a, b"),
        ({"dataset": "nowhere"}, "settings.vit.dataset: 'nowhere' is not under datasets"),
        ({"library": "transformers"}, "a.safetensors must be a folder, as `save_pretrained` of transformers writes it"),
        ({"download": True}, "settings.vit.download"),
        ({"arguments": {"checkpoint_path": "x.pt"}}, "arguments may not hold checkpoint_path: weights come from"),
    ],
)
def test_faults_name_the_key_and_what_helps(values, changes, words):
    values["settings"]["vit"] |= changes
    if changes.get("tag", "") is None:
        del values["settings"]["vit"]["tag"]
    assert words in told(values)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"blocks": ()}, "settings.vit.layers: vit_tiny has no blocks that are known as such: name modules"),
        ({"rule": None}, "settings.vit.input: no native rule, timm says nothing of vit_tiny with the tag mine"),
        ({"rule": None, "rule_fault": "its images get borders"}, "no native rule, its images get borders: give resize"),
        ({"inputs": "tokens"}, "settings.vit.dataset: 'digits' holds images, vit_tiny takes text"),
    ],
)
def test_what_the_library_says_must_fit(values, monkeypatch, facts, words):
    answer = [{"facts": FACTS.model_copy(update=facts).plain()}]
    monkeypatch.setattr(pretrained_files, "_told", lambda asked: answer)
    assert words in told(values)


def test_a_library_that_is_not_installed_is_one_message(values, monkeypatch):
    monkeypatch.setattr(pretrained_files, "_installed", lambda package: None)
    assert "settings.vit: the library timm is not installed: make setup-zoo" in told(values)


def test_a_fault_of_a_library_is_a_fault_of_the_setting(values, monkeypatch):
    monkeypatch.setattr(pretrained_files, "_told", lambda asked: [{"fault": "timm 1 has no model vit_tiny."}])
    assert "settings.vit: timm 1 has no model vit_tiny." in told(values)


def test_a_process_of_its_own_answers():
    asked = {"library": "torchvision", "name": "resnet18", "tag": "IMAGENET1K_V1"}
    nowhere = asked | {"name": "resnet19"}
    first, second = pretrained_files._told([{"asked": one, "folder": None} for one in (asked, nowhere)])
    assert Facts.from_plain(first["facts"]).blocks[:2] == ("layer1.0", "layer1.1")
    assert "has no model resnet19. Did you mean resnet18" in second["fault"]


def test_models_of_libraries_are_compared_at_their_start_as_at_their_end(values):
    values["studies"]["vits"] |= {"factor": "zoo", "comparisons": {
        "all": {"of": "all", "steps": [0, "final"]}, "starts": {"a": "vit", "layers": "same", "steps": [0]},
    }}  # fmt: skip
    flow = Workflow(check(values))
    found = all_pairs.representations(flow.grid, "vits", flow.comparisons("vits")["all"], "digits_test")
    assert [one.step for one in found if one.layer == "blocks.0"] == [0, None, 0, None]
    asked = json.loads(flow.activations_work(SimpleNamespace(setting="vit", factor="external", seed="0",
                                                             stimuli="digits_test")))  # fmt: skip
    assert {one.view for one in found} == {*asked["untrained"], *asked["runs"].values()}
    values["studies"]["vits"]["comparisons"]["starts"]["steps"] = [5]
    with pytest.raises(ConfigError, match="the runs of 'vit' come from files, which have no step 5"):
        check(values)


@pytest.mark.parametrize("layers", ["same", [["encoder.layer.0", "avgpool"]]])
def test_layers_of_an_architecture_that_is_yet_to_be_brought_are_not_judged(values, tmp_path, layers):
    values["settings"]["vit"] |= {"library": "transformers", "weights": f"{tmp_path}/{{run}}_folder"}
    values["studies"]["vits"] |= {"factor": "zoo", "settings": ["vit", "digits"],
                                  "comparisons": {"x": {"a": "vit", "b": "digits", "layers": layers},
                                                  "y": {"of": "all", "layers": "same"}}}  # fmt: skip
    config = check(values)
    assert config.settings["vit"].facts is None
    assert "vit: " in missing_weights(config, ["vit"])[0] and "is missing" in missing_weights(config, ["vit"])[0]
