"""The embeddings and unembeddings of a group of models."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.studies.closeness.activations import embed_group

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    embed_group(
        work=json.loads(snakemake.params.work),
        manifest=Path(snakemake.input.manifest),
        weights=Path(snakemake.input.weights),
        output=Path(snakemake.output.activations),
    )
