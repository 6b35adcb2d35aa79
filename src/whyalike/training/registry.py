"""The objectives by name: where their code is and what is known of them without running it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whyalike.registry import Entry, Registry
from whyalike.training.contrastive_parameters import (
    WORDS,
    CaptionsRecipe,
    MocoRecipe,
    ReconstructionRecipe,
    SimclrRecipe,
)
from whyalike.training.parameters import (
    AdamRecipe,
    AdamWRecipe,
    AutoencoderRecipe,
    ClassifierRecipe,
    LanguageRecipe,
    Recipe,
)


@dataclass(frozen=True)
class ObjectiveFacts:
    """What is known of an objective.

    Attributes
    ----------
    parameters : the model that checks the recipe.
    inputs : the kind of model input it works with; a name of `whyalike.models.registry.ModelFacts.inputs`.
    loss_unit : what its test loss is measured in.
    accuracy : whether its runs have an accuracy.
    labelled : whether what is learned depends on labels.
    head : whether its models must end in a linear layer: it trains what that layer reads.
    words : attributes of which its labels must be; empty: any.
    passes : how often a training image goes through the model and back; a third of it forward alone.
    """

    parameters: type[Recipe]
    inputs: str
    loss_unit: str
    accuracy: bool
    labelled: bool = True
    head: bool = False
    words: tuple[str, ...] = ()
    passes: float = 1


OBJECTIVES: Registry[ObjectiveFacts] = Registry(
    "objective",
    {
        "captions": Entry(
            "whyalike.training.captions:Captions",
            ObjectiveFacts(CaptionsRecipe, "rgb", "nats", accuracy=True, head=True, words=WORDS),
        ),
        "cross_entropy": Entry(
            "whyalike.training.classification:Classification",
            ObjectiveFacts(ClassifierRecipe, "rgb", "nats", accuracy=True),
        ),
        "cross_entropy_adam": Entry(
            "whyalike.training.adam_classification:AdamClassification",
            ObjectiveFacts(AdamRecipe, "rgb", "nats", accuracy=True),
        ),
        "cross_entropy_adamw": Entry(
            "whyalike.training.adamw_classification:AdamWClassification",
            ObjectiveFacts(AdamWRecipe, "rgb", "nats", accuracy=True),
        ),
        "elbo": Entry(
            "whyalike.training.autoencoding:Autoencoding",
            ObjectiveFacts(AutoencoderRecipe, "grey", "nats an image", accuracy=False, labelled=False),
        ),
        "moco": Entry(
            "whyalike.training.moco:Moco",
            ObjectiveFacts(MocoRecipe, "rgb", "nats", accuracy=True, labelled=False, head=True, passes=4 / 3),
        ),
        "next_token": Entry(
            "whyalike.training.language:Language",
            ObjectiveFacts(LanguageRecipe, "tokens", "nats a token", accuracy=False, labelled=False),
        ),
        "reconstruction": Entry(
            "whyalike.training.reconstruction:Reconstruction",
            ObjectiveFacts(
                ReconstructionRecipe, "rgb", "squared normalised grey levels", accuracy=True, labelled=False, head=True
            ),
        ),
        "simclr": Entry(
            "whyalike.training.simclr:Simclr",
            ObjectiveFacts(SimclrRecipe, "rgb", "nats", accuracy=True, labelled=False, head=True, passes=2),
        ),
    },
)


def recipe_of(values: Mapping[str, Any]) -> Recipe:
    """The recipe in a job's parameters, as JSON values with its objective's name."""
    own = {name: value for name, value in values.items() if name != "objective"}
    return OBJECTIVES[values["objective"]].facts.parameters.from_plain(own)
