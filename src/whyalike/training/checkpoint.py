"""Weights in the user's files: read as tensors alone, and given to a model under the names that it has.

A file is a state dict: `.safetensors`, or what `torch.save` wrote, alone or beside other things. A folder is one that
`save_pretrained` of Hugging Face wrote, whole or in shards. No code that stands in a file or folder is run.
"""

import json
import logging
import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from whyalike.file_faults import readable
from whyalike.files import check_archive
from whyalike.job import note

State = dict[str, Tensor]
IN_FOLDERS = ("model.safetensors", "pytorch_model.bin")  # of several shards the index has this name and .index.json
ENTRIES = ("state_dict", "model_state_dict", "model")  # where training loops put weights beside other things
FEW = 3  # names in a message
COUNTER = "num_batches_tracked"  # of batch norm: files from before it have none


def weight_files(path: Path) -> list[Path]:
    """The files of a checkpoint: itself, or those of a folder.

    Raises
    ------
    ValueError : a folder without weights, or whose index cannot be read.
    """
    if not path.is_dir():
        return [path]
    for name in IN_FOLDERS:
        if (path / name).is_file():
            return [path / name]
        index = path / f"{name}.index.json"
        if index.is_file():
            with readable(index, "JSON with a `weight_map`, as `save_pretrained` writes it", "Fetch the folder again."):
                names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
                files = [path / Path(one).name for one in sorted(names)]
                if absent := [file.name for file in files if not file.is_file()]:
                    raise ValueError(f"it names {_some(absent)}, which does not lie beside it")
                return files
    held = ", ".join(sorted(one.name for one in path.iterdir())) or "nothing"
    raise ValueError(
        f"{path} is a folder and must hold {' or '.join(IN_FOLDERS)}, as `save_pretrained` writes it; it holds {held}. "
        "Name the file itself under `checkpoints`"
    )


def load_checkpoint(model: nn.Module, path: Path, prefix: str = "") -> nn.Module:
    """Fill a model from a file or folder.

    Names fit as they are, or when all of them lose, or gain, the same beginning (`module.`, `model.`): which is said.

    Parameters
    ----------
    prefix : take the names that begin so, without this beginning, and leave out the others.

    Raises
    ------
    ValueError : no state dict, or not that of the model, or numbers that its parameters cannot have; the message says
        which names differ, and what to do.
    """
    finite = [name for name, value in model.state_dict().items() if value.isfinite().all()]
    model = _filled(model, path, prefix)
    state = model.state_dict()
    if bad := [name for name in finite if not state[name].isfinite().all()]:
        raise ValueError(
            f"{path} must hold finite numbers; NaN, infinity or what overflows stands in {_some(bad)}. Take a "
            "checkpoint from before the training diverged"
        )
    return model


def _filled(model: nn.Module, path: Path, prefix: str) -> nn.Module:
    state = {name: value for file in weight_files(path) for name, value in _read(file).items()}
    state, left_out = _chosen(state, prefix, path)
    if left_out:
        note(f"{path}: left out, since they do not begin with '{prefix}': {_some(left_out)}")
    own = model.state_dict()
    _check_kinds(state, own, path)
    for words, form in _forms(state, own):
        if not any(_difference(form, own)):
            _check_shapes(form, own, path)
            model.load_state_dict(form, strict=False)  # a counter may lack, and a second name of shared weights
            if words:
                note(f"{path}: {words}")
            return model
    if _is_of_library(model):
        return _load_by_library(model, state, path, prefix)
    raise ValueError(_misfit(path, *_difference(state, own), _remedy(state, own, model, prefix)))


