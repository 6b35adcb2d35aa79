"""What the studies say to the paper's claims."""

from pathlib import Path

from whyalike.job import job
from whyalike.statistics.parameters import ClaimParameters
from whyalike.statistics.stage import write_claims

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_claims(
        parameters=ClaimParameters.from_text(snakemake.params.work),
        statistics=[Path(path) for path in snakemake.input.statistics],
        output=Path(snakemake.output.claims),
    )
