"""The figures of the gap show the numbers of their tables: a panel a set, a row a set, both analyses beside another."""

import itertools

import numpy as np
import pandas as pd
import pytest

from whyalike.figures.registry import FIGURES
from whyalike.studies.consistency.figures import gap

MODELS = tuple("uvwx")
SETS = {"multi": ("a", "b", "c", "d"), "structured": ("e",)}


def tables(sets=SETS, analyses=("corrected", "as_published")):
    random = np.random.default_rng(0)
    similarity, probes, found = [], [], []
    for category, names in sets.items():
        for stimuli in names:
            probes += [{"model": model, "stimuli": stimuli, "seed": seed, "accuracy": (i + seed) / 10}
                       for i, model in enumerate(MODELS) for seed in range(2)]  # fmt: skip
            for analysis, metric in itertools.product(analyses, ("cka_unbiased", "rsa")):
                key = {"stimuli": stimuli, "source": stimuli, "category": category, "metric": metric,
                       "analysis": analysis, "scoring": metric}  # fmt: skip
                similarity += [{**key, "a": a, "b": b, "value": random.uniform()}
                               for a, b in itertools.combinations(MODELS, 2)]  # fmt: skip
                found += [{**key, "scale": scale, "pearson": value, "spearman": value, "ci_low": -0.9, "ci_high": 0.1,
                           "p": 0.04, "partial": None, "models": 4, "pairs": 6}
                          for scale, value in (("accuracy", -0.5), ("logit", -0.4), ("errors", 0.3))]  # fmt: skip
    return tuple(map(pd.DataFrame, (similarity, probes, found)))


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


def test_a_panel_shows_the_pairs_of_one_set_and_three_sets_of_a_category():
    similarity, probes, found = tables()
    figure, numbers = gap.draw(similarity, probes, found)
    assert len(titles(figure)) == 2 * 4
    assert titles(figure)[0] == "multi: a\nr = −0.50 [−0.90, 0.10]\np = 0.040, colour: 15–35 %"
    assert numbers["stimuli"].unique().tolist() == ["a", "b", "c", "e"]
    assert numbers["scoring"].unique().tolist() == ["cka_unbiased"]
    assert len(numbers) == 2 * 4 * 6
    own = numbers[(numbers["a"] == "u") & (numbers["b"] == "x")]
    np.testing.assert_allclose(own[["gap", "better"]], [[0.3, 0.35]] * 8)
    values = similarity[(similarity["stimuli"] == "a") & (similarity["metric"] == "cka_unbiased")]["value"]
    np.testing.assert_array_equal(numbers[numbers["stimuli"] == "a"]["similarity"], values)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    np.testing.assert_allclose(panels[0].collections[0].get_offsets()[:, 1], 100 * numbers["gap"][:6])
    said = [axes.texts[0].get_text() for axes in figure.axes if axes.texts]
    assert len(said) == 1 and "4 of 5 sets" in said[0]


def test_a_column_is_a_category_where_each_has_three_sets():
    _, numbers = gap.draw(*tables({"one": tuple("abcd"), "other": tuple("efg")}, analyses=("corrected",)))
    assert numbers["stimuli"].unique().tolist() == list("aebfcg")


def test_sets_of_one_category_stand_side_by_side_and_an_analysis_may_lack():
    figure, numbers = gap.draw(*tables({"other": tuple("abcde")}, analyses=("corrected",)))
    assert [title.partition("\n")[0] for title in titles(figure)] == [f"other: {name}" for name in "abcde"]
    assert numbers["analysis"].unique().tolist() == ["corrected"]


def test_models_without_a_probe_and_correlations_without_an_interval_are_left_out():
    similarity, probes, found = tables({"other": ("a",)}, analyses=("corrected",))
    found[["ci_low", "ci_high", "p"]] = None
    figure, numbers = gap.draw(similarity, probes[probes["model"] != "x"], found)
    assert titles(figure) == ["other: a\nr = −0.50\ncolour: 15–25 %"]
    assert len(numbers) == 3


def test_correlations_stand_by_category_with_a_mark_a_scale():
    _, _, found = tables()
    figure, numbers = gap.draw_sets(found)
    left, right = figure.axes
    words = [label.get_text() for label in left.get_yticklabels()]
    assert words == ["multi", "a", "b", "c", "d", "structured", "e"]
    assert titles(figure) == [f"{name}: CKA (unbiased); 4 models, 6 pairs" for name in ("corrected", "as published")]
    offsets = [np.asarray(mark.get_offsets()) for mark in right.collections[::2]]
    assert [set(of[:, 0]) for of in offsets] == [{-0.5}, {-0.4}, {0.3}]
    np.testing.assert_allclose(offsets[1][:, 1], [1, 2, 3, 4, 6])  # beside the words
    assert set(numbers["scoring"]) == {"cka_unbiased"}
    assert len(numbers) == 2 * 5 * 3


@pytest.mark.parametrize("name", ["consistency_gap", "consistency_gapsets"])
def test_tables_without_rows_are_said_to_have_none(name):
    entry = FIGURES[name]
    with pytest.raises(ValueError, match=r"holds? no .* to draw\. Run the statistics stage again"):
        entry.load()(*[tables()[2][:0]] * len(entry.facts.inputs))
