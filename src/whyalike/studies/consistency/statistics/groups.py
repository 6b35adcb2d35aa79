"""The table of groups of models: means over pairs of sets, contrasts, and what could be chance. A row by ``kind``:

mean : a cell's mean of a measure over pairs of sets of different sources, back from its scale; "similarity" over sets.
without_family : the mean of `pearson` without one family of models.
equal_size : the mean of `pearson` within a group of as many models as the smallest group has, over draws of models;
    `null_low` and `null_high` hold the middle 95 % of these draws.
contrast : a cell, or the mean of several, less others, on the measure's scale; p by permuted labels, `null_low` and
    `null_high` the middle 95 % of the permuted contrasts. `p_naive` is the rank-sum over pairs of sets, which are not
    independent: it is wrong, as the next kind shows.
false_alarms : the share of permuted labels in which that rank-sum has p < .01.
inverse_u : how much pairs of middling similarity vary more over sets, as it is and on the logit scale.
clusters : silhouette and R^2 of a category on 1 - mean similarity; p, of as much or more, by permuted labels.
p_holm is over the contrasts of a category of one kind (two groups; a pair of groups less the others, or less one of
its groups), within a measure of a scoring. Inference is over models and sources.
"""

import itertools
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.statistics.consistency import ALL, FEWEST_PAIRS, SCALES_OF_HALVES
from whyalike.statistics.consistency_groups import (
    MEASURES,
    SIMILARITY,
    Contrast,
    Groups,
    Scores,
    contrasted,
    middle,
    quadratic,
    r_squared,
    silhouette,
)
from whyalike.statistics.crossed import FEWEST_TO_LEAVE_OUT, ROUNDING, jackknife, permuted_labels
from whyalike.statistics.inference import holm
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.statistics.consistency import categories
from whyalike.studies.consistency.statistics.reading import Scoring, models_of, read_scores, words

NEAREST = 0.001  # to 0 and 1: similarities beyond it are taken as there on the logit scale
_NEEDED, _TEXT = ("metric", "analysis", "scoring", "kind"), ("category", "theta", "phi", "theta_2", "phi_2", "without")
_NUMBERS = ("value", "ci_low", "ci_high", "se_models", "se_sources", "p", "p_holm", "p_naive", "null_low", "null_high")
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in _NEEDED),
        *(pa.field(name, pa.string()) for name in (*_TEXT, "stratum")),
        pa.field("measure", pa.string(), nullable=False),
        *(pa.field(name, pa.float64()) for name in _NUMBERS),
        *(pa.field(name, pa.int64()) for name in ("models", "pairs", "sets", "sources", "pairs_of_sets")),
    ]
)

Row = dict[str, Any]


def analyse(parameters: ConsistencyStatistics, similarity: list[Path], output: Path) -> None:
    """Write the table.

    Raises
    ------
    ValueError : similarities that do not fit, see `read_scores`.
    """
    scores, absent = read_scores(parameters, similarity)
    rows = []
    for number, (of, one) in enumerate(scores.items()):
        rows += [{**of._asdict(), **row} for row in group_rows(parameters, of, one)]
        note(f"groups: {number + 1}/{len(scores)} scorings · {of.scoring}, {of.analysis}")
    clean = [{key: _number(value) for key, value in row.items()} for row in rows]
    write_table(output, pa.Table.from_pylist(clean, schema=SCHEMA), {"work": parameters.plain(), "absent": absent})
    note(f"groups of models · {len(rows)} numbers")


def group_rows(parameters: ConsistencyStatistics, of: Scoring, scores: Scores) -> Iterator[Row]:
    """The rows of one scoring, without its names."""
    for category, groups in categories(parameters, scores).items():
        if not groups.cells:
            note(f"{of.scoring}, {of.analysis}: nothing of {category}: no groups with {FEWEST_PAIRS} pairs of models")
            continue
        own = _OfCategory(parameters, of, category, groups)
        yield from own.means()
        if category != ALL:
            yield from own.at_equal_size()
            yield from own.compared()
            yield from own.clusters()
    yield from _inverse_u(groups)


