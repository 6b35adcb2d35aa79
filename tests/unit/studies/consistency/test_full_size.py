"""The configuration at full size: as many models and sets of each kind as published, labels corrected where told."""

from collections import Counter
from pathlib import Path

import pytest

from whyalike.config.config import Config
from whyalike.config.yaml_file import keys_of

CONFIGS = Path(__file__).parents[4] / "config"
MILLION = 10**6
LIMITS = {
    "small": (0, 100),
    "medium": (100, 200),
    "large": (200, 400),
    "xlarge": (400, 10**6),
}  # millions of parameters


@pytest.fixture(scope="module")
def config():
    """Checked by its sections, without the libraries that know the architectures."""
    return Config.model_validate(keys_of(CONFIGS / "consistency.yaml", ""))


@pytest.fixture(scope="module")
def models(config):
    (zoo,) = config.consistency.zoos
    return {name: config.settings[name] for name in config.studies[zoo].settings}


def counts(models, attribute):
    return dict(Counter(one.attributes[attribute] for one in models.values()))


def test_the_64_models_have_the_published_attributes(models, config):
    assert len(models) == len(config.settings) == 64
    assert counts(models, "objective") == {"image_text": 14, "self_supervised": 20, "supervised": 30}
    assert counts(models, "architecture") == {"cnn": 24, "transformer": 40}
    assert counts(models, "data_published") == {"in1k": 37, "in21k": 9, "large": 11, "xlarge": 7}
    assert counts(models, "size_published") == {"small": 32, "medium": 14, "large": 8, "xlarge": 10}


def test_eight_models_of_imagenet_1k_are_corrected_by_their_tags(models):
    corrected = {name for name, one in models.items() if one.attributes["data"] != one.attributes["data_published"]}
    assert len(corrected) == 8
    for name, one in models.items():
        larger = "in21k" in one.tag or "in22k" in one.tag
        assert (one.attributes["data"] == "in21k") == larger, name
        assert (name in corrected) <= larger, name


def test_sizes_are_those_of_the_encoder_in_the_classes_of_the_paper(models):
    for name, one in models.items():
        below, above = LIMITS[one.attributes["size"]]
        assert below * MILLION <= one.attributes["parameters_encoder"] < above * MILLION, name
    assert counts(models, "size") == {"small": 41, "medium": 5, "large": 12, "xlarge": 6}


def test_equal_architectures_have_equal_sizes_and_every_model_its_own_weights(models):
    sizes = {}
    for one in models.values():
        own = (one.library, one.name, one.projection)
        assert sizes.setdefault(own, one.attributes["parameters_encoder"]) == one.attributes["parameters_encoder"]
    assert (
        len({one.weights for one in models.values()})
        == len({(one.library, one.name, one.tag) for one in models.values()})
        == 64
    )


def test_parameters_are_counted_without_heads(models):
    """Of one architecture of each library; numbers of both towers and of heads are larger."""
    for library, name, published in (("timm", "vit_base_patch16_224", 86567656), ("open_clip", "RN50", 102007137)):
        (own,) = {
            one.attributes["parameters_encoder"]
            for one in models.values()
            if (one.library, one.name) == (library, name)
        }
        assert own < published


def test_only_self_supervised_models_have_the_crop_of_the_paper(models):
    cropped = {name for name, one in models.items() if one.input != "native" and one.input.resize == 256}
    assert cropped == {name for name, one in models.items() if one.attributes["objective"] == "self_supervised"}


def test_the_23_sets_are_of_the_published_categories_and_share_pools(config):
    sets = config.consistency.stimuli
    categories = Counter(one.category for one in sets.values())
    assert dict(categories) == {"multi_domain": 10, "single_domain": 6, "specialised": 4, "structured": 3}
    pool = {name for name, one in sets.items() if one.source == "imagenet"}
    assert pool == {"imagenet", "entity30", "living17", "nonliving26", "stl10"}
    assert {name for name, one in sets.items() if one.source == "tiny_images"} == {"cifar10", "cifar100"}
    for name, one in sets.items():
        assert (config.stimuli[name].part, config.stimuli[one.test].part) == ("train", "test")
        assert config.datasets[config.stimuli[name].dataset].balanced == 10_000
    assert {
        config.datasets[one.dataset].folder
        for name, one in config.stimuli.items()
        if sets.get(name, sets["pets"]).source == "imagenet" and name in sets
    } == {Path("data/wds/wds_imagenet1k"), Path("data/wds/wds_stl10")}
    assert len({one.title for one in config.datasets.values() if one.source == "webdataset"}) == 20


def test_sizes_have_stimuli_enough_for_the_largest_draw(config):
    sizes = config.consistency.sizes
    dataset = config.datasets[config.stimuli[sizes.stimuli].dataset]
    assert max(sizes.per_class) * 1000 == dataset.balanced == 40_000
    assert min(sizes.per_class) == 1


def test_anchors_are_the_published_six(config):
    assert [config.settings[one].attributes["objective"] for one in config.consistency.anchors] == [
        "image_text", "image_text", "self_supervised", "self_supervised", "supervised", "supervised"]  # fmt: skip


@pytest.mark.slow
def test_layers_are_as_wide_as_published_and_sizes_are_those_of_the_libraries(models):
    """Of all but the one whose folder says what it is; on tensors without numbers. Published: 84,480 units of 64."""
    torch = pytest.importorskip("torch")
    for package in ("timm", "open_clip"):
        pytest.importorskip(package)
    from whyalike.models.libraries.building import facts
    from whyalike.models.libraries.registry import LIBRARIES

    units = 0
    for name, one in models.items():
        if one.library == "transformers":
            continue
        asked, library, seen = one.architecture(name), LIBRARIES[one.library].load()(), []
        with torch.device("meta"), torch.no_grad():
            model = library.build(asked, None).eval()
            for layer in set(one.layers) - {"pooled"}:
                model.get_submodule(layer).register_forward_hook(
                    lambda _, given, output, seen=seen: seen.append(output)
                )
            rule = one.input if one.input != "native" else library.rule(asked, model, None)
            seen.append(library.run(model, torch.empty(1, 3, *rule.sides)))
        units += seen[0].shape[2] if seen[0].ndim == 3 else seen[0].shape[1]
        linear = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
        heads = {"timm": lambda model=model: model.get_classifier(), "torchvision": lambda linear=linear: linear[-1]}
        head = heads.get(one.library, torch.nn.Identity)()
        tower = facts(asked, None).parameters[1] - sum(parameter.numel() for parameter in head.parameters())
        assert one.attributes["parameters_encoder"] == tower, name
    assert units == 84_480 - 640
