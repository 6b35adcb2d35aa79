"""Score constructed models of one kind."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.studies.closeness.constructed_scores import score_constructed

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    score_constructed(
        snakemake.wildcards.construction, json.loads(snakemake.params.work), Path(snakemake.output.scores)
    )
