"""Two PyTorch models on the same stimuli, layer by layer.

All rows of the loader are gathered before a score is made: it is that of all stimuli, no mean over batches, of which
each would be biased by its size. Beyond a bound of memory they are gathered in temporary files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, product
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import RandomSampler

from whyalike.activations.scratch import Scratch
from whyalike.models.hooks import check_recorded, recorded
from whyalike.models.layers import named_layers
from whyalike.models.pooling import POOLINGS
from whyalike.similarity.all_pairs import MEMORY
from whyalike.similarity.api import Metrics, choose, table_of, workbench_of
from whyalike.similarity.memory import bytes_of

if TYPE_CHECKING:
    import pandas as pd

Feed = Callable[[Any], Any]


def compare(
    model_a: nn.Module,
    model_b: nn.Module,
    loader: Iterable[Any],
    *,
    layers_a: str | Sequence[str],
    layers_b: str | Sequence[str] | None = None,
    metrics: Metrics = "cka",
    loader_b: Iterable[Any] | None = None,
    feed_a: Feed | None = None,
    feed_b: Feed | None = None,
    seed: int | None = None,
    memory: int | str | None = None,
    pooling: str = "mean",
) -> "pd.DataFrame":
    """The scores of each layer of one model with each of another, exact over all stimuli of a loader.

    Models run in eval mode without gradients, on the device on which they are; mode and hooks are afterwards as before,
    also after an error. Outputs with positions, (b, c, h, w) or (b, tokens, d), are pooled, by default averaged over
    them. The float32 representations, 4 bytes times stimuli times the units of all layers, are held in memory; where
    they are more than half of ``memory``, in temporary files, which are removed afterwards, also after an error.

    Parameters
    ----------
    model_a, model_b : modules; the same one, too.
    loader : batches; a batch is a tensor, a tuple whose first part is the input, or a mapping of arguments.
    layers_a, layers_b : paths of modules, as ``named_modules()`` gives them; layers_b: those of layers_a if left out.
    metrics : as in `whyalike.pairwise`.
    loader_b : batches for model_b, if they differ: the same stimuli in the same order.
    feed_a, feed_b : a batch -> the model's input, where it is none of the above: a tensor, a tuple of arguments or a
        mapping of them.
    seed : as in `whyalike.pairwise`.
    memory : bytes, or such as "2GB", for what the layers gave and for the scores, beside models and batches. None: no
        bound.
    pooling : of outputs with positions: mean; center or center4 of maps; cls, first or last of tokens; flat.

    Returns
    -------
    A row a metric and pair of layers: metric, layer_a, layer_b, value, n. The value of a pair is NaN where the metric
    has none; ``attrs["undefined"]`` of the frame gives the reasons.

    Raises
    ------
    LookupError : a model has no such module; the message names the nearest.
    ValueError : a layer that gives no tensor (a tuple, say), is not called once a pass or holds NaN; no stimuli, or not
        as many on both sides; loaders that shuffle apart from each other.

    Example
    -------
    >>> layers = [nn.Linear(6, 4), nn.Linear(6, 5)]
    >>> one, other = (nn.Sequential(layer, nn.ReLU()) for layer in layers)
    >>> found = compare(one, other, [torch.eye(6)[:3], torch.eye(6)[3:]], layers_a=["0", "1"])
    >>> found[["layer_a", "layer_b"]].values.tolist()
    [['0', '0'], ['0', '1'], ['1', '0'], ['1', '1']]
    """
    if pooling not in POOLINGS:
        raise ValueError(f"there is no pooling '{pooling}'. Known: {', '.join(POOLINGS)}.")
    chosen = choose(metrics, "exact", seed)
    names_a = [layers_a] if isinstance(layers_a, str) else list(layers_a)
    names_b = names_a if layers_b is None else [layers_b] if isinstance(layers_b, str) else list(layers_b)
    limit = None if memory is None else bytes_of(memory)
    with Scratch(None if limit is None else limit // 2) as scratch:
        sides = [
            _Side(name, model, _modules(name, model, layers), feed or _input, scratch, pooling)
            for name, model, layers, feed in (
                ("model_a", model_a, names_a, feed_a),
                ("model_b", model_b, names_b, feed_b),
            )
        ]
        with _evaluated(model_a), _evaluated(model_b):
            _run(sides, loader, loader_b)
        found = {name: scratch.take(name) for name in scratch.names()}
        _check_rows(sides)
        held = sum(x.nbytes for x in found.values() if not isinstance(x, np.memmap))
        left = None if limit is None else limit - held
        bench = workbench_of(found, seed or 0, ", ".join(one.metric for one in chosen), MEMORY, bound=left)
        pairs = list(product(*(map(side.called, side.modules) for side in sides)))
        frame = table_of(bench, chosen, lambda _: pairs, ("layer_a", "layer_b"))
    for side, column in zip(sides, ("layer_a", "layer_b"), strict=True):
        plain = {side.called(layer): layer for layer in side.modules}
        frame[column] = frame[column].map(plain)
        for one in frame.attrs["undefined"]:
            one[column] = plain[one[column]]
    return frame


class _Side:
    """A model, the modules that are recorded, and where what they give is kept."""

    def __init__(
        self, name: str, model: nn.Module, modules: Mapping[str, nn.Module], feed: Feed, scratch: Scratch, pooling: str
    ):
        self.name, self.model, self.modules, self.feed, self.scratch = name, model, modules, feed, scratch
        self.pooling = pooling
        self.device = next((one.device for one in chain(model.parameters(), model.buffers())), None)
        self.n = 0

    def called(self, layer: str) -> str:
        return f"{self.name} {layer}"

    def see(self, batch: Any) -> None:
        """Run the model on a batch, and keep what its modules give."""
        given = _moved(self.feed(batch), self.device)
        rows = next((len(one) for one in _tensors(given) if one.ndim), None)
        try:
            with torch.no_grad(), recorded(self.modules, self.pooling) as caught:
                if isinstance(given, Mapping):
                    self.model(**given)
                else:
                    self.model(*given) if isinstance(given, tuple) else self.model(given)
            for layer, outputs in caught.items():
                check_recorded(layer, outputs, 1, len(outputs[0]) if rows is None and outputs else rows)
        except ValueError as error:
            error.add_note(f"Found in {self.name}.")
            raise
        for layer, [vectors] in caught.items():
            self.scratch.add(self.called(layer), vectors.cpu().numpy())
        self.n += len(vectors)


def _run(sides: Sequence[_Side], loader: Iterable[Any], loader_b: Iterable[Any] | None) -> None:
    """Show all batches to both models: each batch of one loader, or each model its own."""
    if loader_b is None:
        for batch in _batches(loader):
            for side in sides:
                side.see(batch)
        return
    for one in (loader, loader_b):
        if isinstance(getattr(one, "sampler", None), RandomSampler):
            raise ValueError(
                "two loaders must give the same stimuli in the same order, and one of them shuffles. Make it with "
                "shuffle=False, or give one loader."
            )
    for side, one in zip(sides, (loader, loader_b), strict=True):
        for batch in _batches(one):
            side.see(batch)


def _check_rows(sides: Sequence[_Side]) -> None:
    a, b = (side.n for side in sides)
    if not a or not b:
        raise ValueError("the loader gave no stimuli. Is it an iterator that was used up? Give the loader itself.")
    if a != b:
        raise ValueError(
            f"both models need the same stimuli in the same order; model_a saw {a}, model_b {b}. Give loaders of the "
            "same stimuli, without drop_last on one of them."
        )


def _modules(name: str, model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    if not layers:
        raise ValueError(
            f"{name} needs at least one layer. Known: {', '.join(one for one, _ in model.named_modules() if one)}."
        )
    try:
        return named_layers(model, layers)
    except LookupError as error:
        raise LookupError(f"{name}: {error}") from None


@contextmanager
def _evaluated(model: nn.Module) -> Iterator[None]:
    """Eval mode; afterwards every module has the mode that it had."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in before:
            module.training = training


def _batches(loader: Iterable[Any]) -> Iterable[Any]:
    return [loader] if isinstance(loader, Tensor) else loader  # else its rows would be batches


def _input(batch: Any) -> Any:
    """What a model takes of a batch: all of a tensor or mapping, the first part of a tuple."""
    return batch[0] if isinstance(batch, tuple | list) else batch


def _moved(given: Any, device: torch.device | None) -> Any:
    """The tensors of an input on the model's device."""
    if isinstance(given, Mapping):
        return {name: _moved(value, device) for name, value in given.items()}
    if isinstance(given, tuple | list):
        values = [_moved(value, device) for value in given]
        return type(given)(*values) if hasattr(given, "_fields") else type(given)(values)  # a NamedTuple takes each
    return given.to(device) if isinstance(given, Tensor) and device is not None else given


def _tensors(given: Any) -> Iterator[Tensor]:
    if isinstance(given, Tensor):
        yield given
    elif isinstance(given, Mapping | tuple | list):
        for one in given.values() if isinstance(given, Mapping) else given:
            yield from _tensors(one)
