"""Libraries that the environment lacks, measured in a throw-away folder: torch-cka, pytorch-cka, thingsvision.

Each is installed without its dependencies (PyTorch and numpy are there) by uv into a temporary folder; the results are
written to the file that `run` merges. One that cannot be installed or imported is named with the reason.
"""

import contextlib
import importlib.util
import io
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from ratios import Ratio
from sizes import FULL, Sizes, related
from timing import threads, timed

from whyalike.similarity.api import score

RESULTS = Path(__file__).with_name("results") / "peers.json"


def load(name: str, package: Path) -> ModuleType:
    """A package from its folder, whatever lies beside it."""
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def torch_cka(folder: Path, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Its CKA of two models that hand features through, in one batch."""
    module = load("torch_cka", folder / "torch_cka")
    loaders = [
        torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.from_numpy(z)), batch_size=len(z))
        for z in (x, y)
    ]

    def call() -> float:
        models = (torch.nn.Sequential(torch.nn.Identity()) for _ in range(2))
        cka = module.CKA(*models, "x", "y", ["0"], ["0"])
        cka.compare(*loaders)
        return float(cka.export()["CKA"][0, 0])

    return call


def pytorch_cka(folder: Path, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Its CKA of features."""
    module = load("pytorch_cka_peer", folder / "cka")
    return lambda: float(module.cka_from_features(torch.from_numpy(x), torch.from_numpy(y)))


def thingsvision_cka(folder: Path, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Its unbiased CKA on PyTorch."""
    module = load("thingsvision_cka", folder / "thingsvision" / "core" / "cka")
    cka = module.get_cka(backend="torch", m=len(x), kernel="linear", unbiased=True, device="cpu")
    return lambda: float(cka.compare(torch.from_numpy(x), torch.from_numpy(y)))


def thingsvision_rsa(folder: Path, x: np.ndarray, y: np.ndarray) -> Callable[[], float]:
    """Its RDMs of 1 - Pearson, compared by Spearman."""
    module = load("thingsvision_rsa", folder / "thingsvision" / "core" / "rsa")

    def call() -> float:
        rdms = [module.compute_rdm(z, method="correlation") for z in (x, y)]
        return float(module.correlate_rdms(*rdms, correlation="spearman"))

    return call


# package -> our metric and theirs
PEERS = {
    "torch-cka": {"cka_unbiased": torch_cka},
    "pytorch-cka": {"cka_unbiased": pytorch_cka},
    "thingsvision": {"cka_unbiased": thingsvision_cka, "rsa": thingsvision_rsa},
}
# to import what is measured
NEEDED = {"thingsvision": ("torchtyping", "typeguard==2.13.3", "numba", "llvmlite")}


def measure(sizes: Sizes = FULL) -> dict:
    """Ratios of the peers that work, and reasons for the others."""
    x, y = related(sizes.n_peers, sizes.d, 2)
    ratios, missing = [], []
    with threads(1), warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):  # progress bars
        warnings.simplefilter("ignore")
        metrics = sorted({metric for theirs in PEERS.values() for metric in theirs})
        ours = {metric: timed(lambda metric=metric: score(metric, x, y)) for metric in metrics}
        how = f"n = {sizes.n_peers:,}, from raw features"
        for name, theirs in PEERS.items():
            try:
                with tempfile.TemporaryDirectory() as folder:
                    install(name, Path(folder))
                    sys.path.append(folder)
                    found = {metric: timed(make(Path(folder), x, y), most=3) for metric, make in theirs.items()}
            except Exception as reason:  # whatever a foreign package does wrong
                missing.append(f"{name} could not be measured: {type(reason).__name__}: {str(reason)[:200]}")
                continue
            for metric, slow in found.items():
                apart = abs(ours[metric].value - slow.value)
                ratios.append(asdict(Ratio(metric, name, ours[metric].seconds, slow.seconds, None, apart, how)))
    return {"ratios": ratios, "missing": missing}


def install(name: str, folder: Path) -> None:
    """Put the newest release into a folder."""
    command = ["uv", "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(folder)]
    found = subprocess.run(
        [*command, name, *NEEDED.get(name, ())], capture_output=True, text=True, check=False, timeout=300
    )
    if found.returncode:
        raise RuntimeError(found.stderr.strip().splitlines()[-1] if found.stderr.strip() else "uv failed")


if __name__ == "__main__":
    RESULTS.parent.mkdir(exist_ok=True)
    results = measure()
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(results, indent=1))
