"""The tables of the study as its claims read them: one scoring of each metric that speaks, contrasts by their cells."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.files import read_table
from whyalike.statistics.consistency import SCALES
from whyalike.studies.claims import MAIN, Evidence
from whyalike.studies.consistency.decisions import FAMILIES
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.section import CORRECTED

Cell = tuple[str, str]


class Tables:
    """What the claims read.

    Parameters
    ----------
    parameters : of the study's statistics.
    inputs : name -> a file, or several.
    """

    def __init__(self, parameters: ConsistencyStatistics, inputs: Mapping[str, Path | Sequence[Path]]):
        self.parameters, self.first = parameters, parameters.categories[0]
        self.files = {name: [of] if isinstance(of, str | Path) else list(of) for name, of in inputs.items()}

    def table(self, name: str) -> pd.DataFrame | None:
        """All rows of a table, None where there is none."""
        if not self.files.get(name):
            return None
        found = pd.concat([read_table(path).to_pandas() for path in self.files[name]], ignore_index=True)
        return None if found.empty else found

    def speaking(self, name: str) -> pd.DataFrame | None:
        """The corrected rows of the metrics that speak, of the first scoring of each."""
        found = self.table(name)
        if found is None:
            return None
        found = found[(found["analysis"] == CORRECTED) & found["metric"].isin(list(FAMILIES.values()))]
        first = found.groupby("metric", sort=False)["scoring"].transform("first")
        kept = found[found["scoring"] == first]
        return None if kept.empty else kept

    @cached_property
    def groups(self) -> pd.DataFrame | None:
        """The table of groups, as `speaking`."""
        return self.speaking("groups")

    def levels(self, category: str) -> list[str]:
        """The values of a category that models have, in their order."""
        values = (model.attributes.get(category) for model in self.parameters.models)
        return list(dict.fromkeys(str(one) for one in values if one is not None))

    def lacking(self, *levels: str) -> str:
        """Which values of the first category no model has, in words; empty if all are there."""
        missing = [one for one in levels if one not in self.levels(self.first)]
        return f"no model whose {self.first} is {' or '.join(missing)}" if missing else ""

    def contrast(
        self, category: str, cell: Cell, other: Cell, measure: str = "pearson", direction: int = 1, role: str = MAIN
    ) -> list[Evidence]:
        """The contrast of one cell less another one by each metric, whichever way round the table has it."""
        found = []
        if self.groups is None:
            return []
        rows = self.groups[(self.groups["kind"] == "contrast") & (self.groups["category"] == category)]
        for row in rows[rows["measure"] == measure].itertuples():
            cells = [frozenset((row.theta, row.phi)), frozenset((row.theta_2, row.phi_2))]
            if cells not in ([frozenset(cell), frozenset(other)], [frozenset(other), frozenset(cell)]):
                continue
            panel = f"{cell_words(cell)} less {cell_words(other)}"
            if cell[0] == "same":
                panel = f"{category}: {panel}"
            turned = cells[0] != frozenset(cell)
            found.append(self.evidence(row, f"{measure}, {panel}", panel, turned, direction, role))
        return found

    def mean(self, category: str, cell: Cell, measure: str, role: str = MAIN) -> list[Evidence]:
        """The mean of a measure of one cell by each metric."""
        if self.groups is None:
            return []
        rows = self.groups[(self.groups["kind"] == "mean") & (self.groups["category"] == category)]
        kept = rows[rows["measure"] == measure]
        kept = kept[[frozenset(one) == frozenset(cell) for one in zip(kept["theta"], kept["phi"], strict=True)]]
        words = cell_words(cell)
        return [self.evidence(row, f"{measure}, {words}", words, False, 1, role) for row in kept.itertuples()]

    @staticmethod
    def evidence(row, estimand: str, panel: str, turned: bool, direction: int, role: str) -> Evidence:
        """A row of the table of groups; ``turned`` : its cells stand the other way round."""
        value, low, high = (known(one) for one in (row.value, row.ci_low, row.ci_high))
        if turned:
            value, low, high = (None if one is None else -one for one in (value, high, low))
        scale = "" if row.kind != "contrast" else scale_words(row.measure)
        return Evidence(
            row.metric, panel, estimand + scale, value, low, high, known(row.p), counts(row), direction, role
        )


def known(value: float) -> float | None:
    """A number, None where it is missing."""
    return None if value is None or pd.isna(value) else float(value)


def cell_words(cell: Cell) -> str:
    """A pair of groups in words."""
    if cell[0] != cell[1]:
        return " × ".join(cell)
    own = {"all": "all", "others": "others", "same": "same", "different": "different"}
    return own.get(cell[0], f"{cell[0]}²")


def scale_words(measure: str) -> str:
    """On which scale a contrast of a measure is."""
    forward = SCALES.get(measure, (None,))[0]
    return " (Fisher's z)" if forward is np.arctanh else " (logarithm)" if forward is np.log else ""


def counts(row) -> str:
    """The numbers of models, pairs, sets and sources of a row."""
    numbers = {name: known(getattr(row, name, None)) for name in ("models", "pairs", "sets", "sources")}
    return ", ".join(f"{number:.0f} {name}" for name, number in numbers.items() if number is not None)
