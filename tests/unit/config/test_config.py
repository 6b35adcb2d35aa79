"""The configuration is checked whole: every fault has its key path, the value that came, and what to do."""

import re
import subprocess
import sys

import pytest

from whyalike.config.config import Setting
from whyalike.config.external import OwnActivations, OwnCheckpoints
from whyalike.config.reading import check, read
from whyalike.config.yaml_file import ConfigError
from whyalike.models.registry import MODELS
from whyalike.similarity.metrics.registry import METRICS


def change(values, path, value):
    """Set a value at a key path such as "recipes.digits.lr"."""
    *sections, last = path.split(".")
    for section in sections:
        values = values.setdefault(section, {})
    values[last] = value


def message(values):
    """The text of the ConfigError that a configuration gives."""
    with pytest.raises(ConfigError) as error:
        check(values, "my.yaml")
    return str(error.value)


def test_the_demo_is_valid(demo, demo_path):
    assert read(demo_path) == check(demo)


def test_a_metric_without_a_published_form_may_stand_beside_both_protocols(demo):
    demo["similarity"] = {
        "metrics": {"cka": {}, "rsa": {}, "linear": {"ridge": 1}},
        "protocols": ["exact", "as_published"],
    }
    assert list(check(demo).similarity.metrics) == ["cka", "rsa", "linear"]


def test_defaults_fill_what_is_left_out(demo):
    config = check(demo)
    assert config.share_a is True
    assert config.results == "results"
    assert config.recipes["digits"].momentum == 0.9
    assert config.settings["digits"].layers == ("avgpool",)


