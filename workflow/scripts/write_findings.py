"""What was found, in words."""

from pathlib import Path

from whyalike.job import job
from whyalike.statistics.parameters import FindingParameters
from whyalike.statistics.stage import write_findings

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_findings(
        parameters=FindingParameters.from_text(snakemake.params.work),
        statistics=[Path(path) for path in snakemake.input.statistics],
        pairs=[Path(path) for path in snakemake.input.pairs],
        accuracy=Path(snakemake.input.accuracy),
        mutual_information=Path(snakemake.input.mutual_information),
        output=Path(snakemake.output.findings),
    )
