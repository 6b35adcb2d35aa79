"""The table of shifts: are models less alike on shifted stimuli, in which layers, and does their accuracy go with it?

within : alignment on undistorted stimuli; shifted : on shifted ones, gap : shifted - within, at equal n. Of one level
    (a gap of level "control" is that of the preparation alone), over the levels of a shift but the control (`level` is
    null), over all shifts (`shift` too). `gap_untrained` : the same of the untrained models. `layer` null: over layers.
gap_slope : Theil-Sen slope of the gap on depth, of each pair of models. level_slope : that on the place of the level,
    from 0, the control, to 1, the strongest level that is looked at.
r, partial_r, r_slope, family_slope : see `whyalike.studies.convergence.statistics.shift_accuracy`.
`ci_low`, `ci_high` leave out one model with its pairs; `ci_low_sets`, `ci_high_sets` one shift with its levels, where
there are three or more. As published a set pools all levels, each analysis has its own n, and the second interval is
the mean -+ its standard error over shifts. `n` is the smallest where sets differ, `levels` how many there are.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.studies.convergence.looks import NONE
from whyalike.studies.convergence.parameters import ConvergenceStatistics
from whyalike.studies.convergence.section import FINAL, START
from whyalike.studies.convergence.statistics.leaving_out import mean
from whyalike.studies.convergence.statistics.shift_accuracy import of_accuracy
from whyalike.studies.convergence.statistics.shift_panels import PANEL, Number, Panel, Row, rows_of, theil_sen

TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
SCHEMA = pa.schema(
    [(name, TEXT) for name in ("group", "setting", "kind", "analysis", "scoring", "metric", "comparison", "layer")]
    + [("index", WHOLE), ("depth", REAL), ("width", WHOLE), ("quantity", TEXT)]
    + [(name, TEXT) for name in ("shift", "level", "checkpoint")]
    + [(name, REAL) for name in ("value", "ci_low", "ci_high", "ci_low_sets", "ci_high_sets")]
    + [(name, WHOLE) for name in ("models", "pairs", "sets", "levels", "n")]
    + [(name, REAL) for name in ("p", "p_holm")]
)


def analyse(
    parameters: ConvergenceStatistics, shifts: Sequence[Path], shift_accuracy: Sequence[Path], output: Path
) -> None:
    """Write the table.

    Parameters
    ----------
    shifts : tables of scores, of every group and shift. shift_accuracy : of accuracies.
    output : path of the table, see `SCHEMA`.
    """
    scores, accuracy = (pd.concat([read_table(path).to_pandas() for path in paths], ignore_index=True)
                        for paths in (shifts, shift_accuracy))  # fmt: skip
    rows: list[Row] = []
    for names, own in scores.groupby(list(PANEL), sort=False):
        named = dict(zip(PANEL, names, strict=True))
        of_group = accuracy[(accuracy["group"] == named["group"]) & (accuracy["analysis"] == named["analysis"])]
        panel = Panel(named, own, of_group)
        kind = {"kind": parameters.kinds[named["group"]]}
        rows += [{**kind, **row} for number in numbers_of(panel) for row in rows_of(panel, number)]
        note(f"shifts · {panel.where} · {len(panel.points)} stimulus sets")
    write_table(output, pa.Table.from_pylist(rows, schema=SCHEMA), {"work": parameters.plain()})


def numbers_of(panel: Panel) -> Iterator[Number]:
    """All numbers of a group by one scoring."""
    if panel.shifts:
        for checkpoint in (START, FINAL):
            yield from _of_levels(panel, checkpoint)
            yield from _of_shifts(panel, checkpoint)
        yield from of_accuracy(panel)


def _gap(checkpoint: str) -> str:
    return "gap" if checkpoint == FINAL else "gap_untrained"


def _of_levels(panel: Panel, checkpoint: str) -> Iterator[Number]:
    """Alignment and gap on each level, the control included."""
    values = panel.values(checkpoint)
    for at, point in enumerate(panel.points):
        if point.level == NONE:
            continue
        gap = values[at] - values[panel.place_of(point.shift, NONE)]
        named = {"checkpoint": checkpoint, "shift": point.shift, "level": point.level, "n": point.n, "levels": 1}
        yield Number("shifted", values=values[at], **named)
        yield Number(_gap(checkpoint), values=gap, **named)
        yield Number(_gap(checkpoint), values=_of_layers(gap), **named)


def _of_shifts(panel: Panel, checkpoint: str) -> Iterator[Number]:
    """Means over the levels of each shift, and over shifts; slopes on depth and level."""
    values = panel.values(checkpoint)
    undistorted = np.stack([values[panel.place_of(shift, NONE)] for shift in panel.shifts])
    shifted = np.stack([_mean(values[panel.places(shift)]) for shift in panel.shifts])  # shifts x L x P
    gaps = shifted - undistorted
    whole = np.stack([_of_layers(one) for one in gaps])
    tables = [("within", undistorted), ("shifted", shifted), (_gap(checkpoint), gaps), (_gap(checkpoint), whole)]
    if len(panel.layers) > 1:
        tables.append(("gap_slope", np.stack([theil_sen(panel.depths, one) for one in gaps])))
    for quantity, table in tables:
        yield from over_shifts(panel, quantity, checkpoint, panel.shifts, table)
    yield from _level_slopes(panel, checkpoint, values)


def _level_slopes(panel: Panel, checkpoint: str, values: np.ndarray) -> Iterator[Number]:
    """Of shifts whose levels are numbers."""
    found = {}
    for shift in panel.shifts:
        places = panel.places(shift)
        if all(panel.points[at].strength is not None for at in places):
            graded = panel.places(shift, with_control=True)
            first = 1 if len(graded) == len(places) else 0  # without a control there is no place 0
            if len(graded) > 1:
                strengths = np.arange(first, first + len(graded)) / len(places)
                found[shift] = theil_sen(strengths, values[graded])
    if found:
        table = np.stack(list(found.values()))
        yield from over_shifts(panel, "level_slope", checkpoint, list(found), table)
        yield from over_shifts(
            panel, "level_slope", checkpoint, list(found), np.stack([_of_layers(of) for of in table])
        )


def over_shifts(
    panel: Panel, quantity: str, checkpoint: str, shifts: Sequence[str], table: np.ndarray
) -> Iterator[Number]:
    """A number of each shift, and the mean over shifts. ``table`` : shifts x L x P, or shifts x P."""
    of_shift = {shift: panel.places(shift) for shift in shifts}
    counts = [min(panel.points[at].n for at in places) for places in of_shift.values()]
    if quantity == "within":
        counts = [panel.points[panel.place_of(shift, NONE)].n for shift in shifts]
    for (shift, places), n, values in zip(of_shift.items(), counts, table, strict=True):
        yield Number(quantity, checkpoint, values, n, len(places), shift=shift)
    levels = sum(map(len, of_shift.values()))
    yield Number(quantity, checkpoint, _mean(table), min(counts), levels, of_shifts=table)


def _mean(values: np.ndarray) -> np.ndarray:
    """Over the first axis, of what there is."""
    return mean(values, np.ones(len(values), bool), axis=0)


def _of_layers(values: np.ndarray) -> np.ndarray:
    """The mean over layers (L x P -> P) of those that have a value."""
    return _mean(values)
