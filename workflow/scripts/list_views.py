"""List all views: what stands behind each id in activation files and score tables."""

from pathlib import Path

from whyalike.job import job
from whyalike.similarity.parameters import ViewsParameters
from whyalike.similarity.views import write_views

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_views(
        parameters=ViewsParameters.from_text(snakemake.params.work),
        scores=[Path(path) for path in snakemake.input.scores],
        output=Path(snakemake.output.views),
    )
