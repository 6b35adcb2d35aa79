"""Run the models of a cell over one stimulus set."""

from pathlib import Path

from whyalike.activations.parameters import extraction_parameters
from whyalike.activations.stage import extract
from whyalike.cluster import site
from whyalike.config.reading import check
from whyalike.data.staging import staged
from whyalike.job import job

config, here = check(snakemake.config), site.read()
parameters = extraction_parameters(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    prepared = Path(snakemake.input.dataset[0]).parent
    with staged(prepared, here.scratch, here.stage_gb) as dataset:
        extract(
            parameters=parameters,
            operation=config.operation,
            threads=snakemake.threads,
            dataset=dataset,
            store=Path(config.results, "runs"),
            weights=config.weight_paths(snakemake.wildcards.setting),
            training_data=Path(snakemake.input.training[0]).parent if snakemake.input.training else None,
            outputs=list(map(Path, snakemake.output)),
        )
