"""The embeddings and unembeddings of a group of image embedders."""

import json
from pathlib import Path

from whyalike.config.reading import check
from whyalike.job import job
from whyalike.studies.closeness.images_activations import embed_images

config = check(snakemake.config)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    embed_images(
        work=json.loads(snakemake.params.work),
        operation=config.operation,
        threads=snakemake.threads,
        dataset=Path(snakemake.input.dataset[0]).parent,
        store=Path(config.results, "runs"),
        output=Path(snakemake.output.activations),
    )
