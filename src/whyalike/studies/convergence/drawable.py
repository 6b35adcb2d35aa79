"""Which figures of the study have something to show, as far as the section and its models tell before any job."""

from collections.abc import Iterable, Mapping

from whyalike.similarity.protocols import metric_of
from whyalike.studies.convergence.checks import has_grid
from whyalike.studies.convergence.parameters import Group
from whyalike.studies.convergence.section import SHUFFLED, Convergence

OF_SHIFTS = ("shifted", "scatter", "tracking", "gaps", "correlations")
OF_ANSWERS = ("scatter", "tracking", "correlations")  # alignment against accuracy
OF_TIME = ("epochs", "early", "updates", "objectives")
OF_KINDS = {"selfsupervised": "self_supervised", "transformer": "transformer", "language": "language"}


def left_out(
    section: Convergence, groups: Mapping[str, Group], kinds: Mapping[str, str], shifted: Iterable[str]
) -> dict[str, str]:
    """The figures that would be empty, and what each lacks.

    Parameters
    ----------
    groups : by name. kinds : group -> its kind. shifted : groups that are looked at under shifts.
    """
    metrics = {metric_of(name, given) for name, given in section.metrics.items()}
    told = {figure: f"a setting under {key}" for figure, key in OF_KINDS.items() if key not in kinds.values()}
    shifted = [groups[name] for name in shifted]
    if not shifted:
        told |= dict.fromkeys(OF_SHIFTS, "shifts of a setting that sees images")
    elif not any(one.recipe for one in shifted):
        told |= dict.fromkeys(OF_ANSWERS, "accuracy of models under shift")
    if not any(has_grid(group.members) for group in groups.values()):
        told["grid"] = "a zoo with a grid of starts and orders"
    if not is_followed(section):
        told |= dict.fromkeys(OF_TIME, "checkpoints between start and end")
    if not any(one.steps for one in section.checkpoints.values()):
        told["early"] = "steps under checkpoints"
    if not ({name for name in groups if name.endswith(SHUFFLED)} or "self_supervised" in kinds.values()):
        told["objectives"] = "models of shuffled labels, or self-supervised ones"
    if not section.spearman:
        told["spearman"] = "rank correlations"
    if not {"permutation", "soft_matching"} & metrics:
        told["stricter"] = "permutation or soft matching"
    if not {"linear", "procrustes"} <= metrics:
        told["transformations"] = "linear and procrustes"
    return told


def is_followed(section: Convergence) -> bool:
    """Whether models are looked at between start and end."""
    return any(one.epochs or any(one.steps) for one in section.checkpoints.values())
