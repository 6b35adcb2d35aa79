"""What the studies say to the paper's claims."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.statistics.making import write_claims

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_claims(
        work=json.loads(snakemake.params.work),
        statistics=[Path(path) for path in snakemake.input.statistics],
        output=Path(snakemake.output.claims),
    )
