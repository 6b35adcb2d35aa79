"""whyalike: why do independently trained models represent the world alike?

Role: the package behind the Snakemake rules; each room (sub-package) is one stage of the workflow. It is also a
library: ``import whyalike as wa`` gives the names in `__all__`, each imported when it is first used.
Holds: configuration, the grid of runs, provenance, and the rooms data … figures.
Imports point one way: figures -> statistics -> similarity -> activations -> training -> splits, models -> data; config
reads the rooms' registries, and no room imports it.

Example
-------
>>> import numpy as np, whyalike as wa
>>> x = np.random.default_rng(0).normal(size=(50, 8))
>>> round(wa.score("cka", x, 3 * x[:, ::-1] + 1), 6)
1.0
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
_HOMES = {  # public name -> the module that holds it
    "compare": "whyalike.similarity.compare_models",
    "describe": "whyalike.similarity.descriptions",
    "interval": "whyalike.similarity.intervals",
    "kernel": "whyalike.similarity.precomputed",
    "layers": "whyalike.similarity.layers",
    "metrics": "whyalike.similarity.descriptions",
    "pairwise": "whyalike.similarity.api",
    "rdm": "whyalike.similarity.precomputed",
    "score": "whyalike.similarity.api",
    "sweep": "whyalike.similarity.sweeps",
    "UndefinedScore": "whyalike.similarity.checks",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'whyalike' has no attribute '{name}'. Public: {', '.join(_HOMES)}.")
    try:
        found = getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ImportError(f'whyalike.{name} needs PyTorch: pip install torch, or "whyalike[workflow]".') from error
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
