"""Names of the user are drawn as text, and what the font lacks is said."""

import warnings

import numpy as np
import pandas as pd
import pytest

from whyalike.figures import contact_sheet, style
from whyalike.figures.saving import save
from whyalike.statistics.pair_findings import pair_findings

NAMES = ["$x_1$", "a{b}", "<i>c</i>", "50 %", r"\frac", "one & two", "$"]


def sheet(names):
    """A contact sheet of a class a name."""
    labels = pd.DataFrame({"class": names * 2})
    return contact_sheet.draw(np.zeros((len(labels), 4, 4, 1), np.uint8), labels, ["class"])


def test_class_names_are_drawn_as_text(tmp_path):
    figure, numbers = sheet(NAMES)
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == sorted(NAMES)
    assert not any(label.get_parse_math() for label in labels)
    save(figure, tmp_path / "sheet.svg", numbers, {})
    assert set(pd.read_csv(tmp_path / "sheet.csv")["row_class"]) == set(NAMES)


def test_characters_that_the_font_lacks_are_said_once_by_figure(tmp_path, caplog):
    figure, numbers = sheet(["日本", "猫", "cat", "日"])
    with caplog.at_level("INFO", "whyalike"), warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure, tmp_path / "sheet.svg", numbers, {})
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"figure sheet: {style.RC['font.family']} has no glyph for ")
    for code in ("日 (U+65E5)", "本 (U+672C)", "猫 (U+732B)"):
        assert line.count(code) == 1


def test_formulas_stay_formulas_where_a_figure_asks_for_them(tmp_path):
    @style.with_formulas
    def draw():
        figure = style.new_figure(2, 2)
        figure.subplots().set(xlabel="$d_{LLV}$", yscale="log", ylim=(1e-3, 1))
        return figure

    figure = draw()
    save(figure, tmp_path / "d.svg", pd.DataFrame(), {})
    [axes] = figure.axes
    assert all(text.get_parse_math() for text in (axes.xaxis.label, *axes.get_yticklabels(which="both")))


def test_other_warnings_of_drawing_stay_warnings(tmp_path, caplog, monkeypatch):
    figure, numbers = sheet(["cat", "dog"])
    drawn = figure.draw_without_rendering

    def warn():
        warnings.warn("something else", stacklevel=2)
        drawn()

    monkeypatch.setattr(figure, "draw_without_rendering", warn)
    with pytest.warns(UserWarning, match="something else"):
        save(figure, tmp_path / "sheet.svg", numbers, {})
    assert not caplog.records


def test_names_of_layers_are_text_in_the_findings():
    row = {
        "study": "s", "comparison": "c", "setting": "c", "setting_b": None, "factor": "external",
        "stimuli": "t", "metric": "cka",
        "stimuli_kind": "in_distribution", "layer_a": "<b>*1*|$x$", "layer_b": "<b>*1*|$x$", "step_a": None,
        "step_b": None, "score_protocol": "exact", "value": 0.5, "null_mean": 0.1, "null_p95": 0.2, "untrained": np.nan,
        "p_value": 0.05, "ci_low": np.nan, "ci_high": np.nan, "n": 9, "name_a": "a_1", "name_b": "b",
    }  # fmt: skip
    text = "\n".join(pair_findings(pd.DataFrame([row])))
    assert r"| a_1 | b | \<b>\*1\*\|\$x\$ | cka | 0.500 |" in text
