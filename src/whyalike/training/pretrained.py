"""Models of other libraries instead of training: weights stay in the user's files, the manifest tells of them.

Nothing is copied: a file may have gigabytes. Before anything waits for them each file is read whole, given to its
architecture, and the layers are recorded on two stimuli.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import torch

from whyalike.files import write_table
from whyalike.job import note
from whyalike.models.libraries.building import Built, build
from whyalike.models.libraries.images import adapted
from whyalike.models.libraries.parameters import InputRule, Look
from whyalike.models.libraries.recording import record
from whyalike.models.libraries.texts import Encoder
from whyalike.training.checkpoint import load_checkpoint
from whyalike.training.manifest import MANIFEST
from whyalike.training.parameters import PretrainedParameters
from whyalike.training.weight_files import weights_sha256

VERSION = 1  # raise it when the models that are made change

TRIED = 64  # pixels a side, of the images on which layers are tried


def load(look: Look, path: Path, sha256: str) -> Built:
    """The model of a file or folder, on the CPU.

    Parameters
    ----------
    look : which architecture, and what is left out of the file.
    sha256 : of the weights, as they were when the configuration was read.

    Raises
    ------
    ValueError : the file is another one by now, or what `load_checkpoint` raises.
    """
    if weights_sha256(path) != sha256:
        raise ValueError(f"{path} has changed since the configuration was read. Start the workflow again.")
    built = build(look.architecture, path if path.is_dir() else None)
    load_checkpoint(built.model, path, drop=look.drop)
    return seen_as(built, look)


def seen_as(built: Built, look: Look) -> Built:
    """A model, before or after its projection, as a look asks."""
    if look.projection == "before":
        built.library.leave_projection(built.model)
    return built


def register(parameters: PretrainedParameters, weights: Mapping[str, Path], classes: list[str], output: Path) -> None:
    """Write the manifest of a setting whose models are of another library.

    Parameters
    ----------
    parameters : runs and look.
    weights : name of a run -> its file or folder.
    classes : names of the classes of its labelling.
    output : path of the manifest; its metadata hold the hashes, numbers of parameters and widths.

    Raises
    ------
    ValueError, LookupError : as of `load` and `whyalike.models.libraries.recording.record`.
    """
    rows, told = [], {}
    for place, run in enumerate(parameters.runs, 1):
        path, sha256 = weights[run.name], parameters.sha256[run.name]
        built = load(parameters.look, path, sha256)
        told[run.name] = {
            "sha256": sha256,
            "parameters": sum(one.numel() for one in built.model.parameters()),
            "parameters_encoder": sum(one.numel() for one in built.tower.parameters()),
            "widths": _widths(built, parameters, path),
        }
        row = {"run": run.identity, **{name: getattr(run, name) for name in ("name", "replica", "level", "labelling")}}
        row |= {name: getattr(parameters, name) for name in ("setting", "factor", "seed")}
        rows.append({**row, "classes": len(classes), "class_names": classes, "sha256": sha256})
        note(f"import {place}/{len(parameters.runs)} models · {parameters.setting} · {run.name}")
    files = {name: [one["sha256"]] for name, one in told.items()}
    write_table(
        output,
        pa.Table.from_pylist(rows, schema=MANIFEST),
        {"work": parameters.plain(), "files": files, "models": told},
    )


def _widths(built: Built, parameters: PretrainedParameters, path: Path) -> dict[str, int]:
    """Units of each layer, found on two stimuli."""
    try:
        found = try_look(built, parameters.look, path)
    except (LookupError, ValueError) as error:
        error.add_note(f"Found on two stimuli, with settings.{parameters.setting} and the weights in {path}.")
        raise
    return {layer: vectors.shape[1] for layer, vectors in found.items()}


def try_look(built: Built, look: Look, path: Path) -> dict:
    """What the layers of a look give on two stimuli, as `record` says it."""
    if look.inputs == "tokens":
        encoder = Encoder(path, context(built))
        return record(built, [["one", "another text"]], encoder, look)
    rule = InputRule.from_plain(look.rule)
    images = (torch.arange(2 * TRIED * TRIED * 3) % 256).to(torch.uint8).reshape(2, TRIED, TRIED, 3)
    try:
        return record(built, [images], lambda batch: adapted(batch, rule), look)
    except (RuntimeError, AssertionError, TypeError) as error:  # a size that the architecture cannot take
        raise ValueError(f"the model cannot take images by the rule {look.rule}: {error}") from error


def context(built: Built) -> int | None:
    """Tokens that a language model takes at most, as its configuration says it."""
    return getattr(getattr(built.model, "config", None), "max_position_embeddings", None)
