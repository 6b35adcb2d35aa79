"""The table of time: alignment, accuracy and loss by checkpoint, and when they have half and nine tenths of their gain.

alignment : the mean of a layer over pairs; own_end : of a model at a checkpoint with itself at the end; other_end :
with another model at the end. accuracy, loss : means over models (no ``layer``).
t50, t90 : when the mean curve ``of`` alignment, accuracy or loss first has 50 and 90 % of its gain from start to final
(a loss gains by falling), in a ``unit``: updates, samples, summed learning rate, or the loss that the models have then.
The curve is its running maximum, interpolated on a logarithmic scale (`whyalike.statistics.growth`).
share_epoch1 : the share of the gain at the end of epoch 1. lag50, lag90 : t of accuracy - t of alignment in updates,
below 0 where accuracy is first; lag50_of_loss, lag90_of_loss : of loss instead. p_holm is over the layers.
t50_of_pairs, t50_of_models, lag50_of_pairs and the like : the mean over pairs (models) of each one's own, which the
noise of single curves shifts more. All others are of mean curves: ratios of means.
peak : the step of the largest mean alignment; decline : the largest less that at the end. The peak is chosen on the
same scores, so decline is no less than 0 and its interval no test. decline_crossed : of each pair its decline to the
end from the checkpoint at which the pairs of all other models are most alike; the mean over pairs. Where there is no
peak it is 0 on average (in 200 worlds of 6 models and 12 checkpoints without one; decline was .065, and .037 where a
choice was made without one model of the pair alone). It takes four models, and five for the interval, which leaves out
each model from choices and declines; where every choice is the end it is 0 and has none. Models that share starts or
orders have no decline_crossed.
Alignment, times, shares, lags and peaks without a ``layer`` are of the mean over layers, of pairs that have all layers.
at_equal_lr_sum : alignment at the smallest ``lr_sum`` that the groups on the same stimuli end with; convolutional ones
of labels and of none beside each other, transformers apart: their optimiser's rates are of another size.
What gains less than 2 errors has no t, lag or share; of two models the error is unknown, and a gain above 0 is enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.section import FINAL
from whyalike.studies.convergence.statistics.reading import (
    OF_LAYER,
    OTHER_END,
    OWN_END,
    PANEL,
    Absences,
    Found,
    Pairs,
    Row,
    main_pairs,
    mean_over_layers,
    of_models,
    over_models,
    pivoted,
    read,
    with_holm,
    write,
)
from whyalike.studies.convergence.statistics.trajectories import (
    LOSS,
    ON_AXIS,
    UNITS,
    UPDATES,
    Curve,
    axis_of,
    between,
    curve_of,
    curve_of_models,
    of_each_model,
)

ALIGNMENT, ACCURACY = "alignment", "accuracy"
SHARES = {"50": 0.5, "90": 0.9}
EPOCH_1 = "epoch1"
CONVOLUTIONAL = ("cnn", "self_supervised")  # kinds whose learning rates are compared
FOLLOWED = "pearson"  # the comparison that there is at every checkpoint
FURTHER = ("checkpoint", *ON_AXIS, "unit", "of")


def analyse(parameters: ConvergenceStatistics, scores: list[Path], accuracy: list[Path], output: Path) -> None:
    """Write the table, of the scorings that are followed over time.

    Parameters
    ----------
    scores, accuracy : tables of `checkpoint_scores.score_checkpoint`, of all checkpoints.

    Raises
    ------
    ValueError : no tables, or a pair twice.
    """
    table, models, rows, layers = read(scores), read(accuracy), [], []
    followed = table["scoring"].isin(parameters.over_time) & (table["comparison"] == FOLLOWED)
    for (group, analysis), own in table[followed].groupby(["group", "analysis"], sort=False):
        of_models_ = models[(models["group"] == group) & (models["analysis"] == analysis)]
        absences = Absences(f"time, {group}, {analysis}")
        one = OfGroup(own, of_models_, absences)
        rows += one.rows()
        layers += one.layers
        absences.tell()
    write(parameters, [*rows, *at_equal_lr_sum(parameters, layers)], output, *FURTHER)


@dataclass(frozen=True)
class OfLayer:
    """The curve of a layer's alignment, with the columns that say whose it is."""

    told: Row
    curve: Curve


