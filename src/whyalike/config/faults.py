"""The faults of a configuration in words: the key path as in the file, what must hold, what came, the nearest name."""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from whyalike.section import FACTORY, LAYER, NAME, SHOWN, WORD

# the two forms of a study's stimuli; no name has a space
FOR_ALL, FOR_EACH = "for all settings", "for each setting"


# what must hold, by the type of pydantic's error, whose own words are for programmers
_LIST, _SECTION = "this must be a list, such as [0, 1, 2]", "this must be a section of keys"
_WHOLE, _NUMBER = "this must be a whole number", "this must be a number"
OTHER = "this value does not fit here"
WORDS = {
    "missing": "this key is missing",
    "greater_than": "this must be above {gt}",
    "greater_than_equal": "this must be at least {ge}",
    "less_than": "this must be below {lt}",
    "less_than_equal": "this must be at most {le}",
    "multiple_of": "this must be a multiple of {multiple_of}",
    "finite_number": "this must be a finite number",
    "too_short": "too few, there must be at least {min_length}",
    "too_long": "too many, there may be at most {max_length}",
    "string_type": "this must be text: put it in quotes",
    "string_too_short": "this must have at least {min_length} characters",
    "string_too_long": "this must have at most {max_length} characters",
    "literal_error": "this must be {expected}",
    "enum": "this must be {expected}",
    "invalid_key": "a key must be text: put it in quotes",
    "none_required": "this must be null",
    "path_type": "this must be a path",
    **dict.fromkeys(("bool_type", "bool_parsing"), "this must be true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _WHOLE),
    **dict.fromkeys(("float_type", "float_parsing"), _NUMBER),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "iterable_type"), _LIST),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type", "mapping_type"), _SECTION),
    **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_parsing"), "this must be a date: 2025-03-01"),
}
PATTERNS = {
    NAME: "a name begins with a letter and holds letters of English, digits and _ alone",
    SHOWN: "this is the name of stimuli, of one level of a shift {name}@{level}",
    LAYER: "a layer's name holds letters, digits, _, . and - alone",
    WORD: "this must be one word of letters, digits and . , + - _",
    FACTORY: "this must be package.module:function",
}
# errors of a kind that a value is not of: it is of another one that is asked for too, if there are faults in it
_OF_A_KIND = {*(kind for kind in WORDS if kind.endswith("_type")), "literal_error", "too_short"}
_WITHOUT_VALUE = ("missing", "extra_forbidden", "union_tag_invalid", "union_tag_not_found")


def listed(source: str, faults: list[str]) -> str:
    """All faults of one source, a line each."""
    noun = "fault" if len(faults) == 1 else "faults"
    return "\n".join([f"{source}: {len(faults)} {noun}, nothing was run", *(f"  - {fault}" for fault in faults)])


def faults_in_words(errors: list[Mapping[str, Any]], model: type[BaseModel], values: Any) -> list[str]:
    """All of pydantic's errors about ``model``, made of ``values``, a line each.

    Where a value may be of two kinds and is of neither, that is one fault; of one kind with faults in it, only these.
    """
    found = [(_path(error, values), error) for error in errors]
    above = {path[:length] for path, _ in found for length in range(len(path))}
    faults: dict[tuple, list[Mapping[str, Any]]] = {}
    for path, error in found:
        if path not in above or error["type"] not in _OF_A_KIND:
            faults.setdefault(path, []).append(error)
    return [".".join(map(str, path)) + _told(path, of_one, model) for path, of_one in faults.items()]


def _told(path: tuple, errors: list[Mapping[str, Any]], model: type[BaseModel]) -> str:
    """What is wrong with one value, and what came: not a whole section, and nothing that is said already."""
    text, shown = " or ".join(dict.fromkeys(_words(error, model, path) for error in errors)), repr(errors[0]["input"])
    said = isinstance(errors[0]["input"], str) and shown in text
    if said or isinstance(errors[0]["input"], Mapping) or errors[0]["type"] in _WITHOUT_VALUE:
        return text if text.startswith(".") else f": {text}"
    return f": {text} (got {shown if len(shown) < 80 else shown[:77] + '...'})"


def _path(error: Mapping[str, Any], values: Any) -> tuple:
    """The keys of the file on the way to what is wrong: pydantic's names of kinds and alternatives are none."""
    location = list(error["loc"])
    if location[:1] in (["datasets"], ["models"], ["recipes"], ["settings"], ["studies"]):
        del location[2:3]
    path = []
    for place, part in enumerate(location, start=1):
        if (isinstance(values, Mapping) and part in values) or (
            isinstance(values, list | tuple) and isinstance(part, int) and part < len(values)
        ):
            values = values[part]
        elif not (place == len(location) and error["type"] == "missing"):
            continue
        path.append(part)
    return tuple(path)


def _words(error: Mapping[str, Any], model: type[BaseModel], path: tuple) -> str:
    """What must hold."""
    kind = error["type"]
    context = {name: f"{one:g}" if isinstance(one, float) else one for name, one in error.get("ctx", {}).items()}
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return f".{_unknown_kind(kind, context)}"
    if kind == "extra_forbidden":
        return f"unknown key.{near(str(path[-1]), _known_keys(model, list(path)))}"
    if kind in ("value_error", "assertion_error"):
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(context["pattern"], OTHER)
    hint = near(str(error["input"]), re.findall("'([^']*)'", context["expected"])) if kind == "literal_error" else ""
    return f"{WORDS.get(kind, OTHER).format(**context)}{hint and '.'}{hint}"


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
    return f" Did you mean '{matches[0]}'?" if matches and matches[0] != name else ""


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
