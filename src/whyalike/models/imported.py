"""An architecture from the user's own code: a factory that returns a `torch.nn.Module`.

The factory is called as ``factory(classes=..., **arguments)`` while torch's CPU generator is seeded by (seed, replica),
so the layers it makes start from keyed weights; other generators are its own affair. Two models that differ in the
number of classes start from the same backbone only if the factory makes the head last.
"""

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from whyalike.randomness import key

VERSION = 1  # part of the identity of runs: raise it when the call or its key changes


def build(parameters: Mapping[str, Any], classes: int, seed: int, replica: str) -> nn.Module:
    """The module that the factory makes, with its initial weights.

    Parameters
    ----------
    parameters : path and arguments, as in the configuration.
    classes : number of outputs.
    seed, replica : key of the initial weights.

    Raises
    ------
    LookupError : there is no such module or function; the message names the folder that was searched.
    ValueError : the factory takes other arguments, or returned something else than a module.
    """
    function = factory(parameters["path"])
    arguments = {"classes": classes, **parameters["arguments"]}
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        raise ValueError(f"{parameters['path']} must take the arguments {', '.join(arguments)}: {error}") from None
    with torch.random.fork_rng(devices=[]):
        # the CPU's generator alone: torch.manual_seed would also set those of GPUs, which are not forked
        torch.default_generator.manual_seed(key(seed, replica, "initialisation"))
        model = function(**arguments)
    if not isinstance(model, nn.Module):
        raise ValueError(f"{parameters['path']} must return a torch.nn.Module, it returned {type(model).__name__}")
    return model


def factory(path: str) -> Callable[..., Any]:
    """The function at ``module:name``; the working directory is searched before what is installed.

    Raises
    ------
    LookupError : there is no such module or function; the message names the folder that was searched.
    """
    module, _, name = path.partition(":")
    folder = os.getcwd()
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        imported = importlib.import_module(module)
    except ImportError as error:
        raise LookupError(
            f"models: path '{path}' cannot be imported ({error}). Searched: {folder} (the working directory) and what "
            "is installed. Start the workflow in the folder that holds the package, or correct the path."
        ) from error
    if not callable(found := getattr(imported, name, None)):
        known = ", ".join(key for key, value in vars(imported).items() if callable(value) and not key.startswith("_"))
        raise LookupError(f"models: path '{path}': {imported.__file__} has no function {name}. It has: {known}.")
    return found
