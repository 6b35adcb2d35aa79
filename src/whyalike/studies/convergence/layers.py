"""Every layer of a group's models against every layer of another's, or of its own: which layers match?

Two models of a pair have different seeds, and pairs share as few models as can be: seed 0 with 1, 2 with 3 and so on
within a group; seed i of one group with seed i + 1 of another. A layer is prepared once for all it is compared with.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.similarity.alignments import Prepared, align
from whyalike.studies.convergence.looks import Asked, Wanted, asked_of, folder_of, part_of, place_of
from whyalike.studies.convergence.pairs import main_pairs, members_at
from whyalike.studies.convergence.parameters import Analysis, Group, LayerScores, Member
from whyalike.studies.convergence.representations import Models
from whyalike.studies.convergence.section import FINAL
from whyalike.training.parameters import Operation

METRICS = ("procrustes", "soft_matching", "permutation")  # linear maps are not symmetric, and follow the wider layer
_SIDE = (("group", pa.string()), ("layer", pa.string()), ("index", pa.int64()), ("depth", pa.float64()),
         ("width", pa.int64()))  # fmt: skip
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("analysis", "a", "b")),
        *(pa.field(f"{name}_{side}", kind, nullable=False) for side in "ab" for name, kind in _SIDE),
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "scoring")),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)

Row = dict[str, Any]


def score_layers(
    parameters: LayerScores,
    operation: Operation,
    threads: int,
    store: Path,
    data: Sequence[Path],
    training: Sequence[Path],
    weights: Mapping[str, Mapping[str, Path]],
    output: Path,
) -> None:
    """Write the scores of all layers of the first pairs of models, final.

    Parameters
    ----------
    parameters : the two groups and their scorings; only those of `METRICS` count.
    operation, threads, store : how it is carried out, and the run store.
    data : files of the data sets of the stimuli. training : of those whose images recalibrate, of a then of b.
    weights : group -> name of a run -> its file, of other libraries' models.
    output : path of the table, see `SCHEMA`. A score that does not exist has no row.
    """
    sides = (parameters.a, parameters.b)
    pairs = chosen_pairs(*sides, parameters.pairs)
    own = list(dict.fromkeys(path.parent for path in training)) or [None]
    rows: list[Row] = []
    for recalibrations, analyses in _by_recalibration(parameters).items():
        asked, wanted = asked_of(analyses, METRICS)
        if not asked or not pairs:
            continue
        models = [
            _OfSide(part_of(group, {pair[at] for pair in pairs}), parameters, folder_of(group, data), images,
                    partial(Models, store=store, operation=operation, threads=threads, training=folder,
                            weights=weights.get(group.group, {})))
            for at, (group, images, folder) in enumerate(zip(sides, recalibrations, (own[0], own[-1]), strict=True))
        ]  # fmt: skip
        for at, pair in enumerate(pairs):
            rows += _rows(models, pair, asked, wanted)
            for place, side in enumerate(models):
                side.forget({one[place] for one in pairs[at + 1 :]})
            note(f"layers {at + 1}/{len(pairs)} pairs · {pair[0]} x {pair[1]} · {', '.join(_names(analyses))}")
    write_table(output, pa.Table.from_pylist(rows, schema=SCHEMA), {"work": parameters.plain()})


def chosen_pairs(a: Group, b: Group, count: int) -> list[tuple[str, str]]:
    """The first pairs of models of different seeds, as few as can be of which share a model: names (of a, of b).

    There are none of one seed alone, which a note tells.
    """
    if a.group == b.group:
        candidates = main_pairs(members_at(a.members, FINAL))
    else:
        firsts, seconds = (_one_a_seed(group) for group in (a, b))
        candidates = [(one.model, other.model) for by in range(1, len(seconds) + 1) for at, one in enumerate(firsts)
                      if (other := seconds[(at + by) % len(seconds)]).seed != one.seed]  # fmt: skip
    if not candidates:
        note(f"no layers of {a.group} and {b.group}: a pair needs two models of different seeds. Add seeds.")
    return _least_shared(candidates, a.group == b.group)[:count]


def _one_a_seed(group: Group) -> list[Member]:
    return list({one.seed: one for one in reversed(members_at(group.members, FINAL))}.values())[::-1]


def _least_shared(candidates: Sequence[tuple[str, str]], is_within: bool) -> list[tuple[str, str]]:
    """Pairs in another order: as many as share no model first, then again of the rest."""
    ordered, rest = [], list(candidates)
    while rest:
        used: set[tuple[int, str]] = set()
        for pair in rest:
            ends = {(0 if is_within else side, name) for side, name in enumerate(pair)}
            if not ends & used:
                used |= ends
                ordered.append(pair)
        rest = [pair for pair in rest if pair not in ordered]
    return ordered


def _by_recalibration(parameters: LayerScores) -> dict[tuple[int, int], list[Analysis]]:
    """Images that recalibrate the models of a and of b -> the analyses that look at them so."""
    found: dict[tuple[int, int], list[Analysis]] = {}
    for one in parameters.analyses:
        images = (one.recalibration, parameters.recalibration_b.get(one.analysis, one.recalibration))
        found.setdefault(images, []).append(one)
    return found


def _names(analyses: Sequence[Analysis]) -> list[str]:
    return [one.analysis for one in analyses]


class _OfSide:
    """The models of one group that take part in pairs; layers are prepared when a pair needs them."""

    def __init__(
        self, group: Group, parameters: LayerScores, folder: Path, images: int, models_of: Callable[[Group], Models]
    ):
        self.parameters, self.group, models = parameters, group, models_of(group)
        self.given = models.given(folder)
        self.seen = {one.member.model: one for one in models.at(FINAL, images)}
        self.kept: dict[str, dict[str, Prepared]] = {}
        self.columns: dict[str, Row] = {}

    def prepared(self, model: str) -> dict[str, Prepared]:
        """The layers of a model, in their order."""
        if model not in self.kept:
            found, own, layers = self.seen[model].layers(self.given), self.parameters, self.group.layers
            for index, name in enumerate(layers):
                place = place_of(layers, index)
                self.columns[name] = {"group": self.group.group, **place, "width": found[name].shape[1]}
            self.kept[model] = {name: Prepared(found.pop(name), own.folds, own.folds_seed) for name in layers}
        return self.kept[model]

    def forget(self, needed: set[str]) -> None:
        """Drop the layers of all other models."""
        self.kept = {name: layers for name, layers in self.kept.items() if name in needed}


def _rows(sides: Sequence[_OfSide], pair: tuple[str, str], asked: Asked, wanted: Wanted) -> Iterator[Row]:
    """The rows of one pair of models: all layers of a, each against all of b."""
    undefined, prepared = 0, [side.prepared(name) for side, name in zip(sides, pair, strict=True)]
    for layer, x in prepared[0].items():
        for other, y in prepared[1].items():
            found = align(x, y, asked)
            columns = zip("ab", (sides[0].columns[layer], sides[1].columns[other]), strict=True)
            of_layers = {f"{name}_{side}": value for side, own in columns for name, value in own.items()}
            of_layers |= {"a": pair[0], "b": pair[1], "n": x.n}
            for name, metric, _ in asked:
                if (score := found.get((name, "pearson"))) is None:
                    undefined += metric != "permutation"  # of layers of other widths it has none
                    continue
                for analysis, scoring in wanted[name]:
                    own = {"analysis": analysis, "metric": metric, "scoring": scoring, "value": score.value}
                    yield {**of_layers, **own}
    if undefined:
        note(f"{pair[0]} x {pair[1]}: {undefined} scores of layers are not defined: they are the same for all stimuli")
