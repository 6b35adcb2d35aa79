"""The statistics of one study."""

from pathlib import Path

from whyalike.job import job
from whyalike.statistics.parameters import StatisticsParameters
from whyalike.statistics.stage import analyse_study

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    analyse_study(
        parameters=StatisticsParameters.from_text(snakemake.params.work),
        scores=[Path(path) for path in snakemake.input.scores],
        output=Path(snakemake.output.statistics),
    )
