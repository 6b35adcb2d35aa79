"""Decide which images, under which labels, each run of a cell sees."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.splits.making import make_splits

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    make_splits(
        work=json.loads(snakemake.params.work),
        dataset=Path(snakemake.input.dataset[0]).parent,
        output=Path(snakemake.output.splits),
    )
