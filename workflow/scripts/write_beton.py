"""Write the images of a data set in FFCV's form."""

from pathlib import Path

from whyalike.data.ffcv_file import write_beton
from whyalike.data.prepared import open_prepared
from whyalike.job import job

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_beton(open_prepared(Path(snakemake.input.dataset[0]).parent), Path(snakemake.output.beton))
