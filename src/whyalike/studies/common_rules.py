"""Rules that any study with rules of its own can have: data from the sources, and figures."""

from collections.abc import Mapping
from pathlib import Path

from whyalike.data.parameters import Parameters
from whyalike.data.preparation import PreparationParameters
from whyalike.data.registry import SOURCES
from whyalike.figures.parameters import FigureParameters
from whyalike.figures.registry import FIGURES, FigureFacts
from whyalike.grid.figure_files import FIGURE_FILES
from whyalike.grid.paths import DATA_FILES
from whyalike.planning.estimates import Estimate
from whyalike.planning.plan import Plan
from whyalike.provenance import version
from whyalike.registry import Entry
from whyalike.studies.parameters import RuleParameters
from whyalike.studies.rule import Paths, Rule, each


class DrawingParameters(RuleParameters, FigureParameters):
    """A figure of a study."""


def preparation(study: str, datasets: Mapping[str, Parameters]) -> Rule:
    """The rule that prepares a study's data sets, given by their sources."""

    def work(dataset: str) -> PreparationParameters:
        state = version(SOURCES[dataset].module)
        return PreparationParameters(source=dataset, parameters=datasets[dataset].plain(), version=state)

    def cost(plan: Plan, dataset: str) -> Estimate:
        return plan.fixed("prepare_data", {"dataset": dataset})

    outputs = {Path(file).stem: file for file in prepared("{dataset}")}
    return Rule(f"prepare_{study}", "", each(dataset=datasets), "prepare {wildcards.dataset}", work,
                "whyalike.studies.common_jobs:prepare_data", {}, outputs, cost=cost, threads=2, mem_mb=4000,
                params={"study": study})  # fmt: skip


def prepared(dataset: str) -> list[str]:
    """The files of a prepared data set: the input `dataset` of a rule, whose function gets their folder."""
    return [f"data/{dataset}/{file}" for file in DATA_FILES]


def drawing(study: str, figures: Mapping[str, Paths]) -> Rule:
    """The rule that draws a study's figures.

    Parameters
    ----------
    study : the study's name.
    figures : a figure's name -> its inputs, lists by the names that its kind gives them. The kind of `width_all` is
        {study}_width in the table of figures.
    """

    def entry(figure: str) -> Entry[FigureFacts]:
        return FIGURES[_kind(study, figure)]

    def work(figure: str) -> DrawingParameters:
        return DrawingParameters(kind=_kind(study, figure), options={}, inputs=entry(figure).facts.inputs)

    caption = {"caption": lambda wildcards: entry(wildcards.figure).facts.caption}
    outputs = {suffix: f"figures/{{figure}}.{suffix}" for suffix in FIGURE_FILES}
    return Rule(f"draw_{study}", "figures", each(figure=figures), "figure {wildcards.figure}", work,
                "whyalike.figures.stage:draw_figure", lambda figure: figures[figure], outputs,
                lambda figure: [entry(figure).target], params=caption,
                category=entry(next(iter(figures))).facts.category, is_local=True)  # fmt: skip


def _kind(study: str, figure: str) -> str:
    return f"{study}_{figure.partition('_')[0]}"
