"""The tables over all studies."""

from pathlib import Path

from whyalike.job import job
from whyalike.statistics.parameters import TableParameters
from whyalike.statistics.stage import write_tables

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_tables(
        parameters=TableParameters.from_text(snakemake.params.work),
        scores=[Path(path) for path in snakemake.input.scores],
        manifests=[Path(path) for path in snakemake.input.manifests],
        folder=Path(snakemake.output[0]).parent,
    )
