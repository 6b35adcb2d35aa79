"""Bring the user's activations of one layer on one stimulus set into the workflow's format."""

from pathlib import Path

from whyalike.activations.imported import import_activations
from whyalike.activations.parameters import ImportedActivationsParameters
from whyalike.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    import_activations(
        parameters=ImportedActivationsParameters.from_text(snakemake.params.work),
        files=[Path(path) for path in snakemake.input.files],
        manifest=Path(snakemake.input.manifest),
        dataset=Path(snakemake.input.dataset[0]).parent,
        output=Path(snakemake.output.activations),
    )
