"""What named modules of a model give on samples, as a vector a sample.

A layer is named by the module's own path (``avgpool``, ``layer2.0``); its output is pooled as `whyalike.models.hooks`
says. Training and import try this on two samples before they begin, so that a layer which cannot be recorded is found
before the GPU hours.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from whyalike.models.hooks import check_recorded, recorded
from whyalike.models.inputs import INPUTS
from whyalike.models.layers import named_layers
from whyalike.models.recalibration import recalibrate
from whyalike.models.registry import MODELS
from whyalike.models.weights import build_model

BATCH = 512
MIDDLE = (127.5,) * 3  # of pixels from 0 to 255: they become -1 to 1


@torch.no_grad()
def extract(
    model: nn.Module,
    samples: Tensor,
    layers: Sequence[str],
    feed: Callable[[Tensor], Tensor],
    pooling: str = "mean",
) -> dict[str, np.ndarray]:
    """Outputs of named modules on samples.

    Parameters
    ----------
    model : on the samples' device.
    samples : n images or windows, as `whyalike.models.inputs` gathers them.
    layers : paths of modules.
    feed : a batch of samples -> the model's input.
    pooling : of outputs with positions, by name (`whyalike.models.pooling`).

    Returns
    -------
    dict : layer -> float32 (n, d).

    Raises
    ------
    LookupError : the model has no such module.
    ValueError : a layer that is not called once a pass, gives no tensor, puts the batch elsewhere than first, or
        cannot be pooled so.
    """
    modules = named_layers(model, layers)
    with recorded(modules, pooling) as caught:
        model.eval()
        for passes, batch in enumerate(samples.split(BATCH), 1):
            model(feed(batch))
            for layer, outputs in caught.items():
                check_recorded(layer, outputs, passes, len(batch))
    return {layer: torch.cat(parts).cpu().numpy() for layer, parts in caught.items()}


def try_layers(
    setting: str,
    model: Mapping[str, Any],
    size: int | None,
    layers: Sequence[str],
    classes: int = 1,
    device: str = "cpu",
    pooling: str = "mean",
    recalibration: int = 0,
) -> None:
    """Record the layers of a throw-away model on two samples, and leave torch's random generators as they were.

    Parameters
    ----------
    setting : name in the configuration, for messages.
    model : section of the configuration as JSON values.
    size : side of its images, pixels; None for text.
    layers : paths of modules.
    classes : outputs of the model.
    device : where it runs.
    pooling, recalibration : ways to look, as of `whyalike.activations.parameters.ExtractionParameters`.

    Raises
    ------
    LookupError : the model has no such module.
    ValueError : the model cannot take such samples, its state cannot be written, or what `extract` raises of a layer,
        or `recalibrate` of the model.
    """
    inputs = INPUTS[MODELS[model["family"]].facts.inputs]
    # of text one token, which is a window of any context
    shape, top, dtype = ((2, size, size, inputs.channels), 256, torch.uint8) if size else ((2, 1), 2, torch.int32)
    samples = (torch.arange(math.prod(shape)) % top).to(dtype).reshape(shape).to(device)

    def feed(batch: Tensor) -> Tensor:
        return inputs.feed(batch, {"mean": MIDDLE, "std": MIDDLE})

    try:
        with torch.random.fork_rng(devices=[device] if torch.device(device).type == "cuda" else []):
            throw_away = build_model(model, classes, 0, "").to(device)
            named_layers(throw_away, layers)
            _check_state(throw_away)
            _check_taken(throw_away, feed(samples))
            if recalibration:
                recalibrate(throw_away, samples, feed)
            extract(throw_away, samples, layers, feed, pooling)
    except (LookupError, ValueError) as error:
        error.add_note(f"Found on two samples, before any work, with `model` and `layers` of settings.{setting}.")
        raise


def _check_state(model: nn.Module) -> None:
    """Weights are kept in files of tensors, as numbers that are there when training begins."""
    for name, value in model.state_dict().items():
        if not isinstance(value, Tensor) or is_lazy(value):
            what = "no numbers until the model has run" if is_lazy(value) else f"a {type(value).__name__}, no tensor"
            raise ValueError(f"{name} of the model's state holds {what}: it cannot be kept with the weights")


def _check_taken(model: nn.Module, batch: Tensor) -> None:
    try:
        with torch.no_grad():
            model.eval()(batch)
    except Exception as error:  # of the user's code: it may be any
        raise ValueError(
            f"the model cannot take a batch of shape {tuple(batch.shape)}: {type(error).__name__}: {error}. "
            "Correct the model, or `size` of its setting"
        ) from error
