"""List all models: what is known of each, and what the user says of it."""

from pathlib import Path

from whyalike.job import job
from whyalike.training.models_table import write_models
from whyalike.training.parameters import ModelsParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_models(
        parameters=ModelsParameters.from_text(snakemake.params.work),
        manifests=[Path(path) for path in snakemake.input.manifests],
        store=Path(snakemake.params.store),
        output=Path(snakemake.output.models),
    )