def test_a_configuration_cannot_be_changed_after_reading(demo):
    with pytest.raises(ValueError, match="frozen"):
        check(demo).name = "other"


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("nam", 1, "nam: unknown key. Did you mean 'name'?"),
        ("recipes.digits.epoch", 3, "recipes.digits.epoch: unknown key. Did you mean 'epochs'?"),
        ("recipes.digits.augmentation.flipp", True, "digits.augmentation.flipp: unknown key. Did you mean 'flip'?"),
        (
            "datasets.digits.train_per_clas",
            9,
            "datasets.digits.train_per_clas: unknown key. Did you mean 'train_per_class'?",
        ),
        ("similarity.metrics.ckaa", {}, f"unknown metric 'ckaa'. Did you mean 'cka'? Known: {', '.join(METRICS)}."),
        ("similarity.metrics.cka", {"k": 3}, "similarity.metrics.cka: cka has no parameter 'k'. Known: none."),
        (
            "similarity.metrics.mutual_knn",
            {"k": 0},
            "similarity.metrics.mutual_knn: mutual_knn needs a whole number k >= 1",
        ),
        (
            "similarity",
            {"metrics": {"cka": {}, "cca": {}}, "protocols": ["as_published"]},
            "similarity.metrics.cca: cca has no form as_published: the reference lacks it. Use protocol 'exact', or ",
        ),
        (
            "similarity.metrics",
            {"rsa": {"rdm": "manhattan"}},
            "similarity.metrics.rsa: rsa needs rdm to be one of 'correlation', 'cosine', 'euclidean'; got 'manhattan'",
        ),
        (
            "similarity.protocols",
            ["exakt"],
            "similarity.protocols.0: this must be 'exact' or 'as_published'. Did you mean 'exact'? (got 'exakt')",
        ),
        (
            "models.resnet8.family",
            "resnett",
            f"models.resnet8.family: unknown family 'resnett'. Did you mean 'resnet'? Known: {', '.join(MODELS)}.",
        ),
        ("models.resnet8.blocks", [1, 1], "blocks (1, 1) and widths (16, 32, 64) need one number a stage each"),
        ("figures.task_overlap.kind", "overlp", "unknown figure kind 'overlp'. Did you mean 'overlap'?"),
        ("figures.task_overlap.kind", "closeness_width", "unknown figure kind 'closeness_width'. Known: "),
        (
            "figures.mutual_information.kind",
            "overlap",
            "figures.mutual_information: a figure of kind overlap needs the key 'study'",
        ),
        (
            "figures.task_overlap.study",
            "dataset_overlap",
            "figures.task_overlap: a figure with the name of a study must show",
        ),
        (
            "figures.colorshapedigit_classes.dataset",
            "digit",
            "colorshapedigit_classes.dataset: 'digit' is not under datasets. Did you mean 'digits'?",
        ),
        (
            "settings.digits.dataset",
            "digitz",
            "digits.dataset: 'digitz' is not under datasets. Did you mean 'digits'? Known: digits, ",
        ),
        (
            "settings.digits.recipe",
            "fast",
            "settings.digits.recipe: 'fast' is not under recipes. Known: digits, colorshapedigit.",
        ),
        (
            "settings.digits.model",
            "resnet9",
            "settings.digits.model: 'resnet9' is not under models. Did you mean 'resnet8'?",
        ),
        (
            "settings.digits.labelling",
            "shape",
            "digits.labelling: 'shape' must join distinct attributes with '_'. Attributes: digit.",
        ),
        (
            "settings.colorshapedigit.labelling",
            "digit_digit",
            "settings.colorshapedigit.labelling: 'digit_digit' must join distinct",
        ),
        ("settings.digits.size", 3, "settings.digits.size: this must be at least 4 (got 3)"),
        (
            "studies.task_overlap.settings",
            ["digit"],
            "studies.task_overlap.settings: 'digit' is not under settings. Did you mean 'digits'?",
        ),
        (
            "studies.task_overlap.stimuli",
            ["svhn"],
            "studies.task_overlap.stimuli: 'svhn' is not under stimuli. Known: digits_test, ",
        ),
        (
            "studies.task_overlap.stimuli",
            {"digits": ["svhn"]},
            "studies.task_overlap.stimuli: 'svhn' is not under stimuli. Known: digits_test, ",
        ),
        (
            "studies.task_overlap.stimuli",
            {"digits": ["digits_test"], "digit": ["digits_test"]},
            "studies.task_overlap.stimuli: 'digit' is not under studies.task_overlap.settings. Did you mean 'digits'? "
            "Known: digits.",
        ),
        (
            "studies.task_overlap.stimuli",
            {"colorshapedigit": ["digits_test"]},
            "studies.task_overlap.stimuli: the setting 'digits' has no stimuli: give it a list.",
        ),
        (
            "studies.task_overlap.stimuli",
            {"digits": ["digits_test", "digits_test"]},
            "stimuli names a value twice: ['digits_test', 'digits_test']",
        ),
        ("studies.task_overlap.stimuli", ["digits_test", "digits_test"], "stimuli names a value twice: ["),
        (
            "studies.task_overlap.stimuli",
            {"digits": []},
            "studies.task_overlap.stimuli.digits: too few, there must be at least 1",
        ),
        ("studies.task_overlap.stimuli", [], "studies.task_overlap.stimuli: too few, there must be at least 1"),
        (
            "studies.label_overlap.settings",
            ["digits"],
            "label overlap needs data with shape, digit and color, not 'digits'",
        ),
        ("studies.task_overlap.seeds", [0, 1, 0], "seeds names a value twice: [0, 1, 0]"),
        ("studies.task_overlap.seeds", [], "studies.task_overlap.seeds: "),
        ("studies.task_overlap.seeds", [0, -1], "seeds.1: this must be at least 0 (got -1)"),
        ("recipes.digits.lr", float("inf"), "recipes.digits.lr: this must be a finite number (got inf)"),
        ("stimuli.digits_test.dataset", "mnist", "stimuli.digits_test.dataset: 'mnist' is not under datasets."),
        (
            "datasets.digits.source",
            "digit",
            "datasets.digits.source: unknown source 'digit'. Did you mean 'digits'? Known: ",
        ),
        ("datasets.my-data", {"source": "digits"}, "datasets.my-data"),
        ("recipes.digits.lr", 0, "recipes.digits.lr: this must be above 0 (got 0)"),
        ("recipes.digits.peak_epoch", 15, "recipes.digits: peak_epoch (15) must lie before the last epoch (15)"),
        ("recipes.digits.peak_epoch", 20, "recipes.digits: peak_epoch (20) must lie before the last epoch (15)"),
        ("recipes.digits.std", [96, 96], "need one non-zero number a channel each"),
        ("recipes.digits.std", [96, 96, 0], "need one non-zero number a channel each"),
    ],
)
def test_a_fault_is_named_with_its_path_value_and_remedy(demo, path, value, words):
    change(demo, path, value)
    text = message(demo)
    assert words in text
    assert re.match(r"my\.yaml: \d faults?, nothing was run\n  - ", text)
    assert "pydantic" not in text


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("0.10", "write the level '0.10' as '0.1': levels name files, so each has one spelling"),
        ("1.0", "write the level '1.0' as '1'"),
        ("-0", "write the level '-0' as '0'"),
        ("1e-1", "write the level '1e-1' as '0.1'"),
        ("1.5", "a level lies between 0 and 1, got 1.5"),
        ("-0.5", "a level lies between 0 and 1, got -0.5"),
        ("nan", "a level lies between 0 and 1, got nan"),
        ("half", "a level is a number between 0 and 1 in quotes, got 'half'"),
        ("2A", "a level is a number between 0 and 1 in quotes, got '2A'"),
        (0.5, "studies.dataset_overlap.levels.1: this must be text: put it in quotes (got 0.5)"),
        ("0", "levels names a value twice: ['0', '0']"),
    ],
)
def test_a_level_has_one_spelling_between_0_and_1(demo, level, words):
    demo["studies"]["dataset_overlap"]["levels"] = ["0", level]
    text = message(demo)
    assert words in text
    assert "studies.dataset_overlap" in text


