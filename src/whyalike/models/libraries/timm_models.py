"""Image models of timm, by name and tag: size of the head and input rule are those of the tag."""

import math
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from whyalike.models.libraries.library import Library, given_to, go_offline, in_grey_levels
from whyalike.models.libraries.parameters import Architecture, InputRule
from whyalike.models.weights import save_weights


class Timm(Library):
    """Models of timm."""

    def build(self, asked: Architecture, folder: Path | None) -> nn.Module:
        """The architecture; of a tag that timm does not know, with the head of its default one."""
        go_offline()
        return _created(asked, pretrained=False)

    def rule(self, asked: Architecture, model: nn.Module, folder: Path | None) -> InputRule | None:
        """That of the tag; none of a tag that timm does not know."""
        from timm.data import resolve_model_data_config

        if asked.tag not in _tags(asked.name):
            return None
        return rule_of(resolve_model_data_config(model, use_test_size=False))

    def run(self, model: nn.Module, given: Any) -> Tensor | None:
        """What the classifier gets."""
        classifier = model.get_classifier()
        return given_to(classifier if isinstance(classifier, nn.Module) else None, model, given)

    def are_channels_last(self, model: nn.Module) -> bool:
        """As timm says it."""
        return getattr(model, "output_fmt", "NCHW") == "NHWC"

    def fetch(self, asked: Architecture, destination: Path) -> None:
        """The weights of a tag, under the names that the model has."""
        import timm

        if asked.tag not in (known := _tags(asked.name)):
            raise ValueError(f"timm {timm.__version__} has no tag {asked.tag} of {asked.name}: {', '.join(known)}")
        save_weights(_created(asked, pretrained=True), destination)


def rule_of(config: dict[str, Any]) -> InputRule:
    """The rule of one of timm's data configurations, as its transform for evaluation reads it.

    Raises
    ------
    ValueError : borders are added, or the interpolation is another one.
    """
    _, height, width = config["input_size"]
    scaled = tuple(math.floor(side / (config["crop_pct"] or 0.875)) for side in (height, width))
    if config["crop_mode"] == "border" or (config["crop_mode"] == "center" and height != width):
        raise ValueError("its images get borders, or are no squares: give `input` with resize and crop")
    if (interpolation := config["interpolation"]) not in ("bilinear", "bicubic", "nearest"):
        raise ValueError(f"it resizes by {interpolation}: give `input` with bilinear or bicubic")
    return InputRule(
        resize=scaled if config["crop_mode"] == "squash" else scaled[0],
        crop=(height, width),
        interpolation=interpolation,
        mean=in_grey_levels(config["mean"]),
        std=in_grey_levels(config["std"]),
    )


def _tags(name: str) -> list[str]:
    from timm.models import list_pretrained

    return [one.partition(".")[2] for one in list_pretrained(f"{name}.*")]


def _created(asked: Architecture, pretrained: bool) -> nn.Module:
    import timm

    if asked.name not in (names := timm.list_models()):
        from difflib import get_close_matches

        near = get_close_matches(asked.name, names, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"timm {timm.__version__} has no model {asked.name}.{hint}")
    tagged = f"{asked.name}.{asked.tag}" if asked.tag in _tags(asked.name) else asked.name
    return timm.create_model(tagged, pretrained=pretrained, **_head(tagged, asked.arguments))


def _head(tagged: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments with the number of classes that the weights of a tag have."""
    from timm.models import get_pretrained_cfg

    known = get_pretrained_cfg(tagged, allow_unregistered=True)
    classes = {} if known is None or known.num_classes is None else {"num_classes": known.num_classes}
    return classes | arguments
