"""The device of a job, set up so that the same work gives the same numbers."""

import os

import torch


def set_up_device(name: str, threads: int) -> torch.device:
    """The device that the configuration asks for ("auto": a GPU if there is one), set up to repeat itself.

    The number of CPU threads is fixed, because sums depend on it. The CPU kernels used here repeat themselves; on a GPU
    deterministic ones are asked for (which costs 1.5 s of imports, so only there).

    Raises
    ------
    RuntimeError : a GPU is asked for and torch sees none.
    """
    torch.set_num_threads(threads)
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise RuntimeError("operation.device is cuda, but this machine has no GPU that torch sees: use auto or cpu")
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be deterministic
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False  # it would choose kernels by their time
    return torch.device(name)
