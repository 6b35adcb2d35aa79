"""Same-layer scores of a group's models under one shift, untrained and final, and how good models are on each level.

Corrected, each level is a stimulus set of its own, and so are the undistorted stimuli; all have one number of stimuli,
and levels of a shift the same ones. A score on held-out stimuli falls with their number: sets of different size differ
without any shift. As published, the levels of a shift are one set, each stimulus at one of them, the control included,
and the sets have as many stimuli as there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.data.prepared import open_prepared
from whyalike.data.shifts.stimuli import shown
from whyalike.data.stimuli import stimulus_rows
from whyalike.files import write_table
from whyalike.job import note
from whyalike.randomness import keyed
from whyalike.similarity.alignments import Prepared, align
from whyalike.statistics.explanations import participation_ratio
from whyalike.studies.convergence.accuracy import Measured, layers_and_measure, probe_of
from whyalike.studies.convergence.looks import NONE, POOLED, asked_of, folder_of, part_of, place_of
from whyalike.studies.convergence.pairs import main_pairs, members_at
from whyalike.studies.convergence.parameters import Analysis, ShiftScores
from whyalike.studies.convergence.representations import Given, Layers, Models
from whyalike.studies.convergence.section import FINAL, PUBLISHED, START
from whyalike.training.parameters import Operation

AT_ONCE = 64  # images whose pixels are compared at a time: in double precision 77 MB at 224 px
TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
SCORES = pa.schema(
    [(name, TEXT) for name in ("group", "setting", "analysis", "shift", "level")]
    + [("strength", REAL), *((name, TEXT) for name in ("checkpoint", "a", "b", "layer"))]
    + [("index", WHOLE), ("depth", REAL), ("width", WHOLE), ("n", WHOLE), ("metric", TEXT), ("scoring", TEXT)]
    + [(name, REAL) for name in ("value", "fold_sd", "participation")]
)
ACCURACY = pa.schema(
    [(name, TEXT) for name in ("group", "setting", "analysis", "shift", "level", "model", "checkpoint")]
    + [("n", WHOLE), *((name, REAL) for name in ("accuracy", "loss", "distance"))]
)

Row = dict[str, Any]


@dataclass(frozen=True)
class StimulusSet:
    """What one row of the tables is of: stimuli at a level, or at several. ``parts`` : level -> places, ascending."""

    level: str
    parts: Mapping[str, np.ndarray]

    @property
    def key(self) -> tuple[str, int]:
        """Sets with the same key are the same: a level's stimuli are all of them, or the one draw of so many."""
        return self.level, sum(map(len, self.parts.values()))


@dataclass
class _Collected:
    """What is there of a stimulus set, of each part one after another: places, model -> its layers and accuracy."""

    places: list[np.ndarray] = field(default_factory=list)
    layers: dict[str, list[Layers]] = field(default_factory=dict)
    measured: dict[str, list[Measured]] = field(default_factory=dict)


def score_shift(
    parameters: ShiftScores,
    operation: Operation,
    threads: int,
    store: Path,
    data: Sequence[Path],
    training: Sequence[Path],
    weights: Mapping[str, Mapping[str, Path]],
    scores: Path,
    accuracy: Path,
) -> None:
    """Write both tables of a group under a shift.

    Parameters
    ----------
    parameters : the group, the shift and its levels.
    operation, threads : how to carry it out; the values depend on the number of threads.
    store : folder of the run store.
    data, training : files of the prepared data sets of the stimuli, and of the setting.
    weights : group -> name of a run -> its file or folder, of another library's models.
    scores, accuracy : the tables.

    Raises
    ------
    ValueError : fewer stimuli than `matched`, or images that the shift cannot take.
    """
    group = parameters.group
    pairs = main_pairs(members_at(group.members, FINAL))
    if not pairs:
        note(f"no pairs of {group.group} under {parameters.shift}: they need two models. Add seeds.")
    names = {name for pair in pairs for name in pair} or {one.model for one in group.members}
    folder = training[0].parent if training else None
    models = Models(part_of(group, names), store, operation, threads, folder, weights.get(group.group, {}))
    sections = {NONE: group.stimuli, **parameters.levels}
    folders = {level: folder_of(group, data, stimuli) for level, stimuli in sections.items()}
    sets = stimulus_sets(parameters, {level: _count(folders[level], sections[level]) for level in sections})
    squares = {level: pixel_squares(folders[level], sections[level]) for level in sections}
    rows, measured = [], []
    for checkpoint in (START, FINAL):
        looks = [_Look(parameters, models, pairs, checkpoint, images, of_look)
                 for images, of_look in _by_recalibration(parameters, sets).items()]  # fmt: skip
        for level, stimuli in sections.items():
            given = models.given(folders[level], stimuli)
            for look in looks:
                for found, accuracies in look.see(level, given, squares):
                    rows += found
                    measured += accuracies
            note(f"{group.group} under {parameters.shift} · {checkpoint} · {level} · n = {len(given.ids)}")
    work = {"work": parameters.plain()}
    write_table(accuracy, pa.Table.from_pylist(measured, schema=ACCURACY), work)
    write_table(scores, pa.Table.from_pylist(rows, schema=SCORES), work)


