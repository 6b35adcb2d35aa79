"""Panels of a score figure: the score and statistics tables cut into what one set of axes shows, and its words.

A panel is one (comparison, stimuli, stimuli_kind) under one scoring and score protocol, as in the statistics. As there,
scores of several layer pairs of one pair of runs are averaged to one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from whyalike.designs.design import Axis
from whyalike.designs.registry import design, with_one_overlap
from whyalike.figures.registry import shows
from whyalike.figures.style import METRIC_WORDS, count, span, words
from whyalike.statistics.table import (
    KIND_WORDS,
    PANEL,
    VIEWS,
    by_panel,
    kind_words,
    of_panel,
    panel_words,
    seeds_asked,
    seeds_words,
    view_words,
    with_scorings,
)

_PAIR = ["seed", "condition", "run_a", "run_b"]
_BASELINES = ["null_mean", "null_p95", "untrained", "label_gram"]
_MEASURED = ["overlap", "label_information", "value", "n", "classes", *_BASELINES]
_NEEDED = [*PANEL, *_PAIR, "value", "n", *sorted({design(name).overlap for name in with_one_overlap()})]


@dataclass(frozen=True)
class ScorePanel:
    """What one set of axes shows.

    Attributes
    ----------
    key : values of the statistics' panel columns: study, comparison, factor, stimuli, stimuli_kind, metric,
        score_protocol, scoring, and of a named comparison layer_a, layer_b, step_a, step_b.
    pairs : one row a pair of runs: seed, condition, run_a, run_b, level (where it is drawn), overlap,
        label_information, value, n, classes, null_mean, null_p95, untrained, label_gram; NaN where absent.
    statistics : the panel's rows of the statistics table.
    seeds_asked : how many seeds the whole panel has, more than there are in a partial result.
    layers : the layers whose scores are averaged to one a pair.
    view : of a named comparison what is compared, in words: "resnet vs vgg, layer1 x layer4, step 100".
    """

    key: dict[str, Any]
    pairs: pd.DataFrame
    statistics: pd.DataFrame
    seeds_asked: int
    layers: tuple[str, ...] = ()
    view: str = ""

    @property
    def axis(self) -> Axis:
        """How the panel's overlap is drawn."""
        return design(self.key["factor"]).axis

    def statistic(self, protocol: str, estimator: str) -> pd.Series | None:
        """The row of one estimator, None where it could not be computed."""
        table = self.statistics
        found = table[(table["protocol"] == protocol) & (table["estimator"] == estimator)]
        return None if found.empty else found.iloc[0]

    def centre(self) -> tuple[float, float]:
        """Mean (overlap, score) over seeds, each seed's level counted once: the mean of per-seed lines passes here."""
        levels = self.pairs.groupby(["seed", "overlap"])["value"].mean().reset_index()
        means = levels.groupby("seed")[["overlap", "value"]].mean().mean()
        return float(means["overlap"]), float(means["value"])

    @property
    def name(self) -> str:
        """ "digits on digits_test", as in the findings."""
        return panel_words(self.key["comparison"], self.key["stimuli"])

    def details(self) -> list[str]:
        """ "in distribution", "n = 637", "10 classes", "5 seeds": a range where a count changes with the level.

        Of several layers also "mean of mu, logvar"; of a partial result "3 of 5 seeds".
        """
        n, classes, seeds = self.pairs["n"], self.pairs["classes"].dropna(), self.pairs["seed"].nunique()
        parts = [kind_words(self.key["stimuli_kind"]), *([self.view] if self.view else [])]
        if n.notna().any():  # published tables do not say it
            parts.append(f"n = {span(n.min(), n.max())}")
        if len(classes):
            parts.append(count(classes.min(), classes.max(), "class", "classes"))
        if len(self.layers) > 1:
            parts.append(f"mean of {', '.join(self.layers)}")
        return [*parts, seeds_words(seeds, self.seeds_asked)]


