"""The table of depth: alignment of untrained and of final models by layer. Its rows by ``quantity``:

final, start : the mean alignment of a layer over pairs; fold_sd : mean SD over the folds, at the end.
gain : final - start; gain_ratio : the same in percent of start, a ratio of means. p_holm of gain is over the layers.
linear_less_procrustes : final alignment by linear maps less that by rotations; rows of the linear scoring. Without a
    layer: its mean over layers, which p_holm, over the layers, does not count.
Of a group (no ``layer``): slope, slope_start, gain_slope : Theil-Sen slope of final, start and gain on depth (0 first
layer, 1 last), of each pair, the mean over pairs; slope_equal_width : slope over the layers of the commonest width.
early_gain, late_gain : mean gain over layers of depth < .5 and > .5; early_ratio, late_ratio : in percent, the mean
over these layers and pairs at the end over that at the start; early_ratio_of_layers, late_ratio_of_layers : the mean of
the layers' own percentages, which a layer that starts near 0 decides.
shuffled_less_given : final alignment of models of shuffled labels, the mean over layers, less that of the models of the
    same seeds with given labels, whose group the row names; a jackknife leaves a seed out of both.
accuracy, accuracy_start : the mean over models. No ratio is given where start is not 2 errors above 0.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.job import note
from whyalike.statistics.growth import theil_sen
from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.section import FINAL, SHUFFLED, START
from whyalike.studies.convergence.statistics.reading import (
    OF_LAYER,
    PANEL,
    Absences,
    Found,
    Pairs,
    Row,
    Statistic,
    main_pairs,
    of_models,
    over_models,
    pivoted,
    read,
    with_holm,
    write,
)

HALF = 0.5  # of the depth: the paper's division of early and late
LINEAR, PROCRUSTES = "linear", "procrustes"


def analyse(parameters: ConvergenceStatistics, scores: list[Path], accuracy: list[Path], output: Path) -> None:
    """Write the table.

    Parameters
    ----------
    scores : tables of `checkpoint_scores.score_checkpoint`, of starts and ends. accuracy : tables of its accuracies.

    Raises
    ------
    ValueError : no tables, or a pair twice.
    """
    table, rows, all_ends = main_pairs(read(scores)), [], {}
    for group, of_group in table.groupby("group", sort=False):
        absences, ends = Absences(f"depth, {group}"), {}
        for panel, own in of_group.groupby(list(PANEL), sort=False):
            told = dict(zip(PANEL, panel, strict=True))
            ends[panel] = one = Ends.of(own)
            rows += [{**told, **row} for row in one.rows(absences)]
        rows += _linear_less_procrustes(ends)
        all_ends |= ends
        absences.tell()
    rows += _shuffled_less_given(all_ends)
    write(parameters, [*rows, *accuracies(read(accuracy))], output)


def ratio(values: np.ndarray) -> float:
    """By how many percent the mean of the last values is above that of the first; NaN where this is not above 0.

    Parameters
    ----------
    values : 2 x ... , first start, then end.

    Example
    -------
    >>> ratio(np.array([[0.25, 0.75], [1.0, 2.0]]))
    200.0
    """
    start, end = values[0].mean(), values[1].mean()
    return float(100 * (end / start - 1)) if start > 0 else np.nan


def ratio_of_layers(values: np.ndarray) -> float:
    """The mean over layers of each one's `ratio`; ``values`` : 2 x layers x pairs."""
    return float(np.mean([ratio(of_layer) for of_layer in values.swapaxes(0, 1)]))


