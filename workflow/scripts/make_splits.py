"""Decide which images, under which labels, each run of a cell sees."""

from pathlib import Path

from whyalike.job import job
from whyalike.splits.parameters import SplitParameters
from whyalike.splits.stage import make_splits

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    make_splits(
        parameters=SplitParameters.from_text(snakemake.params.work),
        dataset=Path(snakemake.input.dataset[0]).parent,
        output=Path(snakemake.output.splits),
    )
