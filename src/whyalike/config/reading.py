"""A configuration as it is read from YAML: all of its faults at once, before any job."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from whyalike.config import looking, shifts
from whyalike.config.checks import misfits, unknown_names
from whyalike.config.config import Config, Figure
from whyalike.config.faults import faults_in_words, listed
from whyalike.config.pretrained_files import Resolver
from whyalike.config.yaml_file import ConfigError, keys_of
from whyalike.designs.registry import design

HEATMAP = "heatmap"


def check(values: Mapping[str, Any], source: str = "configuration") -> Config:
    """Check a configuration as read from YAML.

    Raises
    ------
    ConfigError : all faults at once, each with its key path, the value that came and what must hold.
    """
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(listed(source, faults_in_words(error.errors(), Config, values))) from None
    resolver = Resolver(config.settings, config.datasets, config.results)
    config = config.model_copy(update={"settings": config.settings | resolver.resolved()})
    unnamed = [*resolver.faults, *looking.misfits(config)]  # without names of layers nothing more can be said of them
    config = config if unnamed else looking.expanded(config)
    if faults := [*unknown_names(config), *(unnamed or misfits(config))]:
        raise ConfigError(listed(source, faults))
    return shifts.expanded(config.model_copy(update={"figures": config.figures | dict(_heatmaps(config))}))


def _heatmaps(config: Config) -> Iterator[tuple[str, Figure]]:
    """Of each study whose pairs are results and of which no heatmap is named: one, under a free name."""
    named = {figure.study for figure in config.figures.values() if figure.kind == HEATMAP}
    for study, section in config.studies.items():
        own = design(section.factor)
        if own.is_of_pairs and (section.comparisons or not own.gathers) and study not in named:
            name = f"{study}_{HEATMAP}"
            while name in {*config.figures, *config.sample_texts, *config.studies}:
                name += "_"
            metric, *_ = sorted(config.similarity.metrics, key="cka".__ne__)  # CKA, or else the first
            options = {"metric": metric, "score_protocol": config.similarity.protocols[0]}
            caption = f"Scores of the pairs of {study}, and which of them chance or untrained models reach too."
            yield name, Figure(kind=HEATMAP, study=study, options=options, caption=caption)


def read(path: str | Path) -> Config:
    """Read and check a YAML file; see `check`."""
    path = found(path)
    if not (values := keys_of(path, "config/demo.yaml")):
        raise ConfigError(f"{path} is empty: start from a copy of config/demo.yaml")
    return check(values, str(path))


def found(path: str | Path) -> Path:
    """The path of a configuration file that is there, or else a ConfigError."""
    if not Path(path).is_file():
        raise ConfigError(f"no configuration file {path}: give one with --configfile, for example config/demo.yaml")
    return Path(path)
