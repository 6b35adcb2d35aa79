"""The configuration at full size: models, layers, checkpoints, shifts and jobs, found without the user's files."""

import time
from collections import Counter
from pathlib import Path

import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import keys_of
from whyalike.data.shifts.registry import SHIFTS
from whyalike.planning.preflight import missing_weights
from whyalike.studies.study import rule_studies

CONFIGS = Path(__file__).parents[4] / "config"
PYTHIA_STEPS = {0, *(2**i for i in range(10)), *range(1000, 143_001, 1000)}
READ_SECONDS = (
    10  # CPU time; 1 on the machine where this was written, with the architectures' process of the first time
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study, read in an empty folder; how long that takes is measured where its results are yet to be."""
    values = keys_of(CONFIGS / "convergence.yaml", "")
    values["results"] = str(tmp_path_factory.mktemp("results"))
    began = time.process_time()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("empty"))
        made = rule_studies(check(values), CONFIGS)["convergence"]
        made.jobs_made, made.seconds = list(made.jobs()), time.process_time() - began
    return made


@pytest.fixture(scope="module")
def groups(study):
    return study.groups


def models(group) -> set[str]:
    return {member.model for member in group.members}


def test_it_is_read_and_its_jobs_are_known_in_seconds(study):
    assert study.seconds < READ_SECONDS


def test_there_are_five_seeds_of_every_network_and_sixteen_more_or_less_of_the_grid(groups):
    assert {name: len(models(group)) for name, group in groups.items()} == {
        "cifar100_resnet18": 20,  # 5 seeds, and 16 of the grid, of which one is a seed's
        **dict.fromkeys(("cifar100_resnet50", "cifar100_vgg16", "cifar100_vgg19", "cifar100_vit"), 5),
        **dict.fromkeys(("cifar100_simclr", "cifar100_moco", "cifar100_resnet18_shuffled"), 5),
        **dict.fromkeys((f"imagenet_{name}" for name in ("resnet18", "resnet50", "vgg16", "vgg19", "vit", "moco")), 5),
        **dict.fromkeys(("pythia160m", "pythia70m"), 5),
    }  # fmt: skip


@pytest.mark.parametrize("data", ["cifar100", "imagenet"])
def test_networks_have_as_many_convolutions_as_published(groups, data):
    counts = {"resnet18": 17, "resnet50": 49, "vgg16": 13, "vgg19": 16}
    assert {name: len(groups[f"{data}_{name}"].layers) for name in counts} == counts


def test_transformers_and_language_models_are_looked_at_block_by_block(groups):
    assert len(groups["imagenet_vit"].layers) == 12
    # the embedding of tokens, and behind every block
    assert {name: len(groups[name].layers) for name in ("pythia160m", "pythia70m")} == {
        "pythia160m": 13,
        "pythia70m": 7,
    }
    assert len(groups["imagenet_moco"].layers) == 49


@pytest.mark.parametrize(
    ("name", "last"), [("resnet18", 10), ("resnet50", 10), ("vgg16", 10), ("vgg19", 10), ("moco", 10), ("vit", 25)]
)
def test_models_from_files_have_every_checkpoint_that_is_scored(study, groups, name, last):
    asked = set(study.checkpoints(f"imagenet_{name}"))
    assert asked == {"start", "final", *(f"epoch{i}" for i in range(1, last + 1))}
    found = Counter(member.checkpoint for member in groups[f"imagenet_{name}"].members)
    assert found == dict.fromkeys(
        asked - {"start", "final"} | {""}, 5
    )  # "" is the final one; what is untrained is made


def test_language_models_have_the_154_steps(study, groups):
    for name in ("pythia160m", "pythia70m"):
        steps = {"start": 0, "final": 143_000} | {f"step{step}": step for step in PYTHIA_STEPS - {0, 143_000}}
        assert len(steps) == len(study.checkpoints(name)) == 154
        assert set(study.checkpoints(name)) == set(steps)
        assert Counter(one.checkpoint for one in groups[name].members) == dict.fromkeys({*steps, ""} - {"final"}, 5)


def test_kept_steps_are_those_that_are_scored(study):
    config = study.config
    for name, asked in study.section.checkpoints.items():
        if (recipe := config.recipes.get(getattr(config.settings[name], "recipe", None))) is not None:
            assert set(asked.steps) <= set(recipe.keep_steps.extra), name
            assert set(asked.epochs) <= set(recipe.keep_steps.epochs), name
            assert max(asked.epochs) < recipe.epochs


def test_seventeen_sets_are_shifted_twelve_of_them_at_the_published_levels(study):
    levels = study.section.shifts
    assert levels.keys() == SHIFTS.keys()
    assert {name: set(own) for name, own in levels.items()} == {
        name: set(entry.facts.published) for name, entry in SHIFTS.items()
    }
    assert len(study.shifts_of("imagenet_resnet18")) == 17
    assert {"scatter", "tracking", "correlations"} <= study.figures().keys()  # of models whose accuracy is known
    assert not study.shifts_of("imagenet_vit") and not study.shifts_of("pythia160m")


def test_the_number_of_jobs_is_that_of_checkpoints_shifts_and_pairs_of_groups(study):
    jobs = Counter(job.rule for job in study.jobs_made)
    assert jobs["score_checkpoint"] == 6 * 24 + 2 * 22 + 5 * 12 + 27 + 2 * 154
    assert jobs["score_shift"] == 6 * 17
    assert jobs["score_layers"] == 7 * 8 / 2 + 6 * 7 / 2 + 2 * 3 / 2  # CIFAR-100, ImageNet, Pythia; no shuffled labels
    assert jobs["score_bases"] == jobs["score_baselines"] == 16


def test_what_is_missing_is_a_few_lines_a_setting(study, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = missing_weights(study.config, study.config.settings)
    assert len(lines) == 6 + 2 * 4
    assert "settings.imagenet_vit.checkpoints: 130 of 130 files are missing" in "\n".join(lines)


def test_checkpoints_have_the_names_and_shapes_of_torchvision_s(study):
    """Of the two that no test of the models themselves has."""
    torch = pytest.importorskip("torch")
    torchvision = pytest.importorskip("torchvision")
    from whyalike.models.weights import build_model

    with torch.device("meta"):
        for name, theirs in {"vgg19": "vgg19_bn", "vit": "vit_b_16"}.items():
            section = study.config.models[study.config.settings[f"imagenet_{name}"].model].plain()
            shapes = [
                {key: value.shape for key, value in model.state_dict().items()}
                for model in (build_model(section, 1000, 0, "0"), getattr(torchvision.models, theirs)())
            ]
            assert shapes[0] == shapes[1], name
