"""The embeddings and unembeddings of a group of models."""

import json
from pathlib import Path

from whyalike.activations.embeddings import embed_group
from whyalike.jobs import job

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    embed_group(
        work=json.loads(snakemake.params.work),
        manifest=Path(snakemake.input.manifest),
        weights=Path(snakemake.input.weights),
        output=Path(snakemake.output.activations),
    )
