"""The factorial in words: which of data and labels matters more, and whether the two effects add up.

An interaction is claimed only where that of CKA and that of its angle (arccos) both have a Holm-adjusted p of at most
.05 and point the same way: what is there on one scale of the score alone is a matter of the scale.
"""

import numpy as np
import pandas as pd

from whyalike.statistics.power import LEVEL, missing_words, possible
from whyalike.statistics.table import (
    PLACE,
    change_words,
    holm_words,
    kind_words,
    panel_words,
    seeds_words,
    share_words,
    speaking,
    views,
)

_WORDS = {
    "effect_data": "data overlap 0 to 1",
    "effect_label": "label overlap 0 to 1",
    "label_minus_data": "labels less data",
    "interaction": "interaction",
}


def interaction_claimed(panel: pd.DataFrame) -> bool:
    """Whether data and labels do more, or less, together than each alone adds up to: on CKA and on its angle alike.

    Alone means where the other overlap is 0.

    Parameters
    ----------
    panel : rows of one panel of the statistics table; estimators interaction and interaction_angle are read.
    """
    rows = panel[panel["estimator"].isin(["interaction", "interaction_angle"])]
    return bool(len(rows) == 2 and (rows["p_holm"] <= LEVEL).all() and len(set(np.sign(rows["value"]))) == 1)


def factorial_findings(statistics: pd.DataFrame) -> list[str]:
    """Lines of Markdown: the effects of each comparison and stimulus set under exact CKA, and what may be claimed."""
    rows = speaking(statistics)
    exact = rows[(rows["metric"] == "cka") & (rows["score_protocol"] == "exact")]
    lines = []
    for (comparison, stimuli, kind, view), panel in exact.groupby([*PLACE, views(exact)], sort=False):
        rows = panel.set_index("estimator")
        effects = [_effect(rows, name, _WORDS[name]) for name in _WORDS if name in rows.index]
        first = panel.iloc[0]
        seeds = seeds_words(int(first["n_seeds"]), int(first["seeds_asked"]))
        lines.append(f"- **{panel_words(comparison, stimuli)} ({kind_words(kind, view)})**, exact CKA, {seeds}:")
        lines += [f"  - {effect}." for effect in effects]
        lines += [f"  - {_which(rows)}.", f"  - {_adds_up(panel, rows)}.", *_bridge(rows)]
    return lines or ["No exact CKA at crossed overlaps: nothing can be said about data and labels."]


def _effect(rows: pd.DataFrame, name: str, words: str) -> str:
    row, size = rows.loc[name], name.removeprefix("effect_")
    parts = [f"{words}: {change_words(row)}, {holm_words(row)}"]
    if f"share_{size}" in rows.index:
        parts.append(f"{share_words(rows.loc[f'share_{size}'])} of the gap from untrained to same data and labels")
    if f"omega2_{size}" in rows.index:
        parts.append(f"partial omega² {rows.loc[f'omega2_{size}', 'value']:.2f}")
    return ", ".join(parts)


def _bridge(rows: pd.DataFrame) -> list[str]:
    """The paper's own labels, at the same number of classes in all pairs, and the facts beside them."""
    if "bridge_label" not in rows.index:
        return []
    words = "the paper's labels, shape or digit, label overlap 0 to 1"
    less = rows.loc["bridge_minus_facts"]
    beside = f"less that of facts at the same data overlaps: {change_words(less)}"
    return [f"  - {_effect(rows, 'bridge_label', words)}; {beside}, {holm_words(less)}."]


def _which(rows: pd.DataFrame) -> str:
    """Labels against data."""
    row = rows.loc["label_minus_data"]
    if row["p_holm"] > LEVEL:
        enough = possible(row["n_seeds"], row["panels"])
        few = "" if enough else f": {missing_words(row['n_seeds'], row['panels'])}"
        return f"No claim which of the two matters more{few}"
    more, less = ("label", "data") if row["value"] > 0 else ("data", "label")
    return f"A claim: the effect of {more} overlap on CKA is above that of {less} overlap"


def _adds_up(panel: pd.DataFrame, rows: pd.DataFrame) -> str:
    if "interaction_angle" not in rows.index:
        return "No interaction is claimed: there is no angle to check it on"
    angle = rows.loc["interaction_angle"]
    said = f"of the angle (arccos CKA, sign turned) {change_words(angle)} rad, {holm_words(angle)}"
    if interaction_claimed(panel):
        how = "more" if angle["value"] > 0 else "less"
        alone = "the sum of what each does where the other is 0"
        return f"A claim: data and labels do {how} together than {alone}, on CKA and on its angle ({said})"
    return f"No interaction is claimed: CKA and its angle do not both show one; that {said}"
