"""What the plan counts of a model's section is what the built model has."""

from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from whyalike.config.reading import check
from whyalike.models.hooks import recorded
from whyalike.models.layers import named_layers
from whyalike.models.registry import MODELS
from whyalike.models.weights import build_model
from whyalike.planning import architectures, costs
from whyalike.planning.workload import Workload

COSTS = Path(__file__).parents[3] / "config" / "costs.yaml"
RESNET_50 = {"blocks": (3, 4, 6, 3), "block": "bottleneck", "stem": "7x7"}
VGG_16 = {"convolutions": (2, 2, 3, 3, 3), "widths": (64, 128, 256, 512, 512), "pool": 7, "hidden": (4096, 4096)}
VIT_B_16 = {"size": 224, "patch": 16, "depth": 12, "heads": 12, "width": 768, "mlp_width": 3072}
HEADS = {"resnet": "fc", "vgg": "classifier.6", "vit": "heads.head"}
CASES = [
    ("resnet", {}, 32, 11.2e6),
    ("resnet", RESNET_50, 224, 23.5e6),
    ("vgg", VGG_16, 224, 134e6),
    ("vit", VIT_B_16, 224, 85.8e6),
]


def section_of(family, values):
    return MODELS[family].facts.parameters(**values)


def built(family, values):
    parameters = section_of(family, values).model_dump(mode="json")
    return build_model({"family": family, **parameters}, 10, 0, "0").eval()


@pytest.mark.parametrize(("family", "values", "side", "published"), CASES)
def test_parameters_and_work_are_those_of_the_built_model_without_its_head(family, values, side, published):
    counted, uses = architectures.amounts(section_of(family, values), side)
    model = built(family, values)
    head = sum(weight.numel() for weight in named_layers(model, [HEADS[family]])[HEADS[family]].parameters())
    # within 1 %: biases, norms and stem are left out
    assert counted == pytest.approx(sum(weight.numel() for weight in model.parameters()) - head, rel=0.01)
    assert counted == pytest.approx(published, rel=0.01)
    model.train()  # in evaluation attention is one fused operation, which is not counted; so is the default kernel
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        model(torch.zeros(2, 3, side, side))
    # two operations a multiplication; residual networks' uses are those of ResNet-18 without its stem
    tolerance = 0.15 if family == "resnet" else 0.01
    assert 2 * 2 * counted * uses == pytest.approx(counter.get_total_flops(), rel=tolerance)


@pytest.mark.parametrize(
    ("family", "values"),
    [
        ("resnet", {"blocks": (1, 2), "widths": (4, 8)}),
        ("resnet", {"blocks": (1, 2), "widths": (4, 8), "block": "bottleneck"}),
        ("embedder", {"blocks": (1, 2), "widths": (4, 8), "block": "bottleneck", "dimensions": 3}),
        ("vgg", {"convolutions": (1, 1), "widths": (4, 8), "pool": 2, "hidden": (6, 5)}),
        ("vit", {"size": 16, "patch": 4, "depth": 2, "width": 8, "mlp_width": 12}),
    ],
)
def test_widths_are_those_that_hooks_record(family, values):
    model, widths = built(family, values), architectures.widths(section_of(family, values))
    with recorded(named_layers(model, list(widths))) as caught, torch.no_grad():
        model(torch.zeros(2, 3, 16, 16))
    assert {layer: outputs[0].shape[1] for layer, outputs in caught.items()} == widths


@pytest.mark.parametrize(("block", "units"), [("basic", 64), ("bottleneck", 256)])
def test_a_settings_units_are_those_of_its_model(demo, block, units):
    demo["models"]["resnet8"]["block"] = block
    assert Workload(check(demo), costs.read(COSTS, local="none")).units("digits") == units
