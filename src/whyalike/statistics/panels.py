"""Panels and points: the score table cut into the sets of points that one number is computed from.

A panel holds one score a pair of runs, in the order of the score table. Scores of several layer pairs of one pair of
runs are averaged to one. The corrected analysis averages further, to one point a (seed, level): the three level-2 pairs
of a label study share three models, so they are one point and not three.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from whyalike.designs.design import Design
from whyalike.designs.registry import DESIGNS, design, with_one_overlap
from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.metrics.registry import METRICS
from whyalike.statistics.table import PANEL, by_panel, seeds_asked, with_scorings

#: One pair of runs within a panel.
_PAIR = ["seed", "condition", "run_a", "run_b"]
_COLUMNS = [*PANEL, *_PAIR, "layer_a", "layer_b", "data_overlap", "label_overlap", "label_information", "value"]


def sign_of_closer(metric: str) -> int:
    """1 if more alike is more under a metric; -1 of a distance, whose changes and gaps change sign. Unknown: 1."""
    return sign_of_likeness(METRICS[metric].facts.kind) if metric in METRICS else 1


@dataclass(frozen=True)
class Points:
    """n points: the seed that each belongs to, its x (overlap or information) and its score y, arrays of shape (n,)."""

    seed: np.ndarray
    x: np.ndarray
    y: np.ndarray

    def __len__(self) -> int:
        """n."""
        return len(self.y)

    @property
    def seeds(self) -> np.ndarray:
        """The distinct seeds in ascending order."""
        return np.unique(self.seed)

    @property
    def levels(self) -> np.ndarray:
        """The distinct x in ascending order."""
        return np.unique(self.x)

    def where(self, mask: np.ndarray) -> "Points":
        """The points where ``mask`` (n booleans) is true, in the same order."""
        return Points(self.seed[mask], self.x[mask], self.y[mask])


@dataclass(frozen=True)
class Panel:
    """``key``: the values of the columns `PANEL` and `VIEWS`; ``pairs``: seed, overlap, label_information, value of
    each pair, and untrained where the score table has it.

    ``seeds_asked``: how many seeds the whole panel has, more than there are in a partial result.
    """

    key: dict[str, Any]
    pairs: pd.DataFrame
    seeds_asked: int

    @property
    def design(self) -> Design:
        """What is known of the panel's design."""
        return design(self.key["factor"])

    def by_pair(self, x: str = "overlap") -> Points:
        """One point a pair that has ``x`` ("overlap" or "label_information"), in the order of the score table."""
        pairs = self.pairs[self.pairs[x].notna()]
        return Points(pairs["seed"].to_numpy(), pairs[x].to_numpy(float), pairs["value"].to_numpy(float))

    def gaps(self) -> dict[int, float]:
        """For each seed, the score at overlap 1 less that of its untrained pairs; only seeds that have both."""
        if "untrained" not in self.pairs:
            return {}
        ceiling = self.pairs[self.pairs["overlap"] == 1].groupby("seed")["value"].mean()
        found = (ceiling - self.pairs.groupby("seed")["untrained"].mean()).dropna()
        return {int(seed): float(gap) for seed, gap in found.items()}

    def by_level(self) -> Points:
        """One point a (seed, level of overlap), the mean over its pairs, sorted by seed and level."""
        means = self.pairs.groupby(["seed", "overlap"])["value"].mean().reset_index()
        return Points(means["seed"].to_numpy(), means["overlap"].to_numpy(), means["value"].to_numpy())


def panels(scores: pd.DataFrame) -> Iterator[Panel]:
    """The panels of a score table, in the order in which they first appear.

    Parameters
    ----------
    scores : score table of one study (or of several); the order of its rows is kept.

    Raises
    ------
    ValueError : a column is missing, a factor unknown, a score or an overlap missing, or one pair is scored twice.
    """
    scores = with_scorings(scores)
    check_scores(scores)
    for named, rows in by_panel(scores):
        varied = design(named["factor"])
        if varied.overlap is None:
            continue  # no single overlap: the design has statistics of its own
        # rounded, so that 3 * 0.1 and 0.3 are one level; finely, so that 1/3 changes no twelfth digit of a result
        rows = rows.assign(overlap=rows[varied.overlap].astype(float).round(14))
        if varied.overlap_is_given and rows["overlap"].isna().all():
            continue  # models from files of which nobody says what overlaps: scores, and no regression
        if rows["overlap"].isna().any():
            raise ValueError(
                f"every score of factor '{named['factor']}' needs {varied.overlap}: "
                f"{rows['overlap'].isna().sum()} of {len(rows)} rows of {named} have none. "
                "Give it, or leave these rows out of the study."
            )
        yield Panel(named, _one_row_a_pair(rows, named), seeds_asked(rows))


def _one_row_a_pair(rows: pd.DataFrame, named: dict[str, Any]) -> pd.DataFrame:
    """Layer pairs averaged to one row a pair of runs; a pair scored twice on the same layers is an error."""
    repeated = rows[rows.duplicated([*_PAIR, "layer_a", "layer_b"])]
    if len(repeated):
        raise ValueError(
            f"a panel needs one score a pair of runs and layers: {named} holds {len(repeated)} more, the first "
            f"{repeated.iloc[0][_PAIR].to_dict()}. Keep one variant (preprocessing, estimator, eps) of a scoring."
        )
    measured = ["overlap", "label_information", "value", *(["untrained"] if "untrained" in rows else [])]
    columns = ["seed", *measured]
    if not rows.duplicated(_PAIR).any():
        return rows[columns].reset_index(drop=True)
    means = rows.groupby(_PAIR, sort=False, dropna=False)[measured].mean()
    return means.reset_index()[columns]


def check_scores(scores: pd.DataFrame) -> None:
    """Find what is wrong with a score table, whatever its designs.

    Raises
    ------
    ValueError : a column is missing, a factor unknown, or a score missing.
    """
    missing = [name for name in _COLUMNS if name not in scores.columns]
    if missing:
        raise ValueError(
            f"the statistics are of overlap studies, whose score tables have the columns {', '.join(_COLUMNS)}: "
            f"{', '.join(missing)} missing."
        )
    unknown = sorted(set(scores["factor"]) - set(DESIGNS))
    if unknown:
        known = ", ".join(with_one_overlap())
        raise ValueError(f"factor must be one of {known}: the score table has {', '.join(unknown)}.")
    bad = ~np.isfinite(scores["value"].to_numpy(float))
    if bad.any():
        first = scores[bad].iloc[0][list(PANEL)].to_dict()
        raise ValueError(
            f"every score must be a finite number: {bad.sum()} rows are not, first in {first}. Leave them out."
        )