def _read(path: Path) -> State:
    """The tensors of one file by name."""
    with readable(path, "a state dict (.safetensors, or .pt or .pth of tensors alone)", "Save or fetch it again."):
        if path.suffix == ".safetensors":
            return load_file(path)
        try:
            if zipfile.is_zipfile(path):  # files from before PyTorch 1.6 have no sums
                check_archive(path)
            found = torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
            raise ValueError(_why(error)) from error
    if _is_state(found):
        return dict(found)
    entries = {name: one for name, one in found.items() if _is_state(one)} if isinstance(found, Mapping) else {}
    names = [name for name in ENTRIES if name in entries] or list(entries)
    if not names or (len(names) > 1 and names[0] not in ENTRIES):
        held = f"a {type(found).__name__} without any"
        if found and isinstance(found, Mapping):
            held = f"the entries {_some(map(str, found))}"
        raise ValueError(f"{path} must be a state dict, alone or under the key {' or '.join(ENTRIES)}; it holds {held}")
    return dict(entries[names[0]])


def _why(error: Exception) -> str:
    """Why a file cannot be read: torch's own text is long, and says how to run the code in a file."""
    if code := re.search(r"GLOBAL (\S+)", str(error)):
        return (
            f"it holds an object of {code[1]}, and no code in a file is run. Write the tensors alone, with "
            "`torch.save(model.state_dict(), ...)`, where the model is"
        )
    if isinstance(error, pickle.UnpicklingError | EOFError):
        return "it is empty, cut off or another kind of file"
    return str(error).split(". ")[0]


def _is_state(found: Any) -> bool:
    return isinstance(found, Mapping) and bool(found) and all(isinstance(value, Tensor) for value in found.values())


def _chosen(state: State, prefix: str, path: Path) -> tuple[State, list[str]]:
    """The names that begin with a prefix, without it, and those that do not."""
    chosen = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    if not chosen:
        raise ValueError(f"{path} has no name that begins with the setting's `prefix` {prefix}. It has {_some(state)}")
    return chosen, [name for name in state if not name.startswith(prefix)]


def _beginnings(name: str) -> list[str]:
    """The beginnings of a name that end with a dot, the shortest first."""
    return [f"{one}." for one in accumulate(name.split(".")[:-1], "{}.{}".format)]


def _common(names: Mapping[str, Any]) -> list[str]:
    return [one for one in _beginnings(next(iter(names), "")) if all(name.startswith(one) for name in names)]


def _forms(state: State, own: State) -> Iterator[tuple[str, State]]:
    """A state under the names that it may have in the model, all of its names changed alike, and what was done."""
    yield "", state
    for one in _common(state):
        yield (
            f"read without '{one}', with which all of its names begin",
            {name.removeprefix(one): value for name, value in state.items()},
        )
    for one in _common(own):
        yield f"read with '{one}' before all of its names", {one + name: value for name, value in state.items()}


def _difference(state: State, own: State) -> tuple[list[str], list[str]]:
    """Names that a state lacks, and those that it has too many, of a model's own."""
    there = {own[name].data_ptr() for name in own if name in state and own[name].numel()}
    lacking = [
        name
        for name, value in own.items()
        if name not in state and not name.endswith(COUNTER) and value.data_ptr() not in there
    ]
    return lacking, [name for name in state if name not in own]


def _check_kinds(state: State, own: State, path: Path) -> None:
    """Refuse tensors that copying would change: of complex numbers, of integers that stand for others, without data."""
    real = not any(value.is_complex() for value in own.values())
    odd = [
        f"{name} ({value.dtype}, {value.layout}, {value.device})"
        for name, value in state.items()
        if value.layout is not torch.strided or value.is_meta or value.is_quantized or (real and value.is_complex())
    ]
    if odd:
        raise ValueError(
            f"{path} must hold dense tensors of real numbers; others are {_some(odd)}. Convert them, for example with "
            "x.to_dense().float(), and save them again"
        )


