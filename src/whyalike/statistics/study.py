"""One study's statistics table from its scores, under two protocols.

`as_published`: one OLS line over all points and the KSG mutual information; no interval, because the published analysis
has none. `corrected`: one slope and one gain a seed, their mean with t interval, sign-flip p and level-permutation p,
Holm over the panels of a figure; Ross's mutual information with its null and ceiling and a jackknife interval.
"""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from whyalike.designs.design import load
from whyalike.designs.registry import design
from whyalike.randomness import keyed
from whyalike.statistics import information, regression
from whyalike.statistics.inference import holm, share_of_gap, sign_flip_p, t_interval
from whyalike.statistics.panels import Panel, Points, check_scores, panels, sign_of_closer
from whyalike.statistics.table import to_frame, with_scorings

#: How scores are analysed.
PROTOCOLS = ("as_published", "corrected")


def study_statistics(
    scores: pd.DataFrame,
    *,
    permutations: int = 2000,
    information_permutations: int = 50,
    information_metrics: Collection[str] = ("cka",),
    seed: int = 0,
    protocols: Collection[str] = PROTOCOLS,
) -> pd.DataFrame:
    """Every number of one study, under both protocols or one of them.

    Parameters
    ----------
    scores : score table; the order of the rows matters to `mi_ksg`, whose tie-breaking noise is seeded.
    permutations : draws for `level_permutation_p`.
    information_permutations : draws for `mi_null`.
    information_metrics : metrics that get `mi_null` and `mi_adjusted`, which cost most.
    seed : key of the permutations; the draws of a panel do not depend on the other panels.
    protocols : "as_published", "corrected" or both.

    Returns
    -------
    Statistics table. Estimators as published: ols_slope, ols_intercept, ols_r2 (x = overlap, for labels the level 1, 2,
    3), mi_ksg and mi_ksg_ceiling, the entropy of the same points' levels (nats). Corrected (x = overlap in [0, 1]):
    slope, gain, level_permutation_p (value = mean slope), gain_share (the gain over the gap from the untrained pair to
    overlap 1: the calibrated scale, jackknife interval), slope_information (label studies; x = shared information of
    the labels, one point a pair), mi_ross, entropy, mi_null (nats), mi_adjusted (share of what the levels could tell);
    those of the factorial and of the controls in their
    place: see `whyalike.statistics.factorial` and `.controls`. What has too few points, levels or seeds has no row.

    Raises
    ------
    ValueError : the score table is not valid (see `panels.panels`), or a protocol is unknown.
    """
    if unknown := sorted(set(protocols) - set(PROTOCOLS)):
        raise ValueError(f"the protocol must be one of {', '.join(PROTOCOLS)}: got '{unknown[0]}'.")
    scores = with_scorings(scores)
    check_scores(scores)
    options = {
        "permutations": permutations,
        "information_permutations": information_permutations,
        "information_metrics": information_metrics,
        "seed": seed,
        "protocols": protocols,
    }
    rows = [
        row
        for (_, factor), own in scores.groupby(["study", "factor"], sort=False)
        for row in load(design(factor).statistics)(own, **options)
        if row["protocol"] in protocols
    ]
    return _with_holm(to_frame(rows))


def overlap_rows(
    scores: pd.DataFrame,
    *,
    permutations: int,
    information_permutations: int,
    information_metrics: Collection[str],
    seed: int,
    protocols: Collection[str],
) -> Iterator[dict]:
    """Rows of the statistics table of a design that varies one overlap; the options are those of `study_statistics`."""
    for panel in panels(scores):
        named = {**panel.key, "seeds_asked": panel.seeds_asked}
        if "as_published" in protocols:
            yield from ({**named, "protocol": "as_published", **row} for row in _as_published(panel))
        if "corrected" not in protocols:
            continue
        draws = information_permutations if panel.key["metric"] in information_metrics else 0
        corrected = [*_effects(panel, permutations, seed), *_information(panel, draws, seed)]
        yield from ({**named, "protocol": "corrected", **row} for row in corrected)


