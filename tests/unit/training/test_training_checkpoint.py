"""Weights in files as people have them: torchvision's and Hugging Face's, with and without a prefix."""

import json
import logging

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torchvision.models import resnet18
from transformers import ViTConfig, ViTForImageClassification, ViTModel

from whyalike.training.checkpoint import load_checkpoint, weight_files

VIT = ViTConfig(hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, image_size=16,
                patch_size=8, num_labels=3)  # fmt: skip


class Net(nn.Module):
    """A small model with a counter, and with two names for one matrix."""

    def __init__(self, classes=3):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.first, self.second = nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False)
        self.second.weight = self.first.weight
        self.head = nn.Linear(4, classes)


class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.model = inner


def filled(model, value=0.5):
    """A model with other weights than it starts with."""
    with torch.no_grad():
        for own in model.state_dict().values():
            own.fill_(value)
    return model


def begun(state, prefix):
    return {prefix + name: value.clone() for name, value in state.items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_state_dict_of_torchvision_fits_with_and_without_a_prefix(tmp_path, prefix):
    saved = filled(resnet18(num_classes=5)).state_dict()
    torch.save(begun(saved, prefix), tmp_path / "resnet18.pth")
    assert equal(load_checkpoint(resnet18(num_classes=5), tmp_path / "resnet18.pth").state_dict(), saved)


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.module."])
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model", "net"])
def test_a_beginning_of_all_names_goes_and_an_entry_is_found_among_others(tmp_path, caplog, prefix, key):
    caplog.set_level(logging.INFO, logger="whyalike")
    saved = filled(Net()).state_dict()
    state = begun(saved, prefix)
    torch.save(state if key is None else {"epoch": 3, key: state, "optimizer": {"state": {}}}, tmp_path / "x.pt")
    assert equal(load_checkpoint(Net(), tmp_path / "x.pt").state_dict(), saved)
    assert caplog.messages == [f"{tmp_path}/x.pt: read without '{prefix}', with which all of its names begin"]


def test_a_model_inside_another_takes_the_state_of_the_inner_one(tmp_path):
    saved = filled(Net()).state_dict()
    torch.save(saved, tmp_path / "x.pt")
    assert equal(load_checkpoint(Wrapped(Net()), tmp_path / "x.pt").state_dict(), begun(saved, "model."))


def test_shared_weights_need_one_name_and_counters_none(tmp_path):
    saved = filled(Net()).state_dict()
    lacking = ("second.weight", "body.1.num_batches_tracked")
    save_file({name: value for name, value in saved.items() if name not in lacking}, tmp_path / "x.safetensors")
    loaded = load_checkpoint(Net(), tmp_path / "x.safetensors").state_dict()
    assert equal(loaded, {**saved, lacking[1]: torch.tensor(0)})


@pytest.mark.parametrize("shard", ["1GB", "2KB"])
def test_a_folder_of_hugging_face_is_loaded(tmp_path, shard):
    saved = filled(ViTForImageClassification(VIT))
    saved.save_pretrained(tmp_path / "vit", max_shard_size=shard)
    assert (len(weight_files(tmp_path / "vit")) > 1) == (shard == "2KB")
    model = load_checkpoint(ViTForImageClassification(VIT), tmp_path / "vit")
    assert equal(model.state_dict(), saved.state_dict())
    if shard == "1GB":
        model = load_checkpoint(ViTForImageClassification(VIT), tmp_path / "vit" / "model.safetensors")
        assert equal(model.state_dict(), saved.state_dict())


def test_a_backbone_is_taken_from_a_classifier_by_the_prefix_that_the_message_names(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="whyalike")
    saved = filled(ViTForImageClassification(VIT))
    saved.save_pretrained(tmp_path / "vit")
    words = r"setting: it has 2 that the model has not \(classifier\.bias, classifier\.weight\)\. .* `prefix: vit\.`"
    with pytest.raises(ValueError, match=words):
        load_checkpoint(ViTModel(VIT, add_pooling_layer=False), tmp_path / "vit")
    model = load_checkpoint(ViTModel(VIT, add_pooling_layer=False), tmp_path / "vit", "vit.")
    assert equal(model.state_dict(), saved.vit.state_dict())
    assert "left out, since they do not begin with 'vit.': classifier.bias, classifier.weight" in caplog.text


def test_the_prefix_that_the_message_names_goes_through_all_that_wraps_the_part(tmp_path):
    state = begun(filled(ViTForImageClassification(VIT)).state_dict(), "module.")
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"give the setting `prefix: module\.vit\.`"):
        load_checkpoint(ViTModel(VIT, add_pooling_layer=False), tmp_path / "x.pt")
    load_checkpoint(ViTModel(VIT, add_pooling_layer=False), tmp_path / "x.pt", "module.vit.")
    torch.save(begun(Net().state_dict(), "a.b.") | {"a.loss": torch.zeros(1), "c": torch.zeros(1)}, tmp_path / "y.pt")
    for prefix in ("", "a."):
        with pytest.raises(ValueError, match=r"give the setting `prefix: a\.b\.`"):
            load_checkpoint(Net(), tmp_path / "y.pt", prefix)


