"""Same-layer scores of the pairs of a group at one checkpoint, and how good its models are there.

Beside pairs at the checkpoint stand those over time: a model against itself at the end, and against another's end.
Layers are compared one after another, so that what maps need is kept of one at a time.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.similarity.alignments import Aligned, Prepared, align
from whyalike.studies.convergence.accuracy import layers_and_measure, probe_of
from whyalike.studies.convergence.looks import Wanted, asked_of, place_of
from whyalike.studies.convergence.pairs import compared_pairs, main_pairs
from whyalike.studies.convergence.parameters import Analysis, CheckpointScores, Member
from whyalike.studies.convergence.progress import progress_of
from whyalike.studies.convergence.representations import Layers, Models
from whyalike.studies.convergence.section import FINAL, START
from whyalike.training.parameters import Operation

OWN_END, OTHER_END = "own_end", "other_end"  # against the end of the same model, of another one
PEARSON, SPEARMAN = "pearson", "spearman"
TEXT, WHOLE, REAL = pa.string(), pa.int64(), pa.float64()
SCORES = pa.schema(
    [(name, TEXT) for name in ("group", "setting", "analysis", "checkpoint", "relation", "a", "b")]
    + [("step", WHOLE), ("layer", TEXT), ("index", WHOLE), ("depth", REAL), ("width", WHOLE), ("field", REAL)]
    + [("n", WHOLE), ("metric", TEXT), ("scoring", TEXT), ("comparison", TEXT)]
    + [(name, REAL) for name in ("value", "value_ab", "value_ba", "fold_sd", "matched")]
)
ACCURACY = pa.schema(
    [(name, TEXT) for name in ("group", "setting", "analysis", "checkpoint", "model")]
    + [("step", WHOLE), ("epoch", REAL), ("samples", WHOLE), ("lr_sum", REAL)]
    + [("accuracy", REAL), ("loss", REAL), ("n", WHOLE), ("accuracy_kind", TEXT)]
)


@dataclass(frozen=True)
class _Look:
    """The models in one way to look.

    Attributes
    ----------
    members : that have the checkpoint. now, end : model -> what its layers give there, and at the end.
    steps : model -> updates until the checkpoint. measured : model -> columns of the table of accuracies.
    """

    members: Sequence[Member]
    now: Mapping[str, Layers]
    end: Mapping[str, Layers]
    steps: Mapping[str, int | None]
    measured: Mapping[str, Mapping[str, Any]]


def score_checkpoint(
    parameters: CheckpointScores,
    operation: Operation,
    threads: int,
    store: Path,
    data: Sequence[Path],
    training: Sequence[Path],
    weights: Mapping[str, Mapping[str, Path]],
    scores: Path,
    accuracy: Path,
) -> None:
    """Write both tables of a group at a checkpoint.

    Parameters
    ----------
    parameters : what is compared.
    operation, threads : how to carry it out; the values depend on the number of threads.
    store : folder of the run store.
    data, training : files of the prepared data sets of the stimuli, and of the setting.
    weights : group -> name of a run -> its file or folder, of another library's models.
    scores, accuracy : the tables.
    """
    group = parameters.group
    models = Models(group, store, operation, threads, training[0].parent, weights.get(group.group, {}))
    looks: dict[int, list[Analysis]] = {}
    for analysis in parameters.analyses:
        looks.setdefault(analysis.recalibration, []).append(analysis)
    rows: list[dict[str, Any]] = []
    measured: list[dict[str, Any]] = []
    for recalibration, analyses in looks.items():
        look = _look(parameters, models, data[0].parent, recalibration)
        rows += _scores(parameters, look, analyses)
        measured += [
            {**_common(parameters, one.analysis), "model": model, **columns}
            for one in analyses
            for model, columns in look.measured.items()
        ]
    work = {"work": parameters.plain()}
    write_table(accuracy, pa.Table.from_pylist(measured, schema=ACCURACY), work)
    write_table(scores, pa.Table.from_pylist(_in_order(rows, parameters), schema=SCORES), work)


def _common(parameters: CheckpointScores, analysis: str) -> dict[str, str]:
    group = parameters.group
    return {"group": group.group, "setting": group.setting, "analysis": analysis,
            "checkpoint": parameters.checkpoint}  # fmt: skip


def _look(parameters: CheckpointScores, models: Models, folder: Path, recalibration: int) -> _Look:
    """Load every model at the checkpoint, and at the end."""
    group, given = parameters.group, models.given(folder)
    members, now, end, steps, measured = [], {}, {}, {}, {}
    for seen in models.at(parameters.checkpoint, recalibration):
        name = seen.member.model
        members.append(seen.member)
        steps[name] = seen.step
        now[name], own = layers_and_measure(models, seen, given, probe_of(models, seen))
        measured[name] = {
            **progress_of(group.recipe, seen.result, seen.step),
            "accuracy": own.accuracy, "loss": own.loss, "n": own.n, "accuracy_kind": own.kind,
        }  # fmt: skip
        note(f"models {len(now)} · {group.group} at {parameters.checkpoint} · n = {len(given.ids)}")
    if parameters.checkpoint != FINAL:
        for seen in models.at(FINAL, recalibration):
            end[seen.member.model] = seen.layers(given)
            note(f"models at the end {len(end)} · {group.group} · n = {len(given.ids)}")
    return _Look(members, now, end, steps, measured)


def _scores(parameters: CheckpointScores, look: _Look, analyses: Sequence[Analysis]) -> Iterator[dict[str, Any]]:
    """Rows of all layers, in all analyses that look in this way."""
    layers, undefined, is_end = parameters.group.layers, 0, parameters.checkpoint in (START, FINAL)
    for index, layer in enumerate(layers):
        n, width = next(iter(look.now.values()))[layer].shape
        now, end = (
            {model: Prepared(own.pop(layer), parameters.folds, parameters.folds_seed) for model, own in of.items()}
            for of in (look.now, look.end)
        )
        place = {**place_of(layers, index), "field": parameters.group.fields.get(layer), "n": n, "width": width}
        for relation, a, b in _compared(look):
            over_time = relation in (OWN_END, OTHER_END)
            asked, wanted = asked_of(analyses, over_time=over_time or not is_end)
            comparisons = (PEARSON, SPEARMAN) if parameters.spearman and is_end and not over_time else (PEARSON,)
            found = align(now[a], (end if over_time else now)[b], asked, comparisons)
            undefined += len(asked) * len(comparisons) - len(found)
            own = {"relation": relation, "a": a, "b": b, "step": look.steps[a], **place}
            yield from _rows(parameters, wanted, {name: metric for name, metric, _ in asked}, found, own)
        note(f"layers {index + 1}/{len(layers)} · {parameters.group.group} at {parameters.checkpoint}")
    if undefined:
        why = "layers that are constant, units that do not vary (of a permutation), or too few stimuli"
        note(f"{undefined} scores are not defined, and left out: {why}")


def _compared(look: _Look) -> list[tuple[str, str, str]]:
    """(relation, a, b): a at the checkpoint, b there too or at the end."""
    over_time = [(OWN_END, name, name) for name in look.now if name in look.end]
    for a, b in main_pairs(look.members):
        over_time += [(OTHER_END, one, other) for one, other in ((a, b), (b, a)) if other in look.end]
    return [*compared_pairs(look.members), *over_time]


def _rows(
    parameters: CheckpointScores,
    wanted: Wanted,
    metrics: Mapping[str, str],
    found: Mapping[tuple[str, str], Aligned],
    own: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """A pair's rows on a layer. ``metrics`` : name of what is wanted -> its metric."""
    for (name, comparison), score in found.items():
        values = {key: getattr(score, key) for key in SCORES.names[-5:]}
        for analysis, scoring in wanted[name]:
            yield {**_common(parameters, analysis), **own, "metric": metrics[name], "scoring": scoring,
                   "comparison": comparison, **values}  # fmt: skip


def _in_order(rows: Sequence[dict[str, Any]], parameters: CheckpointScores) -> list[dict[str, Any]]:
    """By analysis as the parameters have them, otherwise as they came."""
    place = {one.analysis: number for number, one in enumerate(parameters.analyses)}
    return sorted(rows, key=lambda row: place[row["analysis"]])