def _as_published(panel: Panel) -> Iterator[dict]:
    points = panel.by_pair()
    # the line is over what the published figure draws, of labels the levels 1, 2, 3; the mutual information is not
    line = regression.ols(panel.design.axis.position(points.x), points.y)
    found = {"mi_ksg": information.mi_ksg(points.x, points.y)}
    if found["mi_ksg"] is not None:
        found["mi_ksg_ceiling"] = information.entropy(points.x)  # of the pairs; of labels it is not that of the levels
    if line is not None:
        found = {"ols_slope": line.slope, "ols_intercept": line.intercept, "ols_r2": line.r2, **found}
    for estimator, value in found.items():
        if value is not None:
            yield _row(estimator, value, points)


def _effects(panel: Panel, permutations: int, seed: int) -> Iterator[dict]:
    by_level = panel.by_level()
    points = regression.with_a_slope(by_level)
    if len(points):
        slopes = regression.seed_slopes(points)
        yield _mean_row("slope", slopes, points)
        p_value = regression.level_permutation_p(points, permutations, keyed(seed, "level permutations"))
        yield _row("level_permutation_p", slopes.mean(), points, p_value=p_value)
    gains = regression.seed_gains(by_level)
    if len(gains):
        yield {**_mean_row("gain", gains, points), "n": 2 * len(gains), "n_seeds": len(gains)}
        if (row := _gain_share(panel, by_level)) is not None:
            yield row
    shared = regression.with_a_slope(panel.by_pair("label_information"))
    if panel.design.other_labels and len(shared):
        yield _mean_row("slope_information", regression.seed_slopes(shared), shared)


def _gain_share(panel: Panel, points: Points) -> dict | None:
    """The gain on the calibrated scale: as a share of the gap from the untrained pair to the pair of overlap 1."""
    gaps = panel.gaps()
    own = points.where(np.isin(points.seed, list(gaps)))
    gains = regression.seed_gains(own)
    closer = sign_of_closer(panel.key["metric"])
    if not len(gains) or len(gains) < len(own.seeds):
        return None  # a seed without both ends has no gain to set beside its gap
    found = share_of_gap(closer * gains, [closer * gaps[int(seed)] for seed in own.seeds])
    return None if found is None else {**_row("gain_share", found[0], own, found[1]), "n": 2 * len(gains)}


def _information(panel: Panel, permutations: int, seed: int) -> Iterator[dict]:
    points = panel.by_level()
    found = information.jackknifed_information(points, permutations, keyed(seed, "information null"))
    if found is None:
        return
    yield _row("mi_ross", found.full.mi, points, found.mi_interval)
    yield _row("entropy", found.full.entropy, points)
    if found.full.null is not None:
        yield _row("mi_null", found.full.null, points)
    if found.full.adjusted is not None:
        yield _row("mi_adjusted", found.full.adjusted, points, found.adjusted_interval)


def _mean_row(estimator: str, by_seed: np.ndarray, points: Points) -> dict:
    return _row(estimator, by_seed.mean(), points, t_interval(by_seed), sign_flip_p(by_seed))


def _row(
    estimator: str,
    value: float,
    points: Points,
    interval: tuple[float, float] | None = None,
    p_value: float | None = None,
) -> dict:
    low, high = interval or (None, None)
    row = {"estimator": estimator, "value": value, "ci_low": low, "ci_high": high}
    return {**row, "n": len(points), "n_seeds": len(points.seeds), "p_value": p_value}


def _with_holm(statistics: pd.DataFrame) -> pd.DataFrame:
    """p_holm: Holm over the panels (comparison, stimuli, stimuli_kind) of a study, scoring, protocol and estimator;
    panels: how many these are.

    The panels of each comparison that the study names are adjusted for each other, and no others for them.
    """
    tested = statistics[statistics["p_value"].notna()]
    named = tested["comparison"].where(tested["layer_a"].notna(), "").rename("named")
    figure = tested.groupby(["study", "scoring", "score_protocol", "protocol", "estimator", named], sort=False)
    adjusted = figure["p_value"].transform(lambda p_values: holm(p_values.to_numpy()))
    counted = figure["p_value"].transform("size").astype("Int64")
    return statistics.assign(p_holm=adjusted.reindex(statistics.index), panels=counted.reindex(statistics.index))
