"""The model families by name: where their code is and what is known of them without running it."""

from dataclasses import dataclass
from typing import Literal

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
    """

    source: str
    parameters: type[Section]
    inputs: Literal["rgb", "grey", "tokens"]
    in_place: bool = False


MODELS: Registry[ModelFacts] = Registry(
    "model family",
    {
        "embedder": Entry(
            "whyalike.models.likelihood_model:build",
            ModelFacts("Nielsen et al. 2025: a ResNet and a perceptron", EmbedderParameters, "rgb"),
        ),
        "gpt": Entry(
            "whyalike.models.gpt:build",
            ModelFacts("Radford et al. 2019 without biases, as in nanoGPT", GptParameters, "tokens"),
        ),
        "import": Entry(
            "whyalike.models.imported:build", ModelFacts("your own code", ImportParameters, "rgb", in_place=True)
        ),
        "resnet": Entry("whyalike.models.resnet:build", ModelFacts("He et al. 2015", ResNetParameters, "rgb")),
        "vae": Entry(
            "whyalike.models.vae:build", ModelFacts("Kingma and Welling 2014, convolutional", VaeParameters, "grey")
        ),
        "vgg": Entry("whyalike.models.vgg:build", ModelFacts("Simonyan and Zisserman 2015", VggParameters, "rgb")),
        "vit": Entry("whyalike.models.vit:build", ModelFacts("Dosovitskiy et al. 2021", VitParameters, "rgb")),
    },
)
