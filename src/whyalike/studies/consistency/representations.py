"""The representations of all models on one stimulus set, as the study's jobs compare them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.data.prepared import open_prepared
from whyalike.similarity.precision import FEW_ROWS
from whyalike.similarity.preprocessing import unit_rows
from whyalike.studies.consistency.parameters import Model


def read_models(models: Sequence[Model], activations: Sequence[Path]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The ids of the stimuli (n,), and name of each model -> float32 n x d, in the order of the models.

    Parameters
    ----------
    activations : files of one stimulus set, {setting}.{stimuli}.parquet.

    Raises
    ------
    ValueError : files of other stimuli than the first one's; a model that no file holds.
    """
    if not activations:
        raise ValueError("similarities need activation files; there are none. Name zoos that have models.")
    ids = read_ids(activations[0])
    for path in activations[1:]:
        if not np.array_equal(ids, read_ids(path)):
            raise ValueError(
                f"{path} holds other stimuli than {activations[0]}: delete the one that is not of this set, and give "
                "the same command."
            )
    places = {view: path for path in activations for view in runs_of(path)}
    for model in models:
        if model.view not in places:
            own = [path for path in activations if path.name.startswith(f"{model.setting}.")]
            raise ValueError(
                f"{', '.join(map(str, own)) or 'no activation file'} does not hold the model {model.name} "
                f"(view {model.view}): delete it and give the same command."
            )
    return ids, {model.name: read_activations(places[model.view], model.view) for model in models}


def classes_of(labels: Sequence[Path], labelling: str | None, ids: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The class of each stimulus (n,) and the names of the classes.

    Parameters
    ----------
    labels : the label file of the data set of the stimuli.
    labelling : of it; None: all attributes joined.
    """
    data = open_prepared(labels[0].parent)
    return data.labelling(labelling or "_".join(data.attributes), ids)


def to_unit_rows(arrays: dict[str, np.ndarray]) -> None:
    """Put rows of length 1 in the place of each representation, one after another.

    Lengths are divided by in float64. Of many stimuli the result is float32, as activations are; of few it stays
    float64, so that nothing is rounded.
    """
    for name, x in arrays.items():
        unit = unit_rows(x.astype(np.float64))
        arrays[name] = unit.astype(np.float32) if len(x) >= FEW_ROWS else unit
