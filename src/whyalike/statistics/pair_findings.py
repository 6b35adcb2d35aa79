"""Single pairs in words, of models from files or of a zoo: their scores and what they may mean.

Every number is read from the pair table (`whyalike.similarity.pair_table`); the mean over the pairs of a set of models
alone is made here, with its interval over models (`whyalike.statistics.dyadic`).
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from whyalike.designs.registry import design
from whyalike.markdown import plain, table
from whyalike.similarity.metrics.registry import METRICS
from whyalike.statistics.dyadic import FEWEST, node_jackknife, square
from whyalike.statistics.panels import sign_of_closer
from whyalike.statistics.table import kind_words, panel_words, speaking, with_scorings

MOST = 60  # rows of a table in the findings; the pair table has all of them
MOST_VIEWS = 12  # pairs of layers or steps that have a sentence each
READING = """Of models from files, and of a zoo, each pair is a result: its score, the 95 % interval over stimuli (of
the mean score over draws of as many stimuli, of these two models), mean and end of its null (row permutations: at least
95 % of the draws are no more alike than the end), the p of that null, and the score of the untrained pair where it is
known. p is at least 1/(draws + 1). By chance about 1 pair in 20 is beyond the end. Pairs share models, so they are no
independent numbers, and p is not adjusted for how many they are. What is said of such models in general has the model
as its unit.
"""
_PLACE = ["comparison", "stimuli", "stimuli_kind"]
_VIEW = ["layer_a", "layer_b", "step_a", "step_b"]
_HEADS = ("a", "b", "layer", "metric", "score", "95 % over stimuli", "null mean", "null end", "p", "untrained", "n")


def pair_findings(pairs: pd.DataFrame) -> list[str]:
    """Lines of Markdown on the pairs of one study: how many are beyond chance and training, and a table of scores.

    Parameters
    ----------
    pairs : its pair tables, one behind the other.
    """
    pairs = with_scorings(pairs)
    protocol = "exact" if (pairs["score_protocol"] == "exact").any() else "as_published"
    chosen = pairs[pairs["score_protocol"] == protocol]
    lines = []
    for (comparison, stimuli, kind), rows in chosen.groupby(_PLACE, sort=False):
        lines += [""] if lines else []
        lines += [
            f"**{panel_words(comparison, stimuli)} ({kind_words(kind)})**, {protocol.replace('_', ' ')} scores:",
            "",
        ]
        lines += [f"- {line}" for line in _told(rows)]
        lines += ["", *_table(rows)]
    return lines or ["No score of a pair: nothing can be said."]


def beyond(values: Any, other: Any, metric: str) -> np.ndarray:
    """1 where a score is more alike than another of its metric, 0 where not, NaN where one of the two is missing."""
    sign = sign_of_closer(metric)
    values, other = np.asarray(values, float), np.asarray(other, float)
    return np.where(np.isnan(values) | np.isnan(other), np.nan, sign * values > sign * other)


def _told(rows: pd.DataFrame) -> Iterator[str]:
    """What holds of the pairs of one comparison and stimulus set, a sentence for each scoring and view.

    Where a scoring has many views, layers x layers, one for all of them.
    """
    views = rows.groupby("scoring")[_VIEW].apply(lambda own: len(own.drop_duplicates()))
    many = rows["scoring"].map(views) > MOST_VIEWS
    for scoring, own in rows[many].groupby("scoring", sort=False):
        what = f"{len(_models(own))} models, {len(own)} scores of {views[scoring]} pairs of layers or steps"
        yield f"{'; '.join([f'{scoring}: {what}', *_beyond_others(own)])}."
    for (scoring, *view), own in rows[~many].groupby(["scoring", *_VIEW], sort=False, dropna=False):
        metric, models = own["metric"].iloc[0], _models(own)
        counts = f"{len(models)} models, {len(own)} pair{'' if len(own) == 1 else 's'}"
        mean = _mean(own, models, metric)
        said = [f"{scoring}, {_layers(*view)}: {counts}", *([] if mean is None else [mean]), *_beyond_others(own)]
        yield f"{'; '.join(said)}."


def _beyond_others(own: pd.DataFrame) -> Iterator[str]:
    """How many scores of a metric are beyond the end of their null, and beyond their untrained pair."""
    for column, words in (("null_p95", "beyond the end of their null"), ("untrained", "more alike than untrained")):
        known = beyond(own["value"], own[column], own["metric"].iloc[0])
        if count := int((~np.isnan(known)).sum()):
            yield f"{int(np.nansum(known))} of {count} {words}"


def _models(own: pd.DataFrame) -> list[tuple[str, str]]:
    """The models of some pairs: their settings and names."""
    settings_b = own["setting_b"].where(own["setting_b"].notna(), own["setting"])
    return list(dict.fromkeys([*zip(own["setting"], own["name_a"], strict=True),
                               *zip(settings_b, own["name_b"], strict=True)]))  # fmt: skip


def _mean(own: pd.DataFrame, models: list[tuple[str, str]], metric: str) -> str | None:
    """The mean of all pairs among models of one setting and its interval over models, where every pair is scored.

    None too where models share initial weights or order: they are no independent units.
    """
    unit = design(own["factor"].iloc[0]).unit
    if len({unit(name) for _, name in models}) < len(models):
        return None
    every = len(own) == len(models) * (len(models) - 1) // 2
    if own["setting_b"].notna().any() or not every or not METRICS[metric].facts.symmetric or len(models) < FEWEST:
        return None
    found = node_jackknife(square(own.rename(columns={"name_a": "a", "name_b": "b"})[["a", "b", "value"]]))
    return f"mean {found.value:.3f} [{found.low:.3f}, {found.high:.3f}], 95 % over models"


def _table(rows: pd.DataFrame) -> list[str]:
    """The scores, the most alike first; of many those of the metric that speaks, and of these the first."""
    shown = rows
    if len(rows) > MOST:
        metric = "cka" if (rows["metric"] == "cka").any() else rows["metric"].iloc[0]
        shown = speaking(rows[rows["metric"] == metric])
    shown = pd.concat([_most_alike_first(own) for _, own in shown.groupby("scoring", sort=False)])
    lines = table(_HEADS, map(_cells, shown[:MOST].to_dict("records"))).splitlines()
    if len(rows) > MOST:
        first = rows.iloc[0]
        path = f"similarity/{first['study']}/{first['comparison']}/pairs/{first['stimuli']}.parquet"
        lines += ["", f"These are {min(len(shown), MOST)} of {len(rows)} scores; `{path}` holds all of them."]
    return lines


def _most_alike_first(own: pd.DataFrame) -> pd.DataFrame:
    closer = sign_of_closer(own["metric"].iloc[0])
    return own.loc[(-closer * own["value"]).sort_values(kind="stable").index]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    interval = "" if pd.isna(row["ci_low"]) else f"[{row['ci_low']:.3f}, {row['ci_high']:.3f}]"
    a, b = (row[f"name_{side}"] for side in "ab")
    if isinstance(row["setting_b"], str):
        a, b = f"{row['setting']}: {a}", f"{row['setting_b']}: {b}"
    numbers = (_number(row[name]) for name in ("null_mean", "null_p95", "p_value", "untrained"))
    view = _layers(*(row[name] for name in _VIEW))
    return (a, b, view, row["scoring"], f"{row['value']:.3f}", interval, *numbers, str(row["n"]))


def _layers(layer_a: str, layer_b: str, step_a: Any, step_b: Any) -> str:
    """ "layer1", "layer1 x layer4", "layer1, step 0 vs final"; scores of all layers at once are of "all layers"."""
    words = "all layers" if layer_a == "max" else " x ".join(map(plain, dict.fromkeys((layer_a, layer_b))))
    ends = list(dict.fromkeys("final" if pd.isna(step) else f"step {int(step)}" for step in (step_a, step_b)))
    return words if ends == ["final"] else f"{words}, {' vs '.join(ends)}"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"
