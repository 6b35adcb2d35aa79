"""What the sections of built-in families tell of their models: parameters, how often each is used, widths of layers.

Small parts are left out: biases, norms, the stem of a residual network, and heads. A test builds models and counts.
"""

from itertools import pairwise

from whyalike.config.pretrained import ResolvedPretrained
from whyalike.models import layer_names
from whyalike.models.parameters import (
    EmbedderParameters,
    GptParameters,
    ResNetParameters,
    VaeParameters,
    VggParameters,
    VitParameters,
)
from whyalike.section import Section

# how often ResNet-18's convolutions use a parameter, a point of the input: 0.56e9 / 11.2e6 multiplications at 32 x 32
USES_PER_POINT = 1 / 20
PATCH, WINDOW = 16**2, 256  # pixels of a transformer's patch, tokens of a text
STEM_7X7 = 4  # a 7x7 stem with its max-pool quarters the side
EXPANSION = {"basic": 1, "bottleneck": 4}  # outputs of a residual block, in widths of its stage


def amounts(model: Section, side: float) -> tuple[float, float] | None:
    """Parameters, and how often one sample uses each on average; None of a family that does not tell.

    Parameters
    ----------
    side : of the images, pixels; a family whose section has it does not use it.
    """
    match model:
        case GptParameters():
            return 12 * model.layers * model.width**2 + (model.vocabulary + model.context) * model.width, model.context
        case VaeParameters():
            return _autoencoder(model)
        case ResNetParameters():
            return _residual(model), uses(side / (STEM_7X7 if model.stem == "7x7" else model.stem_stride))
        case VggParameters():
            return _plain(model, side)
        case VitParameters():
            return _transformer(model)
    return None


def of_library(setting: ResolvedPretrained, other: float) -> tuple[float, float]:
    """Parameters of another library's model that see a stimulus, and a guess of how often one sample uses each.

    Parameters
    ----------
    other : parameters of an architecture that is not known.

    The guess is a transformer's: once a patch of 16 x 16 pixels (ResNet-50 uses each 160 times at 224, which gives
    196), and of text once a token, of which a window is taken to have 256.
    """
    parameters = other if setting.facts is None else setting.facts.parameters[1]
    return parameters, WINDOW if setting.rule is None else setting.rule.sides[0] * setting.rule.sides[1] / PATCH


def uses(side: float) -> float:
    """How often an image of so many pixels a side uses a parameter of a residual network."""
    return max(1.0, side**2 * USES_PER_POINT)


def widths(model: Section | None) -> dict[str, int]:
    """Units of the layers that are known, over whose positions is averaged; nothing of a family that does not tell."""
    match model:
        case VaeParameters():
            return dict.fromkeys(("mu", "logvar"), model.latent)
        case EmbedderParameters():
            return {"f": model.dimensions} | {f"f.{layer}": units for layer, units in _stages(model).items()}
        case ResNetParameters():
            return _stages(model)
        case VggParameters():
            hidden = {f"classifier.{3 * i + part}": units for i, units in enumerate(model.hidden) for part in range(3)}
            stages = zip(model.convolutions, model.widths, strict=True)
            outputs = (width for count, width in stages for _ in range(count))
            convolutions = dict(zip(layer_names.vgg_convolutions(model), outputs, strict=True))
            pools = dict(zip(layer_names.vgg_blocks(model), model.widths, strict=True))
            return dict.fromkeys(("features", "avgpool"), model.widths[-1]) | hidden | convolutions | pools
        case VitParameters():
            blocks = (f"encoder.layers.encoder_layer_{i}" for i in range(model.depth))
            return dict.fromkeys(("encoder", "encoder.dropout", "encoder.layers", "encoder.ln", *blocks), model.width)
    return {}


def _stages(model: ResNetParameters) -> dict[str, int]:
    """Units of a residual network's convolutions, blocks and stages, and of the average pool."""
    found = {"avgpool": EXPANSION[model.block] * model.widths[-1], "conv1": model.widths[0]}
    for stage, (depth, width) in enumerate(zip(model.blocks, model.widths, strict=True), start=1):
        blocks = (f"layer{stage}.{block}" for block in range(depth))
        found |= dict.fromkeys((f"layer{stage}", *blocks), EXPANSION[model.block] * width)
        last = len(layer_names.CONVOLUTIONS_OF[model.block])
        for block in range(depth):
            for i in range(1, last + 1):
                found[f"layer{stage}.{block}.conv{i}"] = (EXPANSION[model.block] if i == last else 1) * width
    return found


def _residual(model: ResNetParameters) -> int:
    """Parameters of a residual network's convolutions but the first."""
    count, inputs = 0, model.widths[0]
    for stage, (depth, width) in enumerate(zip(model.blocks, model.widths, strict=True)):
        outputs = EXPANSION[model.block] * width
        if stage or inputs != outputs:
            count += inputs * outputs  # the first block's shortcut
        for _ in range(depth):
            if model.block == "bottleneck":  # 1x1, 3x3, 1x1
                count += inputs * width + 9 * width**2 + width * outputs
            else:
                count += 9 * (inputs * width + width**2)
            inputs = outputs
    return count


def _plain(model: VggParameters, side: float) -> tuple[float, float]:
    """Of 3x3 convolutions at sides that halve, and of the hidden layers."""
    parameters = multiplications = 0
    inputs = 3
    for count, width in zip(model.convolutions, model.widths, strict=True):
        weights = 9 * (inputs * width + (count - 1) * width**2)
        parameters += weights
        multiplications += weights * side**2
        inputs, side = width, side // 2
    linear = sum(a * b for a, b in pairwise((inputs * model.pool**2, *model.hidden)))
    parameters, multiplications = parameters + linear, multiplications + linear
    return parameters, multiplications / parameters


def _transformer(model: VitParameters) -> tuple[float, float]:
    """Of patches, blocks and places; attention multiplies tokens by tokens, twice a block."""
    tokens = 1 + (model.size // model.patch) ** 2
    weights = 3 * model.patch**2 * model.width + model.depth * (4 * model.width**2 + 2 * model.width * model.mlp_width)
    multiplications = tokens * (weights + 2 * model.depth * tokens * model.width)
    parameters = weights + tokens * model.width
    return parameters, multiplications / parameters


def _autoencoder(model: VaeParameters) -> tuple[float, float]:
    """Of convolutions and the linear layers between encoder and decoder."""
    maps, side = (1, *model.channels), model.size
    parameters = multiplications = 0
    for inputs, outputs in pairwise(maps):
        side //= 2
        weights = 2 * 16 * inputs * outputs  # a 4x4 convolution, and its mirror in the decoder
        parameters += weights
        multiplications += weights * side**2
    linear = 3 * maps[-1] * side**2 * model.latent  # mu, logvar, the decoder's first
    parameters, multiplications = parameters + linear, multiplications + linear
    return parameters, multiplications / parameters
