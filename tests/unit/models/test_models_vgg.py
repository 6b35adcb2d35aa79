"""VGG networks: torchvision's are the oracle; initial weights are keyed."""

import pytest
import torch
import torchvision
from pydantic import ValidationError

from whyalike.models.parameters import VggParameters
from whyalike.models.weights import build_model

SMALL = {"family": "vgg", "convolutions": [1, 2], "widths": [4, 8]}
# torchvision's vgg11 but for its 4,096 hidden units
STOCK = {"family": "vgg", "convolutions": [1, 1, 2, 2, 2], "widths": [64, 128, 256, 512, 512], "pool": 7,
         "hidden": [8, 8], "dropout": 0.5}  # fmt: skip


@pytest.mark.parametrize(("batch_norm", "stock"), [(False, "vgg11"), (True, "vgg11_bn")])
def test_vgg11_gives_the_numbers_of_torchvision(batch_norm, stock):
    model = build_model(STOCK | {"batch_norm": batch_norm}, 3, seed=0, replica="A")
    with torch.device("meta"):
        oracle = getattr(torchvision.models, stock)(num_classes=3)
        for number, (inputs, outputs) in {0: (512 * 49, 8), 3: (8, 8), 6: (8, 3)}.items():
            oracle.classifier[number] = torch.nn.Linear(inputs, outputs)
    oracle.to_empty(device="cpu").load_state_dict(model.state_dict())  # strict: our names and shapes are its own
    batch = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        # bit for bit: the same kernels in the same order
        assert torch.equal(model.eval()(batch), oracle.eval()(batch))


def test_small_images_have_a_pooled_layer_and_a_linear_head():
    model, pooled = build_model(SMALL, 5, 0, "A"), []
    model.avgpool.register_forward_hook(lambda _, __, output: pooled.append(tuple(output.shape)))
    assert model(torch.zeros(2, 3, 8, 8)).shape == (2, 5)
    assert pooled == [(2, 8, 1, 1)]
    assert [type(part).__name__ for part in model.classifier] == ["Linear"]


def test_the_key_decides_the_weights_and_the_classes_only_the_head():
    first, same, wider, other = (
        build_model(SMALL, *key).state_dict() for key in [(3, 5, "A"), (3, 5, "A"), (7, 5, "A"), (3, 5, "B")]
    )
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert all(torch.equal(first[name], wider[name]) for name in first if name.startswith("features"))
    assert not torch.equal(first["features.0.weight"], other["features.0.weight"])
    assert not torch.equal(first["classifier.0.weight"], other["classifier.0.weight"])


def test_stages_need_a_width_each():
    with pytest.raises(ValidationError, match=r"convolutions \(1, 1\) and widths \(4,\) need one number a stage each"):
        VggParameters(convolutions=[1, 1], widths=[4])