@dataclass(frozen=True)
class Ends:
    """Scores of one scoring of a group, untrained and final.

    Attributes
    ----------
    pairs : P of them. layers : L, columns of `OF_LAYER`.
    values : 2 x L x P, start then final; NaN where there is no score. fold_sd : L x P, at the end.
    n : stimuli.
    """

    pairs: Pairs
    layers: pd.DataFrame
    values: np.ndarray
    fold_sd: np.ndarray
    n: int

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Ends":
        """Of rows of main pairs.

        Raises
        ------
        ValueError : a pair twice.
        """
        layers = rows[list(OF_LAYER)].drop_duplicates("layer").sort_values("index", ignore_index=True)
        pairs, found = pivoted(rows, "checkpoint", "layer")
        spread = pivoted(rows, "checkpoint", "layer", value="fold_sd")[1]
        nothing = np.full(len(pairs.a), np.nan)
        values = [[found.get((end, layer), nothing) for layer in layers["layer"]] for end in (START, FINAL)]
        fold_sd = np.array([spread.get((FINAL, layer), nothing) for layer in layers["layer"]])
        return cls(pairs, layers, np.array(values), fold_sd, int(rows["n"].iloc[0]))

    @cached_property
    def depth(self) -> np.ndarray:
        """Of the layers."""
        return self.layers["depth"].to_numpy(float)

    def rows(self, absences: Absences) -> Iterator[Row]:
        """Those of layers, then those of the group."""
        absences.add_missing(*self.values[0], *self.values[1])
        by_layer = [row for at in range(len(self.layers)) for row in self._of_layer(at, absences)]
        gains = with_holm([row for row in by_layer if row["quantity"] == "gain"])
        yield from (row for row in by_layer if row["quantity"] != "gain")
        yield from gains
        yield from self._slopes(absences)
        for half, chosen in (("early", self.depth < HALF), ("late", self.depth > HALF)):
            yield from self._of_half(half, self.values[:, chosen], absences)

    def of_layer(self, at: int) -> Row:
        """The columns that say which layer it is."""
        return {**self.layers.iloc[at].to_dict(), "n": self.n}

    def _of_layer(self, at: int, absences: Absences) -> Iterator[Row]:
        start, final = self.values[:, at]
        found = {
            "start": over_models(self.pairs, start),
            "final": over_models(self.pairs, final),
            "gain": over_models(self.pairs, final - start),
            "gain_ratio": self._ratio(self.values[:, at], ratio),
        }
        if np.isfinite(self.fold_sd[at]).any():
            found["fold_sd"] = over_models(self.pairs, self.fold_sd[at])
        for quantity, one in found.items():
            if one is None:
                absences.add(f"layers without {quantity}{ABOUT.get(quantity, '')}")
            else:
                yield {**self.of_layer(at), "quantity": quantity, **one.row(test=quantity == "gain")}

    def _ratio(self, values: np.ndarray, statistic: Statistic) -> Found | None:
        """A ratio to the start, where this is 2 errors above 0; ``values`` : 2 x ... x pairs."""
        there = over_models(self.pairs, values, lambda kept: float(kept[0].mean()))
        return over_models(self.pairs, values, statistic) if there is not None and there.exceeds() else None

    def _slopes(self, absences: Absences) -> Iterator[Row]:
        start, final = self.values
        width = self.layers["width"].mode().iloc[0]  # of several commonest ones the smallest
        equal = (self.layers["width"] == width).to_numpy()
        slopes = {
            "slope": theil_sen(self.depth, final),
            "slope_start": theil_sen(self.depth, start),
            "gain_slope": theil_sen(self.depth, final - start),
            "slope_equal_width": theil_sen(self.depth[equal], final[equal]),
        }
        for quantity, values in slopes.items():
            if (found := over_models(self.pairs, values)) is None:
                absences.add(f"no {quantity}: it needs two layers{' of one width' * quantity.endswith('width')}")
                continue
            own = {"width": int(width)} if quantity.endswith("width") else {}
            yield {**own, "n": self.n, "quantity": quantity, **found.row(test=True)}

    def _of_half(self, half: str, values: np.ndarray, absences: Absences) -> Iterator[Row]:
        """``values`` : 2 x layers of the half x pairs."""
        if not values.shape[1]:
            absences.add(f"no {half} layers")
            return
        found = {
            f"{half}_gain": over_models(self.pairs, values, lambda kept: float((kept[1] - kept[0]).mean())),
            f"{half}_ratio": self._ratio(values, ratio),
            f"{half}_ratio_of_layers": self._ratio(values, ratio_of_layers),
        }
        for quantity, one in found.items():
            if one is None:
                absences.add(f"no {quantity}{ABOUT[quantity.removeprefix(f'{half}_')]}")
            else:
                yield {"n": self.n, "quantity": quantity, **one.row(test=quantity.endswith("gain"))}


