"""Score all pairs of the representations of one comparison on one stimulus set."""

from pathlib import Path

from whyalike.activations.table import by_layer
from whyalike.job import job
from whyalike.similarity.all_pairs_job import score_all_pairs
from whyalike.similarity.all_pairs_parameters import AllPairsParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    score_all_pairs(
        parameters=AllPairsParameters.from_text(snakemake.params.work),
        activations=by_layer(map(Path, snakemake.input.activations)),
        stimuli_data=Path(snakemake.input.dataset).parent,
        output=Path(snakemake.output.scores),
    )