def test_a_level_of_label_overlap_is_one_of_its_conditions(demo):
    demo["studies"]["label_overlap"]["levels"] = ["1", "2D", "0.5"]
    assert "levels ['2D', '0.5'] are not conditions of label overlap: 1, 2A, 2B, 2C, 3" in message(demo)


def test_a_hint_never_repeats_the_key_itself(demo):
    demo["recipes"]["digits"]["size"] = 8  # a key of settings
    assert message(demo).splitlines()[1].startswith("  - recipes.digits.size: unknown key.")
    assert "'size'" not in message(demo)


def test_a_missing_key_is_named(demo):
    del demo["recipes"]["digits"]["lr"]
    del demo["figures"]["accuracy"]["caption"]
    text = message(demo)
    assert "recipes.digits.lr: this key is missing" in text
    assert "figures.accuracy.caption: this key is missing" in text


def test_all_faults_come_in_one_message_a_line_each(demo):
    change(demo, "recipes.digits.lr", -1)
    change(demo, "recipes.colorshapedigit.epoch", 3)
    change(demo, "studies.task_overlap.levels", ["0.10"])
    change(demo, "similarity.metrics.ckaa", {})
    text = message(demo)
    assert text.splitlines()[0] == "my.yaml: 4 faults, nothing was run"
    assert len(text.splitlines()) == 5


def test_all_references_are_followed_in_one_message(demo):
    change(demo, "settings.digits.recipe", "fast")
    change(demo, "settings.colorshapedigit.model", "vit")
    change(demo, "studies.task_overlap.stimuli", ["svhn", "digits_test", "cifar"])
    assert message(demo).splitlines()[0] == "my.yaml: 4 faults, nothing was run"


def test_a_long_value_is_cut(demo):
    change(demo, "studies.task_overlap.factor", "x" * 500)
    assert max(len(line) for line in message(demo).splitlines()) < 250


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [demo\n", "not valid YAML"),
        ("", "is empty: start from a copy"),
        ("- a\n- b\n", "must hold keys as config/demo.yaml does"),
    ],
    ids=["broken", "empty", "list"],
)
def test_a_file_that_holds_no_configuration_is_named(tmp_path, text, words):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=rf"mine\.yaml.* {words}"):
        read(tmp_path / "mine.yaml")


def test_a_missing_file_is_named_with_an_example():
    with pytest.raises(ConfigError, match=r"no configuration file nowhere\.yaml: .* for example config/demo\.yaml"):
        read("nowhere.yaml")


