"""Score some pairs with other numbers of random tuples of inputs."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.studies.closeness.tuple_counts import score_tuples

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    score_tuples(
        work=json.loads(snakemake.params.work),
        activations=[Path(path) for path in snakemake.input.activations],
        output=Path(snakemake.output.scores),
    )
