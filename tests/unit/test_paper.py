"""The default configuration is the overlap study at its size: its models, stimuli, recipes, and what they cost."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from whyalike.config.reading import read
from whyalike.designs import factorial
from whyalike.grid.runs import Cell, Grid
from whyalike.models.weights import build_model
from whyalike.planning import costs
from whyalike.planning.plan import Plan
from whyalike.planning.workload import Workload

CONFIG = Path(__file__).parents[2] / "config"
COSTS = costs.read(CONFIG / "costs.yaml", local="none")


@pytest.fixture(scope="module")
def paper():
    return read(CONFIG / "config.yaml")


@pytest.fixture(scope="module")
def plan(paper, tmp_path_factory):
    return Plan(paper, Grid(paper), COSTS, tmp_path_factory.mktemp("store"))


BEYOND = ("factorial", "controls")  # factors that the paper does not have: counted apart


@pytest.fixture(scope="module")
def published(paper):
    """The configuration with the paper's own studies alone."""
    own = {name: study for name, study in paper.studies.items() if study.factor not in BEYOND}
    return paper.model_copy(update={"studies": own})


def counts(config):
    """Number of distinct models by (family, factor)."""
    grid = Grid(config)
    kinds = {
        run.identity: (config.models[config.settings[cell.setting].model].family, cell.factor)
        for cell in grid.cells
        for run in grid.runs(cell)
    }
    return Counter(kinds.values())


def test_the_papers_design_has_1622_models(published):
    # overlap-study table: pairs a seed and level, each of two models
    found = counts(published.model_copy(update={"share_a": False}))
    assert found == {
        ("resnet", "dataset"): 3 * 10 * 11 * 2,  # 660
        ("resnet", "task"): 3 * 10 * 6 * 2,  # 360
        ("resnet", "label"): 10 * 7,
        ("vae", "dataset"): 10 * 11 * 2,
        ("vae", "task"): 10 * 6 * 2,  # 340 together
        ("gpt", "dataset"): 2 * 6 * 6 * 2,
        ("gpt", "task"): 6 * 4 * 2,  # 192 together
    }
    assert found.total() == 1622


def test_with_one_model_a_for_all_levels_there_are_944(published):
    found = counts(published)
    assert found == {
        ("resnet", "dataset"): 3 * 10 * 12,
        ("resnet", "task"): 3 * 10 * 7,
        ("resnet", "label"): 10 * 7,
        ("vae", "dataset"): 10 * 12,
        ("vae", "task"): 10 * 7,
        ("gpt", "dataset"): 2 * 6 * 7,
        ("gpt", "task"): 6 * 5,
    }
    assert found.total() == 944


def test_factorial_and_controls_come_on_top_with_3_a_and_18_b_a_seed(paper, published):
    # 1 A and 12 B on facts; 2 A, and 2 B a data overlap, on the paper's labels
    assert counts(paper)["resnet", "factorial"] == 3 * 10 * (13 + 8)
    assert counts(paper.model_copy(update={"share_a": False}))["resnet", "factorial"] == 3 * 10 * (13 + 8)
    # the controls train 4 models a seed and share 3 with dataset overlap
    assert counts(paper).total() - counts(published).total() == 630 + 10 * 4


def test_the_factorial_holds_stimuli_and_steps_fixed_over_the_images_a_cell(paper):
    study = paper.studies["factorial_overlap"]
    assert set(study.levels) == {*factorial.CONDITIONS, *factorial.BRIDGE}
    each = [paper.datasets[paper.settings[name].dataset].images_per_cell for name in study.settings]
    assert each == [8, 64, 512]
    amounts = Workload(paper, COSTS)
    assert {amounts.steps(name, "factorial") for name in study.settings} == {(5120, 512, True)}
    peaks = {paper.recipes[name].peak_epoch / paper.recipes[name].epochs for name in study.settings}
    assert peaks == {0.1}
    assert {amounts.stimuli(stimuli) for name in study.settings for stimuli in study.stimuli_of(name)} == {(2048, True)}
    variants = [paper.datasets[paper.settings[name].dataset].model_copy(update={"images_per_cell": 4})
                for name in study.settings]  # fmt: skip
    assert variants[0] == variants[1] == variants[2]  # but for the number of images: the test images are the same


def test_the_stimuli_of_a_setting_are_its_own_test_set_and_the_papers_others(published):
    others = {"mnist", "svhn"}
    for study in published.studies.values():
        for name in study.settings:
            sets = [published.stimuli[stimuli].dataset for stimuli in study.stimuli_of(name)]
            own = published.settings[name].dataset
            expected = {
                "dataset": {own, *others},
                "task": {own, *others},
                "label": {own, "shapes", "numerals", "cifar10", *others},
            }[study.factor]
            if name in ("gpt_shakespeare", "gpt_tinystories"):
                expected = {"shakespeare", "tinystories", "wikitext"}
            if name == "gpt_corpora":
                expected = {"corpora"}
            assert (len(sets), set(sets)) == (len(expected), expected), name


