"""What the language models of a study say after a prompt."""

from pathlib import Path

from whyalike.activations.parameters import SampleTextParameters
from whyalike.activations.sampling import sample_text
from whyalike.config.reading import check
from whyalike.job import job

config = check(snakemake.config)
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    sample_text(
        parameters=SampleTextParameters.from_text(snakemake.params.work),
        operation=config.operation,
        threads=snakemake.threads,
        datasets={Path(path).parent.name: Path(path).parent for path in snakemake.input.datasets},
        manifests=[Path(path) for path in snakemake.input.manifests],
        store=Path(config.results, "runs"),
        table=Path(snakemake.output.table),
        page=Path(snakemake.output.page),
    )