class _OfCategory:
    """The rows of one category under one scoring."""

    def __init__(self, parameters: ConsistencyStatistics, of: Scoring, category: str, groups: Groups):
        self.parameters, self.of, self.category, self.groups = parameters, of, category, groups
        scores = groups.scores
        self.of_sets = {"sets": len(scores.sets), "sources": len(set(scores.sources))}
        self.pairs_of_sets = int(scores.apart().sum())
        self.contrasts = [] if category == ALL else groups.contrasts(category == parameters.categories[0])
        self.cells, self.means_of_cells = groups.columns(), groups.means()
        self.found = groups.estimates(self.contrasts) if groups.can_be_left_out() else None
        if self.found is None:
            self.say(f"no intervals: they need {FEWEST_TO_LEAVE_OUT} models or families, and {FEWEST_TO_LEAVE_OUT} "
                     "sources of stimuli")  # fmt: skip
        if not self.pairs_of_sets:
            self.say("no means over pairs of sets: all sets are of one source")
        self.strata = [name for name in parameters.strata if name != category]

    def say(self, text: str) -> None:
        """A note that names the scoring and the category."""
        note(f"{self.of.scoring}, {self.of.analysis}, {self.category}: {text}")

    def _interval(self, at: int, measure: int, back: Any = np.asarray) -> Row:
        if self.found is None:
            return {}
        low, high = (back(one[at, measure]) for one in (self.found.low, self.found.high))
        errors = {"se_models": self.found.se_models[at, measure], "se_sources": self.found.se_sources[at, measure]}
        return {"ci_low": low, "ci_high": high, **errors}

    def _counts(self, cells: Sequence[int], measure: str) -> Row:
        columns = np.concatenate([self.cells[c] for c in cells])
        counts = {"models": len(self.groups.models_of(columns)), "pairs": len(columns), **self.of_sets}
        return counts if measure == SIMILARITY else {**counts, "pairs_of_sets": self._pairs_of_sets(cells, measure)}

    def _pairs_of_sets(self, cells: Sequence[int], measure: str) -> int:
        """How many a mean is over: of measures of halves those that have a value in the cell with the fewest."""
        if measure not in SCALES_OF_HALVES:
            return self.pairs_of_sets
        apart, found = self.groups.scores.apart(), self.groups.on_all_sets()
        return min(int(np.isfinite(found[c][measure][apart]).sum()) for c in cells)

    def means(self) -> Iterator[Row]:
        """A row a measure of each cell, and a family that it is left without."""
        for at, (theta, phi) in enumerate(self.groups.names):
            shared = {"category": self.category, "theta": theta, "phi": phi}
            lacking = []
            for place, (measure, (_, back)) in enumerate(MEASURES.items()):
                if np.isfinite(value := self.means_of_cells[at, place]):
                    counts = self._counts([at], measure)
                    interval = self._interval(at, place, back)
                    yield {"kind": "mean", **shared, "measure": measure, "value": back(value), **interval, **counts}
                elif measure in self.groups.on_all_sets()[at]:
                    lacking.append(measure)
            if lacking and self.pairs_of_sets:
                self.say(f"{theta} x {phi} has no {', '.join(lacking)}: similarities do not vary, agree wholly, or "
                         "have no reliability on some set")  # fmt: skip
            if self.found is not None:
                yield from self._without_families(at, shared)

    def _without_families(self, at: int, shared: Row) -> Iterator[Row]:
        names, place = list(dict.fromkeys(self.groups.families)), list(MEASURES).index("pearson")
        families, models = np.array(self.groups.families), self.groups.models_of(self.cells[at])
        i, j = (side[self.cells[at]] for side in self.groups.scores.pairs)
        for family, value in zip(names, self.found.without_models[:, at, place], strict=True):
            out = families == family
            if out[models].any() and np.isfinite(value):
                kept = {"models": int((~out[models]).sum()), "pairs": int((~out[i] & ~out[j]).sum())}
                counts = {**kept, **self.of_sets, "pairs_of_sets": self.pairs_of_sets}
                row = {"kind": "without_family", **shared, "without": family, "measure": "pearson"}
                yield {**row, "value": np.tanh(value), **counts}

    def at_equal_size(self) -> Iterator[Row]:
        """R within each group, at the size of the smallest."""
        found = self.groups.at_equal_size(self.parameters.draws, self.parameters.seed)
        for c, z in found.items() if len(found) > 1 else ():
            if not np.isfinite(z).all():  # pairs that agree wholly, or do not vary
                self.say(f"no R of {self.groups.names[c][0]} at the size of the smallest group")
                continue
            size = min(int((self.groups.codes == self.groups.cells[own][0]).sum()) for own in found)
            low, high = np.tanh(np.percentile(z, [2.5, 97.5])) if len(z) > 1 else (None, None)
            place = dict(zip(("theta", "phi"), self.groups.names[c], strict=True), category=self.category)
            yield {"kind": "equal_size", **place, "measure": "pearson", "value": np.tanh(z.mean()), "null_low": low,
                   "null_high": high, "models": size, "pairs": size * (size - 1) // 2, **self.of_sets,
                   "pairs_of_sets": self.pairs_of_sets}  # fmt: skip

    def compared(self) -> Iterator[Row]:
        """A row a measure of each contrast, and the false alarms of the rank-sum."""
        if not self.contrasts:
            self.say("no contrasts: it has fewer than two groups with pairs")
            return
        values, naive = contrasted(self.means_of_cells, self.contrasts), self.groups.naive_p(self.contrasts)
        null = self._permuted(lambda strata: self.groups.null(
            self.contrasts, self.parameters.draws, self.parameters.seed, strata))  # fmt: skip
        holms = (
            None
            if null is None
            else _holm(np.where(np.isfinite(values), null.p, np.nan), [one.question for one in self.contrasts])
        )
        for at, contrast in enumerate(self.contrasts):
            if null is not None and np.isnan(null.p[at]).all():
                self.say(f"no p of {contrast.theta} x {contrast.phi} less {contrast.theta_2} x {contrast.phi_2}: no "
                         f"permutation within {self.stratum} changes it")  # fmt: skip
            shared = self._named(contrast)
            for place in np.flatnonzero(np.isfinite(values[at])):
                measure = list(MEASURES)[place]
                counts = self._counts(np.flatnonzero(contrast.weights), measure)
                row = {"kind": "contrast", **shared, "measure": measure, "value": values[at, place], **counts}
                row |= {**self._interval(len(self.cells) + at, place), "p_naive": naive[at, place]}
                if null is not None:
                    row |= {"p": null.p[at, place], "p_holm": holms[at, place]}
                    row |= {"null_low": null.low[at, place], "null_high": null.high[at, place]}
                yield row
            if null is not None and np.isfinite(null.false_alarms[at]):
                counts = self._counts(np.flatnonzero(contrast.weights), "pearson")
                row = {"kind": "false_alarms", **shared, "measure": "pearson"}
                yield {**row, "value": null.false_alarms[at], **counts}

    def _named(self, contrast: Contrast) -> Row:
        names = {name: getattr(contrast, name) for name in ("theta", "phi", "theta_2", "phi_2")}
        return {"category": self.category, **names, "stratum": self.stratum}

    @property
    def stratum(self) -> str | None:
        """The attributes within which labels are permuted."""
        return ", ".join(self.strata) or None

    def strata_of_models(self) -> list[tuple] | None:
        """The values of the strata of each model."""
        models = models_of(self.parameters, self.groups.scores)
        return list(zip(*(words(models, name) for name in self.strata), strict=True)) if self.strata else None

    def _permuted(self, test: Any) -> Any:
        """What a test by permuted labels says; None, and a note, where no permutation changes them."""
        try:
            return test(self.groups.strata(self.strata_of_models()))
        except ValueError as error:
            if "no permutation" not in str(error):
                raise
            self.say(f"no p{f' within {self.stratum}' if self.stratum else ''}: {error}")
            return None

    def clusters(self) -> Iterator[Row]:
        """Silhouette and R^2 of the category, over the models that have it."""
        there = np.flatnonzero(self.groups.codes >= 0)
        codes = self.groups.codes[there]
        if not 2 <= len(set(codes)) < len(codes):
            self.say("no clusters: it needs two groups or more, and one with several models")
            return
        distance = self.groups.scores.distance()[np.ix_(there, there)]

        def both(labels: np.ndarray) -> np.ndarray:
            return np.array([silhouette(distance, labels), r_squared(distance, labels)])

        def test(strata: Sequence | None) -> tuple:
            labels = permuted_labels(self.groups.codes, self.parameters.draws, self.parameters.seed, strata)
            drawn = np.array([both(one[there]) for one in labels])
            p = (1 + (drawn >= value - ROUNDING).sum(axis=0)) / (1 + len(drawn))
            return (p, *middle(drawn))

        value = both(codes)
        found = self._permuted(test)
        counts = {"models": len(there), "pairs": len(there) * (len(there) - 1) // 2, **self.of_sets}
        for at, measure in enumerate(("silhouette", "r_squared")):
            row = {"kind": "clusters", "category": self.category, "stratum": self.stratum, "measure": measure}
            names = ("p", "null_low", "null_high")
            tested = {} if found is None else {name: one[at] for name, one in zip(names, found, strict=True)}
            yield {**row, "value": value[at], **tested, **counts}


def _holm(p: np.ndarray, questions: Sequence[Hashable]) -> np.ndarray:
    """Holm's p over the contrasts of one question that have a p (K x P), within each measure."""
    found = np.full(p.shape, np.nan)
    for one, place in itertools.product(set(questions), range(p.shape[1])):
        known = [at for at, own in enumerate(questions) if own == one and not np.isnan(p[at, place])]
        if known:
            found[known, place] = holm(p[known, place])
    return found


def _inverse_u(groups: Groups) -> Iterator[Row]:
    """How SD over sets depends on the mean, as it is and on the logit scale; intervals over families."""
    scores = groups.scores
    inside = np.clip(scores.values, NEAREST, 1 - NEAREST)
    scales = {"quadratic_plain": scores.values, "quadratic_logit": np.log(inside / (1 - inside))}
    counts = {"models": len(scores.models), "pairs": scores.values.shape[1], "sets": len(scores.sets)}
    if clipped := int((inside != scores.values).sum()):
        note(f"{clipped} of {scores.values.size} similarities beyond [{NEAREST}, {1 - NEAREST}] are taken as there on "
             "the logit scale")  # fmt: skip
    i, j = scores.pairs
    for measure, x in scales.items():
        mean, sd = x.mean(axis=0), x.std(axis=0)

        def statistic(models: np.ndarray, mean: np.ndarray = mean, sd: np.ndarray = sd) -> float:
            kept = np.isin(np.arange(len(scores.models)), models)
            kept = kept[i] & kept[j]
            return quadratic(mean[kept], sd[kept])

        value = statistic(np.arange(len(scores.models)))
        if not np.isfinite(value):
            note(f"no {measure}: similarities do not vary over sets, or there are {FEWEST_PAIRS} pairs or fewer")
            continue
        row = {"kind": "inverse_u", "measure": measure, "value": value, **counts, "sources": len(set(scores.sources))}
        if len(set(groups.families)) >= FEWEST_TO_LEAVE_OUT:
            found = jackknife(statistic, groups.families)
            row |= {"ci_low": found.low, "ci_high": found.high, "se_models": found.standard_error}
        yield row


def _number(value: Any) -> Any:
    """A value of a table: null where a number is none."""
    if isinstance(value, (float, np.floating, np.ndarray)):
        return float(value) if np.isfinite(value) else None
    return value
