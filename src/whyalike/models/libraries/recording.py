"""What layers of a library's model give on stimuli, as a vector a stimulus: images or texts, batch by batch.

Of text the pooling is over real tokens alone: what fills a shorter text up counts nowhere.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from whyalike.models.hooks import check_recorded
from whyalike.models.libraries.building import Built
from whyalike.models.libraries.library import maps_as_channels_first
from whyalike.models.libraries.parameters import POOLED, Look
from whyalike.models.pooling import pool

MASK = "attention_mask"
PIXELS = 32 * 224 * 224  # of a batch: a vision transformer takes some GB for them


@torch.no_grad()
def record(built: Built, batches: Sequence[Any], feed: Callable[[Any], Any], look: Look) -> dict[str, np.ndarray]:
    """Outputs of the layers of a look.

    Parameters
    ----------
    built : the model, on its device.
    batches : of stimuli.
    feed : a batch -> what the library's `run` takes, on that device.

    Returns
    -------
    dict : layer -> float32 (n, d).

    Raises
    ------
    LookupError : the model has no such module.
    ValueError : a layer that is not called once a pass, gives no tensor, has no vector by this pooling, or puts the
        stimuli elsewhere than first.
    """
    found: dict[str, list[Tensor]] = {layer: [] for layer in look.layers}
    last = built.library.are_channels_last(built.model)
    with _caught(built.layers(look.layers)) as caught:
        built.model.eval()
        for passes, batch in enumerate(batches, 1):
            given = feed(batch)
            pooled = built.library.run(built.model, given)
            mask = given[MASK] if isinstance(given, Mapping) else None
            square = mask is None and given.shape[-1] == given.shape[-2]
            if POOLED in found:
                found[POOLED].append(_vectors(POOLED, pooled, look, mask))
            for layer, outputs in caught.items():
                maps = [_map(output, module, last, square) for module, output in outputs]
                outputs.clear()
                found[layer] += [_vectors(layer, one, look, mask) for one in maps]
                check_recorded(layer, found[layer], passes, len(batch))
    return {layer: torch.cat(parts).cpu().numpy() for layer, parts in found.items()}


@contextmanager
def _caught(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, list[tuple[nn.Module, Any]]]]:
    """Yield a list for each module, which takes the module and its output at every call in the body."""
    caught: dict[str, list[tuple[nn.Module, Any]]] = {layer: [] for layer in modules}
    handles = []
    try:
        for layer, module in modules.items():
            handles.append(
                module.register_forward_hook(
                    lambda module, _, output, layer=layer: caught[layer].append((module, _copied(output)))
                )
            )
        yield caught
    finally:
        for handle in handles:
            handle.remove()


def _copied(output: Any) -> Any:
    """A module's output, or the first of a tuple's, which later modules cannot change in place."""
    output = output[0] if isinstance(output, tuple | list) and output else output
    output = getattr(output, "last_hidden_state", output)
    return output.to(torch.float32, copy=True) if isinstance(output, Tensor) else output


def _map(output: Any, module: nn.Module, last: bool, square: bool) -> Any:
    return maps_as_channels_first(output, module, last, square) if isinstance(output, Tensor) else output


def _vectors(layer: str, output: Any, look: Look, mask: Tensor | None) -> Tensor:
    """An output as float32 (b, d)."""
    if output is None:
        raise ValueError(f"the model has no output that is the layer {POOLED}: name layers, for example `blocks`")
    if not isinstance(output, Tensor) or output.ndim < 2:
        raise ValueError(f"layer {layer} gives no tensor with a vector a stimulus: name a module that gives one")
    try:
        if mask is not None and output.ndim == 3:
            return pooled_tokens(output, mask, look.pooling).float()
        return pool(output, look.pooling).float()
    except ValueError as error:
        raise ValueError(f"layer {layer}: {error}") from error


def pooled_tokens(output: Tensor, mask: Tensor, name: str) -> Tensor:
    """Tokens (b, t, d) of texts of unequal lengths as (b, d), over those that ``mask`` (b, t) says are real.

    Raises
    ------
    ValueError : the pooling has no meaning for texts.

    Examples
    --------
    >>> output, mask = torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]])
    >>> [pooled_tokens(output, mask, name).item() for name in ("mean", "last", "first")]
    [2.0, 3.0, 1.0]
    """
    if name in ("cls", "first"):
        return output[:, 0]
    if name == "last":
        return output[torch.arange(len(output), device=output.device), mask.sum(dim=1) - 1]
    if name == "mean":
        real = mask.unsqueeze(-1).to(output.dtype)
        return (output * real).sum(dim=1) / real.sum(dim=1)
    raise ValueError(f"pooling {name} has no meaning for texts. Take one of mean, last, first, cls")