def stimulus_sets(parameters: ShiftScores, counts: Mapping[str, int]) -> dict[str, list[StimulusSet]]:
    """Analysis -> its stimulus sets.

    Parameters
    ----------
    counts : level, that of the undistorted stimuli first -> how many stimuli it has.

    Raises
    ------
    ValueError : fewer stimuli than `matched`.
    """
    least = min(counts, key=counts.get)
    if (n := parameters.matched or counts[least]) > counts[least]:
        raise ValueError(
            f"convergence.matched asks for {n} stimuli of every level of {parameters.shift} (setting "
            f"{parameters.group.setting}); {least} has {counts[least]}. Lower it, or give more stimuli."
        )
    names = {level: (parameters.levels.get(level) or parameters.group.stimuli)["dataset"] for level in counts}
    equal = [StimulusSet(level, {level: _draw(parameters, names[level], counts[level], n)}) for level in counts]
    shifted = {level: count for level, count in counts.items() if level != NONE}
    own = [StimulusSet(NONE, {NONE: np.arange(counts[NONE])}), StimulusSet(POOLED, pooled(shifted, parameters.seed))]
    return {one.analysis: own if one.analysis == PUBLISHED else equal for one in parameters.analyses}


def pooled(counts: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    """Level -> places of the stimuli that are shown at it: each stimulus at one level, each level as often (+-1).

    Parameters
    ----------
    counts : level -> stimuli, as many of each level. seed : key of the draw.

    Example
    -------
    >>> found = pooled({"control": 5, "0p5": 5}, 0)
    >>> sorted(np.concatenate(list(found.values())).tolist()), [len(one) for one in found.values()]
    ([0, 1, 2, 3, 4], [3, 2])
    """
    order = keyed(seed, "pooled levels").permutation(min(counts.values()))
    places = {level: np.sort(order[at :: len(counts)]) for at, level in enumerate(counts)}
    return {level: of_level for level, of_level in places.items() if len(of_level)}


def _draw(parameters: ShiftScores, dataset: str, count: int, n: int) -> np.ndarray:
    """Places of n of so many stimuli: the same of all levels that are of one data set."""
    if n == count:
        return np.arange(count)
    return np.sort(keyed(parameters.seed, "equal numbers of stimuli", dataset).choice(count, n, replace=False))


def _count(folder: Path, stimuli: Mapping[str, Any]) -> int:
    return len(stimulus_rows(open_prepared(folder), stimuli))


def pixel_squares(folder: Path, stimuli: Mapping[str, Any]) -> np.ndarray | None:
    """The mean squared distance of each stimulus (n,) to the undistorted one, pixels in 0 to 1.

    None of stimuli without a shift: those from files have no undistorted ones.
    """
    if "shift" not in stimuli:
        return None
    data = open_prepared(folder)
    ids = stimulus_rows(data, stimuli)
    images = shown(data, ids, stimuli)[0].images
    parts = [slice(start, start + AT_ONCE) for start in range(0, len(ids), AT_ONCE)]
    differences = ((images[part] / 255 - data.images[ids[part]] / 255).reshape(len(ids[part]), -1) for part in parts)
    return np.concatenate([(one**2).mean(axis=1) for one in differences])


def _by_recalibration(
    parameters: ShiftScores, sets: Mapping[str, Sequence[StimulusSet]]
) -> dict[int, list[tuple[StimulusSet, list[Analysis]]]]:
    """Images that recalibrate -> the stimulus sets that are looked at so, each once, and the analyses it is for."""
    found: dict[int, dict[tuple[str, int], tuple[StimulusSet, list[Analysis]]]] = {}
    for one in parameters.analyses:
        for of_one in sets[one.analysis]:
            own = found.setdefault(one.recalibration, {})
            own.setdefault(of_one.key, (of_one, []))[1].append(one)
    return {images: list(own.values()) for images, own in found.items()}


class _Look:
    """The models at a checkpoint in one way to look, and what is there of their stimulus sets."""

    def __init__(
        self,
        parameters: ShiftScores,
        models: Models,
        pairs: Sequence[tuple[str, str]],
        checkpoint: str,
        recalibration: int,
        sets: Sequence[tuple[StimulusSet, list[Analysis]]],
    ):
        self.parameters, self.models, self.pairs, self.checkpoint = parameters, models, pairs, checkpoint
        self.seen = {one.member.model: one for one in models.at(checkpoint, recalibration)}
        self.probes = {name: probe_of(models, one) for name, one in self.seen.items()}
        self.sets, self.collected = sets, [_Collected() for _ in sets]

    def see(
        self, level: str, given: Given, squares: Mapping[str, np.ndarray | None]
    ) -> Iterator[tuple[list[Row], list[Row]]]:
        """Show the stimuli of a level; the rows, of scores and of accuracies, of the sets that are complete with it."""
        for at, (of_set, analyses) in enumerate(self.sets):
            if level not in of_set.parts:
                continue
            own, part = self.collected[at], _part(given, of_set.parts[level])
            own.places.append(of_set.parts[level])
            for name, seen in self.seen.items():
                layers, measured = layers_and_measure(self.models, seen, part, self.probes[name])
                own.layers.setdefault(name, []).append(layers)
                own.measured.setdefault(name, []).append(measured)
            if len(own.places) == len(of_set.parts):
                distance = _distance(of_set, squares)
                yield list(self._scores(of_set, own, analyses)), list(self._measured(of_set, own, analyses, distance))
                self.collected[at] = _Collected()

    def _shared(self, of_set: StimulusSet) -> Row:
        group = self.parameters.group
        return {"group": group.group, "setting": group.setting, "shift": self.parameters.shift, "level": of_set.level,
                "checkpoint": self.checkpoint}  # fmt: skip

    def _scores(self, of_set: StimulusSet, own: _Collected, analyses: Sequence[Analysis]) -> Iterator[Row]:
        """A row a pair, layer, scoring and analysis."""
        asked, wanted = asked_of(analyses, over_time=True)
        layers, order, undefined = self.parameters.group.layers, np.argsort(np.concatenate(own.places)), 0
        shared = {**self._shared(of_set), "strength": _strength(self.parameters, of_set.level), "n": len(order)}
        for index, layer in enumerate(layers):
            place = place_of(layers, index)
            parts = {name: np.concatenate([one.pop(layer) for one in of_model])[order]
                     for name, of_model in own.layers.items()}  # fmt: skip
            prepared = {
                name: Prepared(x, self.parameters.folds, self.parameters.folds_seed) for name, x in parts.items()
            }
            ratios = {name: participation_ratio(x) if (x != x[:1]).any() else np.nan for name, x in parts.items()}
            for a, b in self.pairs:
                found = align(prepared[a], prepared[b], asked)
                undefined += len(asked) - len(found)
                of_pair = {**shared, **place, "a": a, "b": b, "width": parts[a].shape[1],
                           "participation": float(np.sqrt(ratios[a] * ratios[b]))}  # fmt: skip
                for (name, _), score in found.items():
                    metric = next(one[1] for one in asked if one[0] == name)
                    numbers = {"metric": metric, "value": score.value, "fold_sd": score.fold_sd}
                    yield from ({**of_pair, "analysis": analysis, "scoring": scoring, **numbers}
                                for analysis, scoring in wanted[name])  # fmt: skip
        if undefined:
            told = f"{shared['group']} under {shared['shift']}, {of_set.level}, {self.checkpoint}"
            why = "constant layers, units that do not vary (of a permutation), or too few stimuli"
            note(f"{told}: {undefined} scores are not defined, and left out: {why}")

    def _measured(
        self, of_set: StimulusSet, own: _Collected, analyses: Sequence[Analysis], distance: float | None
    ) -> Iterator[Row]:
        """A row a model and analysis."""
        shared = {**self._shared(of_set), "distance": distance}
        for name, parts in own.measured.items():
            known = [one for one in parts if one.n]
            n = sum(one.n for one in known)
            means = {what: sum(getattr(one, what) * one.n for one in known) / n
                     for what in ("accuracy", "loss") if n and getattr(known[0], what) is not None}  # fmt: skip
            yield from ({**shared, "model": name, "analysis": one.analysis, "n": n, **means} for one in analyses)


def _part(given: Given, places: np.ndarray) -> Given:
    """Some of the stimuli; all of them are not copied."""
    if len(places) == len(given.ids):
        return given
    samples = None if given.samples is None else given.samples[places]
    return replace(given, ids=given.ids[places], samples=samples)


def _distance(of_set: StimulusSet, squares: Mapping[str, np.ndarray | None]) -> float | None:
    """RMS distance of the pixels of a set to the undistorted ones; None of stimuli from files."""
    if of_set.level == NONE:
        return 0.0
    if any(squares[level] is None for level in of_set.parts):
        return None
    return float(np.sqrt(np.concatenate([squares[level][places] for level, places in of_set.parts.items()]).mean()))


def _strength(parameters: ShiftScores, level: str) -> float | None:
    """The level as a number; None where it has none."""
    given = parameters.levels.get(level, {}).get("levels", [None])[0]
    return None if given is None or isinstance(given, str) else float(given)
