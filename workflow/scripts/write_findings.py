"""What was found, in words."""

from pathlib import Path

from whyalike.jobs import job
from whyalike.statistics.making import write_findings

with job(snakemake.log[0], snakemake.threads):
    write_findings(
        statistics=[Path(path) for path in snakemake.input.statistics],
        accuracy=Path(snakemake.input.accuracy),
        mutual_information=Path(snakemake.input.mutual_information),
        output=Path(snakemake.output.findings),
    )
