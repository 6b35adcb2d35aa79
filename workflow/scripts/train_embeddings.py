"""Train a group of embeddings and unembeddings at once."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.studies.closeness.training import train_group

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    train_group(
        work=json.loads(snakemake.params.work),
        manifest=Path(snakemake.output.manifest),
        weights=Path(snakemake.output.weights),
    )
