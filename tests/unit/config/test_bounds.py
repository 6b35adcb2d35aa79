"""Every number of the configuration has bounds, and whatever else comes is told in words of this project."""

import copy
import math
import types
import typing
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticKnownError
from pydantic_core._pydantic_core import list_all_errors

from whyalike.cluster.site import Site
from whyalike.config.config import Config
from whyalike.config.faults import faults_in_words
from whyalike.config.reading import check, read
from whyalike.config.yaml_file import ConfigError, keys_of
from whyalike.data.registry import SOURCES
from whyalike.models.registry import MODELS
from whyalike.studies.closeness.section import Closeness

OF_PYDANTIC = ("Input should", "should have", "should match", "Unable to", "validation error", "type=", "pydantic",
               "constrained", "function-", "tuple[", "dict[", "valid ")  # fmt: skip
EXTREMES = (0, -1, 10**18, 1e18, math.inf, math.nan, "x", True, None, [], [[1]], {"a": 1}, 10**400, "1" * 400)
NEEDED = {
    "colorshapedigit_cues": {"cue": "edge"},
    "images": {"folder": "mine", "title": "mine", "size": 8},
    "arrays": {"images": "mine.npz", "title": "mine"},
    "imagenet": {"folder": "mine", "title": "mine", "size": 8},
    "breeds": {"folder": "mine", "title": "mine", "size": 8, "task": "living17"},
    "webdataset": {"folder": "mine", "title": "mine", "size": 8},
    "sentences": {"corpora": {"mine": {"path": "mine.txt"}}},
    "text": {"corpora": {"mine": {"path": "mine.txt"}}, "tokenizer": {"folder": "mine"}},
}


def whole_values() -> dict:
    """A configuration with every section, source, family and objective, and every key of them."""
    folder = Path(__file__).parents[3] / "config"
    values = yaml.safe_load((folder / "demo_full.yaml").read_text())
    values["datasets"] |= {f"my_{name}": {"source": name, **NEEDED.get(name, {})} for name in SOURCES}
    values["models"] |= {f"my_{name}": {"family": name} for name in MODELS if name != "import"}
    adam = {"objective": "cross_entropy_adam", "lr": 0.1, "steps": 5, "batch_size": 2, "mean": [1.0], "std": [2.0]}
    values["recipes"] |= {"my_adam": {**adam, "keep_steps": [3]}}
    values["closeness"] = Closeness().model_dump()
    values["operation"] = {"runs_per_job": 3, "runs_at_once": 2}
    values["stimuli"]["digits_test"]["n"] = 100
    digits = values["settings"]["digits"]
    external = {"dataset": "digits", "labelling": "digit", "runs": ["a", "b"], "model": digits["model"], "size": 8,
                "mean": [1.0], "std": [2.0], "checkpoints": "{run}.pt", "classes": 10}  # fmt: skip
    values["settings"]["theirs"] = external
    pairs = [{"a": "a", "b": "b", "overlap": 0.5}]
    values["studies"]["theirs"] = {"factor": "external", "settings": ["theirs"], "stimuli": ["digits_test"],
                                   "pairs": pairs}  # fmt: skip
    return check(values).model_dump()


WHOLE = whole_values()


def is_number(annotation: object) -> bool:
    """Whether a type is a number, or may be one, or a list of such."""
    if typing.get_origin(annotation) in (typing.Annotated, typing.Union, types.UnionType, tuple, list):
        return any(map(is_number, typing.get_args(annotation)))
    return annotation in (int, float)


def numbers(model: type[BaseModel], given: BaseModel, path: tuple = ()) -> dict[tuple, tuple]:
    """(section, key) -> its path, of every number of a configuration; one of each kind of section."""
    found: dict[tuple, tuple] = {}
    for name, field in type(given).model_fields.items():
        value, place = getattr(given, name), (*path, name)
        if is_number(field.annotation):
            found[type(given).__name__, name] = (*place, 0) if isinstance(value, tuple) and value else place
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, tuple) else ()
        for key, one in [*inner, (None, value)]:
            if isinstance(one, BaseModel):
                found = numbers(model, one, place if key is None else (*place, key)) | found
    return found


NUMBERS = numbers(Config, check(WHOLE))


def with_value(path: tuple, value: object) -> dict:
    values = copy.deepcopy(WHOLE)
    *way, last = path
    section = values
    for key in way:
        if isinstance(section[key], tuple):
            section[key] = list(section[key])
        section = section[key]
    section[last] = value
    return values


def fault(values: dict) -> str:
    """What is said of a configuration; nothing of a valid one."""
    try:
        check(values)
    except ConfigError as error:
        return str(error)
    return ""


def test_every_section_with_numbers_is_walked():
    assert len(NUMBERS) > 120
    for section, key in (("Operation", "heartbeat_seconds"), ("ExternalPair", "overlap"), ("Copies", "levels")):
        assert (section, key) in NUMBERS


@pytest.mark.parametrize("path", NUMBERS.values(), ids=[f"{section}.{key}" for section, key in NUMBERS])
def test_a_number_that_cannot_be_meant_is_refused_by_its_key_in_our_words(path):
    key = [part for part in path if isinstance(part, str)][-1]
    for value in EXTREMES:
        text = fault(with_value(path, value))
        if not text and (value in (0, -1, None) or value == [] or ("seed" in key and value == 10**18)):
            continue
        assert key in text, f"{value!r}: {text or 'taken'}"
        assert not [words for words in OF_PYDANTIC if words in text], text


@pytest.mark.parametrize("about", list_all_errors(), ids=lambda about: about["type"])
def test_every_error_of_pydantic_has_words_of_ours(about):
    known = PydanticKnownError(about["type"], about.get("example_context"))
    error = {"type": about["type"], "loc": ("name",), "input": 3, "msg": known.message(),
             "ctx": about.get("example_context") or {}}  # fmt: skip
    if about["type"] in ("union_tag_invalid", "union_tag_not_found", "value_error", "assertion_error"):
        error["ctx"] |= {"discriminator": "'kind'", "tag": "a", "expected_tags": "'b'", "error": "no"}
    [line] = faults_in_words([error], Config, {"name": 3})
    assert line.startswith("name")
    assert not [words for words in OF_PYDANTIC if words in line], line


@pytest.mark.parametrize("key", ["max_minutes", "gpus", "price_per_gpu_hour", "stage_gb"])
def test_numbers_of_a_site_have_bounds_too(key):
    for value in (-1, 10**18, math.inf, True, "x"):
        with pytest.raises(ValueError, match=key):
            Site.model_validate({"scratch": "/s", key: value})


def test_the_shipped_configurations_are_within_bounds():
    for path in sorted((Path(__file__).parents[3] / "config").glob("*.yaml")):
        settings = (yaml.safe_load(path.read_text()) or {}).get("settings", {})
        if any("library" in one for one in settings.values()):  # the libraries need not be installed
            Config.model_validate(keys_of(path, ""))
        elif settings:
            read(path)
