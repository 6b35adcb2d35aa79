"""Prepare one data set of a study with rules of its own."""

from pathlib import Path

from whyalike.config.reading import check
from whyalike.data.registry import SOURCES
from whyalike.job import job, note
from whyalike.studies.registry import STUDIES

name, source = snakemake.params.study, snakemake.wildcards.dataset
# from the configuration: `params` hold no folders of the user's
study = STUDIES[name].load()(check(snakemake.config), Path(snakemake.scriptdir, f"../../config/{name}.yaml"))
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    prepare = SOURCES[source].load()
    prepare(study.datasets[source].model_dump(), Path(snakemake.output.array).parent, snakemake.threads, note)