class OfGroup:
    """The rows of a group in one analysis.

    Attributes
    ----------
    layers : curves of alignment, of every scoring and layer that has both ends; after `rows`.
    """

    def __init__(self, scores: pd.DataFrame, accuracy: pd.DataFrame, absences: Absences):
        self.scores, self.accuracy, self.absences = scores, accuracy, absences
        self.axis, unknown = axis_of(scores, accuracy)
        self.layers: list[OfLayer] = []
        if unknown:
            absences.add(f"no step is known of {', '.join(unknown)}, which no curve has", len(unknown))

    def rows(self) -> list[Row]:
        """All of them."""
        found = []
        for panel, own in self.scores.groupby(list(PANEL), sort=False):
            rows = list(self._of_scoring(dict(zip(PANEL, panel, strict=True)), own))
            of_layers = [row for row in rows if row.get("p") is not None and "layer" in row]
            found += [row for row in rows if row.get("p") is None or "layer" not in row]
            for one in dict.fromkeys(row["quantity"] for row in of_layers):
                found += with_holm([row for row in of_layers if row["quantity"] == one])
        return [*found, *(row for of in (ACCURACY, LOSS) for row in self._of_models(of))]

    def _at(self, checkpoint: str) -> Row:
        """Checkpoint, and the columns of its place."""
        if checkpoint not in self.axis.index:
            return {"checkpoint": checkpoint}
        place = self.axis.loc[checkpoint].to_dict()
        return {"checkpoint": checkpoint, **place, "step": round(place["step"])}

    def _of_scoring(self, told: Row, rows: pd.DataFrame) -> Iterator[Row]:
        facts = rows[list(OF_LAYER)].drop_duplicates("layer").sort_values("index")
        told = {**told, "n": int(rows["n"].iloc[0])}
        main, ends = main_pairs(rows), rows[rows["relation"].isin([OWN_END, OTHER_END])]
        for layer in facts.to_dict("records"):
            named = {**told, **layer}
            yield from self._of_alignment(named, main[main["layer"] == layer["layer"]])
            yield from ({**named, **row} for row in self._to_the_end(ends[ends["layer"] == layer["layer"]]))
        yield from self._of_alignment(told, mean_over_layers(main, "checkpoint"))

    def _of_alignment(self, named: Row, rows: pd.DataFrame) -> Iterator[Row]:
        """Of one layer, or of the mean over layers, which has no ``layer`` in its name."""
        pairs, values = pivoted(rows, "checkpoint")
        values = {checkpoint: column for (checkpoint,), column in values.items()}
        self.absences.add_missing(*values.values())
        for checkpoint, column in values.items():
            if (found := over_models(pairs, column)) is not None:
                yield {**named, **self._at(checkpoint), "quantity": ALIGNMENT, **found.row()}
        if (curve := curve_of(ALIGNMENT, self.axis, pairs, values)) is None:
            self.absences.add("layers, or their mean, without a score at the start or the end, which have no times")
            return
        if "layer" in named:
            self.layers.append(OfLayer(named, curve))
        for row in (*self._of_curve(curve), *self._peak(curve), *self._beside_models(curve)):
            yield {**named, **row}

    def _to_the_end(self, rows: pd.DataFrame) -> Iterator[Row]:
        """Alignment of a checkpoint with the end, of the same model and of others (mean of both directions)."""
        for (relation, checkpoint), own in rows.groupby(["relation", "checkpoint"], sort=False):
            if relation == OWN_END:
                found = of_models(dict(zip(own["a"], own["value"], strict=True)))
                pairs = {"pairs": None}
            else:
                ends = pd.DataFrame({"a": own[["a", "b"]].min(axis=1), "b": own[["a", "b"]].max(axis=1),
                                     "value": own["value"]})  # fmt: skip
                both = ends.groupby(["a", "b"], as_index=False, sort=False)["value"].mean()
                found, pairs = over_models(Pairs(tuple(both["a"]), tuple(both["b"])), both["value"].to_numpy()), {}
            if found is not None:
                yield {**self._at(checkpoint), "quantity": relation, **found.row(), **pairs}

    def _of_models(self, of: str) -> Iterator[Row]:
        """Accuracy or loss, and its times."""
        rows = self.accuracy[self.accuracy[of].notna()]
        if rows.empty:
            self.absences.add(f"models have no {of}")
            return
        told = {key: rows[key].iloc[0] for key in ("group", "setting", "analysis")} | {"n": int(rows["n"].max())}
        for checkpoint, own in rows.groupby("checkpoint", sort=False):
            if (found := of_models(dict(zip(own["model"], own[of], strict=True)))) is not None:
                yield {**told, **self._at(checkpoint), "quantity": of, **found.row(), "pairs": None}
        if (curve := curve_of_models(of, self.axis, rows)) is None:
            self.absences.add(f"{of} lacks a start or an end of two models, and has no times")
            return
        yield from ({**told, **row, "pairs": None} for row in self._of_curve(curve, of_each_model(curve, rows)))

    def _of_curve(self, curve: Curve, single: Curve | None = None) -> Iterator[Row]:
        """Times and shares of a curve; ``single`` : of single models, where it is not of pairs."""
        if not self._usable(curve):
            return
        for name, share in SHARES.items():
            for unit in UNITS:
                if (found := curve.time(share, unit)) is not None:
                    yield {"quantity": f"t{name}", "of": curve.of, "unit": unit, **found.row()}
            own = self._of_each(curve, single, share)
            quantity = f"t{name}_of_{'pairs' if single is None else 'models'}"
            if own is None:
                self.absences.add(f"no {quantity} of {curve.of}: single ones gain nothing")
            else:
                yield {"quantity": quantity, "of": curve.of, "unit": UPDATES, **own.row()}
        place = next((at for at, one in enumerate(curve.axis.index) if one == EPOCH_1), None)
        if place is not None and (found := curve.share_at(place)) is not None:
            yield {**self._at(EPOCH_1), "quantity": "share_epoch1", "of": curve.of, **found.row()}

    @staticmethod
    def _of_each(curve: Curve, single: Curve | None, share: float) -> Found | None:
        """The mean of each pair's (model's) own time; None where one has none."""
        each = (single or curve).times_of_each(share)
        if not np.isfinite(each).all():
            return None
        return (
            over_models(curve.pairs, each)
            if single is None
            else of_models(dict(zip(single.pairs.a, each, strict=True)))
        )

    def _usable(self, curve: Curve) -> bool:
        """Whether it has times; else the reason is counted."""
        if not between(curve):
            self.absences.add(f"no times of {curve.of}: no checkpoint between start and final")
        elif curve.in_unit(UPDATES) is None:
            self.absences.add(f"no times of {curve.of}: the steps are not known")
        elif not curve.grows:
            self.absences.add(f"no t and share of {curve.of}: its gain is less than 2 errors above 0")
        else:
            return True
        return False

    def _peak(self, curve: Curve) -> Iterator[Row]:
        whole = curve.values[:, np.isfinite(curve.values).all(axis=0)]
        if not whole.shape[1]:
            return
        place = int(np.argmax(whole.mean(axis=1)))
        at = self._at(curve.axis.index[place])
        found = over_models(curve.pairs, curve.values, lambda kept: float((kept[place] - kept[-1]).mean()))
        counts = {"models": found.models, "pairs": found.pairs}
        yield {**at, "quantity": "peak", "of": ALIGNMENT, "unit": UPDATES, "value": float(at["step"]), **counts}
        own = found.row() if place < len(curve.axis) - 1 else {**counts, "value": 0.0}  # of nothing no interval
        yield {**at, "quantity": "decline", "of": ALIGNMENT, **own}
        if curve.pairs.shares_keys:
            self.absences.add("no decline_crossed: models share starts or orders")
        elif (crossed := declined(curve.pairs, curve.values)) is not None:
            yield {"quantity": "decline_crossed", "of": ALIGNMENT, **crossed.row()}
        else:
            self.absences.add("no decline_crossed: it takes four models")

    def _beside_models(self, curve: Curve) -> Iterator[Row]:
        """Lags of accuracy and loss behind alignment, and the loss at the times of alignment."""
        if not (between(curve) and curve.grows):
            return
        for of in (ACCURACY, LOSS):
            other = curve_of_models(of, self.axis, self.accuracy[self.accuracy[of].notna()], curve.pairs)
            if other is None or not (between(other) and other.grows):
                continue
            named = "" if of == ACCURACY else "_of_loss"
            for name, share in SHARES.items():
                found = {f"lag{name}{named}": curve.lag(other, share)}
                apart = other.times_of_each(share) - curve.times_of_each(share)
                if np.isfinite(apart).all():
                    found[f"lag{name}{named}_of_pairs"] = over_models(curve.pairs, apart)
                yield from ({"quantity": quantity, "of": of, "unit": UPDATES, **one.row(test=True)}
                            for quantity, one in found.items() if one is not None)  # fmt: skip
                if of == LOSS and (one := curve.loss_at(other, share)) is not None:
                    yield {"quantity": f"t{name}", "of": ALIGNMENT, "unit": LOSS, **one.row()}


