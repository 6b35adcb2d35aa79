"""Do a job of a rule that a study has of its own."""

from contextlib import nullcontext
from functools import partial
from pathlib import Path

from whyalike.cluster import site
from whyalike.config.reading import check
from whyalike.data.staging import staged
from whyalike.job import job
from whyalike.studies.rule import paths
from whyalike.studies.study import rule_studies

config, here, inputs = check(snakemake.config), site.read(), paths(snakemake.input.items())
studies = rule_studies(config, Path(snakemake.scriptdir, "../../config")).values()
study = next(study for study in studies if snakemake.rule in study.rules)
prepared = inputs.get("dataset")
with (
    job(snakemake.log[0], snakemake.threads, snakemake.output[0]),
    staged(prepared[0].parent, here.scratch, here.stage_gb) if prepared else nullcontext() as folder,
):
    outputs = paths(snakemake.output.items())
    files = {**inputs, **outputs, **({"dataset": folder} if prepared else {}), "inputs": inputs, "outputs": outputs}
    how = {"operation": config.operation, "threads": snakemake.threads, "store": Path(config.results, "runs")}
    stage = partial(staged, scratch=here.scratch, gigabytes=here.stage_gb)
    rule = study.rules[snakemake.rule]
    rule.carry_out(snakemake.wildcards, snakemake.params.work, study=study, stage=stage, **files, **how)
