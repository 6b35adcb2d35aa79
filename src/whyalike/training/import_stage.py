"""The import of a setting's runs: activations and checkpoints of models here, or weights of another library's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whyalike.data.prepared import open_prepared
from whyalike.training.imported import import_runs
from whyalike.training.parameters import ImportParameters, Operation, PretrainedParameters
from whyalike.training.pretrained import register


def import_setting(
    parameters: ImportParameters,
    operation: Operation,
    files: Sequence[Path],
    dataset: Path,
    store: Path,
    output: Path,
    layers: Sequence[str],
    size: int | None,
    look: Mapping[str, Any],
    weights: Mapping[str, Path],
) -> None:
    """Write the manifest of a setting whose runs come from files.

    Parameters
    ----------
    parameters, operation, files, dataset, store, output, layers, size, look : as of
        `whyalike.training.imported.import_runs`.
    weights : of models of another library, name of a run -> its weights.
    """
    if isinstance(parameters, PretrainedParameters):
        _, names = open_prepared(dataset).labelling(parameters.labelling)
        register(parameters, weights, list(names), output)
        return
    import_runs(parameters, operation, files, dataset, store, output, layers, size, look)
