"""What findings could claim, said before anything is trained: a study's seeds, panels and smallest p (Holm)."""

from collections.abc import Iterator

from whyalike.config.config import Config
from whyalike.designs.registry import design
from whyalike.grid import views
from whyalike.statistics.power import missing_words, possible, smallest_p

PARTS_OF_CLASSES = 3  # of stimuli of the own data set: classes of both models, of one, of neither


def lines(config: Config) -> Iterator[str]:
    """A sentence for each study of changes over conditions: whether its seeds can carry a claim, or how many can."""
    for name, study in config.studies.items():
        # the ladder of controls, the one design with pairs across seeds, is described and nothing of it is claimed
        if design(study.factor).is_of_pairs or design(study.factor).across:
            continue
        seeds, panels = len(study.seeds), panels_of(config, name)
        if possible(seeds, panels):
            least = smallest_p(seeds, panels)
            counted = f"{seeds} seeds, at most {panels} panel{'' if panels == 1 else 's'}"
            said = f"if all seeds agree in sign ({counted}: smallest p (Holm) {least:.3f})"
            yield f"Findings of {name}: a claim is possible {said}."
        else:
            yield f"Findings of {name}: no claim is possible if every panel is there: {missing_words(seeds, panels)}."


def panels_of(config: Config, name: str) -> int:
    """The panels of a study's own settings, at most: stimuli of classes that no pair has make none."""
    study, count = config.studies[name], 0
    for comparison in views.comparisons(config, name).values():
        if comparison.name in study.comparisons:
            continue  # the panels of a named comparison are adjusted for each other alone
        for stimuli in views.stimuli(config, name, comparison):
            own = config.stimuli[stimuli].is_of(config.settings[comparison.a].dataset)
            by_class = own and design(study.factor).shares == "classes"
            count += PARTS_OF_CLASSES + len(study.fixed_classes) if by_class else 1
    return count
