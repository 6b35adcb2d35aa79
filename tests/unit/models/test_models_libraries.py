"""Architectures of other libraries: built without a network, their facts, their inputs, their layers."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from whyalike.models.libraries.building import build, facts
from whyalike.models.libraries.images import adapted
from whyalike.models.libraries.library import blocks, maps_as_channels_first
from whyalike.models.libraries.parameters import POOLED, Architecture, InputRule, Look
from whyalike.models.libraries.recording import pooled_tokens, record
from whyalike.models.libraries.registry import LIBRARIES

SETUP = "make setup-zoo"
CLIP = {
    "embed_dim": 12,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
}
RULE = InputRule(resize=32, mean=(120, 120, 120), std=(60, 60, 60))


def needs(*packages):
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is missing: {SETUP}")


def images(n=3, height=40, width=52, seed=0):
    """Smooth images, as photographs are: uint8 (n, height, width, 3)."""
    noise = np.random.default_rng(seed).integers(0, 256, (n, 6, 8, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(one).resize((width, height), Image.BICUBIC)) for one in noise])


def seen(built, look, pictures=None):
    pictures = images() if pictures is None else pictures
    return record(built, [torch.from_numpy(pictures)], lambda batch: adapted(batch, RULE), look)


@pytest.fixture
def clip():
    needs("open_clip")
    return Architecture(library="open_clip", name="ViT-B-32", tag="mine", arguments=CLIP)


@pytest.mark.parametrize(
    ("library", "name", "tag"),
    [
        ("timm", "test_vit", "r160_in1k"),
        ("timm", "vit_base_patch16_siglip_224", "webli"),  # squashed
        ("torchvision", "resnet18", "IMAGENET1K_V1"),
        ("open_clip", "ViT-B-32", "openai"),
    ],
)
def test_the_native_rule_gives_what_the_library_makes_of_an_image(library, name, tag):
    needs(library)
    asked = Architecture(library=library, name=name, tag=tag)
    rule, transform = InputRule.from_plain(facts(asked, None).rule), theirs(library, name, tag)
    ours = adapted(torch.from_numpy(images(height=300, width=260)), rule)
    expected = torch.stack([transform(Image.fromarray(one)) for one in images(height=300, width=260)])
    assert ours.shape == expected.shape
    # theirs is rounded to whole grey levels after each of two passes
    levels = (ours - expected).abs() * torch.tensor(rule.std).view(3, 1, 1)
    assert levels.max() <= 1.51
    assert levels.mean() < 0.5


@pytest.mark.parametrize(
    ("library", "name"), [("timm", "test_vit"), ("torchvision", "resnet18"), ("open_clip", "ViT-B-32")]
)
def test_a_tag_that_a_library_does_not_know_has_no_rule(library, name):
    needs(library)
    assert facts(Architecture(library=library, name=name, tag="opnai"), None).rule is None


def theirs(library, name, tag):
    """What the library itself makes of a picture of Pillow's."""
    if library == "timm":
        import timm
        from timm.data import create_transform, resolve_data_config

        cfg = timm.get_pretrained_cfg(f"{name}.{tag}").to_dict()
        return create_transform(**resolve_data_config(pretrained_cfg=cfg), is_training=False)
    if library == "torchvision":
        from torchvision.models import get_model_weights

        return get_model_weights(name)[tag].transforms()
    from open_clip.pretrained import get_pretrained_cfg
    from open_clip.transform import PreprocessCfg, image_transform_v2

    cfg = get_pretrained_cfg(name, tag)
    return image_transform_v2(PreprocessCfg(size=224, mean=cfg["mean"], std=cfg["std"]), is_train=False)


def test_a_folder_of_transformers_says_its_architecture_and_rule(tmp_path):
    needs("transformers")
    from transformers import ViTConfig, ViTImageProcessor

    ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8, image_size=32,
              patch_size=16).save_pretrained(tmp_path)  # fmt: skip
    processor = ViTImageProcessor(size={"height": 32, "width": 32})
    processor.save_pretrained(tmp_path)
    told = facts(Architecture(library="transformers", name="mine/vit", tag="main"), tmp_path)
    assert [name.rpartition(".")[2] for name in told.blocks] == ["0", "1"]
    assert told.inputs == "rgb"
    ours = adapted(torch.from_numpy(images()), InputRule.from_plain(told.rule))
    expected = processor([Image.fromarray(one) for one in images()], return_tensors="pt")["pixel_values"]
    assert (ours - expected).abs().max() * 127.5 <= 1.51


