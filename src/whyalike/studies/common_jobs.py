"""The job that any study with rules of its own can have: data from the sources."""

from pathlib import Path

from whyalike.data.stage import prepare
from whyalike.job import note
from whyalike.studies.study import RuleStudy


def prepare_data(study: RuleStudy, dataset: str, array: Path, threads: int) -> None:
    """Prepare a data set of the study, from its section: parameters of jobs hold no folders of the user's."""
    prepare(dataset, study.datasets[dataset].model_dump(), array.parent, threads, note)
