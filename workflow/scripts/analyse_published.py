"""The score table of published scores, and their statistics under both protocols."""

from pathlib import Path

from whyalike.job import job
from whyalike.statistics.analysis import analyse_published
from whyalike.statistics.parameters import PublishedParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    analyse_published(
        parameters=PublishedParameters.from_text(snakemake.params.work),
        files=[Path(path) for path in snakemake.input.files],
        scores=Path(snakemake.output.scores),
        statistics=Path(snakemake.output.statistics),
    )
