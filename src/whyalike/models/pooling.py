"""How an output with positions becomes a vector a sample: pooling by name.

A map is (b, c, h, w), tokens are (b, t, d); any other output has no positions, and is one vector a sample. `POOLINGS`
says what each name means for maps and for tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

TOKENS, MAP = 3, 4  # axes


@dataclass(frozen=True)
class Pooling:
    """One way to pool.

    Attributes
    ----------
    of_map : (b, c, h, w) -> (b, d); None where it has no meaning.
    of_tokens : (b, t, d) -> (b, d); None where it has no meaning.
    """

    of_map: Callable[[Tensor], Tensor] | None = None
    of_tokens: Callable[[Tensor], Tensor] | None = None


def _center(output: Tensor) -> Tensor:
    """The position (h // 2, w // 2): of an even side, the one after the middle (Kapoor et al. 2025)."""
    return output[:, :, output.shape[2] // 2, output.shape[3] // 2]


def _center4(output: Tensor) -> Tensor:
    """The mean of the positions that touch the middle: two of an even side, the one in the middle of an odd side."""
    for axis in (2, 3):
        side = output.shape[axis]
        output = output.narrow(axis, (side - 1) // 2, 2 - side % 2)
    return output.mean(dim=(2, 3))


def _first(output: Tensor) -> Tensor:
    return output[:, 0]


def _flat(output: Tensor) -> Tensor:
    return output.reshape(len(output), -1)


POOLINGS = {
    "mean": Pooling(lambda output: output.mean(dim=(2, 3)), lambda output: output.mean(dim=1)),
    "center": Pooling(of_map=_center),
    "center4": Pooling(of_map=_center4),
    "cls": Pooling(of_tokens=_first),  # the class token, which stands before the others
    "first": Pooling(of_tokens=_first),
    "last": Pooling(of_tokens=lambda output: output[:, -1]),
    "flat": Pooling(_flat, _flat),
}


def pool(output: Tensor, name: str = "mean") -> Tensor:
    """A module's output as (b, d).

    Parameters
    ----------
    output : (b, c, h, w), (b, t, d), or any other shape with a row a sample, which is one vector whatever the pooling.
    name : of `POOLINGS`.

    Raises
    ------
    ValueError : the pooling has no meaning for such an output.

    Examples
    --------
    >>> import torch
    >>> maps = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> pool(maps, "center").item(), pool(maps, "center4").item(), pool(maps, "flat").shape
    (10.0, 7.5, torch.Size([1, 16]))
    """
    if output.ndim not in (TOKENS, MAP):
        return _flat(output)
    kind = "of_map" if output.ndim == MAP else "of_tokens"
    chosen = getattr(POOLINGS[name], kind)
    if chosen is None:
        shape = "a map (b, c, h, w)" if output.ndim == MAP else "tokens (b, t, d)"
        known = ", ".join(one for one, pooling in POOLINGS.items() if getattr(pooling, kind))
        raise ValueError(f"pooling {name} has no meaning for {shape}, got {tuple(output.shape)}. Take one of {known}")
    return chosen(output)
