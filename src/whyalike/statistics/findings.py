"""The findings in words: what each study shows, with intervals, seeds and p-values, and what may be claimed.

Written from the statistics tables alone, whatever the numbers are. An effect is called a claim only with a sign-flip p
of at most .05 after Holm (`whyalike.statistics.power`), and then with its direction; everything else is a description.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from whyalike.designs.design import load
from whyalike.designs.registry import design
from whyalike.statistics.pair_findings import READING, pair_findings
from whyalike.statistics.panels import sign_of_closer
from whyalike.statistics.power import LEVEL, missing_words, possible, smallest_words
from whyalike.statistics.table import (
    change_words,
    gain_words,
    kind_words,
    of_settings,
    panel_words,
    seeds_words,
    share_words,
    signed,
    speaking,
    views,
    with_scorings,
)

_READING = f"""How to read this: the effect is the gain, the exact linear CKA at the highest overlap of a panel less
that at the lowest, one number a seed; it says nothing of the levels between. Intervals are 95 % intervals over seeds:
of gains and slopes t intervals, of shares and information jackknife intervals. p is a sign-flip p. p (Holm) is adjusted
over the panels of the study's settings, and for a named comparison over its own. A gain is a claim if p (Holm) is at
most {LEVEL:g}; otherwise it describes these runs and no more. "As published" is the published analysis of scores as
published: one regression line over all points, which are not independent, so that its R2 has no interval. Of a layer
that gives a feature map or tokens, the mean over positions is compared, unless its setting names another pooling;
activations from files are compared as they are.
"""


def findings(
    statistics: Mapping[str, pd.DataFrame],
    accuracy: pd.DataFrame,
    mutual_information: pd.DataFrame,
    partial: Sequence[str] = (),
    pairs: Mapping[str, pd.DataFrame] | None = None,
    scorings: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """What the studies show, in Markdown for a reader who knows machine learning.

    Parameters
    ----------
    statistics : study -> its statistics table (`study.study_statistics`).
    accuracy : Table 5 (`tables.accuracy_table`).
    mutual_information : Table 3 (`mutual_information.mutual_information_table`).
    partial : what a partial result lacks, a line each; it is said first.
    pairs : study -> its pair tables, where each pair is a result.
    scorings : scoring -> its metric, as "metric", and all parameters of that.

    Returns
    -------
    Markdown: how to read it, a section a study (in-distribution panels at length, the others in a line each, or a table
    of its pairs), mutual information as published against corrected, and the accuracies or, of models that have none,
    the losses. Where there are pairs alone, nothing is said of overlaps and information.
    """
    pairs = pairs or {}
    over_seeds = any(len(table) or name not in pairs for name, table in statistics.items())
    reading = [*([_READING] if over_seeds else []), *([READING] if pairs else [])]
    studies = [_study(name, table, pairs.get(name)) for name, table in statistics.items()]
    last = [_information(mutual_information)] if over_seeds else []
    last += [_accuracies(accuracy)] if over_seeds or len(accuracy) or not studies else []
    return "\n".join(["# Findings\n", *reading, *_metrics(scorings or {}), *_partial(partial), *studies, *last])


def _metrics(scorings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The metrics with all of their parameters, defaults included, in a line."""
    named = []
    for name, parameters in scorings.items():
        details = [] if name == parameters["metric"] else [parameters["metric"]]
        details += [f"{key} = {value}" for key, value in parameters.items() if key not in ("metric", "eps")]
        named.append(f"{name} ({', '.join(details)})" if details else name)
    return [f"Metrics (exact): {'; '.join(named)}.\n"] if named else []