_SMALL = ": the start is not 2 errors above 0, or has no scores"
#: Why a quantity is absent.
ABOUT = {
    "gain": ": no pair has scores at both ends of all its layers",
    **dict.fromkeys(("gain_ratio", "ratio"), _SMALL),
    "ratio_of_layers": f"{_SMALL}, or a layer's own is not above 0",
}


def accuracies(rows: pd.DataFrame) -> Iterator[Row]:
    """The mean accuracy of each group's untrained and final models."""
    for (group, setting, analysis, checkpoint), own in rows.groupby(
        ["group", "setting", "analysis", "checkpoint"], sort=False
    ):
        if checkpoint not in (START, FINAL):
            continue
        told = {"group": group, "setting": setting, "analysis": analysis, "n": int(own["n"].max())}
        if (found := of_models(dict(zip(own["model"], own["accuracy"], strict=True)))) is None:
            note(f"depth, {group}, {analysis}: no accuracy at {checkpoint} of two models or more")
        else:
            quantity = "accuracy" if checkpoint == FINAL else "accuracy_start"
            yield {**told, "quantity": quantity, **found.row(), "pairs": None}


def _shuffled_less_given(ends: Mapping[tuple, Ends]) -> Iterator[Row]:
    """Of each group that has one of shuffled labels beside it."""
    for panel, given in ends.items():
        named = dict(zip(PANEL, panel, strict=True))
        shuffled = ends.get(tuple({**named, "group": f"{named['group']}{SHUFFLED}"}.values()))
        if shuffled is None:
            continue
        apart = _apart(shuffled, given)
        there = np.isfinite(apart).any(axis=1)
        every = {*shuffled.layers["layer"], *given.layers["layer"]}
        if there.sum() < len(every):
            note(f"depth, {named['group']}, {named['scoring']}: shuffled_less_given is over the {there.sum()} of "
                 f"{len(every)} layers that both groups have scores of")  # fmt: skip
        found = over_models(shuffled.pairs, apart[there], lambda kept: float(kept.mean())) if there.any() else None
        if found is not None:
            yield {**named, "n": given.n, "quantity": "shuffled_less_given", **found.row(test=True)}


def _apart(own: Ends, other: Ends) -> np.ndarray:
    """Final scores of one less those of another, L x P by the layers and pairs of the first; NaN where one lacks."""
    place = {pair: at for at, pair in enumerate(zip(other.pairs.a, other.pairs.b, strict=True))}
    layers = {layer: at for at, layer in enumerate(other.layers["layer"])}
    found = np.full(own.values[1].shape, np.nan)
    for at, layer in enumerate(own.layers["layer"]):
        for column, pair in enumerate(zip(own.pairs.a, own.pairs.b, strict=True)):
            if layer in layers and pair in place:
                found[at, column] = own.values[1, at, column] - other.values[1, layers[layer], place[pair]]
    return found


def _linear_less_procrustes(ends: Mapping[tuple, Ends]) -> Iterator[Row]:
    """Of each linear scoring, less the first by rotations of the same analysis and comparison."""
    at = {panel: dict(zip(PANEL, panel, strict=True)) for panel in ends}
    for panel, own in ends.items():
        if at[panel]["metric"] != LINEAR:
            continue
        like = [one for one in ends if at[one]["metric"] == PROCRUSTES
                and all(at[one][key] == at[panel][key] for key in ("analysis", "comparison"))]  # fmt: skip
        for other in like[:1]:
            found = [{**at[panel], **row} for row in _difference(own, ends[other])]
            yield from with_holm([row for row in found if "layer" in row])
            yield from (row for row in found if "layer" not in row)


def _difference(own: Ends, other: Ends) -> Iterator[Row]:
    """Of each layer, then of their mean."""
    apart = _apart(own, other)
    for at in range(len(own.layers)):
        if (found := over_models(own.pairs, apart[at])) is not None:
            yield {**own.of_layer(at), "quantity": "linear_less_procrustes", **found.row(test=True)}
    there = np.isfinite(apart).any(axis=1)
    if (found := over_models(own.pairs, apart[there], lambda kept: float(kept.mean()))) is not None:
        yield {"n": own.n, "quantity": "linear_less_procrustes", **found.row(test=True)}
