"""The extraction of a cell: of models in the run store, or of another library's in the user's files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from whyalike.activations.parameters import ExtractionParameters, PretrainedExtractionParameters
from whyalike.training.parameters import Operation


def extract(
    parameters: ExtractionParameters | PretrainedExtractionParameters,
    operation: Operation,
    threads: int,
    dataset: Path,
    store: Path,
    weights: Mapping[str, Path],
    outputs: Sequence[Path],
    training_data: Path | None = None,
) -> None:
    """Write the activation files of a cell on one stimulus set.

    Parameters
    ----------
    parameters, operation, threads, dataset : as of `whyalike.activations.extraction.extract_cell`.
    store : folder of the run store, of models that are there.
    weights : name of a run -> its file or folder, of another library's models.
    outputs : paths of the activation files, in the order of the layers.
    training_data : prepared data set whose images recalibrate models in the store; None where none do.
    """
    given = {"parameters": parameters, "operation": operation, "threads": threads, "dataset": dataset}
    if isinstance(parameters, PretrainedExtractionParameters):
        from whyalike.activations.pretrained import extract_pretrained

        extract_pretrained(**given, weights=weights, outputs=dict(zip(parameters.look.layers, outputs, strict=True)))
        return
    from whyalike.activations.extraction import extract_cell

    places = dict(zip(parameters.layers, outputs, strict=True))
    extract_cell(**given, store=store, outputs=places, training_data=training_data)
