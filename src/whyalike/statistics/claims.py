"""Verdicts on the claims of the overlap study, from statistics tables alone.

A claim has a verdict only where one metric of each of three families (`FAMILIES`, fixed here, before any number) is
measured. It holds in a panel if all three change in the claimed direction with p at most .05 after Holm over the
claim's panels; since all three must, nothing is to be adjusted for their number. The p of a gain is the exact sign-flip
p over seeds. The p of a difference of gains is Welch's, from the two means and t intervals; where both come from the
same seeds, and the two gains of a seed go together, it is too large. With so few seeds that no sign-flip p can reach
.05 after Holm nothing is decided (`whyalike.statistics.power`); as many are asked for under Welch's test. What is
missing in the tables is said to be not measured, never guessed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.markdown import table
from whyalike.statistics.claims_table import CLAIMS, Claim, Panels
from whyalike.statistics.inference import CONFIDENCE, holm
from whyalike.statistics.power import LEVEL, possible, seeds_needed
from whyalike.statistics.table import kind_words, seeds_words, signed, speaking

#: Family -> the metric that speaks for it.
FAMILIES = {"kernels": "cka", "neighbours": "mutual_knn", "canonical correlations": "svcca"}
ESTIMATOR = "gain"
_PLACE = ["comparison", "stimuli"]

_SPEAKERS = ", ".join(f"`{metric}` ({family})" for family, metric in FAMILIES.items())
_READING = f"""# Claims

What the overlap study says, and what the runs of one configuration say to it. The effect is the gain: exact score at
the highest overlap less score at the lowest, one number a seed; or, where the claim compares, the gain of one design
less that of another, of the same setting on the same stimuli. A claim **holds** in a panel if the metrics of three
families, {_SPEAKERS},
all change in the claimed direction with p at most {LEVEL:g} after Holm over the claim's panels: sign-flip p over seeds
for a gain, Welch's p for a difference. Below {seeds_needed(1)} seeds, more for several panels, no sign-flip p is that
small, and nothing is decided. As many seeds are asked for under Welch's test, though its p could be smaller: with so
few it rests on normality. If the two gains of a seed go together, this p is too large.

A gain compares the two ends. It says nothing of the levels between. The paper compares designs by mutual information,
which depends on the number of levels; effects are compared here instead. What the paper calls task overlap alone is
label overlap here; its dataset and task overlap combined is task overlap here. Gains are those of the findings, which
have the interval of each; their p (Holm) is another, over a study's panels. "from x to y in 2 panels" is no interval.

"""


@dataclass(frozen=True)
class Verdict:
    """What the tables say to a claim: in a word or two, and what was seen."""

    claim: Claim
    word: str
    seen: str


def verdicts(statistics: pd.DataFrame, claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """The verdict on every claim, from statistics tables one behind the other."""
    gains = statistics.query("protocol == 'corrected' and score_protocol == 'exact' and estimator == @ESTIMATOR")
    return [_verdict(claim, gains) for claim in claims]


def claims_page(statistics: pd.DataFrame) -> str:
    """The claims with their verdicts, in Markdown."""
    rows = (
        (
            f"`{one.claim.key}`",
            f"{one.claim.sentence} (§{one.claim.section})",
            _estimand(one.claim),
            "Welch" if one.claim.less else "sign flips",
            one.claim.figure,
            one.seen,
            f"**{one.word}**",
        )
        for one in verdicts(statistics)
    )
    return _READING + table(("claim", "the paper", "effect", "test", "figure", "seen", "verdict"), rows)


def effects(claim: Claim, gains: pd.DataFrame) -> pd.DataFrame:
    """The effects that a claim is about, one row a (comparison, stimuli, metric).

    Parameters
    ----------
    claim : see `Claim`.
    gains : rows of the statistics table: exact scores, corrected, of the estimator gain.

    Returns
    -------
    Columns comparison, stimuli, metric, value, n_seeds (the smaller of two), p_value and p_holm (over the panels of the
    claim, for each metric).
    """
    rows = _of(claim.panels, claim, gains)
    if claim.less is not None:
        both = rows.merge(_of(claim.less, claim, gains), on=[*_PLACE, "metric"], suffixes=("", "_less"))
        rows = pd.DataFrame([_difference(one) for one in both.itertuples()], columns=[*rows.columns])
    rows = rows[[*_PLACE, "metric", "value", "n_seeds", "p_value"]].dropna(subset="p_value")
    adjusted = rows.groupby("metric")["p_value"].transform(lambda p: holm(p.to_numpy()))
    return rows.assign(p_holm=adjusted)


def _of(panels: Panels, claim: Claim, gains: pd.DataFrame) -> pd.DataFrame:
    """The gains of some panels under the metrics that speak for the families."""
    named = gains["comparison"].map(lambda name: not claim.comparisons or any(one in name for one in claim.comparisons))
    chosen = (gains["factor"] == panels.factor) & (gains["stimuli_kind"] == panels.kind) & named.astype(bool)
    return speaking(gains[chosen & gains["metric"].isin(FAMILIES.values())])


def _difference(pair) -> dict:
    """Mean, seeds and Welch's p of the difference of two means with t intervals."""
    errors = [_standard_error(pair.ci_low, pair.ci_high, pair.n_seeds),
              _standard_error(pair.ci_low_less, pair.ci_high_less, pair.n_seeds_less)]  # fmt: skip
    p_value = scipy.stats.ttest_ind_from_stats(
        pair.value, errors[0] * pair.n_seeds**0.5, pair.n_seeds,
        pair.value_less, errors[1] * pair.n_seeds_less**0.5, pair.n_seeds_less, equal_var=False,
    ).pvalue  # fmt: skip
    named = {name: getattr(pair, name) for name in (*_PLACE, "metric")}
    seeds = min(pair.n_seeds, pair.n_seeds_less)
    return {**named, "value": pair.value - pair.value_less, "n_seeds": seeds, "p_value": p_value}


