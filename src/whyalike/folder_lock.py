"""One driver a folder: `whyalike run` and every Snakemake that runs jobs hold a lock of the kernel's.

It ends with its holder, however that ends; so a Snakemake's own lock that is found while this one is free was left by
one that was killed.
"""

import fcntl
import os
from pathlib import Path

LOCK = Path(".snakemake", "whyalike.lock")
INHERITED = "WHYALIKE_FOLDER_LOCK"  # of the environment: the descriptor by which a parent has the lock


def hold() -> int:
    """Take the lock of the working directory until this process ends, or find it taken by the parent.

    Returns
    -------
    the descriptor; a child that inherits it, and is told in `INHERITED`, has the lock too.

    Raises
    ------
    RuntimeError : another driver has it.
    """
    if inherited := os.environ.get(INHERITED):
        return int(inherited)
    LOCK.parent.mkdir(exist_ok=True)
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise RuntimeError(
            f"Another run is under way in this folder (it holds {LOCK}{_holder()}): wait for it, or stop it first."
        ) from None
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _holder() -> str:
    """Who wrote itself into the lock, in words; nothing where nobody did."""
    pid = LOCK.read_text(encoding="utf-8").strip()
    return f", process {pid}" if pid else ""