def test_a_part_that_the_file_lacks_is_named_and_never_left_at_random(tmp_path):
    ViTForImageClassification(VIT).save_pretrained(tmp_path / "vit")
    with pytest.raises(ValueError, match=r"lacks 2 of the model's names \(pooler\.dense\.weight, pooler\.dense\.bias"):
        load_checkpoint(ViTModel(VIT), tmp_path / "vit", "vit.")
    with pytest.raises(ValueError, match=r"classifier\.bias is \(3,\) in the file, \(7,\) in the model"):
        load_checkpoint(ViTForImageClassification(ViTConfig(**{**VIT.to_dict(), "num_labels": 7})), tmp_path / "vit")


def test_a_hugging_face_model_in_another_module_gets_the_hint_to_return_it(tmp_path):
    ViTForImageClassification(VIT).save_pretrained(tmp_path / "vit")
    with pytest.raises(ValueError, match="Let the factory return the Hugging Face model itself"):
        load_checkpoint(Wrapped(ViTForImageClassification(VIT)), tmp_path / "vit")


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (
            begun(Net().state_dict(), "net.") | {"loss.weight": torch.zeros(1)},
            r"lacks 10 of the model's names \(body\.0\.weight, body\.0\.bias, body\.1\.weight, and 7 more\) and it has "
            r"12 that .* has not .* All of the model's names are there behind 'net\.': .* `prefix: net\.`",
        ),
        (
            Net(5).state_dict(),
            r"head\.weight is \(5, 4\) in the file, \(3, 4\) in the model; head\.bias is \(5,\) in the file, \(3,\) in "
            r"the model\. If these are its outputs, give the setting `classes: 5`",
        ),
        (
            Net().state_dict() | {"first.weight": torch.zeros(6, 6), "second.weight": torch.zeros(6, 6)},
            r"first\.weight is \(6, 6\) in the file, \(4, 4\) .* Give the model the sizes of the one that was saved",
        ),
        (
            {"other": torch.zeros(1)},
            r"it has 1 that the model has not \(other\)\. Let the factory make the model that was saved",
        ),
    ],
)
def test_names_and_sizes_that_differ_are_told_with_what_mends_them(tmp_path, state, words):
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=rf"x\.pt does not fit the model of its setting: (?s:.*){words}"):
        load_checkpoint(Net(), tmp_path / "x.pt")


def test_a_prefix_that_no_name_has_is_refused_with_names_that_there_are(tmp_path):
    torch.save(Net().state_dict(), tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"no name that begins with the setting's `prefix` vit\.\. It has body\.0"):
        load_checkpoint(Net(), tmp_path / "x.pt", "vit.")


