"""Whether similarity tells how far apart two models' accuracies are, for each stimulus set.

Source: Ciernik et al. 2025, section 4.7: the correlation over pairs of models of similarity with the performance gap,
the difference of probe accuracies without its sign. Beside the gap as published stand that of logits, on which
accuracies near 1 are not squeezed together, and the consistency of errors (Cohen's kappa of being right, see
`whyalike.similarity.metrics.predictions`), which two models of equal accuracy may have or lack. Pairs share models: p
is of a Mantel test, intervals leave a model out with all its pairs. One odd model is enough for a small p.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.statistics.consistency_groups import Scores
from whyalike.statistics.dyadic import FEWEST, FEWEST_TO_LEAVE_OUT, correlation_interval, mantel, upper
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.statistics.reading import models_of, read_scores, words

PANEL = ("stimuli", "source", "category", "metric", "analysis", "scoring")
ACCURACY, LOGIT, ERRORS = "accuracy", "logit", "errors"
#: A row a set, scoring and scale: the correlation of similarity with the gap, of scale "errors" with kappa. ``partial``
#: is `pearson` given whether the two models have one value of the first category.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in (*PANEL, "scale")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("pearson", "spearman")),
        *(pa.field(name, pa.float64()) for name in ("ci_low", "ci_high", "p", "partial")),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("models", "pairs")),
    ]
)


@dataclass(frozen=True)
class Probed:
    """The probes of M models on one set.

    Attributes
    ----------
    models : their names.
    correct : whether each test stimulus was told right, M x seeds x n.
    """

    models: tuple[str, ...]
    correct: np.ndarray

    def of(self, models: Sequence[str]) -> "Probed":
        """The same of some of the models."""
        return Probed(tuple(models), self.correct[[self.models.index(name) for name in models]])


def analyse(parameters: ConsistencyStatistics, similarity: list[Path], probes: list[Path], output: Path) -> None:
    """Write the correlations of similarity and gap, a row a set, scoring and scale.

    Parameters
    ----------
    similarity : tables of all pairs on a set. probes : tables of probes, of every setting.
    output : path of the table, see `SCHEMA`.

    Raises
    ------
    ValueError : probes of a set that were tested on different stimuli or have different seeds.
    """
    of_sets = probed_sets(pd.concat([read_table(path).to_pandas() for path in probes]), parameters)
    scores, _ = read_scores(parameters, similarity)
    rows: list[dict[str, Any]] = []
    for at, (stimuli, one) in enumerate(parameters.sets.items()):
        for of, own in scores.items() if stimuli in of_sets else ():
            panel = {"stimuli": stimuli, "source": one.source, "category": one.category, **of._asdict()}
            rows += [{**panel, **row} for row in _rows(panel, own, at, of_sets[stimuli], parameters)]
    write_table(output, pa.Table.from_pylist(rows, schema=SCHEMA), {"work": parameters.plain()})


def probed_sets(probes: pd.DataFrame, parameters: ConsistencyStatistics) -> dict[str, Probed]:
    """Stimulus set -> its probes, of the models in their order. Raises as `analyse`."""
    found = {}
    for stimuli, rows in probes.groupby("stimuli", sort=False):
        own = {name: of.sort_values("seed") for name, of in rows.groupby("model", sort=False)}
        models = tuple(model.name for model in parameters.models if model.name in own)
        shapes = {(*of["seed"].tolist(), of["n_test"].tolist()[0]) for of in own.values()}
        if len(shapes) > 1:
            raise ValueError(
                f"the probes on {stimuli} differ in seeds or number of test stimuli: {sorted(shapes)} of its models. "
                "Delete the tables in probe/ and give the same command."
            )
        found[stimuli] = Probed(models, np.stack([np.stack(list(own[name]["correct"])) for name in models]))
    return found


def gap_tables(probed: Probed) -> dict[str, np.ndarray]:
    """Scale -> M x M: the gap of accuracies and that of logits. Accuracies of 0 and 1 have finite logits.

    Example
    -------
    >>> right = np.array([[[True, True, True]], [[True, False, False]]])
    >>> {scale: float(of[0, 1].round(3)) for scale, of in gap_tables(Probed(("u", "v"), right)).items()}
    {'accuracy': 0.667, 'logit': 2.457}
    """
    right = probed.correct.sum(axis=(1, 2))  # whole numbers: equal gaps are ties of ranks
    _, seeds, n = probed.correct.shape
    shares = (right / seeds + 0.5) / (n + 1)
    logits = np.log(shares / (1 - shares))
    gaps = {scale: np.abs(np.subtract.outer(own, own)) for scale, own in ((ACCURACY, right), (LOGIT, logits))}
    return {**gaps, ACCURACY: gaps[ACCURACY] / (seeds * n)}


def kappas(correct: np.ndarray) -> np.ndarray:
    """Cohen's kappa of being right of every two models, the mean over seeds: M x M.

    Parameters
    ----------
    correct : M x seeds x n; probes of one seed go together. No model is always right or always wrong.

    Example
    -------
    >>> kappas(np.array([[[True, True, False, False]], [[True, False, False, False]]])).round(3).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    found = []
    for right in np.moveaxis(correct, 1, 0).astype(float):  # M x n
        accuracies = right.mean(axis=1)
        both = right @ right.T / right.shape[1]
        observed = 1 - np.add.outer(accuracies, accuracies) + 2 * both
        expected = np.multiply.outer(accuracies, accuracies) + np.multiply.outer(1 - accuracies, 1 - accuracies)
        found.append((observed - expected) / (1 - expected))
    return np.mean(found, axis=0)


