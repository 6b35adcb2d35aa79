"""The bridge from the factorial to the published study: what overlap of the paper's own labels does, beside facts.

Models of the bridge learn an image's shape or its digit, from the images and with the random numbers of the factorial
(`whyalike.designs.factorial`). Their label overlap is 1 where A and B learn the same attribute and 0 where they learn
different ones, with equally many classes in all pairs, while the published study's classes grow with the overlap. The
four pairs are balanced: each attribute stands as often with itself as with the other.
"""

import numpy as np
import pandas as pd

from whyalike.designs.factorial import BRIDGE

_LEVELS = ["data_overlap", "label_overlap"]


def without_bridge(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score rows of the factorial itself, and those of the bridge."""
    of_bridge = rows["condition"].isin(BRIDGE)
    return rows[~of_bridge], rows[of_bridge]


def bridge_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean score of the pairs of each (data overlap, label overlap), a column a seed that has all of them."""
    pairs = rows.pivot_table("value", [*_LEVELS, "condition"], "seed", aggfunc="mean").dropna(axis=1)
    return pairs.groupby(level=_LEVELS).mean()


def bridge_effects(rows: pd.DataFrame, facts: pd.DataFrame) -> dict[str, pd.Series]:
    """Effects of each seed, in units of the score from overlap 0 to 1.

    Parameters
    ----------
    rows : scores of the bridge of one panel.
    facts : scores of the factorial itself, (data overlap, label overlap) x seeds.

    Returns
    -------
    name -> a value a seed: bridge_label (pairs of equal labels less pairs of other labels), bridge_minus_facts (that
    less the slope over the overlap of facts at the same data overlaps), and where the bridge has two data overlaps or
    more bridge_data (slope over them). Empty where no seed has both parts.
    """
    if rows.empty:
        return {}
    means = bridge_means(rows)
    seeds = means.columns.intersection(facts.columns)
    if seeds.empty:
        return {}
    means, facts = means[seeds], facts[seeds]
    data = means.index.unique("data_overlap")
    same = facts[facts.index.get_level_values("data_overlap").isin(data)]
    label = _slopes(means, "label_overlap")
    found = {"bridge_label": label, "bridge_minus_facts": label - _slopes(same, "label_overlap")}
    return found | ({"bridge_data": _slopes(means, "data_overlap")} if len(data) > 1 else {})


def _slopes(table: pd.DataFrame, level: str) -> pd.Series:
    """Least-squares slope over one overlap in each seed; of two levels, crossed, the difference of their means."""
    x = table.index.get_level_values(level).to_numpy(float)
    return pd.Series(np.polyfit(x, table.to_numpy(), 1)[0], table.columns)
