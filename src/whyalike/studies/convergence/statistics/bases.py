"""The table of bases: whether units correspond beyond what a rotated copy of them gives. By ``quantity``, of a layer:

native, rotated, rotated_both : mean over pairs of the permutation score of units as they are, of one model rotated, and
of both; each pair's own rotations are averaged first.
effect, effect_both : native less these. p: of 0, by t on models - 1 degrees of freedom with the error of the interval,
in which a model is left out with all its pairs; p_holm over the layers. The model is the unit: pairs share models, and
so do the means of models. Of 150 simulated groups of 6 models without a basis in common .7 % had p < .05 (1.3 % of 3),
and 8 % by flipping signs of the models' means, which cannot reach .05 with fewer than 6.
ratio_to_rotated, ratio_to_native : effect in percent of the mean rotated score (table 1 of Kapoor et al. 2025, where it
is called a drop) and of the native one; ratios of means, and only where these are 2 errors above 0.
equivalence : 1 where the whole 95 % interval of effect lies within +-.05, else 0.
participation : participation ratio of the covariance of the responses, mean over models.
Of a group (no ``layer``) the same of the mean over its layers but ratios and participation, and mean_ratio_to_native :
the mean over layers of each one's; native_min, native_max and so on of rotated and ratio_to_rotated : over the layers,
without an interval, since a jackknife does not hold for a maximum; equivalence : 1 where that of every layer is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

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
    with_holm,
    write,
)

BOUND = 0.05  # of a difference that does not matter; a convention, which claims and figures tell
SCORED = ("native", "rotated", "rotated_both")
EFFECTS = {"effect": "rotated", "effect_both": "rotated_both"}
RATIOS = {"ratio_to_rotated": "rotated", "ratio_to_native": "native"}
PANEL = ["group", "setting", "analysis", "checkpoint"]
OF_SCORE = {"metric": "permutation", "scoring": "permutation", "comparison": "pearson"}


def analyse(parameters: ConvergenceStatistics, bases: list[Path], output: Path) -> None:
    """Write the table; ``bases`` : those of `bases.score_bases`, one a group."""
    rows = []
    for panel, own in read(bases).groupby(PANEL, sort=False):
        told = {**dict(zip(PANEL, panel, strict=True)), **OF_SCORE}
        absences = Absences(f"bases, {', '.join(panel[:1] + panel[2:])}")
        rows += [{**told, **row} for row in Bases.of(own).rows(absences)]
        absences.tell()
    write(parameters, rows, output, "checkpoint", "draws")


@dataclass(frozen=True)
class Bases:
    """Native and rotated scores of a group at one checkpoint, in one analysis.

    Attributes
    ----------
    pairs : P of them. layers : L, columns of `OF_LAYER`.
    scores : name of `SCORED` -> L x P; NaN where there is none.
    participation : of each layer, model -> its ratio.
    shared : columns that all rows have: stimuli, rotations.
    """

    pairs: Pairs
    layers: pd.DataFrame
    scores: dict[str, np.ndarray]
    participation: list[dict[str, float]]
    shared: Row

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Bases":
        """Of rows of pairs.

        Raises
        ------
        ValueError : a pair twice.
        """
        layers = rows[list(OF_LAYER)].drop_duplicates("layer").sort_values("index", ignore_index=True)
        scores = {}
        for name in SCORED:
            pairs, found = pivoted(rows, "layer", value=name)
            scores[name] = np.array([found[layer,] for layer in layers["layer"]])
        by_layer = dict(iter(rows.groupby("layer")))
        participation = [
            {**dict(zip(own["b"], own["participation_b"], strict=True)),
             **dict(zip(own["a"], own["participation_a"], strict=True))}
            for own in (by_layer[layer] for layer in layers["layer"])
        ]  # fmt: skip
        shared = {name: int(rows[name].iloc[0]) for name in ("n", "draws")}
        return cls(pairs, layers, scores, participation, shared)

    def rows(self, absences: Absences) -> Iterator[Row]:
        """Those of layers, then those of the group."""
        found = [row for at in range(len(self.layers)) for row in self._of_layer(at, absences)]
        for effect in EFFECTS:
            yield from with_holm([row for row in found if row["quantity"] == effect])
        yield from (row for row in found if row["quantity"] not in EFFECTS)
        yield from self._of_group(absences)

    @cached_property
    def effects(self) -> list[Found | None]:
        """Of each layer, native less rotated."""
        difference = self.scores["native"] - self.scores["rotated"]
        return [over_models(self.pairs, own) for own in difference]

    def _of_layer(self, at: int, absences: Absences) -> Iterator[Row]:
        own = {name: values[at] for name, values in self.scores.items()}
        told = {**self.layers.iloc[at].to_dict(), **self.shared}
        for quantity, row in self._means(own, absences):
            yield {**told, "quantity": quantity, **row}
        for quantity, of in RATIOS.items():
            found = _ratio(self.pairs, own, of)
            if found is None:
                absences.add(f"no {quantity}: the mean {of} score of a layer is not 2 errors above 0")
            else:
                yield {**told, "quantity": quantity, **found.row()}
        if (effect := self.effects[at]) is not None and effect.low is not None:
            yield {**told, "quantity": "equivalence", "value": float(_is_within(effect)),
                   "models": effect.models, "pairs": effect.pairs}  # fmt: skip
        if (found := of_models(self.participation[at])) is not None:
            yield {**told, "quantity": "participation", **found.row()}

    def _means(self, scores: dict[str, np.ndarray], absences: Absences) -> Iterator[tuple[str, Row]]:
        """Means over pairs (and over layers, where scores have several), and effects with their tests."""
        differences = {effect: scores["native"] - scores[of] for effect, of in EFFECTS.items()}
        for quantity, values in {**scores, **differences}.items():
            found = over_models(self.pairs, values)
            if found is not None:
                yield quantity, found.row(test=quantity in EFFECTS)
                if found.low is None:
                    absences.add("no intervals: there are fewer than three models to leave out")

    def _of_group(self, absences: Absences) -> Iterator[Row]:
        for quantity, row in self._means(self.scores, absences):
            yield {**self.shared, "quantity": quantity, **row}
        native = over_models(self.pairs, np.stack([self.scores["native"], self.scores["rotated"]]), _mean_ratio)
        if native is None:
            absences.add("no mean_ratio_to_native: the mean native score of a layer is not above 0")
        else:
            yield {**self.shared, "quantity": "mean_ratio_to_native", **native.row()}
        counts = {"models": len(self.pairs.models), "pairs": len(self.pairs.a)}
        ratios = [found.value for at in range(len(self.layers)) if (found := self._ratio_at(at)) is not None]
        extremes = {name: [float(np.nanmean(own)) for own in self.scores[name]] for name in ("native", "rotated")}
        for name, values in {**extremes, "ratio_to_rotated": ratios}.items():
            for end, of in (("min", min), ("max", max)) if values else ():
                yield {**self.shared, "quantity": f"{name}_{end}", "value": of(values), **counts}
        if all(one is not None and one.low is not None for one in self.effects):
            yield {**self.shared, "quantity": "equivalence", "value": float(all(map(_is_within, self.effects))),
                   **counts}  # fmt: skip

    def _ratio_at(self, at: int) -> Found | None:
        return _ratio(self.pairs, {name: values[at] for name, values in self.scores.items()}, "rotated")


def _is_within(effect: Found) -> bool:
    return effect.low >= -BOUND and effect.high <= BOUND


def _ratio(pairs: Pairs, scores: dict[str, np.ndarray], of: str) -> Found | None:
    """Native less rotated in percent of one of them, a ratio of means; None where this is not 2 errors above 0."""
    base = over_models(pairs, scores[of])
    if base is None or not base.exceeds():
        return None
    return over_models(pairs, np.stack([scores["native"] - scores["rotated"], scores[of]]), _percent)


def _percent(values: np.ndarray) -> float:
    """The mean of the first in percent of that of the second; 2 x pairs."""
    part, whole = values.mean(axis=-1)
    return float(100 * part / whole) if whole > 0 else np.nan


def _mean_ratio(values: np.ndarray) -> float:
    """Native less rotated in percent of native, of each layer, their mean; native, rotated x layers x pairs."""
    native, rotated = values.mean(axis=-1)
    return float(np.mean(100 * (native - rotated) / native)) if (native > 0).all() else np.nan