def score_panels(
    scores: pd.DataFrame,
    statistics: pd.DataFrame,
    *,
    metrics: Collection[str] | None,
    score_protocol: str,
    study: str | None = None,
    comparison: str | None = None,
) -> list[ScorePanel]:
    """The panels of a study, comparisons as in the score table, everything else in a fixed order.

    Within a comparison, stimulus sets that are wholly out of distribution come last; sets are ordered by name, the
    kinds of one set as in `KIND_WORDS`, metrics as in `METRIC_WORDS`.

    Parameters
    ----------
    scores, statistics : score table and statistics table; statistics may be empty: then no lines can be drawn.
    metrics : the scorings to show; None for all of them.
    score_protocol : "exact" or "as_published".
    study : name of the study; needed only for tables that hold several, and in messages about an empty one.
    comparison : the one to show; None for all in the table.

    Raises
    ------
    ValueError : a column is missing, a factor unknown, several studies are in the table, or nothing is left to draw.
    """
    scores, statistics = with_scorings(scores), with_scorings(statistics)
    missing = [name for name in _NEEDED if name not in scores.columns]
    if missing and len(scores):
        raise ValueError(
            f"a score table needs the columns {', '.join(_NEEDED)}: {', '.join(missing)} missing. "
            "Give the tables that the similarity stage wrote."
        )
    if comparison is not None:
        scores = scores[scores["comparison"] == comparison]
    rows = _chosen(scores, metrics, score_protocol, _one_study(scores, statistics, study))
    unknown = sorted(set(rows["factor"]) - set(with_one_overlap()))
    if unknown:
        raise ValueError(
            f"factor must be one of {', '.join(with_one_overlap())}: the score table has {', '.join(unknown)}."
        )
    panels = []
    for named, rows_of in by_panel(rows):
        pairs = _pairs(rows_of, named["factor"])
        layers = tuple(rows_of["layer_a"].unique()) if "layer_a" in rows_of else ()
        found = _matching(statistics, named)
        panels.append(ScorePanel(named, pairs, found, seeds_asked(rows_of), layers, view_of(named, rows_of)))
    return _ordered(panels)


def view_of(key: Mapping[str, Any], rows: pd.DataFrame) -> str:
    """What the rows of one panel compare, in words; "" in a setting's own comparison."""
    first = rows.iloc[0]
    other = "setting_b" in rows and pd.notna(first["setting_b"])
    settings = f"{words(first['setting'])} vs {words(first['setting_b'])}" if other else ""
    return ", ".join(part for part in (settings, view_words(key)) if part)


def key_columns(columns: Sequence[str], views: Iterable[str]) -> list[str]:
    """The key columns of a figure's numbers: with those of views where it shows a named comparison."""
    return [*columns, *(VIEWS if any(views) else ())]


def distinct(panels: Sequence[ScorePanel], column: str) -> list[str]:
    """The values of one key column, in order of appearance."""
    return list(dict.fromkeys(panel.key[column] for panel in panels))


def metric_place(metric: str) -> tuple[int, str]:
    """Sorts metrics as `METRIC_WORDS` does; the others come last, by name."""
    return _place(metric, list(METRIC_WORDS))


def _place(name: str, names: list[str]) -> tuple[int, str]:
    return (names.index(name), "") if name in names else (len(names), name)


def _ordered(panels: list[ScorePanel]) -> list[ScorePanel]:
    comparisons, kinds = distinct(panels, "comparison"), list(KIND_WORDS)
    inside = {
        (panel.key["comparison"], panel.key["stimuli"])
        for panel in panels
        if panel.key["stimuli_kind"] != "out_of_distribution"
    }

    def rank(panel: ScorePanel) -> tuple:
        comparison, stimuli = panel.key["comparison"], panel.key["stimuli"]
        kind = _place(panel.key["stimuli_kind"], kinds)
        outside = (comparison, stimuli) not in inside
        return (
            comparisons.index(comparison),
            outside,
            stimuli,
            kind,
            metric_place(panel.key["metric"]),
            panel.key["scoring"],
        )

    return sorted(panels, key=rank)