def _rows(
    panel: dict[str, str], scores: Scores, at: int, probed: Probed, parameters: ConsistencyStatistics
) -> Iterator[dict[str, Any]]:
    """A row a scale, those that have a correlation; what has none is told. ``at`` : the place of the set."""
    where, place = (
        "{stimuli}, {scoring} ({analysis})".format(**panel),
        {name: k for k, name in enumerate(scores.models)},
    )
    if absent := [name for name in probed.models if name not in place]:
        note(f"gap on {where}: no similarities of {', '.join(absent)}")
    groups = dict(zip(place, words(models_of(parameters, scores), parameters.categories[0]), strict=True))
    for scale, models, table in _tables(probed.of([name for name in probed.models if name in place]), where):
        if len(models) < FEWEST_TO_LEAVE_OUT:
            note(f"no correlation with {scale} on {where}: {len(models)} of the {FEWEST_TO_LEAVE_OUT} models it needs")
            continue
        own = [place[name] for name in models]
        similarity = scores.square()[at][np.ix_(own, own)]
        if not np.ptp(upper(similarity)) or not np.ptp(upper(table)):
            note(f"no correlation with {scale} on {where}: one of both is the same for all pairs")
            continue
        yield {"scale": scale, **correlations(similarity, table, [groups[name] for name in models], parameters)}


def _tables(probed: Probed, where: str) -> Iterator[tuple[str, tuple[str, ...], np.ndarray]]:
    """Scale, models and table of each scale."""
    for scale, table in gap_tables(probed).items():
        yield scale, probed.models, table
    of_seeds = probed.correct.mean(axis=2)
    varied = ((of_seeds > 0) & (of_seeds < 1)).all(axis=1)
    if not varied.all():
        left_out = [name for name, kept in zip(probed.models, varied, strict=True) if not kept]
        note(f"errors on {where}: without {', '.join(left_out)}, which are right or wrong on all test stimuli")
    kept = probed.of([name for name, one in zip(probed.models, varied, strict=True) if one])
    yield ERRORS, kept.models, kappas(kept.correct)


def correlations(
    similarity: np.ndarray, table: np.ndarray, groups: list[Any], parameters: ConsistencyStatistics
) -> dict[str, Any]:
    """The columns of one row behind `scale`, of two M x M tables and the group of each model."""
    models = len(groups)
    x, y = upper(similarity), upper(table)
    interval = correlation_interval(similarity, table)
    tested = mantel(similarity, table, parameters.draws, parameters.seed) if models >= FEWEST else None
    return {
        "pearson": float(np.corrcoef(x, y)[0, 1]),
        "spearman": float(np.corrcoef(scipy.stats.rankdata(x), scipy.stats.rankdata(y))[0, 1]),
        **dict(zip(("ci_low", "ci_high"), interval or (None, None), strict=True)),
        "p": tested and tested.p_value,
        "partial": partial(x, y, groups),
        **{"models": models, "pairs": len(x)},
    }


def partial(x: np.ndarray, y: np.ndarray, groups: Sequence[Any]) -> float | None:
    """The correlation of x and y over pairs given whether both models of a pair are of one group.

    None where a model has no group, all pairs are alike in that, or nothing varies beside it.

    Example
    -------
    >>> round(partial(np.array([6.0, 1, 2, 2, 1, 6]), np.array([9.0, 2, 1, 1, 2, 9]), ["u", "u", "v", "v"]), 3)
    -1.0
    """
    own = np.unique([str(group) for group in groups], return_inverse=True)[1]
    i, j = np.triu_indices(len(groups), 1)
    same = own[i] == own[j]
    if any(group is None for group in groups) or same.all() or not same.any():
        return None
    means = {one: (x[same == one].mean(), y[same == one].mean()) for one in (False, True)}
    rest_x, rest_y = (of - np.where(same, means[True][k], means[False][k]) for k, of in enumerate((x, y)))
    norms = np.linalg.norm(rest_x) * np.linalg.norm(rest_y)
    scale = np.linalg.norm(x) * np.linalg.norm(y)
    return float(rest_x @ rest_y / norms) if norms > np.finfo(float).eps * scale else None
