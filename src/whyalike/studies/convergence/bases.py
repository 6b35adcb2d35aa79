"""Whether units have a basis in common: permutation scores of a group's models as they are, and of rotated ones.

A permutation matches units with units, so it sees a basis; a rotation drawn at random (Haar) leaves all that is linear
in a representation as it was and takes its basis away. Rotating mixes units in proportion to their variance: of raw
responses the rotated score falls with the spread of the units' variances, whatever the basis. So the corrected analysis
rotates units of unit variance, several times, and, as a second null, both models at once; as published there is one
rotation of one model's raw responses.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from whyalike.files import write_table
from whyalike.job import note
from whyalike.randomness import key
from whyalike.similarity.alignments import Prepared, align, rotations
from whyalike.statistics.explanations import participation_ratio
from whyalike.studies.convergence.looks import place_of
from whyalike.studies.convergence.pairs import main_pairs, members_at
from whyalike.studies.convergence.parameters import Analysis, BasisScores
from whyalike.studies.convergence.representations import Given, Layers, Models
from whyalike.studies.convergence.section import FINAL, PUBLISHED, START
from whyalike.training.parameters import Operation

SCORED = ("permutation", "permutation", {})
AT = (SCORED[0], "pearson")  # its key in what `align` finds
#: A row a pair of models, layer, analysis and checkpoint. rotated_sd: over the draws; with one there is none.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("group", "setting", "analysis", "checkpoint")),
        *(pa.field(name, pa.string(), nullable=False) for name in ("a", "b", "layer")),
        pa.field("index", pa.int64(), nullable=False),
        pa.field("depth", pa.float64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("width", "n")),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("native", "rotated")),
        *(pa.field(name, pa.float64()) for name in ("rotated_sd", "rotated_both")),
        pa.field("draws", pa.int64(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("participation_a", "participation_b")),
    ]
)
Pairs = Sequence[tuple[str, str]]
Row = dict[str, Any]


def score_bases(
    parameters: BasisScores,
    operation: Operation,
    threads: int,
    store: Path,
    data: Sequence[Path],
    training: Sequence[Path],
    weights: Mapping[str, Mapping[str, Path]],
    output: Path,
) -> None:
    """Write the permutation scores of native and rotated units of a group, untrained and final.

    Parameters
    ----------
    parameters, operation, threads, store : which models, and how to carry it out.
    data, training : files of the prepared data sets of the stimuli, and of the images that recalibrate.
    weights : group -> name of a run -> its file, of another library's models.
    output : a table of `SCHEMA`. What has no score has no row, and the log says so.
    """
    group = parameters.group
    models = Models(group, store, operation, threads, training[0].parent, weights.get(group.group, {}))
    given, rows = models.given(data[0].parent), []
    for checkpoint in (START, FINAL):
        pairs = main_pairs(members_at(group.members, checkpoint))
        for analyses, seen in looked_at(parameters.analyses, models, given, pairs, checkpoint):
            rows += basis_rows(parameters, analyses, checkpoint, pairs, seen)
    write_table(output, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain()})
    note(f"bases of {group.group} · {len(rows)} scores")


def looked_at(
    analyses: Sequence[Analysis], models: Models, given: Given, pairs: Pairs, checkpoint: str
) -> Iterator[tuple[list[Analysis], dict[str, Layers]]]:
    """The layers of all models that pairs name, once for all analyses that recalibrate alike."""
    wanted = {model for pair in pairs for model in pair}
    if not wanted:
        note(f"{models.group.group}, {checkpoint}: there are no two models that differ in start and order")
        return

    def images(analysis: Analysis) -> int:
        return analysis.recalibration

    for recalibration, alike in groupby(sorted(analyses, key=images), images):
        seen = models.at(checkpoint, recalibration)
        yield list(alike), {one.member.model: one.layers(given) for one in seen if one.member.model in wanted}


def basis_rows(
    parameters: BasisScores, analyses: Sequence[Analysis], checkpoint: str, pairs: Pairs, seen: Mapping[str, Layers]
) -> Iterator[Row]:
    """The rows of all pairs; the analyses have the same responses, so that native scores are made once.

    Parameters
    ----------
    seen : model -> layer -> responses (n, d).
    """
    group = parameters.group
    for index, layer in enumerate(group.layers):
        prepared = {model: Prepared(layers[layer], parameters.folds, parameters.folds_seed)
                    for model, layers in seen.items()}  # fmt: skip
        shares = {model: _participation(layers[layer]) for model, layers in seen.items()}
        n, width = next(iter(seen.values()))[layer].shape
        place = {**place_of(group.layers, index), "width": width, "n": n}
        for a, b in pairs:
            found = align(prepared[a], prepared[b], [SCORED])
            if AT not in found:
                note(f"no basis of {layer}, {group.group}, {checkpoint}, {a} and {b}: a permutation matches equally "
                     "many units that vary")  # fmt: skip
                continue
            own = {
                "a": a,
                "b": b,
                "native": found[AT].value,
                "participation_a": shares[a],
                "participation_b": shares[b],
            }
            for analysis in analyses:
                rotated = _rotated(parameters, analysis, layer, (a, b), (prepared[a], prepared[b]))
                yield {"group": group.group, "setting": group.setting, "analysis": analysis.analysis,
                       "checkpoint": checkpoint, **place, **own, **rotated}  # fmt: skip
        note(f"bases of {group.group}, {checkpoint}: {index + 1}/{len(group.layers)} layers")


def _rotated(parameters: BasisScores, analysis: Analysis, layer: str, pair: tuple[str, str], sides: Any) -> Row:
    """The scores of rotated units. The rotations of a pair are the same at every checkpoint."""
    seed = key(parameters.seed, "rotations", parameters.group.group, layer, *pair)
    if analysis.analysis == PUBLISHED:
        rotated = rotations(*sides, 1, seed, standardised=False)
        return {"rotated": float(rotated[0]), "draws": 1}
    rotated, both = (rotations(*sides, parameters.rotations, seed, both=both) for both in (False, True))
    return {"rotated": float(rotated.mean()), "rotated_sd": float(rotated.std(ddof=1)),
            "rotated_both": float(both.mean()), "draws": len(rotated)}  # fmt: skip


def _participation(x: Any) -> float | None:
    """Of the covariance of the raw responses; None where these do not vary, of which there are no scores either."""
    return participation_ratio(x) if (x != x[:1]).any() else None
