"""A Snakemake that is terminated while it looks after its jobs ends, in place of sleeping for ever.

Its handler of SIGTERM takes the scheduler's lock. The thread that is interrupted may be the one that has it, and would
then wait for itself. Seen with Snakemake 9.27: the driver, and the Snakemake within a job of a cluster.
"""

import _thread
from typing import Any


def end_in_a_thread(scheduler: type) -> None:
    """Let a scheduler's handler of SIGTERM wait for the lock in a thread of its own.

    Parameters
    ----------
    scheduler : Snakemake's class of schedulers; its method is replaced, before one is made.
    """
    end = scheduler.exit_gracefully

    def exit_gracefully(self: Any, *_: Any) -> None:
        _thread.start_new_thread(end, (self,))  # threading's own locks may be held here, too

    scheduler.exit_gracefully = exit_gracefully
