"""Score all pairs of a group of models."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.studies.closeness.scores import score_group

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    score_group(
        work=json.loads(snakemake.params.work),
        activations=Path(snakemake.input.activations),
        output=Path(snakemake.output.scores),
    )
