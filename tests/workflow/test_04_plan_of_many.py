"""The plan of 20,000 jobs: seconds of the processor and memory."""

import re
import sys

import pytest
import yaml
from many_jobs import scaled
from workflow_folder import REPOSITORY, Folder

# Measured: 83 s, 1.25 GB; 113 s of a core that others use too
SECONDS, MEGABYTES = 150, 1300
# a process counts the peak of the one that starts it as its own, and that of the tests may be larger: a small one does
MEASURED = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("used", used.ru_utime + used.ru_stime, 1024 * used.ru_maxrss / 1e6)
sys.exit(status)
"""


@pytest.mark.slow
def test_a_plan_of_twenty_thousand_jobs_takes_minutes_and_a_gigabyte(tmp_path):
    config = tmp_path / "many.yaml"
    config.write_text(yaml.safe_dump(scaled(19, 10), sort_keys=False))
    profile = ["--profile", str(REPOSITORY / "profiles" / "slurm")]
    folder = Folder(tmp_path, config=config)
    command = folder.snakemake_command(*profile, "--quiet", "rules", "reason", "--dry-run", "all")
    plan = folder.call([sys.executable, "-c", MEASURED, *command])
    assert plan.returncode == 0, plan.stdout
    assert int(re.search(r"^total +(\d+) ", plan.stdout, flags=re.MULTILINE)[1]) > 20_000
    seconds, megabytes = map(float, re.search(r"^used (\S+) (\S+)$", plan.stdout, flags=re.MULTILINE).groups())
    assert seconds < SECONDS
    assert megabytes < MEGABYTES
