"""Put the manifests of a cell's parts together."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.training.joining import join_manifests

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    join_manifests(
        work=json.loads(snakemake.params.work),
        manifests=[Path(path) for path in snakemake.input.parts],
        output=Path(snakemake.output.manifest),
    )
