"""The parameters of every model family, checked before any work starts.

Only pydantic and the standard library are imported, so that reading a configuration stays cheap. Field descriptions are
the only documentation of the keys. All parameters of a family are part of the identity of runs.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from whyalike.section import FACTORY, Before, Count, Real, Section, Values, Whole, whole

Blocks = whole(ge=1, le=1000)
Width = whole(ge=1, le=10**5)


def _check_stages(name: str, depths: tuple[int, ...], widths: tuple[int, ...]) -> None:
    if len(depths) != len(widths):
        raise ValueError(f"{name} {depths} and widths {widths} need one number a stage each")


class ResNetParameters(Section):
    """A residual network."""

    blocks: tuple[Blocks, ...] = Field(
        (2, 2, 2, 2), min_length=1, max_length=16, description="Residual blocks in each stage."
    )
    widths: tuple[Width, ...] = Field(
        (64, 128, 256, 512), min_length=1, max_length=16, description="Channels of each stage."
    )
    stem: Literal["3x3", "7x7"] = Field(
        "3x3", description="First convolution: 3x3, or the stock ImageNet stem (7x7, stride 2, max-pool)."
    )
    stem_stride: Whole = Field(1, ge=1, le=4, description="Stride of the 3x3 stem.")
    dropout: Real = Field(0, ge=0, lt=1, description="Share of the pooled units dropped before the head in training.")
    block: Annotated[Literal["basic", "bottleneck"], Before("basic")] = Field(
        "basic",
        description="What stages are made of. basic: two 3x3 convolutions; bottleneck: 1x1, 3x3 and 1x1, whose outputs "
        "are 4 times as wide as the stage.",
    )

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        _check_stages("blocks", self.blocks, self.widths)
        return self


class EmbedderParameters(ResNetParameters):
    """A residual network f of images and a perceptron g of labels, whose products are logits; its layer is `f`."""

    dimensions: Width = Field(2, description="M, the outputs of f and of g.")
    unembedding_width: Width = Field(128, description="Units of a hidden layer of g.")
    unembedding_layers: Blocks = Field(4, description="Linear layers of g, LeakyReLU between them.")


class VggParameters(Section):
    """A plain network of 3x3 convolutions; a max-pool ends each stage."""

    convolutions: tuple[Blocks, ...] = Field(
        (1, 1, 2, 2), min_length=1, max_length=12, description="Convolutions in each stage."
    )
    widths: tuple[Width, ...] = Field(
        (64, 128, 256, 512), min_length=1, max_length=12, description="Channels of each stage."
    )
    batch_norm: bool = Field(True, description="Whether each convolution is followed by BatchNorm.")
    pool: Whole = Field(1, ge=1, le=64, description="Side of what the average pool gives: 7 in the stock networks.")
    hidden: tuple[Width, ...] = Field(
        (), max_length=8, description="Units of the layers before the head: [4096, 4096] in the stock networks."
    )
    dropout: Real = Field(0, ge=0, lt=1, description="Share of the hidden units dropped in training.")

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        _check_stages("convolutions", self.convolutions, self.widths)
        return self


class VitParameters(Section):
    """A vision transformer; its layers `encoder.layers.encoder_layer_0`, ... and `encoder.ln` can be compared."""

    size: Whole = Field(
        32, ge=2, le=4096, description="Side of the images, pixels: that of the settings that use the model."
    )
    patch: Whole = Field(4, ge=1, le=4096, description="Side of a patch, pixels; `size` is a multiple of it.")
    depth: Blocks = Field(6, description="Blocks of attention and perceptron.")
    heads: Width = Field(4, description="Attention heads of a block.")
    width: Width = Field(64, description="Units of a token; divisible by `heads`.")
    mlp_width: Width = Field(256, description="Hidden units of a block's perceptron.")
    dropout: Real = Field(0, ge=0, lt=1, description="Share of units dropped in training.")

    @model_validator(mode="after")
    def _parts_are_whole(self) -> Self:
        if self.size % self.patch:
            raise ValueError(f"size {self.size} must be divisible by patch, got {self.patch}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be divisible by heads, got {self.heads}")
        return self


class VaeParameters(Section):
    """A variational autoencoder of grey images; its layers `mu` and `logvar` can be compared."""

    channels: tuple[Width, ...] = Field(
        (64, 128),
        min_length=1,
        max_length=12,
        description="Outputs of each convolution of the encoder; each halves the side.",
    )
    latent: Width = Field(20, description="Units of `mu` and of `logvar`.")
    size: Whole = Field(
        28, ge=2, le=4096, description="Side of the images, pixels: that of the settings that use the model."
    )

    @model_validator(mode="after")
    def _sides_are_whole(self) -> Self:
        if self.size % 2 ** len(self.channels):
            raise ValueError(
                f"size {self.size} must be divisible by {2 ** len(self.channels)}: each of the convolutions "
                f"{self.channels} halves it"
            )
        return self


class GptParameters(Section):
    """A decoder of tokens in the style of GPT-2; its layers `norm` and `blocks.0`, ... can be compared."""

    vocabulary: Whole = Field(
        50304, ge=2, le=10**6, description="Tokens; the 50257 of GPT-2 filled up to a multiple of 64."
    )
    layers: Blocks = Field(6, description="Blocks of attention and perceptron.")
    heads: Width = Field(6, description="Attention heads of a block.")
    width: Width = Field(384, description="Units of a position; divisible by `heads`.")
    context: Count = Field(256, description="Most tokens of a window.")
    dropout: Real = Field(0.2, ge=0, lt=1, description="Share of units and attention weights dropped in training.")

    @model_validator(mode="after")
    def _heads_are_equal(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must be divisible by heads, got {self.heads}")
        return self


def _without_classes(arguments: dict[str, Any]) -> dict[str, Any]:
    if "classes" in arguments:
        raise ValueError("the factory gets 'classes' from each run's labels: remove it from the arguments")
    return arguments


class ImportParameters(Section):
    """An architecture of your own: a function that returns a module."""

    path: str = Field(
        pattern=FACTORY,
        max_length=500,
        description="The factory as `package.module:function`, found from the working directory or installed.",
    )
    arguments: Annotated[Values, AfterValidator(_without_classes)] = Field(
        {}, description="Keyword arguments of the factory beside `classes`."
    )
    version: Whole = Field(
        1, ge=0, le=10**9, description="Raise it when the factory's code changes: its models are then trained anew."
    )
