"""What is generated from the code: config/README.md, its schema, docs/metrics.md and what docs/architecture.md shows.

The JSON schema is made by pydantic from the models of the configuration, and the tables of keys from that schema, so
that the descriptions of the fields are the only text about them; the tables of names come from the rooms' registries.
`make reference` writes the files, and a test compares them with what this module makes.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from whyalike.config.config import Config
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import SHIFTS
from whyalike.documentation.metrics_page import metrics_page
from whyalike.documentation.rooms import page
from whyalike.figures.registry import CONFIG_FIGURES
from whyalike.files import write_text
from whyalike.markdown import assignments, codes, extent, table
from whyalike.models.registry import MODELS
from whyalike.similarity.metrics.registry import METRICS
from whyalike.training.registry import OBJECTIVES

Schema = Mapping[str, Any]

INTRODUCTION = """\
# Every key of the configuration

<!-- made by `make reference` from the models in src/whyalike; edit the descriptions of the fields there -->

`config.yaml` is the default and `demo.yaml` the study of `make demo`. To make your own, copy one of them and edit it.

- `--configfile mine.yaml` **replaces** the default: nothing of `config.yaml` is used, so a file is complete in itself.
  (Of two files after one `--configfile`, the second is merged into the first, key by key: names that only the first
  has are kept.)
- `--config name=mine` **overrides** single keys of the file in use; deeper keys are written as YAML:
  `--config 'similarity={permutations: 9}'` leaves the other keys of `similarity` as they are.
- Everything is checked before any job: unknown keys are errors. All faults of keys and values are told at once, and
  where there are none, all names that lead nowhere and parts that do not fit each other.
- `schema.json` is the same as a JSON schema. With `# yaml-language-server: $schema=schema.json` as the first line of a
  file beside it, an editor completes and checks the keys.

`{name}` in a path stands for names of your own choice (letters, digits and `_`, a letter first), `[]` for entries of a
list.
"""

TYPO = 10**6  # an upper bound from here on keeps out what nobody means: no need to read of it
BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "null": "nothing"}


def schema() -> dict[str, Any]:
    """The JSON schema of the configuration, without pydantic's titles."""
    return _untitled(Config.model_json_schema())


def _untitled(value: Any) -> Any:
    if isinstance(value, list):
        return [_untitled(item) for item in value]
    if isinstance(value, dict):  # a key named `title` would be a mapping, its schema
        return {k: _untitled(item) for k, item in value.items() if not (k == "title" and isinstance(item, str))}
    return value


def key_tables() -> str:
    """config/README.md: every key with type, default and meaning, and what the rooms offer by name."""
    whole = schema()
    parts = [INTRODUCTION]
    for title, section in _sections("", whole, whole["$defs"]):
        words = f"{section['description']}\n\n" if section is not whole and "description" in section else ""
        parts.append(f"## {title}\n\n{words}{table(('key', 'type', 'default', 'meaning'), _rows(section))}")
    return "\n".join([*parts, *_names()])


def _sections(path: str, section: Schema, known: Schema, kind: str = "") -> Iterator[tuple[str, Schema]]:
    """Every section with its heading: its path and, where sections of several kinds may stand, its kind."""
    yield f"`{path}`{kind}" if path else "Top level", section
    for key, value in section["properties"].items():
        for choice, suffix in _within(value):
            names = _referred(choice)
            for name in names:
                words = _kind(choice, name, known[name]) if len(names) > 1 else kind
                yield from _sections(f"{path}.{key}{suffix}".removeprefix("."), known[name], known, words)


def _kind(choice: Schema, name: str, definition: Schema) -> str:
    """Which of several sections one is: the value of the key that tells them apart, else its name in words."""
    if key := choice.get("discriminator", {}).get("propertyName"):
        return f", {key} {_type(definition['properties'][key])}"
    return f", {re.sub('(?<=[a-z])(?=[A-Z])', ' ', name).lower()}"


def _within(value: Schema) -> Iterator[tuple[Schema, str]]:
    """Where sections may stand: the value itself, what a mapping or a list holds; and how that shows in a path."""
    yield value, ""
    if inner := _mapped(value):
        yield inner, ".{name}"
    if "items" in value:
        yield value["items"], "[]"
    for option in value.get("anyOf", ()):
        yield from _within({key: option[key] for key in option if key != "$ref"})


def _mapped(value: Schema) -> Schema | None:
    """What a mapping from names holds; None if it is none, or may hold anything."""
    for inner in (*value.get("patternProperties", {}).values(), value.get("additionalProperties")):
        if isinstance(inner, Mapping):
            return inner
    return None


def _referred(value: Schema) -> list[str]:
    options = [value, *value.get("oneOf", ()), *value.get("anyOf", ())]
    return [option["$ref"].rsplit("/", 1)[1] for option in options if "$ref" in option]


def _rows(section: Schema) -> Iterator[tuple[str, ...]]:
    for key, value in section["properties"].items():
        default = "**required**" if key in section.get("required", ()) else _default(value)
        yield f"`{key}`", _type(value), default, value.get("description", "")


def _default(value: Schema) -> str:
    if _referred(value) and not isinstance(value.get("default"), (list, str)):  # of these it is what stands there
        return "its defaults"
    if value.get("default") is None:
        return "–"
    return f"`{json.dumps(value['default'])}`"