def _standard_error(low: float, high: float, seeds: int) -> float:
    """Of a mean, from its t interval; missing where one seed gave none."""
    return (high - low) / 2 / scipy.stats.t.ppf((1 + CONFIDENCE) / 2, seeds - 1) if seeds > 1 else np.nan


def _verdict(claim: Claim, gains: pd.DataFrame) -> Verdict:
    found = effects(claim, gains)
    by_panel = [rows for _, rows in found.groupby(_PLACE, sort=False) if set(rows["metric"]) == set(FAMILIES.values())]
    if not by_panel:
        return Verdict(claim, "not measured", _missing(found))
    right = [bool((claim.direction * rows["value"] > 0).all()) for rows in by_panel]
    wrong = [bool((claim.direction * rows["value"] < 0).all()) for rows in by_panel]
    sure = [bool((rows["p_holm"] <= LEVEL).all()) for rows in by_panel]
    panels = found.groupby("metric").size().max()
    seeds = [int(rows["n_seeds"].min()) for rows in by_panel]
    # beside panels with more seeds a sign-flip p may be small enough after Holm where `possible` says no; Welch's p has
    # no least value, and is asked for as many seeds
    decidable = [possible(n, panels) or (one and claim.less is None) for n, one in zip(seeds, sure, strict=True)]
    holds = sum(a and b and c for a, b, c in zip(right, sure, decidable, strict=True))
    against = sum(a and b and c for a, b, c in zip(wrong, sure, decidable, strict=True))
    if not any(decidable):
        return Verdict(claim, _undecided(claim, max(seeds), int(panels)), _seen(claim, by_panel, sum(right)))
    return Verdict(claim, _word(holds, against, len(by_panel)), _seen(claim, by_panel, sum(right)))


def _undecided(claim: Claim, seeds: int, panels: int) -> str:
    counted = "1 panel" if panels == 1 else f"{panels} panels"
    needed = f"{counted} need{'s' * (panels == 1)} {seeds_needed(panels)}"
    asked = f"{seeds_needed(panels)} are asked for with {counted}"
    return f"undecided: {seeds_words(seeds, seeds)}, {asked if claim.less else needed}"


def _word(holds: int, against: int, panels: int) -> str:
    if holds == panels:
        return "holds"
    if against:
        return f"contradicted in {against} of {panels} panels" + (f", holds in {holds}" if holds else "")
    return f"holds in {holds} of {panels} panels" if holds else "not shown"


def _missing(found: pd.DataFrame) -> str:
    metrics = [metric for metric in FAMILIES.values() if metric not in set(found["metric"])]
    return (
        "no such panel" if found.empty else f"no panel has all of the three; never {', '.join(metrics) or 'together'}"
    )


def _seen(claim: Claim, by_panel: Sequence[pd.DataFrame], right: int) -> str:
    """CKA's effects, seeds, and how many panels have the claimed sign under all three metrics."""
    together = pd.concat(by_panel)
    cka, seeds = together.loc[together["metric"] == FAMILIES["kernels"], "value"], together["n_seeds"]
    values = signed(cka.iloc[0])
    if len(cka) > 1:
        values = f"from {signed(cka.min())} to {signed(cka.max())} in {len(cka)} panels"
    effect = f"gain of CKA{' less the other gain,' if claim.less else ''}"
    counts = "–".join(dict.fromkeys(str(count) for count in (seeds.min(), seeds.max())))
    return f"{effect} {values}, {counts} seeds; claimed sign under all three in {right} of {len(by_panel)} panels"


def _estimand(claim: Claim) -> str:
    return " less ".join(_words(panels) for panels in (claim.panels, claim.less) if panels) + (
        " above 0" if claim.direction > 0 else " below 0"
    )


def _words(panels: Panels) -> str:
    return f"gain, {panels.factor} overlap, {kind_words(panels.kind)}"
