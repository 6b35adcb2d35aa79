"""Train the image embedders of a group that the store lacks."""

import json
from pathlib import Path

from whyalike.cluster import site
from whyalike.config.reading import check
from whyalike.data.staging import staged
from whyalike.job import job
from whyalike.studies.closeness.images_training import train_embedders
from whyalike.training.cell import THREADS

config, here = check(snakemake.config), site.read()
prepared = Path(snakemake.input.dataset[0]).parent
with (
    job(snakemake.log[0], snakemake.threads, snakemake.output[0]),
    staged(prepared, here.scratch, here.stage_gb) as data,
):
    train_embedders(
        work=json.loads(snakemake.params.work),
        operation=config.operation,
        threads=THREADS,
        dataset=data,
        store=Path(config.results, "runs"),
        manifest=Path(snakemake.output.manifest),
    )
