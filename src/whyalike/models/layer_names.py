"""The layers of built-in families by kind, in order of execution, and what they see of an image: from sections alone.

Convolutions are those on the way from the image to the output; their outputs stand before BatchNorm and ReLU. The 1x1
convolutions of shortcuts, and those of a decoder, are left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

Names = Callable[[Any], tuple[str, ...]]

CONVOLUTIONS_OF = {"basic": ((3, True), (3, False)), "bottleneck": ((1, False), (3, True), (1, False))}  # side, strided


def resnet_convolutions(model: Any) -> tuple[str, ...]:
    """``conv1``, ``layer1.0.conv1``, ...: 17 of ResNet-18, 49 of ResNet-50."""
    inner = (
        f"{block}.conv{i}" for block in resnet_blocks(model) for i in range(1, 1 + len(CONVOLUTIONS_OF[model.block]))
    )
    return ("conv1", *inner)


def resnet_blocks(model: Any) -> tuple[str, ...]:
    """``layer1.0``, ``layer1.1``, ..."""
    return tuple(f"layer{stage}.{i}" for stage, depth in enumerate(model.blocks, start=1) for i in range(depth))


def resnet_fields(model: Any) -> dict[str, int]:
    """Layer -> side of its receptive field, pixels: of convolutions, blocks and stages."""
    stem = [("conv1", 7, 2), ("maxpool", 3, 2)] if model.stem == "7x7" else [("conv1", 3, model.stem_stride)]
    steps, ends = list(stem), {}
    for stage, depth in enumerate(model.blocks, start=1):
        for block in range(depth):
            name = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            for i, (side, strided) in enumerate(CONVOLUTIONS_OF[model.block], start=1):
                steps.append((f"{name}.conv{i}", side, stride if strided else 1))
            ends |= {name: steps[-1][0], f"layer{stage}": steps[-1][0]}
    fields = _fields(steps)
    return fields | {name: fields[last] for name, last in ends.items()}


def within(prefix: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same of a part of a model, whose modules' paths begin with ``prefix``."""

    def found(model: Any) -> Any:
        names = function(model)
        if isinstance(names, Mapping):
            return {f"{prefix}.{name}": value for name, value in names.items()}
        return tuple(f"{prefix}.{name}" for name in names)

    return found


def vgg_convolutions(model: Any) -> tuple[str, ...]:
    """``features.0``, ...: 13 of VGG-16, 16 of VGG-19."""
    return tuple(name for name, kind in _vgg(model) if kind == "convolution")


def vgg_blocks(model: Any) -> tuple[str, ...]:
    """The max-pools that end the stages."""
    return tuple(name for name, kind in _vgg(model) if kind == "pool")


def vgg_fields(model: Any) -> dict[str, int]:
    """Layer -> side of its receptive field, pixels: of all modules of ``features``."""
    geometry = {"convolution": (3, 1), "pool": (2, 2), "pointwise": (1, 1)}
    fields = _fields([(name, *geometry[kind]) for name, kind in _vgg(model)])
    return fields | {"features": [*fields.values()][-1]}


def vit_blocks(model: Any) -> tuple[str, ...]:
    """``encoder.layers.encoder_layer_0``, ..."""
    return tuple(f"encoder.layers.encoder_layer_{i}" for i in range(model.depth))


def gpt_blocks(model: Any) -> tuple[str, ...]:
    """``blocks.0``, ..."""
    return tuple(f"blocks.{i}" for i in range(model.layers))


def vae_convolutions(model: Any) -> tuple[str, ...]:
    """Those of the encoder: ``encoder.0``, ``encoder.2``, ..."""
    return tuple(f"encoder.{2 * i}" for i in range(len(model.channels)))


def vae_fields(model: Any) -> dict[str, int]:
    """Layer -> side of its receptive field, pixels: of the encoder's convolutions."""
    return _fields([(name, 4, 2) for name in vae_convolutions(model)])


def _vgg(model: Any) -> list[tuple[str, str]]:
    """The modules of ``features`` in order: path, and convolution, pointwise or pool."""
    inner = ("convolution", *(["pointwise"] if model.batch_norm else []), "pointwise")
    kinds = (kind for count in model.convolutions for kind in (*(inner * count), "pool"))
    return [(f"features.{i}", kind) for i, kind in enumerate(kinds)]


def _fields(steps: list[tuple[str, int, int]]) -> dict[str, int]:
    """Of layers one after another, (name, side of the kernel, stride): sides of their receptive fields, pixels."""
    found, field, jump = {}, 1, 1
    for name, side, stride in steps:
        field += (side - 1) * jump
        jump *= stride
        found[name] = field
    return found
