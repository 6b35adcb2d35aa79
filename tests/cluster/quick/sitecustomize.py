"""Put on PYTHONPATH by the tests: a driver that looks at its jobs often, trainers that no machine is too fast for."""

import os
import sys

POLL_SECONDS = 2
REST = "WHYALIKE_TEST_REST"  # seconds

if sys.orig_argv[1:3] == ["-m", "snakemake"] and "--mode" not in sys.orig_argv:
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

    # the executor sets longer and longer waits, up to three minutes: they are left unheard
    RemoteExecutor.next_seconds_between_status_checks = property(lambda self: POLL_SECONDS, lambda self, value: None)

if REST in os.environ and "SLURM_JOB_ID" in os.environ and sys.orig_argv[-1].endswith("train_models.py"):
    import time

    from whyalike.training.store import StoredRun

    def note_and_rest(self, event, note=StoredRun.note, **fields):
        """Rest at each checkpoint: how long a run takes, and so what can be done to it, is not the machine's to say."""
        note(self, event, **fields)
        if event == "checkpoint":
            time.sleep(float(os.environ[REST]))

    StoredRun.note = note_and_rest