def _check_shapes(state: State, own: State, path: Path) -> None:
    other = [(name, value.shape, own[name].shape) for name, value in state.items() if value.shape != own[name].shape]
    if not other:
        return
    outputs = {given[:1] for _, given, _ in other}
    if len(outputs) == 1 and all(given and given[1:] == made[1:] for _, given, made in other):
        raise ValueError(
            _other_sizes(path, other, f"If these are its outputs, give the setting `classes: {other[0][1][0]}`")
        )
    raise ValueError(_other_sizes(path, other, "Give the model the sizes of the one that was saved"))


def _is_of_library(model: nn.Module) -> bool:
    """Whether a module is a model of Hugging Face's transformers, which need not be installed."""
    return hasattr(model, "from_pretrained") and hasattr(model, "base_model_prefix")


def _load_by_library(model: Any, state: State, path: Path, prefix: str) -> nn.Module:
    """A model of Hugging Face's, whose files have other names than its modules: its library knows which.

    It gets tensors and the model's own configuration, so it looks up nothing and runs no code of a folder's.
    """
    wrapped = max(_common(state), key=len, default="")
    state = {name.removeprefix(wrapped): value for name, value in state.items()}
    with _silent(logging.getLogger("transformers")):  # what it would report is below, of this model
        loaded, told = type(model).from_pretrained(
            None, config=model.config, state_dict=state, output_loading_info=True, ignore_mismatched_sizes=True
        )
    if mismatched := told["mismatched_keys"]:
        raise ValueError(
            _other_sizes(path, mismatched, "Make the model with the configuration of the one that was saved")
        )
    # it makes a model of its own of the configuration, perhaps with parts that this one was made without
    found = {name: value for name, value in loaded.state_dict().items() if name not in told["missing_keys"]}
    own, more = model.state_dict(), sorted(told["unexpected_keys"])
    lacking, _ = _difference(found, own)
    if lacking or more:
        base = f"{model.base_model_prefix}."
        remedy = (
            f"To leave these out, give the setting `prefix: {prefix}{wrapped}{base}`"
            if not lacking and not any(name.startswith(base) for name in more)
            else "Let the factory make the model that was saved"
        )
        raise ValueError(_misfit(path, lacking, more, remedy))
    model.load_state_dict({name: found[name] for name in own if name in found}, strict=False)
    return model


@contextmanager
def _silent(log: logging.Logger) -> Iterator[None]:
    """Without the warnings of a library."""
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def _remedy(state: State, own: State, model: nn.Module, prefix: str) -> str:
    """What mends names that differ: the one prefix under which all are there, or another model."""
    for one in dict.fromkeys(one for name in state for one in _beginnings(name)):
        form = {name.removeprefix(one): value for name, value in state.items() if name.startswith(one)}
        if not any(_difference(form, own)):
            return (
                f"All of the model's names are there behind '{prefix}{one}': give the setting `prefix: {prefix}{one}`"
            )
    if any(map(_is_of_library, model.modules())):
        return "Let the factory return the Hugging Face model itself: its files have other names than its modules"
    return "Let the factory make the model that was saved, with the names that its parts had"


def _misfit(path: Path, lacking: list[str], more: list[str], remedy: str) -> str:
    words = [f"it lacks {len(lacking)} of the model's names ({_some(lacking)})"] if lacking else []
    words += [f"it has {len(more)} that the model has not ({_some(more)})"] if more else []
    return f"{path} does not fit the model of its setting: {' and '.join(words)}. {remedy}."


def _other_sizes(path: Path, other: Iterable[tuple[str, Sequence[int], Sequence[int]]], remedy: str) -> str:
    shown = [f"{name} is {tuple(given)} in the file, {tuple(made)} in the model" for name, given, made in other]
    return f"{path} does not fit the model of its setting: {_some(shown, '; ')}. {remedy}."


def _some(names: Iterable[str], between: str = ", ") -> str:
    """The first of many names, and how many more there are."""
    names = list(names)
    rest = f"{between}and {len(names) - FEW} more" if len(names) > FEW else ""
    return between.join(names[:FEW]) + rest
