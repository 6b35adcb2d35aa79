"""The scores of one comparison on one stimulus set, with intervals over stimuli."""

from pathlib import Path

from whyalike.activations.table import by_layer
from whyalike.job import job
from whyalike.similarity.pair_table import write_pairs
from whyalike.similarity.parameters import PairParameters

with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    write_pairs(
        parameters=PairParameters.from_text(snakemake.params.work),
        scores=Path(snakemake.input.scores),
        activations=by_layer(map(Path, snakemake.input.activations)),
        output=Path(snakemake.output.pairs),
    )
