"""Image towers of OpenCLIP's models; the file holds both towers, images run through theirs alone."""

import logging
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from whyalike.models.libraries.library import Library, go_offline, in_grey_levels
from whyalike.models.libraries.parameters import Architecture, InputRule
from whyalike.models.weights import save_weights


class OpenClip(Library):
    """Models of open_clip."""

    def build(self, asked: Architecture, folder: Path | None) -> nn.Module:
        """Both towers; of a tag that was trained with QuickGELU with that."""
        go_offline()
        return _created(asked, None)

    def rule(self, asked: Architecture, model: nn.Module, folder: Path | None) -> InputRule | None:
        """That of the model with the means of the tag; none of a tag that OpenCLIP does not know."""
        from open_clip import get_model_preprocess_cfg
        from open_clip.pretrained import get_pretrained_cfg
        from open_clip.transform import merge_preprocess_dict

        if not (of_tag := get_pretrained_cfg(asked.name, asked.tag)):
            return None
        size = get_model_preprocess_cfg(model)["size"]
        config = merge_preprocess_dict(get_model_preprocess_cfg(model), of_tag)
        height, width = (size, size) if isinstance(size, int) else size
        squashed = config["resize_mode"] == "squash"
        if not squashed and (config["resize_mode"] != "shortest" or height != width):
            raise ValueError("its images get borders, or are no squares: give `input` with resize and crop")
        return InputRule(
            resize=(height, width) if squashed else height,
            crop=(height, width),
            interpolation=config["interpolation"],
            mean=in_grey_levels(config["mean"]),
            std=in_grey_levels(config["std"]),
        )

    def run(self, model: nn.Module, given: Any) -> Tensor | None:
        """The image's embedding, of any length."""
        return model.encode_image(given, normalize=False)

    def tower(self, model: nn.Module) -> str:
        """The image tower."""
        return "visual"

    def leave_projection(self, model: nn.Module) -> None:
        """Of vision transformers the matrix at their end, of timm's models what stands behind them."""
        visual = model.visual
        if isinstance(getattr(visual, "proj", None), nn.Parameter):
            visual.proj = None
        elif hasattr(visual, "trunk") and hasattr(visual, "head"):
            visual.head = nn.Identity()
        else:
            raise ValueError(
                f"the image tower ({type(visual).__name__}) cannot be read before its projection: leave `projection` "
                "out, or name a layer of it"
            )

    def fetch(self, asked: Architecture, destination: Path) -> None:
        """The weights of a tag, under the names that the model has."""
        from open_clip import list_pretrained_tags_by_model

        if asked.tag not in (known := list_pretrained_tags_by_model(asked.name)):
            raise ValueError(f"open_clip has no tag {asked.tag} of {asked.name}. Tags: {', '.join(known)}")
        save_weights(_created(asked, asked.tag), destination)


def _created(asked: Architecture, tag: str | None) -> nn.Module:
    import open_clip
    from open_clip.pretrained import get_pretrained_cfg

    if asked.name not in (names := open_clip.list_models()):
        from difflib import get_close_matches

        near = get_close_matches(asked.name, names, n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise ValueError(f"open_clip {open_clip.__version__} has no model {asked.name}.{hint}")
    quick = bool((get_pretrained_cfg(asked.name, asked.tag) or {}).get("quick_gelu"))
    level = logging.root.level
    logging.root.setLevel(logging.ERROR)  # it warns, at the root, that weights are random
    try:
        return open_clip.create_model(
            asked.name, pretrained=tag, load_weights=tag is not None, pretrained_text=False,
            force_quick_gelu=quick, device=torch.get_default_device(), **asked.arguments,
        )  # fmt: skip
    finally:
        logging.root.setLevel(level)
