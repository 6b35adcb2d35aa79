"""Prepare one data set."""

from pathlib import Path

from whyalike.config.reading import check
from whyalike.data.stage import prepare
from whyalike.job import job, note

# from the configuration: `params` hold no folders of the user's
dataset = check(snakemake.config).datasets[snakemake.wildcards.dataset]
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    parameters, folder = dataset.model_dump(exclude={"source"}), Path(snakemake.output.array).parent
    prepare(dataset.source, parameters, folder, snakemake.threads, note)
