"""The page of metrics: every metric with what its facts say, and code that runs."""

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import nn

from whyalike.documentation.metrics_page import metrics_page
from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def _rows(name):
    return [line for line in metrics_page().splitlines() if line.startswith(f"| `{name}` |")]


def test_every_metric_says_formula_chance_cost_and_use():
    for name, entry in METRICS.items():
        meaning, working = _rows(name)
        for text in (entry.facts.formula, entry.facts.chance, entry.facts.use):
            assert text
            assert text.replace("|", "\\|") in meaning
        assert f"n ≥ {entry.facts.smallest_n} | {entry.facts.cost} |" in working
        assert entry.facts.cost
        assert ("as_published" in working) is ("as_published" in entry.facts.protocols)


def test_metrics_of_distributions_and_predictions_stand_apart():
    for name, entry in OTHER_METRICS.items():
        [meaning] = _rows(name)
        assert entry.facts.arguments in meaning
        assert entry.facts.formula.replace("|", "\\|") in meaning
        assert f"| `{entry.target.replace(':', '.')}` |" in metrics_page()


def test_a_distance_is_marked_and_choices_are_listed():
    assert "0 to 1.41421; a distance; (X, X) gives 0" in _rows("procrustes_distance")[0]
    assert "`rdm: correlation` (or `cosine`, `euclidean`)" in _rows("rsa")[1]


def test_the_pages_code_runs():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    names = ("x", "y", "a", "b", "c", "a1", "a2", "b1", "b2")
    arrays = dict(zip(names, np.random.default_rng(0).normal(size=(len(names), 30, 4)), strict=True))
    models = [nn.Sequential(OrderedDict(layer3=nn.Linear(4, 5), fc=nn.Linear(5, 2))) for _ in range(2)]
    others = {"judgements": 1 - np.corrcoef(arrays["a"]), "loader": [torch.eye(4)]}
    others |= {"classes": np.arange(30) % 5, "subjects": np.arange(30) // 5}
    for code in blocks:
        exec(code, arrays | others | {"model_a": models[0], "model_b": models[1]})
