"""Image models of torchvision, by name; the tag is a member of the model's weights, whose transforms are its rule."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from whyalike.models.libraries.library import Library, given_to, in_grey_levels
from whyalike.models.libraries.parameters import Architecture, InputRule
from whyalike.models.weights import save_weights


class Torchvision(Library):
    """Classifiers of torchvision."""

    def build(self, asked: Architecture, folder: Path | None) -> nn.Module:
        """The architecture."""
        return _created(asked, None)

    def rule(self, asked: Architecture, model: nn.Module, folder: Path | None) -> InputRule | None:
        """The transforms of the tag; none of a tag that torchvision does not know."""
        if (weights := _weights(asked)) is None:
            return None
        transforms = weights.transforms()
        if type(transforms).__name__ != "ImageClassification":
            raise ValueError("it is no classifier of single images: give `input` with resize, crop, mean and std")
        (resize,), (crop,) = transforms.resize_size, transforms.crop_size
        return InputRule(
            resize=resize,
            crop=crop,
            interpolation=transforms.interpolation.value,
            mean=in_grey_levels(transforms.mean),
            std=in_grey_levels(transforms.std),
        )

    def run(self, model: nn.Module, given: Any) -> Tensor | None:
        """What the last linear layer gets."""
        linear = [module for module in model.modules() if isinstance(module, nn.Linear)]
        return given_to(linear[-1] if linear else None, model, given)

    def are_channels_last(self, model: nn.Module) -> bool:
        """Swin transformers, between their modules."""
        return type(model).__name__ == "SwinTransformer"

    def fetch(self, asked: Architecture, destination: Path) -> None:
        """The weights of a tag, under the names that the model has."""
        from torchvision.models import get_model_weights

        if (weights := _weights(asked)) is None:
            known = ", ".join(one.name for one in get_model_weights(asked.name))
            raise ValueError(f"torchvision has no weights {asked.tag} of {asked.name}. Known: {known}")
        save_weights(_created(asked, weights), destination)


def _weights(asked: Architecture) -> Any:
    from torchvision.models import get_model_weights

    return getattr(get_model_weights(asked.name), "__members__", {}).get(asked.tag)


def _created(asked: Architecture, weights: Any) -> nn.Module:
    import torchvision
    from torchvision.models import get_model, list_models

    names = list_models(module=torchvision.models)
    if asked.name not in names:
        from difflib import get_close_matches

        near = get_close_matches(asked.name, names, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"torchvision {torchvision.__version__} has no model {asked.name}.{hint}")
    # weights of a backbone would be fetched by those that have one
    return get_model(asked.name, weights=weights, **asked.arguments)
