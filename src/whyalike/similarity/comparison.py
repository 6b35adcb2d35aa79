"""The score table of one comparison on one stimulus set: which rows count for which pair, then all scores at once.

Subsets of the stimuli are masks here, not files: under task overlap the stimuli of the training data set are scored as
`common` (classes of both models), `ood_one` (of exactly one) and `ood_both` (of neither), and where asked for as
`fixed_classes_1` and `fixed_classes_2`, the mean over single shared classes and over two of them together, so that the
number of classes does not grow with the overlap. A set that does not exist at a level is absent.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy  # its parts are loaded when they are used: `scipy.stats` takes half a second

from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.data.prepared import Prepared, open_prepared
from whyalike.files import read_table, write_table
from whyalike.job import note
from whyalike.similarity.absent import made_by_scoring
from whyalike.similarity.pairs import PairOnStimuli
from whyalike.similarity.parameters import ScoredPair, ScoreParameters
from whyalike.similarity.scoring import score_pairs
from whyalike.similarity.table import PART_SCHEMA, to_table
from whyalike.similarity.unfinished import Unfinished
from whyalike.splits.overlap import dataset_overlap

# columns of the score table that are said of a comparison, and of a pair
OF_COMPARISONS = ("study", "comparison", "setting", "setting_b", "factor", "stimuli", "seeds_asked")
OF_PAIRS = ("seed", "condition", "label_overlap", "name_a", "name_b", "step_a", "step_b")
KINDS = 1 << 10  # more than a pair has kinds of stimuli
NEIGHBOURS = 2  # places between two classes that are scored together: 197 pairs of 100 classes, not 4,950 (15 minutes)


def score_comparison(
    parameters: ScoreParameters,
    activations: Mapping[str, Sequence[Path]],
    manifests: Sequence[Path],
    training_data: Path,
    stimuli_data: Path,
    output: Path,
) -> None:
    """Write the scores of one (study, comparison, stimuli), by the metrics of one job.

    Parameters
    ----------
    parameters : what is compared by which metrics.
    activations : layer -> activation files of the seeds.
    manifests : manifests of the seeds.
    training_data, stimuli_data : prepared data sets of the setting and of the stimuli.
    output : path of the table, which `joining.join_scores` puts together with those of the other jobs.

    Raises
    ------
    ValueError : activation files whose stimuli differ.
    """
    ids, representations = _read(activations)
    runs = pd.concat([read_table(path).to_pandas() for path in manifests]).drop_duplicates("run").set_index("run")
    rows = _Rows(parameters, open_prepared(stimuli_data), ids, runs)
    training = open_prepared(training_data)
    compared = [
        (number * KINDS + place, pair, of_kind)
        for number, pair in zip(parameters.numbers or range(len(parameters.pairs)), parameters.pairs, strict=True)
        for place, of_kind in enumerate(rows.subsets(pair))
    ]
    pairs = [
        PairOnStimuli(
            run_a=pair.view_a or pair.run_a,
            run_b=pair.view_b or pair.run_b,
            untrained_a=pair.untrained_a,
            untrained_b=pair.untrained_b,
            subsets=subsets,
            groups=rows.groups,
            labels_a=rows.label_codes(pair.run_a),
            labels_b=rows.label_codes(pair.run_b),
            columns={**_columns(parameters, pair, training, runs), "stimuli_kind": kind, "classes": classes},
            layers=parameters.layer_pairs,
        )
        for _, pair, (kind, subsets, classes) in compared
    ]
    title = f"{parameters.title} · {', '.join(parameters.metrics)}"
    inputs = [*itertools.chain.from_iterable(activations.values()), *manifests]
    inputs += [data / "labels.parquet" for data in (training_data, stimuli_data)]
    with Unfinished(output, parameters.plain(), inputs, title, len(pairs), "pairs") as kept:
        scores = score_pairs(
            representations,
            pairs,
            parameters.metrics,
            parameters.protocols,
            parameters.permutations,
            parameters.seed,
            kept,
            places=[place for place, _, _ in compared],
        )
        write_table(output, to_table(scores, PART_SCHEMA), made_by_scoring(parameters, representations, pairs))
    note(f"{title} · {len(scores)} scores")


def _read(activations: Mapping[str, Sequence[Path]]) -> tuple[np.ndarray, dict[str, dict[str, np.ndarray]]]:
    """Stimulus ids and run -> layer -> (n, d)."""
    ids = None
    representations: dict[str, dict[str, np.ndarray]] = {}
    for layer, paths in activations.items():
        for path in paths:
            own = read_ids(path)
            if ids is not None and not np.array_equal(ids, own):
                raise ValueError(
                    f"{path} holds other stimuli than the other seeds' files: extract the activations again"
                )
            ids = own
            for run in runs_of(path):
                representations.setdefault(run, {})[layer] = read_activations(path, run)
    return ids, representations


class _Rows:
    """Which stimuli count for a pair, and their classes."""

    def __init__(self, parameters: ScoreParameters, data: Prepared, ids: np.ndarray, runs: pd.DataFrame):
        self.parameters, self.data, self.ids, self.runs = parameters, data, ids, runs
        labelling = parameters.labelling if parameters.in_distribution else "_".join(data.attributes)
        self.groups, self.names = data.labelling(labelling, ids)

    def label_codes(self, run: str) -> np.ndarray | None:
        """The run's own labels of the stimuli: under label overlap, where the two models' labels differ."""
        if not self.parameters.other_labels or not self.parameters.in_distribution:
            return None
        return self.data.labelling(self.runs.loc[run, "labelling"], self.ids)[0]

    def subsets(self, pair: ScoredPair) -> Iterator[tuple[str, tuple[np.ndarray, ...], int]]:
        """Kind, row sets, number of classes."""
        if not self.parameters.in_distribution or self.parameters.shares != "classes":
            kind = "in_distribution" if self.parameters.in_distribution else "out_of_distribution"
            yield kind, (np.arange(len(self.ids)),), len(np.unique(self.groups))
            return
        a, b = (np.isin(self.names, list(self.runs.loc[run, "class_names"])) for run in (pair.run_a, pair.run_b))
        for kind, classes in (("common", a & b), ("ood_one", a ^ b), ("ood_both", ~a & ~b)):
            if classes.any():
                yield kind, (np.flatnonzero(classes[self.groups]),), int(classes.sum())
        for count in self.parameters.fixed_classes:
            if sets := fixed_classes(self._shared(pair), count):
                yield f"fixed_classes_{count}", tuple(np.flatnonzero(np.isin(self.groups, own)) for own in sets), count

    def _shared(self, pair: ScoredPair) -> list[int]:
        """Codes of the classes of both models, in the order of A's labels, which the seed shuffled."""
        b = set(self.runs.loc[pair.run_b, "class_names"])
        return [self.names.index(name) for name in self.runs.loc[pair.run_a, "class_names"] if name in b]


