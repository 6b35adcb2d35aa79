"""Prepare one data set."""

import json
from pathlib import Path

from whyalike.data.registry import SOURCES
from whyalike.jobs import job, note

work = json.loads(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads):
    SOURCES[work["source"]].load()(work["parameters"], Path(snakemake.output.images).parent, snakemake.threads, note)
