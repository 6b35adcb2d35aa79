"""Parameters of jobs: what stands in their text, and what is refused."""

import pytest
from pydantic import Field

from whyalike.parameters import JobParameters


class Part(JobParameters):
    name: str
    start: str | None = None


class Whole(JobParameters):
    seed: int
    mean: tuple[float, ...] | None
    parts: tuple[Part, ...]
    options: dict[str, object]
    steps: dict[str, tuple[str, int]] = Field({})
    step: int | None = None


VALUES = {"seed": 1, "mean": None, "parts": [{"name": "a"}, {"name": "b", "start": "0"}], "options": {"x": [1, 0.1]}}
TEXT = '{"mean":null,"options":{"x":[1,0.1]},"parts":[{"name":"a"},{"name":"b","start":"0"}],"seed":1}'


def test_the_text_is_canonical_and_leaves_out_what_is_as_by_default():
    assert Whole.from_plain(VALUES).text() == TEXT
    assert Whole(**VALUES, steps={}, step=None).text() == TEXT
    assert Whole(**VALUES, steps={"v": ("r", 3)}, step=0).plain() == {**VALUES, "steps": {"v": ["r", 3]}, "step": 0}


def test_a_text_gives_the_parameters_that_gave_it():
    whole = Whole(**VALUES, step=0)
    assert Whole.from_text(whole.text()) == whole
    assert [part.start for part in whole.parts] == [None, "0"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sede": 1}, "sede: extra inputs are not permitted"),
        ({"parts": [{"start": "0"}]}, "parts.0.name: field required"),
        ({"seed": "one"}, "seed: input should be a valid integer"),
        ({"mean": [float("nan")]}, "mean.0: input should be a finite number"),
    ],
)
def test_what_does_not_fit_is_named(change, words):
    with pytest.raises(ValueError, match=rf"^these are not the parameters of a job \(Whole\): {words}"):
        Whole.from_plain({**VALUES, **change})


def test_parameters_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Whole(**VALUES).seed = 2
