"""Vision transformers: torchvision's with keyed initial weights."""

import pytest
import torch
import torchvision
from pydantic import ValidationError

from whyalike.models.parameters import VitParameters
from whyalike.models.weights import build_model
from whyalike.randomness import key

SMALL = {"family": "vit", "size": 8, "patch": 2, "depth": 2, "heads": 2, "width": 8, "mlp_width": 16}


def test_vit_b_16_has_the_state_of_torchvision():
    stock = {"family": "vit", "size": 224, "patch": 16, "depth": 12, "heads": 12, "width": 768, "mlp_width": 3072}
    with torch.device("meta"):  # shapes only: the weights are 350 MB
        ours, theirs = build_model(stock, 1000, 0, "A"), torchvision.models.vit_b_16()
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (ours, theirs)]
    assert shapes[0] == shapes[1]


def test_the_backbone_starts_as_that_of_torchvision_and_the_head_does_not_start_at_0():
    with torch.random.fork_rng():
        torch.manual_seed(key(5, "A", "initialisation"))
        theirs = torchvision.models.VisionTransformer(8, 2, 2, 2, 8, 16, num_classes=1).state_dict()
    ours = build_model(SMALL, 3, 5, "A").state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours if not name.startswith("heads"))
    assert ours["heads.head.weight"].std() > 0


def test_the_key_decides_the_weights_and_the_classes_only_the_head():
    first, wider, other = (build_model(SMALL, *key).state_dict() for key in [(3, 5, "A"), (7, 5, "A"), (3, 5, "B")])
    assert all(torch.equal(first[name], wider[name]) for name in first if not name.startswith("heads"))
    assert not torch.equal(first["conv_proj.weight"], other["conv_proj.weight"])
    assert not torch.equal(first["heads.head.weight"], other["heads.head.weight"])


@pytest.mark.parametrize(
    ("values", "message"),
    [({"size": 8, "patch": 3}, "size 8 must be divisible by patch, got 3"),
     ({"width": 9, "heads": 2}, "width 9 must be divisible by heads, got 2")],
)  # fmt: skip
def test_parts_must_be_whole(values, message):
    with pytest.raises(ValidationError, match=message):
        VitParameters(**values)