def test_code_in_a_file_is_not_run(tmp_path):
    torch.save(Net(), tmp_path / "x.pt")
    with pytest.raises(
        ValueError, match=r"it holds an object of \S*Net, and no code in a file is run\. .*torch\.save"
    ) as error:
        load_checkpoint(Net(), tmp_path / "x.pt")
    assert "weights_only" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_file_of_another_kind_is_refused_in_few_words(tmp_path, content):
    (tmp_path / "x.pt").write_bytes(content)
    with pytest.raises(
        ValueError,
        match=r"x\.pt must be a state dict .*\(it is empty(, cut off or another kind of file)?\)\. Save",
    ):
        load_checkpoint(Net(), tmp_path / "x.pt")


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({"a": {"x": torch.zeros(1)}, "b": {"x": torch.zeros(1)}}, "state dict, .* it holds the entries a, b"),
        ([torch.zeros(1)], "it holds a list"),
        ({}, "it holds a dict without any"),
    ],
)
def test_a_file_without_one_state_dict_says_what_it_holds(tmp_path, held, words):
    torch.save(held, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=words):
        load_checkpoint(Net(), tmp_path / "x.pt")


def test_a_folder_without_weights_says_what_it_holds(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"must hold model\.safetensors or pytorch_model\.bin.*it holds config\.json"):
        load_checkpoint(Net(), tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps([1]))
    with pytest.raises(ValueError, match=r"index\.json must be JSON with a `weight_map`"):
        load_checkpoint(Net(), tmp_path)


def test_an_index_names_files_of_its_own_folder_alone(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    save_file(begun(filled(Net()).state_dict(), ""), tmp_path / "w.safetensors")
    index = {"weight_map": {"head.bias": "../w.safetensors"}}
    (folder / "w.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes())
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert weight_files(folder) == [folder / "w.safetensors"]
    assert load_file(tmp_path / "w.safetensors")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_weights_that_are_not_finite_are_refused_with_their_names(tmp_path, value):
    state = {name: own.double() for name, own in filled(Net()).state_dict().items()}
    state["head.bias"][1] = value
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"x\.pt must hold finite numbers; .* stands in head\.bias\. Take"):
        load_checkpoint(Net(), tmp_path / "x.pt")


def test_a_mask_that_is_infinite_in_the_model_too_is_read(tmp_path):
    model = Net()
    model.register_buffer("mask", torch.full((2, 2), -torch.inf).triu(1))
    torch.save(filled(Net()).state_dict() | {"mask": model.mask}, tmp_path / "x.pt")
    assert load_checkpoint(model, tmp_path / "x.pt").head.bias[0] == 0.5


@pytest.mark.parametrize(
    "change",
    [lambda own: own * 1j, lambda own: own.to_sparse(), lambda own: own.to("meta")],
    ids=["complex", "sparse", "without numbers"],
)
def test_tensors_that_are_no_dense_real_numbers_are_refused(tmp_path, change, recwarn):
    state = filled(Net()).state_dict()
    torch.save(state | {"head.weight": change(state["head.weight"])}, tmp_path / "x.pt")
    with pytest.raises(ValueError, match=r"x\.pt must hold dense tensors of real numbers; others are head\.weight"):
        load_checkpoint(Net(), tmp_path / "x.pt")
    assert not recwarn.list


def test_a_damaged_number_in_a_file_of_torch_is_found(tmp_path):
    torch.save(filled(Net()).state_dict(), tmp_path / "x.pt")
    whole = (tmp_path / "x.pt").read_bytes()
    place = whole.index(torch.tensor(0.5).numpy().tobytes() * 4)
    (tmp_path / "x.pt").write_bytes(whole[:place] + b"\x01" + whole[place + 1 :])
    with pytest.raises(ValueError, match=r"x\.pt must be a state dict .*CRC-32 of .* differs"):
        load_checkpoint(Net(), tmp_path / "x.pt")
