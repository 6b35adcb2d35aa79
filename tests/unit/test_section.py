"""Sections as plain values: keys that came later are left out where they say what was before them."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field, ValidationError

from whyalike.section import Before, Section, path_of_user


class Change(Section):
    kind: str = Field("flip", description="What changes.")
    probability: Annotated[float, Before(1.0)] = Field(0.5, description="How often.")


class Training(Section):
    steps: int = Field(description="Steps.")
    change: Change = Field(Change(), description="One change.")
    several: tuple[Change, ...] = Field((), description="Others.")
    schedule: Annotated[str | None, Before(None)] = Field(None, pattern="^cosine$", description="Of the rate.")


OLD = Change(probability=1.0)


def test_keys_are_left_out_where_they_are_what_they_were():
    assert Training(steps=3, change=OLD).plain() == {"steps": 3, "change": {"kind": "flip"}, "several": []}


def test_a_default_that_is_another_than_before_stays():
    assert Training(steps=3).plain()["change"] == {"kind": "flip", "probability": 0.5}


def test_sections_in_tuples_and_given_values_are_told_alike():
    several = Training(steps=3, several=(OLD, Change()), schedule="cosine").plain()
    assert several["several"] == [{"kind": "flip"}, {"kind": "flip", "probability": 0.5}]
    assert several["schedule"] == "cosine"


@pytest.mark.parametrize("one", [Training(steps=3), Training(steps=3, change=OLD, several=(OLD, Change()))])
def test_plain_values_make_the_same_section_again(one):
    assert Training.from_plain(one.plain()) == one


def test_a_configuration_takes_the_default_and_not_what_was_before():
    assert Training.model_validate({"steps": 3, "change": {}}).change.probability == 0.5


def test_plain_values_are_checked_too():
    with pytest.raises(ValidationError, match="Extra inputs"):
        Training.from_plain({"steps": 3, "epochs": 2})


def test_a_users_path_is_read_as_meant_or_refused_with_the_reason(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert path_of_user("~/data//cifar10/") == Path("/home/ada/data/cifar10")
    for text in ("a b/it's:here", 'the "first" one', "größe; & (1)"):
        assert path_of_user(text) == Path(text)
    faults = {
        **{"": "empty", "  ": "empty", "$HOME/x": "'\\$'", "a`b`": "'`'", "a$(b)": "'\\$'", "a\nb": r"'\\n'"},
        **{"a'; touch x; \"b": "both kinds", "'a'; touch x; 'b'": "begins with a quote", "a/" + "é" * 128: "255 bytes"},
    }
    for text, words in faults.items():
        with pytest.raises(ValueError, match=words):
            path_of_user(text)
    with pytest.raises(ValueError, match="home folder that is not known"):
        path_of_user("~nobody-of-this-name/x")
