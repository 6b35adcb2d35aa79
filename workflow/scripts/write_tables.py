"""The tables over all studies."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.statistics.making import write_tables

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_tables(
        work=json.loads(snakemake.params.work),
        scores=[Path(path) for path in snakemake.input.scores],
        manifests=[Path(path) for path in snakemake.input.manifests],
        folder=Path(snakemake.output[0]).parent,
    )