def _one_study(scores: pd.DataFrame, statistics: pd.DataFrame, study: str | None) -> str | None:
    if study is not None:
        return study
    names = sorted({name for table in (scores, statistics) if "study" in table for name in table["study"]})
    if len(names) > 1:
        raise ValueError(f"a figure shows one study: the tables hold {', '.join(names)}. Name one with `study`.")
    return names[0] if names else None


def _chosen(scores: pd.DataFrame, metrics: Collection[str] | None, protocol: str, study: str | None) -> pd.DataFrame:
    """The rows to draw; where none is left, an error that names the study, what there is and the remedy."""
    rows = scores
    if len(scores):
        wanted = scores["scoring"].isin(metrics) if metrics is not None else True
        rows = scores[(scores["study"] == study) & (scores["score_protocol"] == protocol) & wanted]
    if len(rows):
        return rows
    name = f"study '{study}'" if study else "the study (whose name no table tells)"
    asked = f"metric {', '.join(metrics)} and " if metrics is not None else ""
    there = "is empty"
    if len(scores):
        pairs = scores[["study", "scoring", "score_protocol"]].drop_duplicates().itertuples(index=False)
        there = f"holds {'; '.join(', '.join(pair) for pair in pairs)}"
    raise ValueError(
        f"{name} has no score with {asked}score_protocol {protocol} to draw: the score "
        f"table {there}. Name a metric and protocol that it holds in the figure's options, or add them to the scores "
        "in the config and run the similarity stage again."
    )


def _pairs(rows: pd.DataFrame, factor: str) -> pd.DataFrame:
    """One row a pair of runs, with its overlap and where that lies on the axis; layer pairs averaged."""
    # rounded as in the statistics, so that 3 * 0.1 and 0.3 are one level
    varied = design(factor)
    rows = rows.assign(overlap=rows[varied.overlap].astype(float).round(9))
    if rows["overlap"].isna().any():
        raise ValueError(
            f"every score of factor '{factor}' needs {varied.overlap}: {int(rows['overlap'].isna().sum())} of "
            f"{len(rows)} rows of {rows['comparison'].iloc[0]} have none. Leave these rows out of the study."
        )
    measured = rows.reindex(columns=[*_PAIR, *_MEASURED]).astype(dict.fromkeys(_MEASURED, float))
    pairs = measured.groupby(_PAIR, sort=False, dropna=False)[_MEASURED].mean().reset_index()
    return pairs.assign(level=varied.axis.position(pairs["overlap"]))


def _matching(statistics: pd.DataFrame, named: dict[str, Any]) -> pd.DataFrame:
    """The rows of the statistics table of one panel."""
    if statistics.empty:
        return pd.DataFrame(columns=["protocol", "estimator"])
    return of_panel(statistics, named)


def panels_of_design(
    scores: pd.DataFrame, statistics: pd.DataFrame, figure: str, metric: str, protocol: str, stimuli_kind: str
) -> Iterator[tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]]:
    """Key, scores and statistics of each panel of a figure that shows one design under one scoring.

    Raises
    ------
    ValueError : no score is of this design, metric, protocol and kind of stimuli.
    """
    (factor,) = shows(figure)
    wanted = {"factor": factor, "scoring": metric, "score_protocol": protocol, "stimuli_kind": stimuli_kind}
    scores, statistics = with_scorings(scores), with_scorings(statistics)
    rows = scores[(scores[list(wanted)] == pd.Series(wanted)).all(axis=1)]
    if rows.empty:
        there = scores[list(wanted)].drop_duplicates().itertuples(index=False)
        raise ValueError(
            f"no score of {', '.join(wanted.values())} is here to draw: the table holds "
            f"{'; '.join(', '.join(one) for one in there) or 'nothing'}. Change the options."
        )
    for key, own in by_panel(rows):
        yield key, own, of_panel(statistics, key)
