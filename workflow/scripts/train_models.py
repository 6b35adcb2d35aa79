"""Train the runs of a cell that the store lacks."""

from pathlib import Path

from whyalike.cluster import site
from whyalike.config.reading import check
from whyalike.data.staging import staged
from whyalike.job import job
from whyalike.training.cell import THREADS, train_cell
from whyalike.training.parameters import TrainingParameters

config, here = check(snakemake.config), site.read()
parameters = TrainingParameters.from_text(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    prepared = Path(snakemake.input.dataset[0]).parent
    with staged(prepared, here.scratch, here.stage_gb) as dataset:
        train_cell(
            parameters=parameters,
            operation=config.operation,
            threads=THREADS,
            dataset=dataset,
            splits=Path(snakemake.input.splits),
            store=Path(config.results, "runs"),
            output=Path(snakemake.output.manifest),
            layers=config.settings[parameters.setting].layers,
            look=config.settings[parameters.setting].look(),
            stimuli={name: (prepared.parent / one.dataset, one.plain()) for name, one in config.stimuli.items()},
        )
