"""The model families by name: where their code is and what is known of them without running it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from whyalike.models import layer_names
from whyalike.models.parameters import (
    EmbedderParameters,
    GptParameters,
    ImportParameters,
    ResNetParameters,
    VaeParameters,
    VggParameters,
    VitParameters,
)
from whyalike.registry import Entry, Registry
from whyalike.section import Section


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a family.

    Attributes
    ----------
    source : where the architecture is described.
    parameters : the model that checks the family's parameters.
    inputs : what it takes: images of three channels or one, or tokens.
    in_place : whether a module may change in place what another gave.
    layers : kind of layers (convolutions, blocks) -> a model's section -> their names, in order of execution.
    fields : a model's section -> layer -> side of its receptive field, pixels; None where none is known.
    head : whether it ends in a linear layer, without which an objective may be; None: only its code tells.
    """

    source: str
    parameters: type[Section]
    inputs: Literal["rgb", "grey", "tokens"]
    in_place: bool = False
    layers: Mapping[str, layer_names.Names] = field(default_factory=dict)
    fields: Callable[[Any], dict[str, int]] | None = None
    head: bool | None = False


MODELS: Registry[ModelFacts] = Registry(
    "model family",
    {
        "embedder": Entry(
            "whyalike.models.likelihood_model:build",
            ModelFacts(
                "Nielsen et al. 2025: a ResNet and a perceptron",
                EmbedderParameters,
                "rgb",
                layers={
                    "convolutions": layer_names.within("f", layer_names.resnet_convolutions),
                    "blocks": layer_names.within("f", layer_names.resnet_blocks),
                },
                fields=layer_names.within("f", layer_names.resnet_fields),
            ),
        ),
        "gpt": Entry(
            "whyalike.models.gpt:build",
            ModelFacts(
                "Radford et al. 2019 without biases, as in nanoGPT",
                GptParameters,
                "tokens",
                layers={"blocks": layer_names.gpt_blocks},
            ),
        ),
        "import": Entry(
            "whyalike.models.imported:build",
            ModelFacts("your own code", ImportParameters, "rgb", in_place=True, head=None),
        ),
        "resnet": Entry(
            "whyalike.models.resnet:build",
            ModelFacts(
                "He et al. 2015",
                ResNetParameters,
                "rgb",
                layers={"convolutions": layer_names.resnet_convolutions, "blocks": layer_names.resnet_blocks},
                fields=layer_names.resnet_fields,
                head=True,
            ),
        ),
        "vae": Entry(
            "whyalike.models.vae:build",
            ModelFacts(
                "Kingma and Welling 2014, convolutional",
                VaeParameters,
                "grey",
                layers={"convolutions": layer_names.vae_convolutions},
                fields=layer_names.vae_fields,
            ),
        ),
        "vgg": Entry(
            "whyalike.models.vgg:build",
            ModelFacts(
                "Simonyan and Zisserman 2015",
                VggParameters,
                "rgb",
                layers={"convolutions": layer_names.vgg_convolutions, "blocks": layer_names.vgg_blocks},
                fields=layer_names.vgg_fields,
                head=True,
            ),
        ),
        "vit": Entry(
            "whyalike.models.vit:build",
            ModelFacts(
                "Dosovitskiy et al. 2021", VitParameters, "rgb", layers={"blocks": layer_names.vit_blocks}, head=True
            ),
        ),
    },
)
