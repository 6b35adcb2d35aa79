"""The statistics of one part of the study of closeness."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.studies.closeness.statistics import analyse_closeness

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    analyse_closeness(
        work=json.loads(snakemake.params.work),
        scores=[Path(path) for path in snakemake.input.scores],
        output=Path(snakemake.output.statistics),
    )
