"""Draw one figure."""

import json
from pathlib import Path

from whyalike.figures.making import make_figure
from whyalike.job import job

work = json.loads(snakemake.params.work)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    make_figure(
        work["kind"],
        work["options"],
        {name: [Path(path) for path in snakemake.input.get(name)] for name in work["inputs"]},
        Path(snakemake.output.svg),
        work,
        work.get("partial", ()),
    )
