"""Put the manifests of a cell's parts together."""

from pathlib import Path

from whyalike.job import job
from whyalike.training.joining import join_manifests
from whyalike.training.parameters import TrainingParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    join_manifests(
        parameters=TrainingParameters.from_text(snakemake.params.work),
        manifests=[Path(path) for path in snakemake.input.parts],
        output=Path(snakemake.output.manifest),
    )