def fixed_classes(shared: Sequence[int], count: int) -> list[tuple[int, ...]]:
    """The classes that are scored together, so many at a time.

    Parameters
    ----------
    shared : classes of both models in the order of A's labels; those of a smaller overlap come first.
    count : 1: each alone; 2: every two that stand at most 2 places apart.

    Returns
    -------
    Sorted sets of classes. Those of a smaller overlap are among those of a larger one; none where there are fewer
    classes than that.
    """
    sets = itertools.combinations(enumerate(shared), count)
    near = (chosen for chosen in sets if chosen[-1][0] - chosen[0][0] <= NEIGHBOURS)
    return sorted(tuple(sorted(code for _, code in chosen)) for chosen in near)


def _columns(parameters: ScoreParameters, pair: ScoredPair, training: Prepared, runs: pd.DataFrame) -> dict[str, Any]:
    labellings = runs.loc[[pair.run_a, pair.run_b], "labelling"]
    return {
        **{name: getattr(parameters, name) for name in OF_COMPARISONS},
        **{name: getattr(pair, name) for name in OF_PAIRS},
        "data_overlap": _shared_images(training, parameters.labelling, pair),
        "label_information": _label_information(training, *labellings) if parameters.other_labels else None,
    }


def _shared_images(data: Prepared, labelling: str, pair: ScoredPair) -> float | None:
    """The data overlap; the models A of two seeds saw half of every class each, and what they share is counted."""
    if pair.seed_b is None:
        return pair.data_overlap
    codes, _ = data.labelling(labelling, data.rows("train"))
    a, b = (dataset_overlap(codes, seed, [])["A"] for seed in (pair.seed, pair.seed_b))
    return len(np.intersect1d(a, b)) / len(a)


def _label_information(data: Prepared, a: str, b: str) -> float:
    """lambda = I(L_A; L_B) / sqrt(H(L_A) H(L_B)) of two labellings of the training images, 0 to 1."""
    from sklearn.metrics import mutual_info_score  # half a second to import, for two factors only

    codes = [data.labelling(name, data.rows("train"))[0] for name in (a, b)]
    entropies = [scipy.stats.entropy(np.bincount(own)) for own in codes]
    return float(mutual_info_score(*codes) / np.sqrt(np.prod(entropies)))
