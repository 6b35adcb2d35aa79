"""The control ladder in numbers: how alike a pair of models is on each rung, and what each step takes away.

A rung is a mean over seeds with its t interval; a step is the difference of two rungs within each seed, tested over
seeds. The share is the rung's place between the untrained pair (0) and the pair that has the same data and labels and
nothing else in common (1), with a delete-one-seed jackknife interval.

Pairs across seeds are no independent numbers, because each model is in many of them: the model is the unit (node
jackknife, `whyalike.statistics.dyadic`). What they say is whether random halves of the data lie on the line of data
overlap: the mean of score - line(true overlap), where the line runs from disjoint to same data, as the mean of those of
the two seeds.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from whyalike.designs.controls import ACROSS_SEEDS, EVERYTHING_ELSE, RUNGS
from whyalike.statistics.dyadic import FEWEST, Estimate, node_jackknife
from whyalike.statistics.inference import share_of_gap, sign_flip_p, t_interval
from whyalike.statistics.panels import sign_of_closer
from whyalike.statistics.table import by_panel, seeds_asked

UNTRAINED = "untrained"
#: What a step changes: the rung above it, the rung below it.
STEPS = {
    "order": ("same_run", "other_order"),
    "start": ("same_run", "other_start"),
    "order_and_start": ("same_run", "same_data"),
    "data": ("same_data", "disjoint_data"),
    "labels": ("same_data", "shuffled_labels"),
    "training": ("shuffled_labels", UNTRAINED),
}


def control_rows(scores: pd.DataFrame, **_: object) -> Iterator[dict]:
    """Rows of the statistics table for every panel of controls; protocol `corrected` throughout.

    Parameters
    ----------
    scores : score table of controls. Scores of several layers of a pair are averaged.

    Yields
    ------
    rung_{name} of each rung that is there, `untrained` among them; share_{name} of those between the two ends of the
    scale, where these are apart whichever seed is left out; step_{name} of each of `STEPS`
    whose rungs are there; across_seeds (mean score) and across_seeds_less_line, with 95 % intervals over models.
    """
    for key, rows in by_panel(scores):
        named = {**key, "seeds_asked": seeds_asked(rows), "protocol": "corrected"}
        table, closer = ladder(rows), sign_of_closer(named["metric"])
        yield from ({**named, **row} for row in [*_rungs(table, closer), *_steps(table), *_across(rows, table)])


def ladder(rows: pd.DataFrame) -> pd.DataFrame:
    """Score of each seed on each rung (seeds x rungs), from the top; the untrained pair last."""
    pairs = rows[rows["condition"] != ACROSS_SEEDS]
    table = pairs.pivot_table("value", "seed", "condition", aggfunc="mean")
    table = table[[name for name in RUNGS if name in table]]
    if "untrained" in pairs:
        apart = pairs[pairs["condition"] == EVERYTHING_ELSE].groupby("seed")["untrained"].mean()
        table = table.assign(**{UNTRAINED: apart}) if apart.notna().any() else table
    return table


def _rungs(table: pd.DataFrame, closer: int) -> Iterator[dict]:
    for name in table:
        values = table[name].dropna().to_numpy()
        yield _row(f"rung_{name}", values.mean(), len(values), len(values), t_interval(values))
        if {EVERYTHING_ELSE, UNTRAINED} <= set(table.columns) and name not in (EVERYTHING_ELSE, UNTRAINED):
            rung, ceiling, floor = closer * table[[name, EVERYTHING_ELSE, UNTRAINED]].dropna().to_numpy().T
            if len(rung) and (share := share_of_gap(rung - floor, ceiling - floor)) is not None:
                yield _row(f"share_{name}", share[0], len(rung), len(rung), share[1])


def _steps(table: pd.DataFrame) -> Iterator[dict]:
    for name, (above, below) in STEPS.items():
        if not {above, below} <= set(table.columns):
            continue
        values = (table[above] - table[below]).dropna().to_numpy()
        if len(values):
            yield _row(
                f"step_{name}", values.mean(), 2 * len(values), len(values), t_interval(values), sign_flip_p(values)
            )


def _across(rows: pd.DataFrame, table: pd.DataFrame) -> Iterator[dict]:
    """Pairs across seeds, and how far they lie from the line of data overlap."""
    pairs = rows[rows["condition"] == ACROSS_SEEDS]
    models = sorted({*pairs["run_a"], *pairs["run_b"]})
    if len(models) < FEWEST:
        return
    scores = _square(pairs, models, pairs["value"])
    yield _dyadic_row(ACROSS_SEEDS, node_jackknife(scores), len(models))
    if not {"same_data", "disjoint_data"} <= set(table.columns):
        return
    expected = across_expected(rows, table)
    if expected.notna().all():
        residuals = _square(pairs, models, pairs["value"] - expected)
        yield _dyadic_row(f"{ACROSS_SEEDS}_less_line", node_jackknife(residuals), len(models))


def across_expected(rows: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """For each row of a pair across seeds, the score on the line of data overlap at its true overlap.

    Parameters
    ----------
    rows : scores of one panel.
    table : its `ladder`; the line of a pair is the mean of the lines of both seeds.
    """
    pairs = rows[rows["condition"] == ACROSS_SEEDS]
    seed_of = dict(rows[rows["condition"] != ACROSS_SEEDS][["run_a", "seed"]].itertuples(index=False))
    ends = [
        sum(pairs[run].map(seed_of).map(table[name]) for run in ("run_a", "run_b")) / 2
        for name in ("disjoint_data", "same_data")
    ]
    return ends[0] + pairs["data_overlap"] * (ends[1] - ends[0])


def _square(pairs: pd.DataFrame, models: Sequence[str], values: pd.Series) -> np.ndarray:
    """Pairs as a symmetric table; the mean over layers of each."""
    means = values.groupby([pairs["run_a"], pairs["run_b"]]).mean()
    place = {model: i for i, model in enumerate(models)}
    table = np.zeros((len(models), len(models)))
    for (a, b), value in means.items():
        table[place[a], place[b]] = table[place[b], place[a]] = value
    return table


def _dyadic_row(estimator: str, found: Estimate, models: int) -> dict:
    return _row(estimator, found.value, models * (models - 1) // 2, models, (found.low, found.high))


def _row(
    estimator: str,
    value: float,
    n: int,
    n_seeds: int,
    interval: tuple[float, float] | None = None,
    p_value: float | None = None,
) -> dict:
    low, high = interval or (None, None)
    named = {"estimator": estimator, "value": float(value), "ci_low": low, "ci_high": high}
    return {**named, "n": n, "n_seeds": n_seeds, "p_value": p_value}
