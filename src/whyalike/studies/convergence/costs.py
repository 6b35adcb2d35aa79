"""What the jobs of the study of convergence cost, for the plan: of models, stimuli, layers, pairs and metrics."""

import math
from collections.abc import Sequence
from typing import Any

from whyalike.files import canonical_json
from whyalike.grid.runs import Cell
from whyalike.planning.estimates import Estimate
from whyalike.planning.plan import BYTES_OF_SCORE, Plan
from whyalike.studies.convergence.pairs import compared_pairs, main_pairs, members_at
from whyalike.studies.convergence.parameters import Analysis, BaselineScores, BasisScores, Group, LayerScores, Scoring
from whyalike.studies.convergence.section import FINAL, METRICS, START

FAMILY = "maps"  # of the cost table: all four metrics of a pair, from one pass over its stimuli
RANKS = 2.0  # a pair with rank correlations, in pairs without: of seconds, and of rows
DRAW = 0.15  # a rotation, in pairs
PARTIAL = 4.0  # a pair with components of the input taken out, and by numbers of stimuli


def checkpoint(plan: Plan, study: Any, group: str, checkpoint: str) -> Estimate:
    """The pairs that are compared at a checkpoint, and against the end."""
    work = study.checkpoint_scores(group, checkpoint)
    members, whole = members_at(work.group.members, checkpoint), checkpoint in (START, FINAL)
    every, followed = (_distinct(work.analyses, over_time) for over_time in (False, True))
    to_end = 0 if checkpoint == FINAL else len(members) + 2 * len(main_pairs(members))
    ranks = RANKS if whole and work.spearman else 1.0
    count = len(compared_pairs(members)) * (every if whole else followed)
    models = len(members) + (0 if checkpoint == FINAL else len(members_at(work.group.members, FINAL)))
    rows = ranks * count + to_end * followed
    return _job(plan, study, work.group, len(_looks(work)) * models, rows)


def bases(plan: Plan, study: Any, group: str) -> Estimate:
    """Rotations of main pairs, of one side and of both, untrained and final; as published one."""
    work: BasisScores = study.basis_scores(group)
    count = 2 * len(main_pairs(work.group.members)) * (1 + DRAW * (3 * work.rotations + 2))
    return _job(plan, study, work.group, _of_ends(work), count)


def baselines(plan: Plan, study: Any, group: str) -> Estimate:
    """Main pairs with and without the input, untrained and final, and on fewer stimuli."""
    work: BaselineScores = study.baseline_scores(group)
    count = 2 * len(main_pairs(work.group.members)) * (PARTIAL + len(work.counts)) * len(work.analyses)
    return _job(plan, study, work.group, _of_ends(work), count)


def layers(plan: Plan, study: Any, a: str, b: str) -> Estimate:
    """Every layer of one against every layer of the other, of some pairs of models."""
    work: LayerScores = study.layer_scores(a, b)
    both = [plan.workload.widths(group.setting) for group in (work.a, work.b)]
    n, known = plan.workload.stimuli(work.a.stimuli_name)
    # the decomposition of two widths costs their product times the lesser
    of_pairs = sum(_pair(plan, n, math.cbrt(x * y * min(x, y))) for x in both[0] for y in both[1])
    seconds = work.pairs * _distinct(work.analyses, False) / len(METRICS) * of_pairs
    seen = sum(_seen(plan, study, group, n, len(_looks(work)) * min(work.pairs + 1, len(group.members)))
               for group in (work.a, work.b))  # fmt: skip
    return _estimate(plan, study, work.a, seconds, seen, work.pairs * len(both[0]) * len(both[1]) * 4, known)


def shift(plan: Plan, study: Any, group: str, shift: str) -> Estimate:
    """Main pairs on every level, on the undistorted stimuli and on pooled ones, untrained and final."""
    work = study.shift_scores(group, shift)
    sets = len(work.levels) + 2
    count = 2 * sets * len(main_pairs(work.group.members)) * _distinct(work.analyses, True)
    return _job(plan, study, work.group, sets * _of_ends(work), count)


def _of_ends(work: Scoring) -> int:
    """Passes of models over the stimuli, untrained and final."""
    members = work.group.members
    return len(_looks(work)) * (len(members_at(members, START)) + len(members_at(members, FINAL)))


def _looks(work: Scoring) -> set[int]:
    """The ways to look at models that analyses have."""
    return {one.recalibration for one in work.analyses}


def _distinct(analyses: Sequence[Analysis], over_time: bool) -> int:
    """Scores of a pair that are computed: equal ones of analyses that look alike are one."""
    return len(
        {
            canonical_json([analysis.recalibration, one.metric, one.parameters])
            for analysis in analyses
            for one in analysis.scored
            if not over_time or one.scoring in analysis.over_time
        }
    )


def _job(plan: Plan, study: Any, group: Group, passes: float, scores: float) -> Estimate:
    """So many passes of models over the group's stimuli, and so many scores of a pair on each layer."""
    n, known = plan.workload.stimuli(group.stimuli_name)
    widths = plan.workload.widths(group.setting)
    seconds = scores / len(METRICS) * sum(_pair(plan, n, d) for d in widths)
    seen = _seen(plan, study, group, n, passes)
    return _estimate(plan, study, group, seconds, seen, scores * len(widths), known)


def _pair(plan: Plan, n: int, d: float) -> float:
    """Seconds of all metrics of a pair on one layer."""
    families = plan.costs.scoring.families
    return families.get(FAMILY, families["other"]).of_pair(n, d)


def _seen(plan: Plan, study: Any, group: Group, n: int, passes: float) -> float:
    """Seconds of passes of models over n stimuli."""
    return passes * n * plan.sample(_cell(study, group))[0]


def _cell(study: Any, group: Group) -> Cell:
    """One of a group's cells: a pass costs the same in all."""
    return next(iter(study.cells[group.group]))


def _estimate(plan: Plan, study: Any, group: Group, seconds: float, seen: float, rows: float, known: bool) -> Estimate:
    scoring, (startup, how) = plan.costs.scoring, plan.startup(_cell(study, group), "extraction")
    own = scoring.seconds + startup + seen + scoring.work * seconds
    sources = {scoring.source, how, plan.sample(_cell(study, group))[1]}
    return Estimate(own, BYTES_OF_SCORE * rows, sources=frozenset(sources if known else {*sources, "guessed"}))
