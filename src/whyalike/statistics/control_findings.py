"""The control ladder in words: what each step takes away of CKA, and where random halves of the data lie."""

import pandas as pd

from whyalike.statistics.table import MINUS, PLACE, change_words, kind_words, panel_words, seeds_words, speaking, views

_STEPS = {
    "order": "another order of the images",
    "start": "another initialisation",
    "order_and_start": "both",
    "data": "then disjoint data",
    "labels": "or shuffled labels in place of true ones",
    "training": "from shuffled labels to no training",
}


def control_findings(statistics: pd.DataFrame) -> list[str]:
    """Lines of Markdown: the rungs' ends, the steps and the pairs across seeds of each panel under exact CKA."""
    rows = speaking(statistics)
    exact = rows[(rows["metric"] == "cka") & (rows["score_protocol"] == "exact")]
    lines = []
    for (comparison, stimuli, kind, view), panel in exact.groupby([*PLACE, views(exact)], sort=False):
        rows = panel.set_index("estimator")
        ends = [f"{words} {_level(rows.loc[name])}" for name, words in
                (("rung_same_run", "the same run twice"), ("rung_same_data", "same data and labels"),
                 ("rung_untrained", "untrained")) if name in rows.index]  # fmt: skip
        first = panel.iloc[0]
        lines.append(
            f"- **{panel_words(comparison, stimuli)} ({kind_words(kind, view)})**, exact CKA, "
            f"{seeds_words(int(panel['n_seeds'].max()), int(first['seeds_asked']))}: {', '.join(ends)}."
        )
        steps = [f"{words} {change_words(_taken_away(rows.loc[f'step_{name}']))}"
                 for name, words in _STEPS.items() if f"step_{name}" in rows.index]  # fmt: skip
        lines += [f"  - What changes CKA by how much: {'; '.join(steps)}."] if steps else []
        if "across_seeds_less_line" in rows.index:
            lines.append(f"  - {_line(rows.loc['across_seeds_less_line'])}.")
    return lines or ["No exact CKA of a control: nothing can be said."]


def _level(row: pd.Series) -> str:
    """ "0.912 [0.881, 0.943]": a mean score and, where it has one, its interval."""
    interval = "" if pd.isna(row["ci_low"]) else f" [{row['ci_low']:z.3f}, {row['ci_high']:z.3f}]"
    return f"{row['value']:z.3f}{interval}".replace("-", MINUS)


def _line(row: pd.Series) -> str:
    """How far the pairs across seeds lie from where data overlap says; an interval with 0 in it shows no place."""
    held = "includes" if row["ci_low"] <= 0 <= row["ci_high"] else "excludes"
    return (
        f"Models A of different seeds, of random halves of the data ({row['n']} pairs of {row['n_seeds']} models), "
        f"less the line of data overlap: {change_words(row)}, 95 % over models; the interval {held} the line"
    )


def _taken_away(row: pd.Series) -> dict[str, float]:
    """The step the other way round: what it takes away is a change below 0."""
    return {"value": -row["value"], "ci_low": -row["ci_high"], "ci_high": -row["ci_low"]}
