"""The faults of a configuration in words: the key path as in the file, what must hold, what came, the nearest name."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

# which of the two forms of a study's stimuli a fault is about; no name has a space
FOR_ALL, FOR_EACH = "for all settings", "for each setting"


def listed(source: str, faults: list[str]) -> str:
    """All faults of one source, a line each."""
    noun = "fault" if len(faults) == 1 else "faults"
    return "\n".join([f"{source}: {len(faults)} {noun}, nothing was run", *(f"  - {fault}" for fault in faults)])


def faults_in_words(errors: list[Mapping[str, Any]], model: type[BaseModel]) -> list[str]:
    """All of pydantic's errors about ``model``, a line each; a list is not too short for what is wrong in it."""
    inner = [error["loc"] for error in errors]
    caused = [error["type"] == "too_short" and any(loc[: len(error["loc"])] == error["loc"] for loc in inner
              if len(loc) > len(error["loc"])) for error in errors]  # fmt: skip
    return [fault_in_words(error, model) for error, again in zip(errors, caused, strict=True) if not again]


def fault_in_words(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One of pydantic's errors about ``model``, as a line."""
    location = list(error["loc"])
    if location[:1] in (["datasets"], ["models"], ["recipes"], ["settings"], ["studies"]):
        del location[2:3]  # pydantic's name of the section's kind, no key of the file
    location = [part for part in location if part not in (FOR_ALL, FOR_EACH, "[key]")]
    path = ".".join(str(part) for part in location)
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return f"{path}: unknown key.{near(str(location[-1]), _known_keys(model, location))}"
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return f"{path}.{_unknown_kind(error['type'], error['ctx'])}"
    if error["type"] == "missing":
        return f"{path}: this key is missing"
    if error["type"] == "string_type":
        text += ": put it in quotes"
    if error["type"] == "tuple_type":
        text = "this must be a list, such as [0, 1, 2]"
    shown = repr(error["input"])
    if isinstance(error["input"], Mapping) or (
        isinstance(error["input"], str) and shown in text
    ):  # a whole section, or said already
        return f"{path}: {text}"
    return f"{path}: {text} (got {shown if len(shown) < 80 else shown[:77] + '...'})"


def _unknown_kind(fault: str, context: Mapping[str, Any]) -> str:
    """The fault of a section whose kind is missing or unknown."""
    key = context["discriminator"].strip("'")
    if fault == "union_tag_not_found":
        return f"{key}: this key is missing"
    known = context["expected_tags"].replace("'", "").split(", ")
    tag = context["tag"]
    shown = tag if len(tag) < 80 else tag[:77] + "..."
    return f"{key}: unknown {key} '{shown}'.{near(tag, known)} Known: {', '.join(known)}."


def near(name: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name, or nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean '{matches[0]}'?" if matches else ""


def _known_keys(model: type[BaseModel], location: list[Any]) -> list[str]:
    """The keys of the top-level section in which an unknown one stands."""
    models = _models(model.model_fields[location[0]].annotation) if len(location) > 1 else [model]
    return list(dict.fromkeys(name for one in models for name in one.model_fields))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every section within a type, and those within its fields."""
    for inner in get_args(annotation):
        yield from _models(inner)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
