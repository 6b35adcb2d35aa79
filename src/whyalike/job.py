"""What every job does around its work: fixed threads, a log in terminal and file, one message for a fault."""

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from threadpoolctl import threadpool_limits

from whyalike.files import NoRoom, canonical_json, no_room, write_text

LOG = logging.getLogger("whyalike")
FAULT = ".fault.json"  # behind the name of a log: the fault of its job's last attempt
# in a note that says how far a job is: for its log; `status.progress` shows the latest on Snakemake's terminal
PROGRESS = re.compile(r" · |: \d+/\d+ ")
IDENTITY = re.compile(r"\b[0-9a-f]{16}\b")  # of a run
# faults of input, data or disk: the message is enough, the traceback is kept in the log file only
TRY_ALONE = "To try this job alone, give the command (snakemake or whyalike run) this target: {target}"
EXPECTED = (ValueError, LookupError, OSError, RuntimeError, ArithmeticError)


def note(text: str) -> None:
    """One line in the job's log; in the terminal too, unless it says how far the job is (`PROGRESS`)."""
    LOG.info(text)


class _MessageOnly(logging.Formatter):
    """A line without the traceback that may belong to it."""

    def format(self, record: logging.LogRecord) -> str:
        """The message alone."""
        return record.getMessage()


class _LogFile(logging.FileHandler):
    """A log; where its own disk is full the terminal has the message, without tracebacks of logging."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say nothing."""


def start_log(path: str | os.PathLike | None = None) -> None:
    """Send notes and warnings to the terminal; if a file is given, to it too, begun anew, and progress to it alone."""
    LOG.setLevel(logging.INFO)
    for handler in LOG.handlers[:]:
        LOG.removeHandler(handler)
        handler.close()
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(_MessageOnly())
    LOG.addHandler(terminal)
    if path is not None:
        terminal.addFilter(lambda record: record.levelno > logging.INFO or not PROGRESS.search(record.getMessage()))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        LOG.addHandler(_LogFile(path, mode="w", encoding="utf-8"))


@contextmanager
def job(log: str, threads: int, target: str) -> Iterator[None]:
    """Run the body with ``threads`` BLAS and OpenMP threads; a fault becomes one message and exit status 1.

    Results depend on the number of threads, so it is the rule's fixed number, never that of the cores found. Libraries
    that the body itself loads take it from the environment, where Snakemake puts the same number. The log
    file keeps the traceback of every fault; the terminal shows it only for those that nobody foresaw. The message ends
    with the log and with how to try this job alone: by its ``target``, one of its output files. For `whyalike status`
    the fault also stands in a file beside the log, until the job begins anew.
    """
    start_log(log)
    fault = Path(log + FAULT)
    fault.unlink(missing_ok=True)
    with threadpool_limits(threads):
        try:
            yield
        except Exception as error:
            # a KeyError's own text is its message in quotes
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            if not isinstance(error, NoRoom) and (fault_of_disk := no_room(Path(target).parent, error)):
                text = f"{fault_of_disk.strerror}: {Path(target).parent}"
            message = "\n".join([str(text), *getattr(error, "__notes__", ())])
            LOG.error("%s\nLog: %s\n%s", message, log, TRY_ALONE.format(target=target), exc_info=True)
            runs = sorted(set(IDENTITY.findall(message)))
            with suppress(OSError):  # a full disk: Snakemake's own message is left
                write_text(fault, canonical_json({"message": message, "target": target, "runs": runs}))
            if not isinstance(error, EXPECTED):
                raise
            sys.exit(1)
