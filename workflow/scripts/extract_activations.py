"""Run the models of a cell over one stimulus set."""

from pathlib import Path

from whyalike.activations.extraction import extract_cell
from whyalike.activations.parameters import ExtractionParameters
from whyalike.cluster import site
from whyalike.config.reading import check
from whyalike.data.staging import staged
from whyalike.job import job

config, here = check(snakemake.config), site.read()
parameters = ExtractionParameters.from_text(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    prepared = Path(snakemake.input.dataset[0]).parent
    with staged(prepared, here.scratch, here.stage_gb) as dataset:
        extract_cell(
            parameters=parameters,
            operation=config.operation,
            threads=snakemake.threads,
            dataset=dataset,
            store=Path(config.results, "runs"),
            outputs=dict(zip(parameters.layers, map(Path, snakemake.output), strict=True)),
            training_data=Path(snakemake.input.training[0]).parent if parameters.recalibration else None,
        )
