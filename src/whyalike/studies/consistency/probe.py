"""The linear probes of a setting's models: how well classes can be read from features of length 1.

Source: Ciernik et al. 2025, appendix B: AdamW whose decay holds for biases too, a cosine schedule without warm-up,
rate and decay searched on a fifth of the training stimuli, then one training on all of them. With 4 rates, 64 decays
and 3 seeds that is up to 171 trainings of a model on a set; with one decay, 1e-6, and 2 rates it is 3. Batches, initial
weights and held-out stimuli have keys without the model, so that a model's probe depends on no other one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from whyalike.activations.table import read_activations, read_ids
from whyalike.activations.vector_checks import check_features
from whyalike.data.prepared import open_prepared
from whyalike.files import write_table
from whyalike.job import note
from whyalike.studies.consistency.parameters import Model, ProbeParameters, ProbeSet
from whyalike.studies.consistency.probe_search import held_out, search
from whyalike.studies.consistency.probe_training import Candidate, predictions, train_probes, with_ones
from whyalike.training.device import set_up_device
from whyalike.training.parameters import Operation

#: A row a model, stimulus set and seed. ``searched``: trainings of the search, without the last one, on all of train;
#: ``correct``: of each test stimulus, in their order.
SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string(), nullable=False) for name in ("model", "stimuli")),
        pa.field("seed", pa.int64(), nullable=False),
        *(pa.field(name, pa.float64(), nullable=False) for name in ("rate", "decay")),
        pa.field("searched", pa.int64(), nullable=False),
        pa.field("accuracy", pa.float64(), nullable=False),
        *(pa.field(name, pa.int64(), nullable=False) for name in ("n_train", "n_test", "classes")),
        pa.field("correct", pa.list_(pa.bool_()), nullable=False),
    ]
)
MOST_NAMED = 5  # classes that a message names


@dataclass(frozen=True)
class Labels:
    """What a probe on a stimulus set learns.

    Attributes
    ----------
    name : of the set. count : of the classes, k.
    train, test : the class of each stimulus, 0 to k - 1, int64.
    """

    name: str
    count: int
    train: np.ndarray
    test: np.ndarray


def probe_setting(
    parameters: ProbeParameters,
    activations: list[Path],
    labels: list[Path],
    threads: int,
    operation: Operation,
    output: Path,
) -> None:
    """Train and test the probes of a setting's models on every set that has one.

    Parameters
    ----------
    activations : files {setting}.{stimuli}.parquet. labels : label files of the data sets, in a folder of their name.
    threads, operation : how to carry it out; the weights depend on the number of threads.
    output : path of the table, see `SCHEMA`.

    Raises
    ------
    ValueError : files that lack stimuli, or stimuli that no probe can be trained or tested on.
    ArithmeticError : a probe diverged.
    """
    device, rows = set_up_device(operation.device, threads), []
    files = {path.name: path for path in activations}
    of_stimuli = {stimuli: files[f"{parameters.setting}.{stimuli}.parquet"] for stimuli in parameters.datasets}
    total = len(parameters.models) * len(parameters.sets) * parameters.seeds
    for name, of in parameters.sets.items():
        own = labels_of(name, of, parameters.datasets, of_stimuli, labels)
        for model in parameters.models:
            train, test = (_features(of_stimuli[one], one, model).to(device) for one in (of.train, of.test))
            for seed in range(parameters.seeds):
                found = probe(train, test, own, parameters, seed)
                rows.append({"model": model.name, "stimuli": name, "seed": seed, **found})
                note(f"probe {len(rows)}/{total} · {model.name} · {name}, seed {seed} · {found['accuracy']:.1%} · rate "
                     f"{found['rate']:g}, decay {found['decay']:.3g} of {found['searched']} searched")  # fmt: skip
    place = {model.name: number for number, model in enumerate(parameters.models)}
    rows.sort(key=lambda row: place[row["model"]])
    write_table(output, pa.Table.from_pylist(rows, schema=SCHEMA), {"work": parameters.plain()})


def probe(train: Tensor, test: Tensor, own: Labels, parameters: ProbeParameters, seed: int) -> dict[str, Any]:
    """The columns of one probe but model, stimuli and seed.

    Parameters
    ----------
    train, test : features, n x (d + 1), as `with_ones` makes them.
    own : the classes of both.
    parameters : rates, decays, epochs, batch_size, and the seed in the keys.
    seed : number of the probe.
    """
    purpose = (parameters.seed, "probe", seed)
    y, asked = torch.from_numpy(own.train).to(train.device), torch.from_numpy(own.test).to(test.device)
    how = (own.count, parameters.epochs, parameters.batch_size)

    several = len(parameters.rates) * parameters.decays > 1
    kept = torch.from_numpy(held_out(own.train, *purpose)).to(y.device) if several else torch.zeros_like(y, dtype=bool)
    (x_fit, y_fit), (x_kept, y_kept) = ((train[some], y[some]) for some in (~kept, kept))

    def score(candidates: list[Candidate]) -> list[float]:
        weights = _trained(x_fit, y_fit, candidates, how, purpose)
        return (predictions(weights, x_kept) == y_kept).double().mean(1).tolist()

    best, searched = search(parameters.rates, parameters.decays, score)
    given = predictions(_trained(train, y, [best], how, purpose), test)[0]
    if (given < 0).any():
        raise ArithmeticError(
            f"the probe on {own.name} diverged at rate {best.rate:g} and decay {best.decay:g}. Lower `rates`."
        )
    right = (given == asked).cpu().numpy()
    counts = {"n_train": len(own.train), "n_test": len(own.test), "classes": own.count}
    chosen = {"rate": best.rate, "decay": best.decay, "searched": searched}
    return {**chosen, "accuracy": float(right.mean()), **counts, "correct": right.tolist()}


def _trained(
    x: Tensor, y: Tensor, candidates: Sequence[Candidate], how: tuple[int, int, int], purpose: tuple
) -> Tensor:
    classes, epochs, batch_size = how
    return train_probes(x, y, classes, candidates, epochs, batch_size, *purpose)


def labels_of(
    name: str, of: ProbeSet, datasets: Mapping[str, str], activations: Mapping[str, Path], labels: Sequence[Path]
) -> Labels:
    """What the probe on a set learns, by the names of its classes: train and test may be of different data sets.

    Parameters
    ----------
    name, of : of the set.
    datasets, activations : stimuli -> data set, and a file that holds their ids.
    labels : label files of the data sets, in a folder of their name.

    Raises
    ------
    ValueError : one class to train on, a class of the test stimuli that is not among them, or stimuli in both.
    """
    folders = {path.parent.name: path.parent for path in labels}
    ids, classes = {}, {}
    for stimuli in (of.train, of.test):
        data, ids[stimuli] = open_prepared(folders[datasets[stimuli]]), read_ids(activations[stimuli])
        codes, names = data.labelling(of.labelling or "_".join(data.attributes), ids[stimuli])
        classes[stimuli] = np.array(names)[codes]
    known, y = np.unique(classes[of.train], return_inverse=True)
    if len(known) < 2:
        raise ValueError(
            f"consistency.stimuli.{name}: a probe needs two classes to train on, the {len(y)} stimuli {of.train} have "
            f"only {known[0]}. Name other ones as `train`, or another `labelling`."
        )
    if missing := sorted(set(classes[of.test]) - set(known)):
        told = ", ".join([*missing[:MOST_NAMED], *["..."] * (len(missing) > MOST_NAMED)])
        raise ValueError(
            f"consistency.stimuli.{name}: the test stimuli {of.test} have {len(missing)} classes of which the training "
            f"stimuli {of.train} have none: {told}. Name other ones as `train` or `test`, or another `labelling`."
        )
    one_pool = datasets[of.train] == datasets[of.test]
    shared = len(np.intersect1d(ids[of.train], ids[of.test])) if one_pool else 0
    if shared:
        raise ValueError(
            f"consistency.stimuli.{name}: {shared} of the test stimuli {of.test} are among the training stimuli "
            f"{of.train}, so accuracy would not be of new ones. Take them from different parts of the data set."
        )
    return Labels(name, len(known), y.astype(np.int64), np.searchsorted(known, classes[of.test]))


def _features(path: Path, stimuli: str, model: Model) -> Tensor:
    return with_ones(check_features(read_activations(path, model.view), f"the features of {model.name} on {stimuli}"))
