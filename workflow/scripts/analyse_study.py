"""The statistics of one study."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.statistics.making import analyse_study

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    analyse_study(
        work=json.loads(snakemake.params.work),
        scores=[Path(path) for path in snakemake.input.scores],
        output=Path(snakemake.output.statistics),
    )
