"""Snakemake's own scheduler, terminated at the worst moment; as a process, which would stay for ever."""

import subprocess
import sys

TERMINATED = """
import os, signal, threading
from snakemake.scheduling.job_scheduler import JobScheduler
from whyalike.termination import end_in_a_thread

end_in_a_thread(JobScheduler)
scheduler = object.__new__(JobScheduler)
scheduler._lock, scheduler._open_jobs = threading.Lock(), threading.Semaphore(0)
signal.signal(signal.SIGTERM, scheduler.exit_gracefully)
with scheduler._lock:
    os.kill(os.getpid(), signal.SIGTERM)
scheduler._open_jobs.acquire()  # what wakes it
print(scheduler._user_kill)
"""


def test_a_snakemake_that_holds_its_lock_when_it_is_terminated_ends():
    done = subprocess.run([sys.executable, "-c", TERMINATED], capture_output=True, text=True, timeout=60)
    assert done.stdout == "graceful\n", done.stderr
