"""A function of the user's own that makes a module: its weights, and how its input is made, are the user's too."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from whyalike.models.imported import factory
from whyalike.models.libraries.library import Library
from whyalike.models.libraries.parameters import Architecture, InputRule


class OwnCode(Library):
    """Modules that a function of the user's makes."""

    def build(self, asked: Architecture, folder: Path | None) -> nn.Module:
        """What the function returns.

        Raises
        ------
        LookupError : there is no such module or function.
        ValueError : it takes other arguments, or returns no module.
        """
        try:
            model = factory(asked.name)(**asked.arguments)
        except TypeError as error:
            given = ", ".join(asked.arguments) or "no arguments"
            raise ValueError(f"{asked.name} is called with {given}: {error}") from error
        if not isinstance(model, nn.Module):
            raise ValueError(f"{asked.name} must return a torch.nn.Module, it returned {type(model).__name__}")
        return model

    def rule(self, asked: Architecture, model: nn.Module, folder: Path | None) -> InputRule | None:
        """None: only the user knows it."""
        return None

    def run(self, model: nn.Module, given: Any) -> Tensor | None:
        """What the module returns, if that is a tensor."""
        output = model(given)
        return output if isinstance(output, Tensor) else None

    def fetch(self, asked: Architecture, destination: Path) -> None:
        """Nothing is known of where such weights are."""
        raise ValueError(f"the weights of {asked.name} are yours: put them there yourself")
