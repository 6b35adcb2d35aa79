"""What a run says at its end of the jobs that failed."""

import os

import pytest

from whyalike.job import job
from whyalike.status.failures import told


def test_a_run_ends_with_what_failed_in_it_and_not_in_an_earlier_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("earlier", "now"):
        with pytest.raises(SystemExit), job(f"logs/train/{name}.log", 1, f"models/{name}.parquet"):
            raise ValueError(f"{name}: no images")
    os.utime("logs/train/earlier.log.fault.json", (100, 100))
    assert list(told(tmp_path / "logs", since=200)) == [
        f"now: no images\nLog: {tmp_path}/logs/train/now.log\n"
        "To try this job alone, give the command (snakemake or whyalike run) this target: models/now.parquet"
    ]
