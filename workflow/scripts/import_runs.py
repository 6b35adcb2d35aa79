"""Register the runs of a setting that come from the user's files, and store the weights that they bring."""

from pathlib import Path

from whyalike.config.reading import check
from whyalike.job import job
from whyalike.training.import_stage import import_setting
from whyalike.training.parameters import import_parameters

config, parameters = check(snakemake.config), import_parameters(snakemake.params.work)
setting = config.settings[parameters.setting]
with job(snakemake.log[0], snakemake.threads, snakemake.output[0]):
    import_setting(
        parameters=parameters,
        operation=config.operation,
        files=[Path(path) for path in snakemake.input.files],
        dataset=Path(snakemake.input.dataset[0]).parent,
        store=Path(config.results, "runs"),
        output=Path(snakemake.output.manifest),
        layers=setting.layers,
        size=getattr(setting, "size", None),  # activations have none
        look=setting.look() if hasattr(setting, "look") else {},
        weights=config.weight_paths(parameters.setting),
    )
