"""The scores of files as lines to read, metric by metric, in columns that stay where they are."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from whyalike.similarity.api import choose, forms_for
from whyalike.similarity.metrics.facts import sign_of_likeness
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring
from whyalike.similarity.read_files import Pairs


class Printed:
    """The scores as lines; columns are as wide as names and numbers need.

    Parameters
    ----------
    scorings, files : what will be scored.
    null, within, intervals, ceiling : whether scores have a null of row permutations, one within classes, an interval,
        and a ceiling.
    """

    def __init__(
        self, scorings: Sequence[Scoring], files: Pairs, null: bool, within: bool, intervals: bool, ceiling: bool
    ):
        names = max(map(len, files.representations))
        columns: dict[str, tuple[int, bool, Callable[[Any], str]]] = {  # name: width, whether it is shown, and a cell
            "metric": (max(len(one.metric) for one in scorings), True, lambda row: row.metric),
            "a": (names, True, lambda row: row.a),
            "b": (names, True, lambda row: row.b),
            "value": (6, True, lambda row: f"{row.value:.3f}"),
            "95 % over stimuli": (16, intervals, lambda row: _interval_text(row.ci_low, row.ci_high)),
            "null mean": (6, null, lambda row: _number(row.null_mean)),
            # the end towards likeness: a distance is alike below its null
            "null end": (13, null, lambda row: _ended(row.null_p95, row.metric)),
            "within-class mean": (6, within, lambda row: _number(row.null_within_class)),
            "p within": (5, within, lambda row: _number(row.p_within_class)),
            "ceiling": (6, ceiling, lambda row: _number(row.ceiling)),
            "excess": (6, ceiling, lambda row: _number(row.excess)),
            "95 % of excess": (16, ceiling and intervals, lambda row: _interval_text(row.excess_low, row.excess_high)),
            "p": (5, null, lambda row: _number(row.p_value)),
            "n": (max(len(str(len(x))) for x in files.representations.values()), True, lambda row: str(row.n)),
        }
        shown = {name: column for name, column in columns.items() if column[1]}
        self._cells = {name: (max(len(name), width), cell) for name, (width, _, cell) in shown.items()}

    def header(self) -> str:
        """The names of the columns."""
        return self._line({name: name for name in self._cells})

    def rows(self, scores: pd.DataFrame) -> list[str]:
        """A line a score."""
        return [self._line({name: cell(row) for name, (_, cell) in self._cells.items()}) for row in scores.itertuples()]

    def _line(self, cells: Mapping[str, str]) -> str:
        left = ("metric", "a", "b")
        aligned = (
            cells[name].ljust(width) if name in left else cells[name].rjust(width)
            for name, (width, _) in self._cells.items()
        )
        return "  ".join(aligned).rstrip()


def _interval_text(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"[{low:.3f}, {high:.3f}]"


def _ended(value: float, metric: str) -> str:
    return "" if pd.isna(value) else f"{value:.3f} ({_end(metric)})"


def _end(metric: str) -> str:
    return "95 %" if sign_of_likeness(METRICS[metric].facts.kind) == 1 else "5 %"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.3f}"


def of_files(
    files: Pairs,
    metrics: Mapping[str, Mapping[str, Any]],
    labels: np.ndarray | None,
    permutations: int,
    protocol: str,
    seed: int,
    intervals: bool,
    device: str,
    confound: np.ndarray | None = None,
    groups: np.ndarray | None = None,  # they change no column
    ceiling: float | str | None = None,
) -> Printed:
    """The lines of what `whyalike.similarity.score_files.score_pairs_of_files` gives for the same arguments."""
    scorings, forms = choose(metrics, protocol, seed), forms_for(device)
    has_closed = confound is None  # from a score without a confound no null follows in closed form
    closed = has_closed and any(forms(one).kernel_sums for one in scorings)
    by_class = has_closed and any(forms(one).class_sums for one in scorings)
    within = labels is not None and (permutations > 0 or by_class)
    return Printed(scorings, files, permutations > 0 or closed, within, intervals, ceiling is not None)
