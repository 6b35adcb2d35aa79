"""What the user says of a setting's models, for tables alone: no number depends on it, and no identity."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, StrictBool, StrictFloat, StrictInt, StrictStr

from whyalike.section import Before, Name

#: Columns of the table of models that are no attributes, see `whyalike.training.models_table`.
COLUMNS = (
    *("run", "name", "setting", "factor", "seed", "start", "order", "level", "kind", "dataset", "labelling", "model"),
    *("model_family", "library", "tag", "recipe", "parameters", "steps", "accuracy", "loss", "loss_unit", "sha256"),
)
ATTRIBUTES = (
    "What is known of the models, such as `objective`, `architecture`, `data`, `size`, `family`: text, numbers, true "
    "or false under keys of your own. They are columns of the table of models, and change no run and no score."
)


def _are_no_columns(given: dict[str, Any]) -> dict[str, Any]:
    if taken := [name for name in given if name in COLUMNS]:
        raise ValueError(
            f"the table of models has a column {taken[0]} of its own: rename the key. Taken: {', '.join(COLUMNS)}"
        )
    return given


Attributes = Annotated[
    dict[Name, StrictBool | StrictInt | StrictFloat | StrictStr], AfterValidator(_are_no_columns), Before({})
]


def misfits(settings: Mapping[str, Any]) -> Iterator[str]:
    """Attributes that are text in one setting and a number in another: a column has one type."""
    types: dict[str, dict[str, str]] = {}
    for setting, section in settings.items():
        for name, value in section.attributes.items():
            types.setdefault(name, {}).setdefault(_type(value), setting)
    for name, known in types.items():
        if len(known) > 1:
            *_, last = known.values()
            said = ", ".join(f"{kind} in '{setting}'" for kind, setting in known.items())
            yield f"settings.{last}.attributes.{name}: it is {said}; a column of the table of models has one type."


def _type(value: Any) -> str:
    return "true or false" if isinstance(value, bool) else "text" if isinstance(value, str) else "a number"
