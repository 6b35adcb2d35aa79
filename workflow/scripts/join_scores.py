"""Put the scores of the family jobs of one comparison on one stimulus set together."""

from pathlib import Path

from whyalike.job import job
from whyalike.similarity.joining import join_scores
from whyalike.similarity.parameters import ScoreParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    join_scores(
        parameters=ScoreParameters.from_text(snakemake.params.work),
        parts=[Path(path) for path in snakemake.input.parts],
        output=Path(snakemake.output.scores),
    )