def test_every_key_has_a_description():
    from whyalike.section import Section

    def check_sections(model):
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name}"
        for section in model.__subclasses__():
            check_sections(section)

    check_sections(Section)


def test_where_layers_are_asked_for_it_is_said_how_they_become_vectors():
    for section in (Setting, OwnCheckpoints):
        assert "mean over positions" in section.model_fields["layers"].description
    assert "as they are" in OwnActivations.model_fields["layers"].description


def test_reading_a_configuration_imports_nothing_heavy(demo_path):
    # the Snakefile is parsed in every job, so this import is paid each time
    code = (
        "import sys; from whyalike.config.reading import read; from whyalike.grid.workflow import Workflow; "
        f"flow = Workflow(read({str(demo_path)!r})); flow.all_manifests(); "
        "print([name for name in ('torch', 'pandas', 'sklearn', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout == "[]\n"


def test_fixed_classes_outside_task_overlap_is_refused(demo):
    demo["studies"]["dataset_overlap"]["fixed_classes"] = True
    with pytest.raises(ConfigError, match="fixed_classes is about task overlap; the factor is dataset"):
        check(demo)


@pytest.mark.parametrize(("given", "counts"), [(True, (1,)), (False, ()), ([2], (2,)), ([1, 2], (1, 2))])
def test_fixed_classes_are_one_or_two_at_a_time(demo, given, counts):
    demo["studies"]["task_overlap"]["fixed_classes"] = given
    assert check(demo).studies["task_overlap"].fixed_classes == counts


@pytest.mark.parametrize(
    ("given", "message"),
    [([3], "got 3"), (2, "must be a list"), ([1, 1], r"fixed_classes names a value twice: \[1, 1\]")],
)
def test_other_numbers_of_fixed_classes_are_refused(demo, given, message):
    demo["studies"]["task_overlap"]["fixed_classes"] = given
    with pytest.raises(ConfigError, match=message):
        check(demo)


def test_a_minimum_for_labels_that_no_run_has_is_refused(demo):
    demo["studies"]["label_overlap"]["min_accuracy"] = {"shape_colour": 0.9}
    with pytest.raises(ConfigError, match=r"label_overlap\.min_accuracy: no run has the labels 'shape_colour'"):
        check(demo)


AUTOENCODER = {"family": "vae", "size": 8}
LOWER_BOUND = {"objective": "elbo", "lr": 0.001, "epochs": 1, "batch_size": 10}

SIMCLR = {"objective": "simclr", "lr": 0.1, "epochs": 1, "batch_size": 50, "mean": [78], "std": [96]}
CAPTIONS = {**SIMCLR, "objective": "captions"}
FACTS = {"studies.dataset_overlap.factor": "factorial", "studies.dataset_overlap.levels": ["0:0", "0:1", "1:0", "1:1"]}


CONTROLS = {"factor": "controls", "settings": ["digits"], "stimuli": ["digits_test"]}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"recipes.digits": LOWER_BOUND},
            "settings.digits.recipe: the objective elbo is for models of grey input, the family resnet takes rgb.",
        ),
        (
            {"recipes.digits": SIMCLR, "models.resnet8": {"family": "embedder"}},
            "settings.digits.model: the objective simclr trains what the linear head of a model reads, the family "
            "embedder has none. Families that have: import, resnet, vgg, vit.",
        ),
        (
            {"recipes.digits": {**SIMCLR, "objective": "moco", "queue": 10}},
            "recipes.digits: queue (10) must hold a batch (50): raise queue",
        ),
        (
            {
                "recipes.digits": CAPTIONS,
                "datasets.digits": {"source": "cifar10"},
                "settings.digits.labelling": "class",
            },
            "settings.digits.labelling: the objective captions needs labels that it has words for, color, shape, digit "
            "joined by '_'; got 'class'.",
        ),
        (
            {"recipes.digits": CAPTIONS, **FACTS},
            "studies.dataset_overlap.settings: the objective captions needs labels that it has words for, color, "
            "shape, digit joined by '_'; under the factorial 'digits' learns 'shape.0.0_digit.0.0_color.0.0'",
        ),
        (
            {"models.resnet8": {"family": "gpt"}},
            "settings.digits.dataset: 'digits' holds images, the family gpt takes tokens.",
        ),
        (
            {"models.resnet8": {"family": "gpt"}},
            "settings.digits.size: a model of tokens input has no size: remove the key.",
        ),
        ({"settings.digits.size": None}, "settings.digits.size: a model of rgb input needs the key 'size'."),
        (
            {"models.resnet8": {**AUTOENCODER, "size": 28}, "recipes.digits": LOWER_BOUND},
            "settings.digits.size: 8 must be the size of the model 'resnet8', 28.",
        ),
        (
            {"models.resnet8": AUTOENCODER, "recipes.digits": LOWER_BOUND, "studies.task_overlap.min_accuracy": 0.5},
            "studies.task_overlap.min_accuracy: runs of 'digits' have no accuracy (objective elbo)",
        ),
        (
            {"stimuli.digits_test.n": 638},  # of 1,797 digits 1,160 are to train on
            "stimuli.digits_test.n: the part 'test' of 'digits' holds 637, got 638: lower n",
        ),
        (
            {"stimuli.photographs.part": "train"},
            "stimuli.photographs.part: the part 'train' of 'photographs' is empty: take the other one.",
        ),
        (
            {"recipes.digits.batch_size": 581},
            "recipes.digits.batch_size: under dataset overlap a model sees 580 training images of 'digits', fewer than "
            "a batch of 581: lower it",
        ),
        (
            {"studies.dataset_overlap": {**CONTROLS, "levels": ["across_seeds"], "seeds": [3]}, "figures": {}},
            "studies.dataset_overlap.seeds: across_seeds compares the models of different seeds, and there is one seed",
        ),
        (
            {"studies.task_overlap.levels": ["0", "0.5", "0.2"]},
            "studies.task_overlap.levels: a model of 'digits' has 5 classes, of which 0.5 is no whole number: take "
            "0.4, the nearest, or another multiple of 1/5.",
        ),
        (
            {"similarity.metrics.mutual_knn": {"k": 400}, "stimuli.digits_test.n": 400},
            "similarity.metrics.mutual_knn.k: 400 neighbours of one stimulus are asked for, and the smallest stimuli "
            "are",
        ),
        (
            {"models.mine": {"family": "import", "path": "a.b:c", "arguments": {"gain": float("nan")}}},
            "models.mine.arguments: values are text, finite numbers, true, false, null, lists and sections",
        ),
        ({"figures.accuracy.options": {"width": float("inf")}}, "figures.accuracy.options: values are text, finite"),
        ({"similarity.protocols": ["exact", "exact"]}, "similarity.protocols: every entry may stand once, repeated"),
        ({"recipes.digits.objective": "elbow"}, "digits.objective: unknown objective 'elbow'. Did you mean 'elbo'?"),
        (
            {"figures.task_overlap.options": {"metrik": "cka"}},
            "figures.task_overlap.options: a figure of kind overlap has no option 'metrik'. Did you mean 'metric'?",
        ),
    ],
    ids=str,
)
def test_parts_that_do_not_fit_each_other_are_named(demo, changes, words):
    for path, value in changes.items():
        change(demo, path, value)
    assert words in message(demo)


