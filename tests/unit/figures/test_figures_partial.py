"""A figure of a partial result says so: in its panels, above everything else, and in its numbers."""

from types import SimpleNamespace

import pandas as pd
import pytest
from figure_tables import dataset_study, statistics_of
from matplotlib.figure import Figure

from whyalike.figures import overlap, score_panels, stage
from whyalike.figures.registry import FIGURES
from whyalike.figures.style import mark_partial
from whyalike.statistics.table import seeds_words


@pytest.mark.parametrize(("used", "asked", "said"), [(1, 1, "1 seed"), (5, 5, "5 seeds"), (7, 10, "7 of 10 seeds"),
                                                     (5, 3, "5 seeds")])  # fmt: skip
def test_seeds_in_words(used, asked, said):
    assert seeds_words(used, asked) == said


def test_panels_and_slopes_say_how_many_of_how_many_seeds():
    scores = dataset_study(seeds=3).assign(seeds_asked=10)
    for panel in score_panels.score_panels(scores, statistics_of(scores), metrics=["cka"], score_protocol="exact"):
        assert panel.details()[-1] == "3 of 10 seeds"
        assert "3 of 10 seeds\np (Holm, " in overlap.effect_text(panel)


def test_scores_that_do_not_tell_are_whole():
    scores = dataset_study(seeds=3)
    (panel, *_) = score_panels.score_panels(scores, pd.DataFrame(), metrics=["cka"], score_protocol="exact")
    assert panel.details()[-1] == "3 seeds"


def test_what_is_lacking_stands_above_the_title_and_takes_room():
    figure = Figure(figsize=(7, 3), layout="constrained")
    figure.suptitle("The title")
    mark_partial(figure, ["dataset_overlap, digits: 7 of 10 seeds", "label_overlap, digits: 0 of 3 seeds"])
    assert figure.get_suptitle() == (
        "Partial result: dataset overlap, digits: 7 of 10 seeds; label overlap, digits: 0 of 3 seeds\nThe title"
    )
    assert figure.get_figheight() > 3


def test_the_numbers_of_a_partial_figure_say_so(tmp_path, monkeypatch):
    def draw():
        return Figure(layout="constrained"), pd.DataFrame({"y": [1.0, 2.0]})

    entry = SimpleNamespace(load=lambda: draw, facts=SimpleNamespace(inputs=()))
    monkeypatch.setattr(stage, "FIGURES", {**FIGURES, "toy": entry})
    stage.make_figure("toy", {}, {}, tmp_path / "toy.svg", {}, ["a, b: 1 of 2 seeds"])
    assert pd.read_csv(tmp_path / "toy.csv")["partial"].tolist() == ["a, b: 1 of 2 seeds"] * 2
    assert "<!-- Partial result: a, b: 1 of 2 seeds -->" in (tmp_path / "toy.svg").read_text()
    stage.make_figure("toy", {}, {}, tmp_path / "whole.svg", {})
    assert list(pd.read_csv(tmp_path / "whole.csv")) == ["y"]
