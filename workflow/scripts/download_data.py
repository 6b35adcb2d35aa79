"""Download one published data set into the folder that the configuration names."""

from whyalike.config.reading import check
from whyalike.data.torchvision_sets import download
from whyalike.job import job, note

dataset = check(snakemake.config).datasets[snakemake.params.dataset]
with job(snakemake.log[0], snakemake.threads, snakemake.rule):
    download(dataset.source, dataset, note)