def test_amounts_that_just_fit_are_valid(demo):
    change(demo, "stimuli.digits_test.n", 637)
    change(demo, "recipes.digits.batch_size", 580)
    change(demo, "studies.controls", {**CONTROLS, "levels": ["across_seeds"], "seeds": [3, 4]})
    assert check(demo).recipes["digits"].batch_size == 580


def test_amounts_that_only_files_tell_are_not_asked_about(demo):
    images = {"source": "images", "folder": "my/images", "title": "mine", "size": 8}
    change(demo, "datasets.digits", images)
    change(demo, "stimuli.digits_test.n", 10**6)
    change(demo, "recipes.digits.batch_size", 10**6)
    change(demo, "settings.digits.labelling", "class")
    change(demo, "studies.task_overlap.min_accuracy", 0)
    assert check(demo).stimuli["digits_test"].n == 10**6


def test_a_part_that_a_data_set_does_not_read_is_told(demo):
    pictures = {"source": "webdataset", "folder": "mine", "title": "mine", "size": 8, "parts": ["train"]}
    change(demo, "datasets.pets", pictures)
    change(demo, "stimuli.pets", {"dataset": "pets", "part": "train"})
    check(demo)
    change(demo, "stimuli.pets", {"dataset": "pets"})
    with pytest.raises(ConfigError, match=r"stimuli\.pets\.part: of 'pets' the part train alone is read: take that"):
        check(demo)


