"""Draw one figure."""

from pathlib import Path

from whyalike.figures.parameters import FigureParameters
from whyalike.figures.stage import draw_figure
from whyalike.job import job

parameters = FigureParameters.from_text(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    draw_figure(
        parameters=parameters,
        inputs={name: [Path(path) for path in snakemake.input.get(name)] for name in parameters.inputs},
        svg=Path(snakemake.output.svg),
    )
