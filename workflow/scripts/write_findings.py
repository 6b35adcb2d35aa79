"""What was found, in words."""

import json
from pathlib import Path

from whyalike.job import job
from whyalike.statistics.making import write_findings

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_findings(
        work=json.loads(snakemake.params.work),
        statistics=[Path(path) for path in snakemake.input.statistics],
        accuracy=Path(snakemake.input.accuracy),
        mutual_information=Path(snakemake.input.mutual_information),
        output=Path(snakemake.output.findings),
    )
