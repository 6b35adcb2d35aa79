"""What the alignment of a group's models is beside: what the input explains, and how it depends on how many stimuli.

full: scores of the layers as they are. input: held-out correlation of a ridge from components of the pixels with a
model's layer. partial: scores of what that ridge leaves of both layers. The components, the ridge and the map are all
fitted on the training stimuli of a fold. count: scores of nested draws of stimuli, because a linear map and a rotation
lose different amounts to few of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from whyalike.files import canonical_json, write_table
from whyalike.job import note
from whyalike.randomness import keyed
from whyalike.similarity.alignments import Prepared, align
from whyalike.similarity.folds import agreement, fold_of_rows
from whyalike.studies.convergence.bases import Pairs, Row, looked_at
from whyalike.studies.convergence.input_components import Input, explained, fewest, field_of, images_of, varying
from whyalike.studies.convergence.looks import place_of
from whyalike.studies.convergence.pairs import main_pairs, members_at
from whyalike.studies.convergence.parameters import Analysis, BaselineScores, Scored
from whyalike.studies.convergence.partial_scores import Residual, products_of, score
from whyalike.studies.convergence.representations import Layers, Models
from whyalike.studies.convergence.section import FINAL, START
from whyalike.training.parameters import Operation

LINEAR, PROCRUSTES = "linear", "procrustes"
FULL, PARTIAL, INPUT, COUNT = "full", "partial", "input", "count"
COUNTED = (LINEAR, PROCRUSTES)
PEARSON = {"correlation": "per_unit", "comparison": "pearson"}
#: A row a score. b: null of the input's. n_train: of n stimuli those that a map is fitted on, in the smallest fold.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("group", "setting", "analysis", "checkpoint")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("kind", "a")),
        pa.field("b", pa.string()),
        pa.field("layer", pa.string(), nullable=False),
        pa.field("index", pa.int64(), nullable=False),
        pa.field("depth", pa.float64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("width", "n", "n_train")),
        pa.field("components", pa.int64()),
        *(pa.field(name, pa.string(), nullable=False) for name in ("metric", "scoring")),
        pa.field("value", pa.float64(), nullable=False),
    ]
)


def score_baselines(
    parameters: BaselineScores,
    operation: Operation,
    threads: int,
    store: Path,
    data: Sequence[Path],
    training: Sequence[Path],
    weights: Mapping[str, Mapping[str, Path]],
    output: Path,
) -> None:
    """Write the baselines of a group, untrained and final; of text what has no input.

    Parameters
    ----------
    parameters, operation, threads, store, data, training, weights : as of `bases.score_bases`.
    output : a table of `SCHEMA`. What has no score has no row, and the log says so.
    """
    group, rows = parameters.group, []
    models = Models(group, store, operation, threads, training[0].parent, weights.get(group.group, {}))
    given = models.given(data[0].parent)
    images, fold = images_of(given), fold_of_rows(len(given.ids), parameters.folds, parameters.folds_seed)
    if images is None:
        note(f"{group.group} sees text: no scores of the input, and none without what it explains")
    seen = None if images is None else Input(images, fold, parameters.components)
    for checkpoint in (START, FINAL):
        pairs = main_pairs(members_at(group.members, checkpoint))
        for analyses, layers in looked_at(parameters.analyses, models, given, pairs, checkpoint):
            rows += baseline_rows(parameters, analyses, checkpoint, pairs, layers, seen)
    write_table(output, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain()})
    note(f"baselines of {group.group} · {len(rows)} scores")


def baseline_rows(
    parameters: BaselineScores,
    analyses: Sequence[Analysis],
    checkpoint: str,
    pairs: Pairs,
    seen: Mapping[str, Layers],
    images: Input | None,
) -> Iterator[Row]:
    """The rows of all pairs and models; the analyses have the same responses: what they share is scored once.

    Parameters
    ----------
    seen : model -> layer -> responses (n, d). images : what the models see; None of text.
    """
    group = parameters.group
    once = {_key(one): one for analysis in analyses for one in analysis.scored}
    for index, layer in enumerate(group.layers):
        responses = {model: layers[layer] for model, layers in seen.items()}
        n, width = next(iter(responses.values())).shape
        shared = {"group": group.group, "setting": group.setting, "checkpoint": checkpoint,
                  **place_of(group.layers, index), "width": width, "n": n,
                  "n_train": _training(n, parameters.folds)}  # fmt: skip
        scored = list(once.values())
        full = list(_scored(parameters, scored, pairs, responses))
        found = [(key, {"kind": FULL, **row}) for key, row in full]
        if checkpoint == FINAL:
            found += _counts(parameters, scored, pairs, responses)
            found += [(key, {"kind": COUNT, **row}) for key, row in full if row["metric"] in COUNTED]
        if images is not None:
            found += _beside_input(parameters, group, layer, scored, pairs, responses, images)
        for analysis in analyses:
            for key, row in found:
                names = [LINEAR] if key is None else [one.scoring for one in analysis.scored if _key(one) == key]
                yield from ({**shared, "analysis": analysis.analysis, "scoring": name, **row} for name in names)
        note(f"baselines of {group.group}, {checkpoint}: {index + 1}/{len(group.layers)} layers")


def _key(scored: Scored) -> str:
    """Scorings of two analyses that are one but for their names have one key."""
    return canonical_json([scored.metric, scored.parameters])


def _training(n: int, folds: int) -> int:
    """Training stimuli of n, in the fold that holds out most."""
    return n - -(-n // folds)


#: the key of a scoring (None: of the input, which none names), and what a row has of its own
Found = Iterator[tuple[str | None, Row]]


def _scored(parameters: BaselineScores, scored: Sequence[Scored], pairs: Pairs, responses: Layers) -> Found:
    """Scores of all pairs of models on all rows that they are given with."""
    asked = [(_key(one), one.metric, one.parameters) for one in scored]
    metrics = {_key(one): one.metric for one in scored}
    prepared = {model: Prepared(x, parameters.folds, parameters.folds_seed) for model, x in responses.items()}
    for a, b in pairs:
        for (key, _), one in align(prepared[a], prepared[b], asked).items():
            yield key, {"a": a, "b": b, "metric": metrics[key], "value": one.value}


def _counts(parameters: BaselineScores, scored: Sequence[Scored], pairs: Pairs, responses: Layers) -> Found:
    """Scores of draws of fewer stimuli than there are."""
    fitted = [one for one in scored if one.metric in COUNTED]
    for n, rows in nested_draws(parameters, len(next(iter(responses.values())))).items() if fitted else ():
        drawn = {model: x[rows] for model, x in responses.items()}
        own = {"kind": COUNT, "n": n, "n_train": _training(n, parameters.folds)}
        found = [(key, {**own, **row}) for key, row in _scored(parameters, fitted, pairs, drawn)]
        if not found:
            note(f"{parameters.group.group}: no scores of {n} stimuli, which are too few for {parameters.folds} folds")
        yield from found


def nested_draws(parameters: BaselineScores, total: int) -> dict[int, np.ndarray]:
    """Number of stimuli, of those fewer than all -> their rows, ascending; a larger draw holds the smaller ones."""
    order = keyed(parameters.seed, "counts", parameters.group.stimuli_name).permutation(total)
    return {n: np.sort(order[:n]) for n in sorted(parameters.counts) if n < total}


def _beside_input(
    parameters: BaselineScores,
    group: Any,
    layer: str,
    scored: Sequence[Scored],
    pairs: Pairs,
    responses: Layers,
    images: Input,
) -> Found:
    """What the input predicts of each model, and the scores of what it leaves of every two."""
    components = images.of_field(field_of(group, layer, images.side))
    own, metrics = {"components": fewest(components)}, {_key(one): one.metric for one in scored}
    units = {model: varying(x) for model, x in responses.items()}
    predicted: dict[str, list[float]] = {model: [] for model in units}
    left: dict[tuple[str, str, str], list[float]] = {}
    for i, z in enumerate(components):
        is_held = images.fold == i
        found = {model: explained(x, z, ~is_held) for model, x in units.items()}
        for model, one in found.items():
            response = units[model][is_held]
            predicted[model].append(agreement(one.predicted[is_held], response, PEARSON))
        residuals = {model: Residual.of(one.left, images.fold, i) for model, one in found.items()}
        for a, b in pairs:
            sides = residuals[a], residuals[b]
            products = products_of(*sides)
            for one in scored:
                value = score(one.metric, *sides, products, one.parameters)
                if value is not None:
                    left.setdefault((_key(one), a, b), []).append(value)
    for model, values in predicted.items():
        if units[model].shape[1]:
            yield None, {"kind": INPUT, "a": model, "metric": LINEAR,
                         "value": float(np.mean(values)), **own}  # fmt: skip
    for (key, a, b), values in left.items():
        if len(values) == len(components):  # in every fold
            yield key, {"kind": PARTIAL, "a": a, "b": b, "metric": metrics[key], "value": float(np.mean(values)), **own}
