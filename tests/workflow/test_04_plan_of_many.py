"""The plan of 20,000 jobs: seconds of the processor and memory."""

import os
import re
import subprocess

import pytest
import yaml
from many_jobs import scaled
from workflow_folder import REPOSITORY, Folder

# Measured: 83 s, 1.25 GB. Seconds of a core that others use too are up to 1.5 times as many
SECONDS, MEGABYTES = 125, 1300


@pytest.mark.slow
def test_a_plan_of_twenty_thousand_jobs_takes_minutes_and_a_gigabyte(tmp_path):
    config = tmp_path / "many.yaml"
    config.write_text(yaml.safe_dump(scaled(19, 10), sort_keys=False))
    profile = ["--profile", str(REPOSITORY / "profiles" / "slurm")]
    folder = Folder(tmp_path, config=config)
    command = folder.snakemake_command(*profile, "--quiet", "rules", "reason", "--dry-run", "all")
    with (tmp_path / "said.txt").open("w") as said:
        plan = subprocess.Popen(command, cwd=tmp_path, env=folder.environment(), stdout=said, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(plan.pid, 0)
    plan.returncode = os.waitstatus_to_exitcode(status)
    text = (tmp_path / "said.txt").read_text()
    assert plan.returncode == 0, text
    assert int(re.search(r"^total +(\d+) ", text, flags=re.MULTILINE)[1]) > 20_000
    assert used.ru_utime + used.ru_stime < SECONDS
    assert 1024 * used.ru_maxrss / 1e6 < MEGABYTES