def _type(value: Schema) -> str:
    """The type of a value in words."""
    if inner := _mapped(value):
        of = "sections" if _referred(inner) else _type(inner)
        names = value.get("propertyNames", {})
        kinds = names.get("anyOf", [names])  # known names, and perhaps others
        keys = kinds[0].get("enum")
        own = " or names of your own" if len(kinds) > 1 else ""
        return f"mapping from {'some of ' + codes(keys) + own if keys else 'names'} to {of}"
    if options := value.get("anyOf"):
        return " or ".join(_type(option) for option in options if option.get("type") != "null")
    if _referred(value):
        return "section"
    if options := value.get("oneOf"):
        return ", or ".join(_type(option) for option in options)
    if "const" in value or "enum" in value:
        return codes(value.get("enum") or [value["const"]])
    if "prefixItems" in value:
        return f"list of {len(value['prefixItems'])}: {_type(value['prefixItems'][0])}"
    if value["type"] == "array":
        return f"list: {_type(value['items'])}" + (" (not empty)" if value.get("minItems") else "")
    if value["type"] == "object":
        return "mapping"
    bounds = [f"{sign} {value[bound]:g}" for bound, sign in BOUNDS.items() if value.get(bound, TYPO) < TYPO]
    return f"{WORDS[value['type']]} {', '.join(bounds)}".strip()


def _names() -> Iterator[str]:
    """The tables of what the rooms offer by name."""
    heads = ("source", "label attributes", "image")
    rows = [(f"`{name}`", codes(entry.facts.attributes), _image(entry.facts)) for name, entry in SOURCES.items()]
    yield f"## Data sources\n\n{table(heads, rows)}"
    rows = [(f"`{name}`", entry.facts.inputs, entry.facts.source) for name, entry in MODELS.items()]
    yield f"## Model families\n\n{table(('family', 'input', 'described in'), rows)}"
    rows = [(f"`{name}`", entry.facts.inputs, "yes" if entry.facts.accuracy else "no")
            for name, entry in OBJECTIVES.items()]  # fmt: skip
    yield f"## Objectives\n\n{table(('objective', 'input of its models', 'accuracy'), rows)}"
    heads = ("metric", "parameters", "as published", "range", "unchanged by", "defined in")
    words = (
        "Range and invariances are those of the protocol `exact`. "
        "[docs/metrics.md](../docs/metrics.md) says what each metric is and when to take it."
    )
    yield f"## Metrics\n\n{words}\n\n{table(heads, _metric_rows())}"
    heads = ("shift", "works on", "of a pixel I, 0 to 1", "levels are", "all, after the control", "published", "source")
    words = (
        "What `shift` of stimuli may be. [docs/shifts.md](../docs/shifts.md) shows them, and says where they differ "
        "from the published images."
    )
    yield f"## Shifts\n\n{words}\n\n{table(heads, _shift_rows())}"
    heads = ("kind", "needs", "options", "heading in the report")
    yield f"## Figure kinds\n\n{table(heads, _figure_rows())}"


def _image(facts: Any) -> str:
    if facts.modality == "text":
        return "text"
    side = "`size` x `size`" if facts.size is None else f"{facts.size} x {facts.size}"
    return f"{side}, {'grey' if facts.channels == 1 else 'colour'}"


def _metric_rows() -> Iterator[tuple[str, ...]]:
    for name, entry in METRICS.items():
        facts = entry.facts
        others = [key for key in facts.alternatives if key not in facts.parameters]
        instead = [f"or `{key}` instead of {codes(facts.alternatives[key])}" for key in others]
        parameters = [assignments(facts.parameters), *instead] if facts.parameters else instead
        published = assignments(facts.published_parameters) or ("the same" if parameters else "–")
        yield (
            f"`{name}`",
            ", ".join(parameters) or "–",
            published if "as_published" in facts.protocols else "no such form",
            extent(*facts.range),
            ", ".join(word.replace("_", " ") for word in facts.invariances),
            facts.source,
        )


def _shift_rows() -> Iterator[tuple[str, ...]]:
    for name, entry in SHIFTS.items():
        facts = entry.facts
        less = f", contrast {facts.contrast:g}" if facts.contrast < 1 else ""
        works_on = f"grey{less}" if facts.grey else "colour"
        levels = [", ".join(f"{level:g}" for level in some) for some in (facts.levels, facts.published)]
        yield f"`{name}`", works_on, facts.formula, facts.unit, *levels, facts.source


def _figure_rows() -> Iterator[tuple[str, ...]]:
    for kind, entry in CONFIG_FIGURES.items():
        options = inspect.signature(entry.load()).parameters.values()
        keywords = {one.name: one.default for one in options if one.kind is one.KEYWORD_ONLY}
        yield f"`{kind}`", codes(entry.facts.needs) or "–", assignments(keywords) or "–", entry.facts.category


def documents() -> dict[str, str]:
    """Path in the repository -> text of every generated file."""
    return {
        "config/README.md": key_tables(),
        "config/schema.json": json.dumps(schema(), indent=1, ensure_ascii=False) + "\n",
        "docs/architecture.md": page(),
        "docs/metrics.md": metrics_page(),
    }


if __name__ == "__main__":
    for path, text in documents().items():
        write_text(Path(path), text)
        print(f"written: {path}")
