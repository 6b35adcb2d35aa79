"""Jobs that any study with rules of its own can have: data from the sources, and figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from whyalike.data.registry import SOURCES
from whyalike.figures.stage import make_figure
from whyalike.job import note
from whyalike.studies.study import RuleStudy


def prepare_data(study: RuleStudy, dataset: str, array: Path, threads: int) -> None:
    """Prepare a data set of the study, from its section: parameters of jobs hold no folders of the user's."""
    SOURCES[dataset].load()(study.datasets[dataset].model_dump(), array.parent, threads, note)


def draw_figure(work: Mapping[str, Any], inputs: Mapping[str, Sequence[Path]], svg: Path) -> None:
    """Draw a figure of the study."""
    make_figure(work["kind"], work["options"], {name: inputs[name] for name in work["inputs"]}, svg, work)
