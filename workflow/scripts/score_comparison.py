"""Score all pairs of one comparison on one stimulus set."""

from pathlib import Path

from whyalike.activations.table import by_layer
from whyalike.job import job
from whyalike.similarity.comparison import score_comparison
from whyalike.similarity.parameters import ScoreParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    score_comparison(
        parameters=ScoreParameters.from_text(snakemake.params.work),
        activations=by_layer(map(Path, snakemake.input.activations)),
        manifests=[Path(path) for path in snakemake.input.manifests],
        training_data=Path(snakemake.input.datasets[0]).parent,
        stimuli_data=Path(snakemake.input.datasets[-1]).parent,
        output=Path(snakemake.output.scores),
    )
