"""Which files a figure shows: of its study, of published scores beside it, and of one comparison.

That comparison, its stimuli and layer are those that the figure's options name, or else the first ones of the study.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from whyalike.figures.registry import FIGURES
from whyalike.messages import near

if TYPE_CHECKING:
    from whyalike.config import Config, Figure
    from whyalike.workflow import Workflow


def chosen(config: "Config", figure: "Figure") -> dict[str, str]:
    """The comparison, stimuli and layer of a figure."""
    study, options = config.studies[figure.study], figure.options
    comparison = options.get("comparison", study.settings[0])
    stimuli = options.get("stimuli", study.stimuli_of(comparison)[0])
    layer = options.get("layer", config.settings[comparison].layers[0])
    return {"comparison": comparison, "stimuli": stimuli, "layer": layer}


def files(flow: "Workflow", figure: "Figure") -> dict[str, Callable[[], list[str]]]:
    """Ways to find the files that a figure may show, by what they hold."""

    asked = figure.options.get("comparison")
    shown = [asked] if asked else figure.study and flow.config.studies[figure.study].settings

    def scores() -> list[str]:
        of = chosen(flow.config, figure)
        return [f"{flow.root}/similarity/{figure.study}/{of['comparison']}/{of['stimuli']}.parquet"]

    def activations() -> list[str]:
        of, factor = chosen(flow.config, figure), flow.config.studies[figure.study].factor
        base, name = f"{flow.root}/activations/{of['comparison']}/{factor}", f"{of['stimuli']}.{of['layer']}.parquet"
        return [f"{base}/seed{seed}/{name}" for seed in flow.grid.seeds(figure.study, of["comparison"])]

    def labels() -> list[str]:
        return flow.dataset(flow.config.stimuli[chosen(flow.config, figure)["stimuli"]].dataset)

    def published(kind: str, names: Iterable[str]) -> list[str]:
        return [f"{flow.root}/published/{name}.{kind}.parquet" for name in names]

    return {
        "panel_scores": scores,
        "representations": activations,
        "labels": labels,
        "scores": lambda: [*flow.study_scores(figure.study, shown), *published("scores", figure.published)],
        "statistics": lambda: [
            f"{flow.root}/statistics/{figure.study}.parquet",
            *published("statistics", figure.published),
        ],
        "all_statistics": lambda: [*flow.all_statistics(), *published("statistics", flow.config.published)],
    }


def misfits(config: "Config") -> Iterator[str]:
    """Options that name a comparison, stimuli or a layer that the figure's study does not have."""
    for key, figure in config.figures.items():
        study = config.studies.get(figure.study)
        if study is None or not set(study.settings) <= config.settings.keys():
            continue
        comparison = figure.options.get("comparison", study.settings[0])
        # representations are shown of one setting, scores of any pairs
        of_one = "representations" in FIGURES[figure.kind].facts.inputs
        known = study.settings if of_one else (*study.settings, *study.comparisons)
        yield from _unknown(f"figures.{key}.options.comparison", comparison, known)
        if comparison in study.settings:
            known = {"stimuli": study.stimuli_of(comparison), "layer": config.settings[comparison].layers}
            for option, names in known.items():
                if option in figure.options:
                    yield from _unknown(f"figures.{key}.options.{option}", figure.options[option], names)


def _unknown(path: str, name: Any, known: tuple[str, ...]) -> Iterator[str]:
    if name not in known:
        yield f"{path}: '{name}' is not of the figure's study.{near(str(name), known)} Known: {', '.join(known)}."
