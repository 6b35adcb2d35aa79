"""Names in the configuration: those that the user gives, and those that must stand in one of the rooms' tables."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import core_schema

from whyalike.registry import Registry

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


@dataclass(frozen=True)
class known:  # reads as a word in an annotation: Annotated[str, known(MODELS)]
    """A validator for names that must be in ``registry``; the message names the nearest known one.

    The JSON schema lists the names, so that an editor can offer them.
    """

    registry: Registry

    def check(self, name: str) -> str:
        """The name itself.

        Raises
        ------
        ValueError : it is not in the table.
        """
        if name not in self.registry:
            raise ValueError(self.registry.unknown(name))
        return name

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        return {**handler(schema), "enum": list(self.registry)}
