"""In a process of a study: it stays at its n-th operation on files, where a test has told it so.

Between two such operations a process leaves nothing behind, so these are the moments that a kill can tell apart; most
moments by the clock fall into imports. The other side is `tests/workflow/disturbance.py`.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

EVENTS = frozenset({"open", "os.rename", "os.remove", "os.mkdir"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def role_of(command: Sequence[str]) -> str:
    """What a process does in a study, by its command line: a rule's script, "snakemake", or nothing."""
    if list(command[1:3]) == ["-m", "snakemake"]:
        return "" if "--mode" in command else "snakemake"  # those with a mode are jobs on a cluster
    if list(command[1:3]) == ["-m", "whyalike.training.worker"]:
        return "train_models"
    return command[-1].split(".")[-2] if command and "/.snakemake/scripts/" in command[-1] else ""


def stay_when_told(folder: str, role: str) -> None:
    """From now on stop this process at the operation whose number stands in the folder's file of its role.

    Where it stays is said in a file `stays.{pid}` there.
    """
    here, told, seen, busy = f"{os.getcwd()}/", Path(folder, role), {}, []

    def look(event: str, arguments: tuple) -> None:
        if event not in EVENTS or busy or not isinstance(arguments[0], str | os.PathLike):
            return
        path = os.path.join(here, os.fspath(arguments[0]))
        # a temporary file that C code has written is opened to be read when it is flushed
        reads = event == "open" and not arguments[2] & WRITING and ".tmp" not in path
        if reads or not path.startswith(here):
            return
        busy.append(True)  # the operations of this function are none
        try:
            text = told.read_text()
            seen[text] = seen.get(text, 0) + 1
            if seen[text] == int(text.split()[0]):
                note = Path(folder, f".{os.getpid()}")
                note.write_text(f"{role}: {event} {path.removeprefix(here)}")
                note.rename(Path(folder, f"stays.{os.getpid()}"))
                os.kill(os.getpid(), signal.SIGSTOP)
        except FileNotFoundError:
            pass  # nothing is told now
        finally:
            busy.clear()

    sys.addaudithook(look)
