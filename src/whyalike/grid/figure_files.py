"""The figures of a configuration, and the files that each is drawn from."""

from collections.abc import Callable, Iterable
from typing import Any

from whyalike.config.config import Config, Figure
from whyalike.config.yaml_file import ConfigError
from whyalike.figures.registry import FIGURES
from whyalike.grid.paths import Paths

FIGURE_FILES = ("svg", "pdf", "png", "csv")


class FigureFiles(Paths):
    """What figures are drawn from, beside the paths of the other stages."""

    def figures(self) -> list[str]:
        """Every figure that the configuration names; of a partial result, those of studies with a finished seed."""
        drawn = {name: figure.study is None or self.study_scores(figure.study)
                 for name, figure in self.config.figures.items()}  # fmt: skip
        return [f"{self.root}/figures/{name}.svg" for name in drawn if drawn[name]]

    def figure_inputs(self, wildcards: Any) -> dict[str, list[str]]:
        """The files that a figure is drawn from, by what its kind needs."""
        figure = self.config.figures[wildcards.figure]
        if figure.study and not self.study_scores(figure.study):
            raise ConfigError(f"figure {wildcards.figure}: study {figure.study} has no finished seed to show")
        files = {
            "manifests": self.all_manifests,
            "tables": lambda: [f"{self.root}/statistics/mutual_information.csv"],
            "data": lambda: self.dataset(figure.dataset),
            **self._shown(figure),
        }
        return {need: files[need]() for need in FIGURES[figure.kind].facts.inputs}

    def _shown(self, figure: Figure) -> dict[str, Callable[[], list[str]]]:
        """Ways to find the files that a figure may show, by what they hold."""
        asked = figure.options.get("comparison")
        shown = [asked] if asked else figure.study and self.config.studies[figure.study].settings

        def scores() -> list[str]:
            of = _chosen(self.config, figure)
            return [f"{self.root}/similarity/{figure.study}/{of['comparison']}/{of['stimuli']}.parquet"]

        def activations() -> list[str]:
            of, factor = _chosen(self.config, figure), self.config.studies[figure.study].factor
            base = f"{self.root}/activations/{of['comparison']}/{factor}"
            name = f"{of['stimuli']}.{of['layer']}.parquet"
            return [f"{base}/seed{seed}/{name}" for seed in self.grid.seeds(figure.study, of["comparison"])]

        def published(kind: str, names: Iterable[str]) -> list[str]:
            return [f"{self.root}/published/{name}.{kind}.parquet" for name in names]

        return {
            "panel_scores": scores,
            "representations": activations,
            "labels": lambda: self.dataset(self.config.stimuli[_chosen(self.config, figure)["stimuli"]].dataset),
            "scores": lambda: [*self.study_scores(figure.study, shown), *published("scores", figure.published)],
            "statistics": lambda: [
                f"{self.root}/statistics/{figure.study}.parquet",
                *published("statistics", figure.published),
            ],
            "pairs": lambda: self.pair_tables(figure.study),
            "all_statistics": lambda: [*self.all_statistics(), *published("statistics", self.config.published)],
        }

    def category(self, wildcards: Any) -> str:
        """The heading of a figure in the report."""
        return FIGURES[self.config.figures[wildcards.figure].kind].facts.category


def _chosen(config: Config, figure: Figure) -> dict[str, str]:
    """What a figure shows of its study: what its options name, or else the first of each."""
    study, options = config.studies[figure.study], figure.options
    comparison = options.get("comparison", study.settings[0])
    stimuli = options.get("stimuli", study.stimuli_of(comparison)[0])
    layer = options.get("layer", config.settings[comparison].layers[0])
    return {"comparison": comparison, "stimuli": stimuli, "layer": layer}
