"""Train the runs of a cell that the store lacks."""

import json
from pathlib import Path

from whyalike.config import check
from whyalike.jobs import job
from whyalike.training.cell import THREADS, train_cell

config, work = check(snakemake.config), json.loads(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    train_cell(
        work=work,
        operation=config.operation,
        threads=THREADS,
        dataset=Path(snakemake.input.dataset[0]).parent,
        splits=Path(snakemake.input.splits),
        store=Path(config.results, "runs"),
        output=Path(snakemake.output.manifest),
        layers=config.settings[work["setting"]].layers,
    )
