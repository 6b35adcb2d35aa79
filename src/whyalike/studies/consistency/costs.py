"""What the jobs of the study of consistency cost, for the plan: of models, stimuli, units and metrics."""

import math
from collections.abc import Sequence
from statistics import fmean

from whyalike.config.external import OwnActivations
from whyalike.grid.runs import Cell
from whyalike.planning.costs import FamilyCost
from whyalike.planning.estimates import Estimate
from whyalike.planning.plan import BYTES, BYTES_OF_SCORE, KEPT, MEGABYTE, Plan
from whyalike.similarity.metrics.registry import METRICS
from whyalike.studies.consistency.parameters import ProbeParameters

DRAWN = 20  # the table's figures of families are of a score and 19 draws
SEARCHED = 14  # trainings of a rate, at most, of however many decays: those of the published search
UNITS = 1000  # of the table's figure for a probe's images
FEWEST_UNITS = 200  # fewer cost no less: steps have a price too


def extraction(plan: Plan, cell: Cell, models: int, stimuli: Sequence[str]) -> Estimate:
    """A setting's models on all stimuli, of one cell whatever their number: the weights are loaded once."""
    amounts = [plan.workload.stimuli(one) for one in stimuli]
    n, known = sum(n for n, _ in amounts), all(known for _, known in amounts)
    vectors = BYTES * models * n * plan.workload.units(cell.setting)
    stays = KEPT[plan.config.activations] * vectors
    if isinstance(plan.config.settings[cell.setting], OwnActivations):
        stage = plan.costs.stages.get("import_activations", plan.costs.stages["other"])
        seconds, sources = stage.seconds * len(stimuli), {stage.source}
    else:
        startup, how = plan.startup(cell, "extraction")
        sample, source = plan.sample(cell)
        seconds, sources = startup + models * n * sample, {how, source}
    return Estimate(seconds, stays, sources=_sources(sources, known), vector_bytes=vectors)


def matrix(plan: Plan, metric: str, settings: Sequence[str], models: int, stimuli: str, scorings: int) -> Estimate:
    """All pairs on one set, whole and on both halves."""
    n, known = plan.workload.stimuli(stimuli)
    seconds = sum(_pairs(plan, metric, settings, models, part) for part in (n, n // 2, n // 2))
    return _scores(plan, scorings * seconds, scorings * models * (models - 1) / 2, known)


def sizes(
    plan: Plan, metric: str, settings: Sequence[str], models: int, stimuli: str, per_class: Sequence[int]
) -> Estimate:
    """All pairs on draws of so many stimuli a class, of which the largest is taken for the whole set."""
    n, _ = plan.workload.stimuli(stimuli)
    counts = [n * one // max(per_class) for one in per_class]
    seconds = sum(_pairs(plan, metric, settings, models, count) for count in counts)
    return _scores(plan, seconds, len(counts) * models * (models - 1) / 2, known=False)


def probe(plan: Plan, parameters: ProbeParameters) -> Estimate:
    """The trainings of a setting's probes: ``seconds_per_image`` of the table is of an image in one pass."""
    stage = plan.costs.stages.get("probe_setting", plan.costs.stages["other"])
    searched = 0 if len(parameters.rates) * parameters.decays == 1 else min(parameters.decays, SEARCHED)
    trainings = 1 + len(parameters.rates) * searched
    passes = trainings * parameters.seeds * parameters.epochs * len(parameters.models)
    images = sum(plan.workload.stimuli(one.train)[0] for one in parameters.sets.values())
    correct = sum(plan.workload.stimuli(one.test)[0] for one in parameters.sets.values()) / 8  # a bit each
    width = max(plan.workload.units(parameters.setting), FEWEST_UNITS) / UNITS
    seconds = stage.seconds + stage.seconds_per_image * width * passes * images
    size = MEGABYTE * stage.megabytes + correct * parameters.seeds * len(parameters.models)
    return Estimate(seconds, size, sources=frozenset({stage.source, "guessed"}))


def _pairs(plan: Plan, metric: str, settings: Sequence[str], models: int, n: int) -> float:
    """Seconds of every two of some models, all of one width: the root of the mean square."""
    families = plan.costs.scoring.families
    family: FamilyCost = families.get(METRICS[metric].facts.family, families["other"])
    d = math.sqrt(fmean(plan.workload.units(setting) ** 2 for setting in settings))
    draws = 1 / DRAWN if family.draws else 1.0
    return models * family.of_model(n, d) + models * (models - 1) / 2 * draws * family.of_pair(n, d)


def _scores(plan: Plan, seconds: float, rows: float, known: bool) -> Estimate:
    cost = plan.costs.scoring
    own = cost.seconds + cost.work * seconds
    return Estimate(own, BYTES_OF_SCORE * rows, sources=_sources({cost.source}, known))


def _sources(sources: set[str], known: bool) -> frozenset[str]:
    return frozenset(sources if known else sources | {"guessed"})