@pytest.mark.parametrize(
    ("more", "message"),
    [({"balanced": 9, "parts": ["train"]}, "rows and balanced are two ways to draw"), ({}, "rows are of the training")],
)
def test_rows_are_the_one_draw_of_the_training_part(demo, more, message):
    pictures = {"source": "webdataset", "folder": "mine", "title": "mine", "size": 8, "rows": "rows.json", **more}
    change(demo, "datasets.pets", pictures)
    with pytest.raises(ConfigError, match=message):
        check(demo)


def test_a_balanced_draw_takes_the_place_of_n(demo):
    before = check(demo).stimuli["digits_test"].plain()
    assert "balanced" not in before
    change(demo, "stimuli.digits_test.balanced", 100)
    assert check(demo).stimuli["digits_test"].plain() == {**before, "balanced": 100}
    change(demo, "stimuli.digits_test.n", 100)
    with pytest.raises(ConfigError, match=r"stimuli\.digits_test\.balanced: n and balanced are two ways to draw"):
        check(demo)


def test_an_autoencoder_that_fits_is_valid(demo):
    change(demo, "models.autoencoder", AUTOENCODER)
    change(demo, "recipes.autoencoder", LOWER_BOUND)
    change(
        demo, "settings.autoencoder", {**demo["settings"]["digits"], "model": "autoencoder", "recipe": "autoencoder"}
    )
    change(
        demo, "studies.autoencoder", {**demo["studies"]["task_overlap"], "settings": ["autoencoder"], "min_accuracy": 0}
    )
    assert check(demo).recipes["autoencoder"].objective == "elbo"


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        (
            "studies.dataset_overlap.levels",
            ["0", "1.2"],
            "  - studies.dataset_overlap.levels: a level lies between 0 and 1, got 1.2 (got ['0', '1.2'])",
        ),
        (
            "studies.task_overlap.seeds",
            5,
            "  - studies.task_overlap.seeds: this must be a list, such as [0, 1, 2] (got 5)",
        ),
        (
            "figures.task_overlap.options",
            {"metric": "ckaa"},
            "  - figures.task_overlap.options.metric: 'ckaa' is not under similarity.metrics. Did you mean 'cka'?",
        ),
        (
            "figures.task_overlap.options",
            {"score_protocol": "exct"},
            "  - figures.task_overlap.options.score_protocol: 'exct' is not under similarity.protocols. Did you",
        ),
        (
            "figures.task_overlap.study",
            "task_overlp",
            "  - figures.task_overlap.study: 'task_overlp' is not under studies. Did you mean 'task_overlap'?",
        ),
        (
            "similarity.metrics.ckaa",
            {},
            "  - similarity.metrics.ckaa: unknown metric 'ckaa'. Did you mean 'cka'?",
        ),
    ],
)
def test_one_typo_is_one_line_that_says_no_more_than_it_must(demo, path, value, line):
    change(demo, path, value)
    first, *faults = message(demo).splitlines()
    assert first == "my.yaml: 1 fault, nothing was run"
    assert faults[0].startswith(line)


def test_a_list_is_not_called_too_short_for_what_is_wrong_in_it(demo):
    demo["studies"]["task_overlap"]["levels"] = [0, 1]
    faults = message(demo).splitlines()[1:]
    assert [fault.split(":")[0] for fault in faults] == [
        "  - studies.task_overlap.levels.0", "  - studies.task_overlap.levels.1"]  # fmt: skip


