"""Weights in the user's files: read as tensors alone, and given to a model under the names that it has.

A file is a state dict: `.safetensors`, or what `torch.save` wrote, alone or beside other things. A folder is one that
`save_pretrained` of Hugging Face wrote, whole or in shards. No code that stands in a file or folder is run.
"""

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
from whyalike.training.weight_files import some as _some
from whyalike.training.weight_files import weight_files

State = dict[str, Tensor]
ENTRIES = ("state_dict", "model_state_dict", "model")  # where training loops put weights beside other things
COUNTER = "num_batches_tracked"  # of batch norm: files from before it have none


def load_checkpoint(model: nn.Module, path: Path, prefix: str = "", drop: Sequence[str] | None = None) -> nn.Module:
    """Fill a model from a file or folder.

    Names fit as they are, or when all of them lose, or gain, the same beginning (`module.`, `model.`): which is said.

    Parameters
    ----------
    prefix : take the names that begin so, without this beginning, and leave out the others.
    drop : beginnings of names that are left out, in the file and in the model, which keeps there what it has; each must
        be that of some name. None for models whose settings have no such key.

    Raises
    ------
    ValueError : no state dict, or not that of the model, or numbers that its parameters cannot have; the message says
        which names differ, and what to do.
    """
    finite = [name for name, value in model.state_dict().items() if value.isfinite().all()]
    model = _filled(model, path, prefix, drop)
    state = model.state_dict()
    if bad := [name for name in finite if not state[name].isfinite().all()]:
        raise ValueError(
            f"{path} must hold finite numbers; NaN, infinity or what overflows stands in {_some(bad)}. Take a "
            "checkpoint from before the training diverged"
        )
    return model


def _filled(model: nn.Module, path: Path, prefix: str, drop: Sequence[str] | None) -> nn.Module:
    state = {name: value for file in weight_files(path) for name, value in _read(file).items()}
    state, left_out = _chosen(state, prefix, path)
    if left_out:
        note(f"{path}: left out, since they do not begin with '{prefix}': {_some(left_out)}")
    own = model.state_dict()
    if drop:
        state, own = _without(state, own, drop, path)
    _check_kinds(state, own, path)
    for words, form in _forms(state, own):
        if not any(_difference(form, own)):
            _check_shapes(form, own, path, drop)
            model.load_state_dict(form, strict=False)  # a counter may lack, and a second name of shared weights
            if words:
                note(f"{path}: {words}")
            return model
    if _is_of_library(model):
        return _load_by_library(model, state, path, prefix, drop)
    if drop is not None:  # under the names that fit best, without which `drop` cannot be named
        lacking, more = min(
            (_difference(form, own) for _, form in _forms(state, own)), key=lambda both: sum(map(len, both))
        )
        raise ValueError(_misfit(path, lacking, more, _drop_remedy(lacking, more)))
    lacking, more = _difference(state, own)
    raise ValueError(_misfit(path, lacking, more, _remedy(state, own, model, prefix)))


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


def _without(state: State, own: State, drop: Sequence[str], path: Path) -> tuple[State, State]:
    """Both without the names that begin so, with or without the beginning that all names of the file have."""
    wrapped = max(_common(state), key=len, default="")

    def is_dropped(name: str) -> bool:
        return name.startswith(tuple(drop)) or name.removeprefix(wrapped).startswith(tuple(drop))

    left_out, kept = [name for name in state if is_dropped(name)], [name for name in own if not is_dropped(name)]
    nowhere = [one for one in drop if not any(name.removeprefix(wrapped).startswith(one) or name.startswith(one)
                                              for name in (*state, *own))]  # fmt: skip
    if nowhere:
        raise ValueError(
            f"neither {path} nor the model has a name that begins with {_some(nowhere)}: take it out of `drop`. "
            f"The file has {_some(state)}"
        )
    if left_out:
        note(f"{path}: left out, as `drop` says: {_some(left_out)}")
    return {name: value for name, value in state.items() if not is_dropped(name)}, {name: own[name] for name in kept}


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


def _check_shapes(state: State, own: State, path: Path, drop: Sequence[str] | None) -> None:
    other = [(name, value.shape, own[name].shape) for name, value in state.items() if value.shape != own[name].shape]
    if not other:
        return
    if drop is not None:
        raise ValueError(
            _other_sizes(path, other, "Give `arguments` that make the architecture as it was saved, or `drop` its head")
        )
    outputs = {given[:1] for _, given, _ in other}
    if len(outputs) == 1 and all(given and given[1:] == made[1:] for _, given, made in other):
        raise ValueError(
            _other_sizes(path, other, f"If these are its outputs, give the setting `classes: {other[0][1][0]}`")
        )
    raise ValueError(_other_sizes(path, other, "Give the model the sizes of the one that was saved"))


def _is_of_library(model: nn.Module) -> bool:
    """Whether a module is a model of Hugging Face's transformers, which need not be installed."""
    return hasattr(model, "from_pretrained") and hasattr(model, "base_model_prefix")


def _load_by_library(model: Any, state: State, path: Path, prefix: str, drop: Sequence[str] | None) -> nn.Module:
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
    own = {name: value for name, value in own.items() if not name.startswith(tuple(drop or ()))}
    lacking, _ = _difference(found, own)
    if lacking or more:
        base = f"{model.base_model_prefix}."
        remedy = (
            _drop_remedy(lacking, more)
            if drop is not None
            else (
                f"To leave these out, give the setting `prefix: {prefix}{wrapped}{base}`"
                if not lacking and not any(name.startswith(base) for name in more)
                else "Let the factory make the model that was saved"
            )
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


def _drop_remedy(lacking: Sequence[str], more: Sequence[str]) -> str:
    """What a setting with the key `drop` says to leave out what is too many, or lacks."""
    beginnings = sorted({"".join(name.partition(".")[:2]) for name in (*lacking, *more)})
    return f"Name the architecture that was saved; or say what is left out, such as `drop: [{_some(beginnings)}]`"


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
