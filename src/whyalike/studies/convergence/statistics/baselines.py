"""The table of baselines: how much alignment is beyond the input, and how linear maps and rotations differ with n.

Of a layer, by ``quantity``:
full, partial : mean score over pairs of the layers as they are, and of what a ridge on components of the input leaves
of both. partial_share : mean partial over mean full, a ratio of means with its jackknife; only where full is 2 errors
above 0. A ratio of correlations is no share of variance or of a whole: where the input is what models see differently,
it is above 1.
input : mean over models of the correlation of the ridge's prediction with the layer.
linear_less_procrustes : mean over pairs of the linear less the Procrustes score, at the end, by ``n`` and
``n_per_unit``, training stimuli a unit.
linear_less_procrustes_limit : the same at infinite n, by extrapolation: the constant of c + s/n, least squares with
weights n, through the last three numbers of stimuli that have five training stimuli a unit; of two through both. In
simulated worlds of 16 units (rotations, shears; flat and falling spectra; 12 of each, least squares) it was on average
.004 or less from the value at n = 20,000 by draws of up to 640 stimuli, .012 or less by draws of up to 320.
Of a group (no ``layer``) the same of the mean over its layers; ``n_per_unit``: that of its widest layer. Intervals are
over models, each left out with all its pairs; the stimuli are fixed.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.similarity.metrics.alignment import STIMULI_A_UNIT
from whyalike.studies.convergence.baselines import COUNT, COUNTED, FULL, INPUT, LINEAR, PARTIAL, PROCRUSTES
from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.statistics.reading import (
    OF_LAYER,
    Absences,
    Found,
    Pairs,
    Row,
    of_models,
    over_models,
    pivoted,
    read,
    write,
)

POINTS = 3  # numbers of stimuli that a line is put through, the largest
PANEL = ["group", "setting", "analysis", "checkpoint"]
SCORING = ["scoring", "metric"]


def analyse(parameters: ConvergenceStatistics, baselines: list[Path], output: Path) -> None:
    """Write the table; ``baselines`` : those of `baselines.score_baselines`, one a group."""
    rows = []
    for panel, own in read(baselines).groupby(PANEL, sort=False):
        told = {**dict(zip(PANEL, panel, strict=True)), "comparison": "pearson"}
        absences = Absences(f"baselines, {', '.join(panel[:1] + panel[2:])}")
        found = [*_beside_input(own, absences), *_of_input(own), *_differences(own, absences)]
        rows += [{**told, **row} for row in found]
        absences.tell()
    write(parameters, rows, output, "checkpoint", "components", "n_per_unit")


def limit(n: np.ndarray, values: np.ndarray) -> float:
    """The constant c of c + s/n, by least squares with weights n.

    Parameters
    ----------
    n : numbers of stimuli, two or more, all different. values : at each.

    Example
    -------
    >>> n = np.array([100, 200, 400])
    >>> round(limit(n, 0.1 - 3 / n), 9)
    0.1
    """
    root = np.sqrt(np.asarray(n, float))
    design = np.stack([root, 1 / root], axis=1)
    return float(np.linalg.lstsq(design, root * values, rcond=None)[0][0])


def _layers(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[list(OF_LAYER)].drop_duplicates("layer").sort_values("index", ignore_index=True)


def _told(rows: pd.DataFrame) -> list[Row]:
    """The columns that say which layer it is, of each."""
    return _layers(rows).to_dict("records")


def _components(rows: pd.DataFrame) -> int | None:
    """Those of a layer; of a group the most that a layer has."""
    known = rows["components"].dropna()
    return int(known.max()) if len(known) else None


def _beside_input(rows: pd.DataFrame, absences: Absences) -> Iterator[Row]:
    """full, partial and their ratio, of layers and of the group."""
    rows = rows[rows["kind"].isin([FULL, PARTIAL])]
    for scoring, own in rows.groupby(SCORING, sort=False):
        shared = {**dict(zip(SCORING, scoring, strict=True)), "n": int(own["n"].iloc[0])}
        pairs, found = pivoted(own, "kind", "layer")
        layers, nothing = _told(own), np.full(len(pairs.a), np.nan)
        values = np.array([[found.get((kind, one["layer"]), nothing) for one in layers] for kind in (FULL, PARTIAL)])
        for told, of_layer in zip(layers, values.swapaxes(0, 1), strict=True):
            components = _components(own[own["layer"] == told["layer"]])
            yield from _with_share(pairs, of_layer, {**shared, **told}, components, absences)
        yield from _with_share(pairs, values, shared, _components(own), absences)


def _with_share(
    pairs: Pairs, values: np.ndarray, told: Row, components: int | None, absences: Absences
) -> Iterator[Row]:
    """Of full and partial, 2 x (layers x) pairs."""
    full, partial = (over_models(pairs, one) for one in values)
    if full is not None:
        yield {**told, "quantity": "full", **full.row()}
    if partial is None:
        return
    told = {**told, "components": components}
    yield {**told, "quantity": "partial", **partial.row()}
    if full is None or not full.exceeds():
        absences.add("no partial_share: the mean full score is not 2 errors above 0")
    elif (share := over_models(pairs, values, _share)) is not None:
        yield {**told, "quantity": "partial_share", **share.row()}


def _share(values: np.ndarray) -> float:
    """The mean of the second over that of the first; 2 x ... x pairs."""
    full, partial = values[0].mean(), values[1].mean()
    return float(partial / full) if full > 0 else np.nan


def _of_input(rows: pd.DataFrame) -> Iterator[Row]:
    """What the input predicts: of layers, and of the group."""
    own = rows[rows["kind"] == INPUT]
    if own.empty:
        return
    told = {"quantity": "input", "scoring": LINEAR, "metric": LINEAR, "n": int(own["n"].iloc[0])}
    by_model = own.pivot(index="layer", columns="a", values="value")
    for layer in _told(own):
        if (found := of_models(by_model.loc[layer["layer"]].to_dict())) is not None:
            yield {**told, **layer, "components": _components(own[own["layer"] == layer["layer"]]), **found.row()}
    if (found := of_models(by_model.dropna(axis=1).mean().to_dict())) is not None:
        yield {**told, "components": _components(own), **found.row()}


def _differences(rows: pd.DataFrame, absences: Absences) -> Iterator[Row]:
    """Linear less Procrustes by number of stimuli, and its limit; each linear scoring less the first of Procrustes."""
    counted = rows[rows["kind"] == COUNT]
    names = {metric: list(counted.loc[counted["metric"] == metric, "scoring"].unique()) for metric in COUNTED}
    if not all(names.values()):
        if len(counted):
            absences.add("no linear_less_procrustes: there are no linear or no Procrustes scores")
        return
    trained = dict(zip(counted["n"], counted["n_train"], strict=True))
    for scoring in names[LINEAR]:
        own = counted[counted["scoring"].isin([scoring, names[PROCRUSTES][0]])]
        pairs, found = pivoted(own, "metric", "layer", "n")
        by_layer, layers = {}, _told(own)
        for told in layers:
            of = {n: found[LINEAR, told["layer"], n] - found[PROCRUSTES, told["layer"], n] for n in sorted(trained)
                  if all((metric, told["layer"], n) in found for metric in COUNTED)}  # fmt: skip
            by_layer[told["layer"]] = of
            yield from _by_count(pairs, of, trained, told["width"], {**_named(scoring), **told}, absences)
        common = [n for n in sorted(trained) if all(n in of for of in by_layer.values())]
        together = {n: np.stack([of[n] for of in by_layer.values()]) for n in common}
        widest = max(told["width"] for told in layers)
        yield from _by_count(pairs, together, trained, widest, _named(scoring), absences)


def _named(scoring: str) -> Row:
    return {"scoring": scoring, "metric": LINEAR}


def _by_count(
    pairs: Pairs,
    differences: Mapping[int, np.ndarray],
    trained: Mapping[int, int],
    width: int,
    told: Row,
    absences: Absences,
) -> Iterator[Row]:
    """Of differences ((layers x) pairs) at each number of stimuli, and extrapolated."""
    for n, values in differences.items():
        if (found := over_models(pairs, values)) is not None:
            yield {
                **told,
                "quantity": "linear_less_procrustes",
                "n": n,
                "n_per_unit": trained[n] / width,
                **found.row(),
            }
    if (found := _extrapolated(pairs, differences, trained, width)) is not None:
        yield {**told, "quantity": "linear_less_procrustes_limit", **found.row()}
    elif differences:
        absences.add(f"no limit of linear less Procrustes: of no two numbers of stimuli {STIMULI_A_UNIT} a unit train "
                     "a map")  # fmt: skip


def _extrapolated(
    pairs: Pairs, differences: Mapping[int, np.ndarray], trained: Mapping[int, int], width: int
) -> Found | None:
    last = [n for n in differences if trained[n] >= STIMULI_A_UNIT * width][-POINTS:]
    if len(last) < 2:
        return None
    n, values = np.array(last), np.stack([differences[one] for one in last])
    return over_models(pairs, values, lambda some: limit(n, some.reshape(len(n), -1).mean(axis=1)))