def test_code_in_a_folder_is_never_run(tmp_path):
    needs("transformers")
    (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    kinds = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "evil", "auto_map": kinds}))
    with pytest.raises(ValueError, match=r"config\.json: transformers .* has no model of type evil, and no code"):
        facts(Architecture(library="transformers", name="mine/evil", tag="main"), tmp_path)
    assert not (tmp_path / "ran").exists()


def test_only_the_image_tower_of_a_clip_counts_and_runs(clip):
    told = facts(clip, None)
    assert told.blocks == ("visual.transformer.resblocks.0", "visual.transformer.resblocks.1")
    assert told.convolutions == ("visual.conv1",)
    assert told.parameters[1] < told.parameters[0]
    built = build(clip, None)
    built.model.transformer.forward = None  # the text tower cannot run
    look = Look(architecture=clip, layers=(POOLED, *told.blocks), pooling="cls")
    assert {layer: vectors.shape for layer, vectors in seen(built, look).items()} == {
        POOLED: (3, 12), told.blocks[0]: (3, 64), told.blocks[1]: (3, 64),
    }  # fmt: skip


def test_before_its_projection_an_embedding_is_what_the_projection_gets(clip):
    built = build(clip, None)
    look = Look(architecture=clip, layers=(POOLED,))
    after = seen(built, look)[POOLED]
    projection = built.model.visual.proj.detach().numpy()
    built.library.leave_projection(built.model)
    before = seen(built, look)[POOLED]
    assert before.shape == (3, 64)
    np.testing.assert_allclose(before @ projection, after, atol=1e-4)


def test_what_has_no_projection_cannot_be_seen_before_it():
    needs("timm")
    built = build(Architecture(library="timm", name="test_vit", tag="mine"), None)
    with pytest.raises(ValueError, match="has no projection: remove the key"):
        built.library.leave_projection(built.model)


@pytest.mark.parametrize(("library", "name"), [("timm", "test_vit"), ("torchvision", "squeezenet1_1")])
def test_pooled_is_what_the_classifier_gets(library, name):
    needs(library)
    asked = Architecture(library=library, name=name, tag="mine")
    built = build(asked, None)
    look = Look(architecture=asked, layers=(POOLED,))
    rule = InputRule(resize=160, mean=(120, 120, 120), std=(60, 60, 60))

    def record_pooled():
        return record(built, [torch.from_numpy(images())], lambda batch: adapted(batch, rule), look)[POOLED]

    if library == "torchvision":  # it has no linear layer
        with pytest.raises(ValueError, match="has no output that is the layer pooled: name layers"):
            record_pooled()
        return
    given = adapted(torch.from_numpy(images()), rule)
    with torch.no_grad():
        logits = built.model.eval()(given)
        again = built.model.head(torch.from_numpy(record_pooled()))
    torch.testing.assert_close(again, logits)


def test_a_function_of_the_user_s_makes_a_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_nets.py").write_text(
        "from torch import nn\n\n\ndef plain(width):\n    return nn.Sequential(nn.Conv2d(3, width, 2), nn.ReLU())\n"
    )
    asked = Architecture(library="import", name="own_nets:plain", tag="mine", arguments={"width": 4})
    told = facts(asked, None)
    assert (told.modules, told.convolutions, told.parameters, told.rule) == (("0", "1"), ("0",), (52, 52), None)
    built = build(asked, None)
    vectors = seen(built, Look(architecture=asked, layers=("1", POOLED)))
    assert vectors["1"].shape == (3, 4)
    np.testing.assert_array_equal(vectors["1"], vectors[POOLED])
    with pytest.raises(ValueError, match="own_nets:plain is called with no arguments: "):
        facts(asked.model_copy(update={"arguments": {}}), None)
    with pytest.raises(LookupError, match="has no function round"):
        facts(asked.model_copy(update={"name": "own_nets:round"}), None)