def _partial(lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    return ["**Partial result**: not every model is finished.\n", *(f"- {line}" for line in lines), ""]


def _study(name: str, table: pd.DataFrame, pairs: pd.DataFrame | None) -> str:
    """A section; every study is of one design. Of pairs without overlaps there are no statistics over seeds."""
    said = overlap_findings if table.empty else load(design(table["factor"].iloc[0]).findings)
    over_seeds = said(table) if pairs is None or len(table) else []
    of_pairs = [] if pairs is None else pair_findings(pairs)
    return "\n".join([f"## Study {name}", "", *over_seeds, *([""] if over_seeds and of_pairs else []), *of_pairs, ""])


def overlap_findings(table: pd.DataFrame) -> list[str]:
    """Lines of Markdown on a study of one overlap: in-distribution panels at length, the others in a line each.

    Parameters
    ----------
    table : its statistics table.
    """
    effects = _rows(speaking(table), metric="cka", score_protocol="exact", protocol="corrected", estimator="gain")
    if effects.empty:
        return ["No exact CKA at two levels of overlap: nothing can be said about a change."]
    effects = effects.assign(view=views(effects))
    none = _no_claim(effects)
    lines = [f"- No claim is possible: {none}."] if none else []
    own = (effects["stimuli_kind"] == "in_distribution") & effects.index.isin(of_settings(effects).index)
    for effect in effects[own].itertuples():
        lines += _panel(of_settings(table), effect, said=bool(none))
    if not own.any():
        lines.append("- No panel on the whole in-distribution stimuli.")
    for effect in effects[~own].itertuples():
        lines.append(f"- {_name(effect)}: {_effect(effect)}{'' if none else f'; {_claim(effect)}'}.")
    return lines


def _no_claim(effects: pd.DataFrame) -> str:
    """What all panels of a study lack for a claim, where they lack the same; else nothing."""
    counts = effects[["n_seeds", "panels"]].drop_duplicates()
    seeds, panels = counts.iloc[0]
    return missing_words(seeds, panels) if len(counts) == 1 and not possible(seeds, panels) else ""


def _panel(table: pd.DataFrame, effect, said: bool) -> list[str]:
    """An in-distribution panel: the change, whether it is a claim unless that is said, other metrics, as published."""
    place = {name: getattr(effect, name) for name in ("comparison", "stimuli", "stimuli_kind")}
    panel = _rows(with_scorings(table), **place)
    lines = [
        f"- **{_name(effect)}**: from the lowest to the highest overlap, exact CKA {_verb(effect)}: {_effect(effect)}.",
        *([] if said else [f"  - {_sentence(_claim(effect))}."]),
    ]
    return [*lines, *_other_scorings(panel, effect), *_calibrated(panel), *_against_published(panel)]


def _other_scorings(panel: pd.DataFrame, effect) -> list[str]:
    """How many of the other scorings moved to the same side, more or less alike, as CKA did."""
    gains = _rows(panel, score_protocol="exact", protocol="corrected", estimator="gain")
    gains = gains[gains["scoring"] != effect.scoring]
    if gains.empty:
        return []
    closer = pd.Series([sign_of_closer(metric) for metric in gains["metric"]], gains.index)
    same = _sign(gains["value"] * closer) == _sign(effect.value)
    turned = ", the sign of distances turned" if (closer < 0).any() else ""
    named = "" if same.all() else f"; not {', '.join(gains.loc[~same, 'scoring'])}"
    return [f"  - Mean gain of the same sign: {same.sum()} of {len(gains)} other scorings (no test{turned}){named}."]


def _name(effect) -> str:
    """A panel as every figure and page names it."""
    return f"{panel_words(effect.comparison, effect.stimuli)} ({kind_words(effect.stimuli_kind, effect.view)})"


def _calibrated(panel: pd.DataFrame) -> list[str]:
    """The change as a share of what there is to gain, where that is known."""
    found = _rows(speaking(panel), metric="cka", score_protocol="exact", protocol="corrected", estimator="gain_share")
    return [
        f"  - Gain share {share_words(row._asdict())} of the gap from untrained pairs to pairs of overlap 1."
        for row in found.itertuples()
    ]


def _against_published(panel: pd.DataFrame) -> list[str]:
    """What the published analysis says of CKA in this panel, and where the corrected slope differs."""
    published = _rows(speaking(panel), metric="cka", score_protocol="as_published", protocol="as_published")
    published = published.set_index("estimator")
    corrected = _rows(speaking(panel), metric="cka", score_protocol="exact", protocol="corrected", estimator="slope")
    if "ols_slope" not in published.index or corrected.empty:
        return []
    line, slope = published.loc["ols_slope"], corrected.iloc[0]
    # the published label figure counts levels 1, 2, 3: two of its units are one unit of overlap
    units = design(line["factor"]).axis.step
    per_overlap = line["value"] * units
    fit = f", R2 = {published.loc['ols_r2', 'value']:.3f}" if "ols_r2" in published.index else ""
    per_level = " a level" if units != 1 else ""
    says = f"  - As published: slope {signed(line['value'])}{per_level}{fit}, one line over {line['n']} points."
    return [f"{says} Corrected: slope {change_words(slope)} per unit of overlap; {_difference(per_overlap, slope)}."]


def _difference(published: float, slope: pd.Series) -> str:
    if _sign(published) != _sign(slope["value"]):
        said = "the two disagree in sign"
    elif abs(published - slope["value"]) > 0.1 * max(abs(published), abs(slope["value"])):
        said = f"the same sign, another size (published per unit of overlap: {signed(published)})"
    else:
        said = "the same sign and nearly the same size"
    if pd.isna(slope["ci_low"]):
        return f"{said}, and one seed gives no interval"
    holds = slope["ci_low"] <= 0 <= slope["ci_high"]
    enough = holds or slope["p_holm"] <= LEVEL or possible(slope["n_seeds"], slope["panels"])
    few = "" if enough else f", which with {_seeds(slope['n_seeds'])} claims nothing"
    return f"{said}; the corrected interval {'includes' if holds else 'excludes'} zero{few}"


def _information(table: pd.DataFrame) -> str:
    lines = ["## Mutual information between overlap and CKA", ""]
    published, corrected = (_rows(table, protocol=name) for name in ("as_published", "corrected"))
    if table.empty:
        lines.append("Too few points, levels or seeds for an estimate.")
    for row in published.itertuples():
        over = ", which is more than the levels can tell" if row.value > row.entropy else ""
        lines.append(
            f"- {row.study}, as published: {row.value:.3f} nats of at most {row.entropy:.3f} ({row.levels} levels, "
            f"{row.n} points, {_seeds(row.n_seeds)}){over}."
        )
    for row in corrected.itertuples():
        lines.append(
            f"- {row.study}, corrected: {change_words(row._asdict())} of what the levels can tell beyond chance ("
            f"{row.levels} common levels, {row.n} points, {_seeds(row.n_seeds)})."
        )
    lines += _orders(published, corrected)
    return "\n".join([*lines, ""])


def _orders(published: pd.DataFrame, corrected: pd.DataFrame) -> list[str]:
    """The two orders of the studies, side by side."""
    if len(published) < 2 or len(corrected) < 2:
        return []
    orders = [" > ".join(rows.sort_values("value", ascending=False)["study"]) for rows in (published, corrected)]
    return [
        f"- Order as published: {orders[0]}. It ranks designs with other ceilings and is no comparison of causes. "
        f"Order corrected: {orders[1]}; read it with the intervals. Neither order has a p, so neither is a claim."
    ]


def _accuracies(table: pd.DataFrame) -> str:
    lines = ["## Accuracies and losses", ""]
    if table.empty:
        lines.append("No run has an accuracy or a loss.")
    for row in table.itertuples():
        name = ", ".join(str(one) for one in (row.setting, row.factor, row.labelling) if not pd.isna(one))
        lines.append(f"- {name}: {_own_loss(row) if pd.isna(row.mean) else _own_accuracy(row)}.")
    return "\n".join([*lines, ""])


def _own_accuracy(row) -> str:
    spread = "" if pd.isna(row.sd) else f" ± {100 * row.sd:.1f}"
    chance = "" if pd.isna(row.chance) else f", chance {100 * row.chance:.1f} %"
    return f"{100 * row.mean:.1f}{spread} % ({_over(row.runs, spread)}{chance})"


def _own_loss(row) -> str:
    spread = "" if pd.isna(row.loss_sd) else f" ± {row.loss_sd:.3f}"
    perplexity = "" if pd.isna(row.perplexity) else f", perplexity {row.perplexity:.1f}"
    return f"test loss {row.loss:.3f}{spread} {row.loss_unit} ({_over(row.runs, spread)}{perplexity})"


def _over(runs: int, spread: str) -> str:
    return f"mean{' ± SD' if spread else ''} over {runs} run{'s' if runs > 1 else ''}"


def _rows(table: pd.DataFrame, **where: str) -> pd.DataFrame:
    mask = pd.Series(True, index=table.index)
    for name, value in where.items():
        mask &= table[name] == value
    return table[mask]


def _effect(effect) -> str:
    """The gain, its interval, seeds and p-values."""
    return ", ".join(gain_words(effect._asdict()))


def _claim(effect) -> str:
    if effect.p_holm <= LEVEL:
        higher = "higher" if effect.value > 0 else "lower"
        return f"a claim: CKA is {higher} at the highest overlap than at the lowest"
    if not possible(effect.n_seeds, effect.panels):
        return f"no claim: {missing_words(effect.n_seeds, effect.panels)}"
    least = smallest_words(effect.n_seeds, effect.panels)
    if effect.p_value <= LEVEL:
        return f"no claim after adjustment for {effect.panels:.0f} panels ({least})"
    return f"no claim: the seeds do not agree enough ({least})"


def _seeds(count: int) -> str:
    return seeds_words(count, count)


def _sign(value):
    return (value > 0) * 1 - (value < 0) * 1


def _verb(effect) -> str:
    return "rises" if effect.value > 0 else "falls" if effect.value < 0 else "changes"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
