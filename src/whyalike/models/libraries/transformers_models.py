"""Models of Hugging Face's transformers, of images or text: a folder as `save_pretrained` writes it says which.

Code that stands in a folder is never run: a model whose architecture transformers does not know is refused.
"""

import json
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from whyalike.file_faults import readable
from whyalike.models.libraries.library import GREY_LEVELS, Library, go_offline, in_grey_levels
from whyalike.models.libraries.parameters import Architecture, InputRule

CONFIG = "config.json"
INTERPOLATIONS = {0: "nearest", 2: "bilinear", 3: "bicubic"}  # as Pillow numbers them
VISION = "vision_model"
LOCAL = {"local_files_only": True, "trust_remote_code": False}


class Transformers(Library):
    """Models of transformers, without heads."""

    def build(self, asked: Architecture, folder: Path | None) -> nn.Module:
        """The architecture that the folder's config.json describes."""
        go_offline()
        if folder is None or not (folder / CONFIG).is_file():
            raise ValueError(f"{folder} must be a folder with {CONFIG}, as `save_pretrained` writes it")
        import torch
        from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, __version__

        with readable(folder / CONFIG, "a configuration of transformers", "Fetch the folder again."):
            kind = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("model_type")
            known = kind in CONFIG_MAPPING  # else it would be guessed from the folder's name, or looked for in its code
            config = AutoConfig.from_pretrained(folder, **LOCAL, **asked.arguments) if known else None
        try:
            if config is not None:
                return AutoModel.from_config(config, trust_remote_code=False, dtype=torch.float32)
        except ValueError as error:
            raise ValueError(f"{folder / CONFIG}: transformers cannot make a {kind} of it: {error}") from error
        raise ValueError(
            f"{folder / CONFIG}: transformers {__version__} has no model of type {kind}, and no code in a folder is run"
        )

    def rule(self, asked: Architecture, model: nn.Module, folder: Path | None) -> InputRule | None:
        """That of the folder's image processor; None of text, and of folders without one."""
        if self.inputs(model) != "rgb" or folder is None or not (folder / "preprocessor_config.json").is_file():
            return None
        from transformers import AutoImageProcessor

        return rule_of(AutoImageProcessor.from_pretrained(folder, **LOCAL))

    def run(self, model: nn.Module, given: Any) -> Tensor | None:
        """`pooler_output`, or the image's embedding; of models that have neither, the last hidden state."""
        if isinstance(given, Tensor):
            see = getattr(model, "get_image_features", model)
            output = see(pixel_values=given)
        else:
            output = (model.get_encoder() if model.config.is_encoder_decoder else model)(**given)
        if isinstance(output, Tensor):
            return output
        pooled = getattr(output, "pooler_output", None)
        return getattr(output, "last_hidden_state", None) if pooled is None else pooled

    def tower(self, model: nn.Module) -> str:
        """Of models of images and text the part that sees images, of encoders and decoders the encoder."""
        if hasattr(model, "get_image_features"):
            return VISION if hasattr(model, VISION) else ""
        return "encoder" if model.config.is_encoder_decoder else ""

    def inputs(self, model: nn.Module) -> Literal["rgb", "tokens"]:
        """By the name of the model's main input."""
        name = "pixel_values" if hasattr(model, "get_image_features") else model.main_input_name
        kinds = {"pixel_values": "rgb", "input_ids": "tokens"}
        if name not in kinds:
            raise ValueError(f"the model takes {name}: only models of images and of text can be compared")
        return kinds[name]

    def leave_projection(self, model: nn.Module) -> None:
        """Of CLIP's models the matrix behind the image tower."""
        if not isinstance(getattr(model, "visual_projection", None), nn.Module):
            super().leave_projection(model)
        model.visual_projection = nn.Identity()

    def fetch(self, asked: Architecture, destination: Path) -> None:
        """The folder of a repository at a revision: the model without heads, its tokenizer and image processor."""
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

        from_hub = {"revision": asked.tag, "trust_remote_code": False}
        model = AutoModel.from_pretrained(asked.name, **from_hub)
        model.save_pretrained(destination)
        own = AutoTokenizer if self.inputs(model) == "tokens" else AutoImageProcessor
        own.from_pretrained(asked.name, **from_hub).save_pretrained(destination)


def rule_of(processor: Any) -> InputRule:
    """The rule of an image processor.

    Raises
    ------
    ValueError : it pads, leaves out a step, or resizes in another way.
    """
    if not (processor.do_resize and processor.do_rescale and processor.do_normalize):
        raise ValueError("its processor leaves out resizing, rescaling or normalising: give `input` with all of it")
    if getattr(processor, "do_pad", False) or abs(GREY_LEVELS * processor.rescale_factor - 1) > 1e-6:
        raise ValueError("its processor adds borders, or rescales otherwise than by 255: give `input`")
    if (number := int(processor.resample)) not in INTERPOLATIONS:
        raise ValueError(f"its processor resizes by Pillow's method {number}: give `input` with bilinear or bicubic")
    crop = _sides(processor.crop_size) if getattr(processor, "do_center_crop", False) else None
    size = processor.size
    resize = size["shortest_edge"] if size.get("shortest_edge") else _sides(size)
    if isinstance(resize, int) and crop is None:
        raise ValueError("its processor keeps the form of images and crops nothing: give `input` with resize and crop")
    return InputRule(
        resize=resize,
        crop=crop,
        interpolation=INTERPOLATIONS[number],
        mean=in_grey_levels(processor.image_mean),
        std=in_grey_levels(processor.image_std),
    )


def _sides(size: Any) -> tuple[int, int]:
    if not (size.get("height") and size.get("width")):
        raise ValueError(f"its processor's size is {dict(size)}: give `input` with resize and crop")
    return size["height"], size["width"]
