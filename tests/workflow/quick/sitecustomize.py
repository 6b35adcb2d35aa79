"""Put on PYTHONPATH by the tests: a driver that looks at its jobs often, processes that stay where they are told to."""

import os
import sys

from moments import role_of, stay_when_told

POLL_SECONDS = 2
HOLD = "WHYALIKE_TEST_HOLD"  # a file
HOLD_AT = "WHYALIKE_TEST_HOLD_AT"  # a step
MOMENTS = "WHYALIKE_TEST_MOMENTS"  # a folder, of `disturbance.Moments`
ROLE = role_of(sys.orig_argv)

if ROLE == "snakemake":
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

    # the executor sets longer and longer waits, up to three minutes: they are left unheard
    RemoteExecutor.next_seconds_between_status_checks = property(lambda self: POLL_SECONDS, lambda self, value: None)

if HOLD in os.environ and "SLURM_JOB_ID" in os.environ and sys.orig_argv[-1].endswith("train_models.py"):
    import time

    from whyalike.training.store import StoredRun

    def note_and_stay(self, event, note=StoredRun.note, **fields):
        """Stay at the checkpoint while the file is there: a run can be disturbed for as long as it takes to do so."""
        note(self, event, **fields)
        while event == "checkpoint" and fields["step"] >= int(os.environ[HOLD_AT]) and os.path.exists(os.environ[HOLD]):
            time.sleep(0.1)

    StoredRun.note = note_and_stay

if ROLE and MOMENTS in os.environ:
    stay_when_told(os.environ[MOMENTS], ROLE)
