"""Run the models of a cell over one stimulus set."""

import json
from pathlib import Path

from whyalike.activations.extraction import extract_cell
from whyalike.config import check
from whyalike.jobs import job

config, work = check(snakemake.config), json.loads(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    extract_cell(
        work=work,
        operation=config.operation,
        threads=snakemake.threads,
        dataset=Path(snakemake.input.dataset[0]).parent,
        store=Path(config.results, "runs"),
        outputs=dict(zip(work["layers"], map(Path, snakemake.output), strict=True)),
    )
