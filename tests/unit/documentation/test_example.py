"""The README's picture of scores: it is drawn again, and what the page says of it is so."""

import json
import re
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from whyalike.documentation.example import PICTURE, draw

ROOT = Path(__file__).parents[3]
TOLERANCE = 0.02  # training in another order of floating-point sums ends elsewhere


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The picture, and its numbers by pair."""
    path = tmp_path_factory.mktemp("example") / "likeness.png"
    numbers = draw(path)
    return Image.open(path), numbers.set_index([numbers["a"], numbers["b"]])["value"]


def test_the_picture_is_the_one_that_is_drawn(drawn):
    image, values = drawn
    stored = Image.open(ROOT / PICTURE)
    assert stored.mode == image.mode == "P" and stored.size == image.size
    made = [json.loads(one.info["whyalike"]) for one in (stored, image)]
    assert made[0]["scorings"] == made[1]["scorings"] and made[0]["n"] == [898, 898]
    assert len(values) == 10


def test_the_first_page_says_what_the_picture_shows(drawn):
    _, values = drawn
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    scores = r": (\S+) and (\S+) of the same labels, (\S+) to (\S+) across, (\S+) to (\S+) beside"
    said = re.search(rf"on (\d+) digits .*{scores}", text)
    assert said[1] == "898"
    across = [(a, b) for a, b in values.index if a[:-1] != b[:-1] and "untrained" not in (a, b)]
    beside = [(a, b) for a, b in values.index if "untrained" in (a, b)]
    assert (len(across), len(beside)) == (4, 4)
    same = [values["digit 1", "digit 2"], values["odd 1", "odd 2"]]
    ends = [*same, *(end for group in (across, beside) for end in (values[group].min(), values[group].max()))]
    assert [float(one) for one in said.groups()[1:]] == pytest.approx(ends, abs=TOLERANCE)


def test_networks_of_the_same_labels_are_more_alike_than_all_others(drawn):
    _, values = drawn
    names = list(dict.fromkeys([name for pair in values.index for name in pair]))
    assert len(names) == 5 and len(list(combinations(names, 2))) == len(values)
    same = pd.Index([("digit 1", "digit 2"), ("odd 1", "odd 2")])
    assert values[same].min() > values.drop(same).max() + 0.1
