"""Put on PYTHONPATH by the tests: Snakemake looks at its SLURM jobs every two seconds, not ever more seldom."""

import sys

SECONDS = 2

if sys.orig_argv[1:3] == ["-m", "snakemake"] and "--mode" not in sys.orig_argv:
    from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor

    # the executor sets longer and longer waits, up to three minutes: they are left unheard
    RemoteExecutor.next_seconds_between_status_checks = property(lambda self: SECONDS, lambda self, value: None)
