"""What the table of figure kinds says is what the code takes."""

import inspect

import pytest

from whyalike.figures.registry import FIGURES


@pytest.mark.parametrize("kind", FIGURES)
def test_the_options_are_the_keyword_arguments(kind):
    parameters = inspect.signature(FIGURES[kind].load()).parameters.values()
    assert FIGURES[kind].facts.options == tuple(one.name for one in parameters if one.kind is one.KEYWORD_ONLY)