def declined(pairs: Pairs, values: np.ndarray) -> Found | None:
    """How far alignment falls from a peak that other models have chosen; None of fewer than four models.

    Parameters
    ----------
    values : C x P, from start to end.

    Example
    -------
    >>> pairs = Pairs(("u", "v"), ("w", "x"))  # the second one's peak is at the end
    >>> declined(pairs, np.array([[0.25, 0.25], [1.0, 0.5], [0.5, 0.75]])).value
    -0.125
    """
    numbered = np.concatenate([values, pairs.ends])  # a jackknife leaves out columns, which say whose they are
    found = over_models(pairs, numbered, lambda kept: float(_declines(kept)[0].mean()))
    whole = numbered[:, np.isfinite(values).all(axis=0)]
    if found is None or (_declines(whole)[1] < len(values) - 1).any():
        return found
    return replace(found, value=0.0, error=None, low=None, high=None)


def _declines(numbered: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each pair its decline, and the place of the peak that others choose; NaN where a pair has no others."""
    values, (a, b) = numbered[:-2], numbered[-2:]
    places = []
    for one, other in zip(a, b, strict=True):
        apart = ~(np.isin(a, (one, other)) | np.isin(b, (one, other)))
        if not apart.any():
            return np.full(1, np.nan), np.zeros(1, int)
        places.append(int(np.argmax(values[:, apart].mean(axis=1))))
    return values[places, np.arange(len(places))] - values[-1], np.array(places)


def at_equal_lr_sum(parameters: ConvergenceStatistics, layers: list[OfLayer]) -> Iterator[Row]:
    """Alignment of each layer where the learning rate has summed up to the smallest end among groups on one stimuli."""
    known = [one for one in layers if one.curve.in_unit("lr_sum") is not None]

    def place(one: OfLayer) -> tuple[str, ...]:
        kind = parameters.kinds[one.told["group"]]
        kind = "convolutional" if kind in CONVOLUTIONAL else kind
        return (parameters.stimuli.get(one.told["group"], ""), kind, one.told["analysis"], one.told["scoring"])

    for (stimuli, *_), found in groupby(sorted(known, key=place), key=place):
        own = list(found)
        if not stimuli or len({one.told["group"] for one in own}) < 2:
            continue
        least = min(float(one.curve.axis.loc[FINAL, "lr_sum"]) for one in own)
        for one in own:
            if (value := one.curve.value_at(least, "lr_sum")) is not None:
                yield {**one.told, "quantity": "at_equal_lr_sum", "unit": "lr_sum", "lr_sum": least, **value.row()}