def test_initial_weights_are_of_their_key():
    needs("torchvision")
    asked = Architecture(library="torchvision", name="resnet18", tag="mine", arguments={"num_classes": 3})
    one, same, other = (build(asked, None, 0, replica).model.conv1.weight for replica in ("a", "a", "b"))
    assert (one == same).all()
    assert (one != other).any()


def test_an_unknown_architecture_is_told_with_the_nearest():
    needs("timm")
    with pytest.raises(ValueError, match=r"has no model resnet51\. Did you mean .*resnet50"):
        facts(Architecture(library="timm", name="resnet51", tag="mine"), None)
    with pytest.raises(ValueError, match="timm cannot make test_vit with"):
        facts(Architecture(library="timm", name="test_vit", tag="mine", arguments={"colour": 1}), None)


def test_blocks_are_the_outermost_modules_of_a_row():
    class Block(nn.Sequential):
        pass

    class Layer(nn.Linear):
        pass

    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(Block(Layer(2, 2)), Block(Layer(2, 2))), Layer(2, 2))
    assert list(blocks(list(model.named_modules()))) == ["1.0", "1.1", "2"]


def test_a_map_has_its_channels_first():
    output = torch.zeros(2, 5, 5, 3)
    assert maps_as_channels_first(output, nn.Identity(), True).shape == (2, 3, 5, 5)
    assert maps_as_channels_first(output, nn.Linear(3, 3), False).shape == (2, 3, 5, 5)
    assert maps_as_channels_first(output, nn.Conv2d(5, 5, 1), True).shape == (2, 5, 5, 3)
    assert maps_as_channels_first(output[0], nn.Identity(), True).shape == (5, 5, 3)
    # of a square input the shape says it, of models too whose library does not: timm's patches, torchvision's avgpool
    assert maps_as_channels_first(output, nn.Identity(), False, square=True).shape == (2, 3, 5, 5)
    assert maps_as_channels_first(torch.zeros(2, 7, 1, 1), nn.Identity(), True, square=True).shape == (2, 7, 1, 1)


@pytest.mark.parametrize(
    ("library", "name", "layer", "width"),
    [("timm", "test_vit", "patch_embed", 64), ("torchvision", "swin_t", "avgpool", 768)],
)
def test_units_of_a_map_are_its_channels_whatever_the_model_is_said_to_have(library, name, layer, width):
    needs(library)
    asked = Architecture(library=library, name=name, tag="mine")
    look = Look(architecture=asked, layers=(layer,))
    found = record(build(asked, None), [torch.rand(2, 3, 160, 160)], lambda batch: batch, look)
    assert found[layer].shape == (2, width)


def test_texts_are_pooled_over_real_tokens_alone():
    output = torch.arange(12.0).reshape(2, 3, 2)
    mask = torch.tensor([[1, 1, 0], [1, 1, 1]])
    assert pooled_tokens(output, mask, "mean").tolist() == [[1, 2], [8, 9]]
    assert pooled_tokens(output, mask, "last").tolist() == [[2, 3], [10, 11]]
    assert pooled_tokens(output, mask, "cls").tolist() == [[0, 1], [6, 7]]
    with pytest.raises(ValueError, match="pooling flat has no meaning for texts"):
        pooled_tokens(output, mask, "flat")


def test_every_library_says_what_its_names_are():
    for name, entry in LIBRARIES.items():
        library = entry.load()()
        assert entry.facts.name and entry.facts.tag and entry.facts.pooled, name
        assert library.are_channels_last(nn.Identity()) is False


def test_grey_images_have_three_channels_and_a_crop_is_of_the_middle():
    pixels = torch.arange(64, dtype=torch.uint8).reshape(1, 8, 8, 1)
    rule = InputRule(resize=8, crop=4, mean=(0, 0, 0), std=(1, 1, 2))
    red, green, blue = adapted(pixels, rule)[0]
    assert red[:, 0].tolist() == [18, 26, 34, 42]
    assert red[0].tolist() == [18, 19, 20, 21]
    assert (red == green).all() and (red == 2 * blue).all()
    with pytest.raises(ValueError, match="crop 8 is larger than resize 6"):
        InputRule(resize=6, crop=8)