def test_sample_text_is_of_language_models_of_a_study(demo):
    demo["sample_texts"] = {
        "task_overlap": {"study": "dataset_overlp"},
        "said": {"study": "dataset_overlap", "seeds": [9], "tokns": 1},
    }
    assert "sample_texts.said.tokns: unknown key. Did you mean 'tokens'?" in message(demo)
    del demo["sample_texts"]["said"]["tokns"]
    text = message(demo)
    assert "sample_texts.task_overlap: a figure has this name" in text
    assert "sample_texts.task_overlap.study: 'dataset_overlp' is not under studies. Did you mean" in text
    assert "sample_texts.said.study: the models of 'digits' are no language models trained here." in text
    assert "sample_texts.said.seeds: 9 is not under studies.dataset_overlap.seeds: 0, 1, 2, 3, 4." in text


def test_a_figure_of_one_comparison_names_parts_of_its_study(demo):
    options = {"comparison": "digits", "stimuli": "photographs", "layer": "avgpool"}
    demo["figures"]["shown"] = {"kind": "tsne", "study": "task_overlap", "caption": "t-SNE.", "options": options}
    check(demo)
    demo["figures"]["shown"]["options"] = {"stimuli": "photograph", "layer": "norm"}
    text = message(demo)
    assert "figures.shown.options.stimuli: 'photograph' is not of the figure's study. Did you mean" in text
    assert "figures.shown.options.layer: 'norm' is not of the figure's study. Known: avgpool." in text
    demo["figures"]["shown"]["options"] = {"comparison": "digit"}
    assert "figures.shown.options.comparison: 'digit' is not of the figure's study. Did you mean" in message(demo)


def test_published_scores_stand_beside_a_study_and_its_figure(demo):
    theirs = {"files": ["theirs.csv"], "study": "task_overlap", "setting": "published_resnet18"}
    demo["published"] = {"theirs": theirs}
    figure = demo["figures"]["task_overlap"] | {"published": ["theirs"], "options": {"score_protocol": "as_published"}}
    demo["figures"]["beside"] = figure
    assert check(demo).published["theirs"].stimuli == {}
    demo["published"]["theirs"] = theirs | {"setting": "digits"}
    demo["figures"]["beside"] = figure | {"study": "dataset_overlap", "options": {}}
    demo["figures"]["other"] = figure | {"published": ["their"]}
    text = message(demo)
    assert "published.theirs.setting: 'digits' is a setting of ours." in text
    assert "figures.beside.published: 'theirs' stands beside task_overlap, the figure shows dataset_overlap." in text
    assert "figures.beside.published: published scores have one protocol: set options.score_protocol" in text
    assert "figures.other.published: 'their' is not under published. Did you mean 'theirs'?" in text
    demo["published"]["theirs"] = theirs | {"study": "task"}
    assert "published.theirs.study: 'task' is not under studies." in message(demo)


@pytest.mark.parametrize(
    ("results", "words"),
    [
        ("", "the path is empty"),
        ("$SCRATCH/out", "write it out"),
        ("out/$(id)", "write it out"),
        ("a{b}", "has { and }: braces are wildcards"),
        ("a:b", "has :"),
    ],
)
def test_results_that_something_else_would_read_otherwise_are_refused(demo, results, words):
    with pytest.raises(ConfigError, match=f"(?s)results.*{words}"):
        check({**demo, "results": results})


def test_results_may_lie_in_the_home_folder(demo, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert check({**demo, "results": "~/out//x/"}).results == "/home/ada/out/x"


def test_means_of_images_from_0_to_1_are_refused(demo):
    demo["recipes"]["digits"] |= {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    with pytest.raises(ConfigError, match=r"recipes\.digits.*multiply by 255"):
        check(demo)


def test_a_width_that_no_figure_has_is_told_before_any_job(demo):
    demo["figures"]["accuracy"]["options"] = {"width": "wide"}
    with pytest.raises(
        ConfigError, match=r"figures\.accuracy\.options\.width: 'wide' is no width. Known: page, column"
    ):
        check(demo)