def test_task_overlap_of_text_is_of_six_corpora(paper):
    assert len(paper.datasets["corpora"].corpora) == 6
    assert paper.stimuli["corpora_test"].n == 20500
    # each level is a whole number of a model's three corpora, as the split rounds it
    assert [round(3 * float(level)) for level in paper.studies["task_overlap_text"].levels] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("setting", "factor", "seconds"),
    [
        # the anchors of config/costs.yaml, s a model: 25,000 images x 70, 50,000 x 100 and x 90, 800,000 x 20, ...
        ("cifar10", "dataset", 16.4),
        ("cifar100", "task", 16.4),
        ("tinyimagenet", "dataset", 14.0),
        ("tinyimagenet_task", "task", 50_000 * 90 / (107_000 / 4)),  # 4 times the points of 32 px
        ("colorshapedigit", "label", 12.0),
        ("cifar10_vae", "dataset", 0.9),
        ("gpt_shakespeare", "dataset", 77.0),
        ("gpt_corpora", "task", 77.0),
    ],
)
def test_a_model_of_each_setting_costs_what_was_derived_for_it(plan, setting, factor, seconds):
    estimate = plan.estimate("train_models", {"setting": setting, "factor": factor, "seed": "0"})
    # within 3 %: the last partial batch of an epoch is dropped, and the published numbers are rounded
    assert [run.seconds for run in estimate.runs.values()] == pytest.approx([seconds] * len(estimate.runs), rel=0.03)
    assert "given" in estimate.sources


def test_every_setting_has_a_rate_of_its_own(paper):
    amounts = Workload(paper, COSTS)
    rates = {name: COSTS.rate(amounts.features(name), "h100", "training") for name in paper.settings}
    assert all(rates.values())
    assert len(set(map(id, rates.values()))) == 6  # both CIFAR share one, and so do the language models
    assert rates["tinyimagenet"].match["stem"] == "7x7" and rates["tinyimagenet"].match["size"] == 64
    assert rates["tinyimagenet_task"].match["stem"] == "3x3" and rates["tinyimagenet_task"].match["size"] == 64


@pytest.mark.parametrize("dropout", [0, 0.5])
@pytest.mark.parametrize(("setting", "model"), [("cifar10", "resnet18"), ("tinyimagenet", "resnet18_stock")])
def test_dropout_before_the_head_changes_no_rate(paper, setting, model, dropout):
    features = Workload(paper, COSTS).features(setting) | {"dropout": dropout}
    same = Workload(paper, COSTS).features(setting) | paper.models[model].model_dump(mode="json")
    assert COSTS.rate(features, "h100", "training") is COSTS.rate(same, "h100", "training") is not None


def test_the_released_large_model_has_a_rate_of_its_own(paper):
    setting = paper.settings["gpt_corpora"].model_copy(update={"model": "gpt_large", "recipe": "gpt_task_released"})
    large = paper.model_copy(update={"settings": {**paper.settings, "gpt_corpora": setting}})
    rate = COSTS.rate(Workload(large, COSTS).features("gpt_corpora"), "h100", "training")
    assert (rate.match["width"], rate.match["layers"]) == (768, 12)
    small, many = Workload(paper, COSTS).model("gpt_corpora")[0], Workload(large, COSTS).model("gpt_corpora")[0]
    # the same share of the peak: samples a second go down as the weights go up, rounded to one digit
    assert rate.samples_per_second == pytest.approx(8300 * small / many, rel=0.02)
    assert Workload(large, COSTS).steps("gpt_corpora", "task") == (20000, 128 * 2, True)


@pytest.mark.parametrize("name", ["vae", "gpt", "gpt_large", "resnet18", "resnet18_dropout"])
def test_models_are_counted_as_they_are_built(paper, name):
    model = paper.models[name]
    setting = next(iter(paper.settings.values())).model_copy(update={"model": name})
    counted, _ = Workload(paper.model_copy(update={"settings": {"one": setting}}), COSTS).model("one")
    built = build_model(model.model_dump(mode="json"), 10, 0, "0")
    # within 3 %: biases, norms, shortcuts, stem and head are left out
    assert counted == pytest.approx(sum(weight.numel() for weight in built.parameters()), rel=0.03)


def test_the_autoencoders_work_is_what_torch_counts(paper):
    parameters, uses = Workload(paper, COSTS).model("cifar10_vae")
    built = build_model(paper.models["vae"].model_dump(mode="json"), 1, 0, "0").eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        built(torch.zeros(1, 1, 28, 28))
    # two operations a multiplication; exact but for what torch counts of padded borders
    assert 2 * parameters * uses == pytest.approx(counter.get_total_flops(), rel=0.01)


def test_activations_are_as_wide_as_the_layers(plan):
    cell = {"seed": "0", "factor": "dataset"}
    vae = plan.estimate("extract_", {**cell, "setting": "cifar10_vae", "stimuli": "svhn_test"})
    # A and 11 B, and the two models that they start from; 26,032 images, mu and logvar of 20 units, 4 bytes
    assert vae.own_bytes == 14 * 26_032 * 40 * 4
    gpt = plan.estimate("extract_", {**cell, "setting": "gpt_tinystories", "stimuli": "wikitext_test"})
    # A and 6 B, and two starts; the 20,500 windows of WikiText
    assert gpt.own_bytes == 9 * 20_500 * 384 * 4


def test_text_is_prepared_and_stored_by_the_token(plan, paper):
    estimate = plan.estimate("prepare_data", {"dataset": "corpora"})
    assert estimate.own_bytes == 6 * 200_000_000 * 2
    assert estimate.seconds == pytest.approx(6 * 200_000_000 * 2.0e-6, rel=0.05)  # and 50,000 rows
    assert paper.datasets["corpora"].counts() == (6 * 80, 6 * 8000)


def test_no_recipe_stands_unused_by_mistake(paper):
    used = {setting.recipe for setting in paper.settings.values()}
    others = {name for name in paper.recipes if not name.endswith("_released")}
    # what the paper gives in full is the default; what the published code does instead is there by name
    assert others <= used
    assert used - others == {"colorshapedigit_released"}
    assert Cell("tinyimagenet_task", "task", 0) in Grid(paper).cells
