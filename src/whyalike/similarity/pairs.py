"""The pairs that are scored: two runs, the stimuli they are compared on, and what the score table says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from whyalike.activations.vector_checks import check_features
from whyalike.similarity.checks import check_same_stimuli

VIEWS = ("name_a", "name_b", "setting_b", "step_a", "step_b")
PASSED_THROUGH = (
    "study",
    "comparison",
    "setting",
    "factor",
    "seed",
    "seeds_asked",
    "condition",
    "data_overlap",
    "label_overlap",
    "label_information",
    "stimuli",
    "stimuli_kind",
    "classes",
    *VIEWS,
)
ABSENT_ALLOWED = ("seeds_asked", "data_overlap", "label_overlap", "label_information", "classes", *VIEWS)


@dataclass(frozen=True)
class PairOnStimuli:
    """Two runs and the stimuli on which they are compared.

    Parameters
    ----------
    run_a, run_b : keys of the representations.
    untrained_a, untrained_b : keys of the untrained pair of the same architecture; both or neither.
    subsets : row indices; the score is the mean over the subsets (one, normally).
    groups : class code of each of the n_all rows, for the permutation within class; None: that null is absent.
    labels_a, labels_b : label codes of the n_all rows under the labellings of A and B; None: ``label_gram`` is absent.
    columns : the columns of the score table that are passed through (`PASSED_THROUGH`).
    layers : pairs of layers (of A, of B) that are scored; None: each layer with that of the same name.
    """

    run_a: str
    run_b: str
    untrained_a: str | None
    untrained_b: str | None
    subsets: tuple[np.ndarray, ...]
    groups: np.ndarray | None
    labels_a: np.ndarray | None
    labels_b: np.ndarray | None
    columns: Mapping[str, Any]
    layers: tuple[tuple[str, str], ...] | None = None

    def layers_in(self, representations: Mapping[str, Mapping[str, np.ndarray]]) -> list[tuple[str, str]]:
        """The pairs of layers that are scored."""
        layers_a, layers_b = (representations[run] for run in (self.run_a, self.run_b))
        same = ((layer, layer) for layer in layers_a if layer in layers_b)
        return list(same if self.layers is None else self.layers)


def check_pairs(
    representations: Mapping[str, Mapping[str, np.ndarray]], pairs: Sequence[PairOnStimuli], layer_by_layer: bool
) -> None:
    """Find everything that can be wrong with the input, before the first score.

    Parameters
    ----------
    layer_by_layer : whether pairs of layers are scored, so that runs must have them.

    Raises
    ------
    ValueError : wrong features, rows, codes, columns, or runs and layers that are not there.
    """
    rows_of = {}
    for run, layers in representations.items():
        checked = {layer: check_features(x, f"layer '{layer}' of run {run}") for layer, x in layers.items()}
        if not checked:
            raise ValueError(f"run {run} must have at least one layer; it has none. Extract its activations.")
        first, *others = checked
        for layer in others:
            check_same_stimuli(checked[first], checked[layer], f"layer '{first}' of run {run}", f"layer '{layer}'")
        rows_of[run] = len(checked[first])
    for pair in pairs:
        _check_columns(pair)
        runs = _check_runs(pair, rows_of)
        _check_rows(pair, runs, rows_of)
        if layer_by_layer:
            _check_layers(pair, representations)


def _name(pair: PairOnStimuli) -> str:
    return f"pair {pair.run_a}, {pair.run_b}"


def _check_columns(pair: PairOnStimuli) -> None:
    missing = [column for column in PASSED_THROUGH if column not in pair.columns and column not in ABSENT_ALLOWED]
    extra = [column for column in pair.columns if column not in PASSED_THROUGH]
    if missing or extra:
        raise ValueError(
            f"{_name(pair)} needs the columns {', '.join(PASSED_THROUGH)}; missing: {', '.join(missing) or 'none'}, "
            f"unknown: {', '.join(extra) or 'none'}. Only {', '.join(ABSENT_ALLOWED)} may be left out."
        )


def _check_runs(pair: PairOnStimuli, rows_of: Mapping[str, int]) -> list[str]:
    """The pair's runs, all of which have representations."""
    if (pair.untrained_a is None) is not (pair.untrained_b is None):
        raise ValueError(
            f"{_name(pair)} needs both untrained runs or neither; got {pair.untrained_a}, {pair.untrained_b}. "
            "Name the missing one."
        )
    runs = [run for run in (pair.run_a, pair.run_b, pair.untrained_a, pair.untrained_b) if run is not None]
    unknown = [run for run in runs if run not in rows_of]
    if unknown:
        raise ValueError(
            f"{_name(pair)} needs representations of {', '.join(unknown)}; there are {', '.join(rows_of)}."
        )
    return runs


def _check_rows(pair: PairOnStimuli, runs: Sequence[str], rows_of: Mapping[str, int]) -> None:
    """All arrays have the same stimuli, and the subsets index them."""
    n = rows_of[pair.run_a]
    codes = {"groups": pair.groups, "labels_a": pair.labels_a, "labels_b": pair.labels_b}
    sizes = {run: rows_of[run] for run in runs} | {what: len(code) for what, code in codes.items() if code is not None}
    for what, size in sizes.items():
        if size != n:
            raise ValueError(
                f"{_name(pair)} needs the same stimuli throughout: {pair.run_a} has {n} rows, {what} {size}. "
                "Select the common stimuli first."
            )
    if not pair.subsets:
        raise ValueError(f"{_name(pair)} needs at least one subset of rows; got none. Give all rows as one subset.")
    for subset in pair.subsets:
        index = np.asarray(subset)
        fits = index.ndim == 1 and index.size and index.dtype.kind in "iu" and index.min() >= 0 and index.max() < n
        if not fits or len(np.unique(index)) < len(index):
            raise ValueError(
                f"{_name(pair)} needs subsets of distinct row indices from 0 to {n - 1}; got an array of type "
                f"{index.dtype}, shape {index.shape}. Give indices that are in range and not repeated, no masks."
            )


def _check_layers(pair: PairOnStimuli, representations: Mapping[str, Mapping]) -> None:
    """There is a pair of layers, and all runs have theirs."""
    if not (layers := pair.layers_in(representations)):
        names = " and ".join(", ".join(representations[run]) for run in (pair.run_a, pair.run_b))
        raise ValueError(f"{_name(pair)} needs a layer of the same name in both; they have {names}. Use as_published.")
    for side, runs in enumerate(((pair.run_a, pair.untrained_a), (pair.run_b, pair.untrained_b))):
        needed = dict.fromkeys(both[side] for both in layers)
        for words, run in zip(("run", "untrained run"), runs, strict=True):
            lacking = [] if run is None else [layer for layer in needed if layer not in representations[run]]
            if lacking:
                raise ValueError(f"{_name(pair)} needs layers {', '.join(lacking)} of {words} {run} too. Extract them.")
