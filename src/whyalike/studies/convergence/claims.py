"""Verdicts on the claims of the study of convergence, from its tables alone: a page, and a table of the numbers.

What is missing is said to be not testable, never guessed; see `READING` for the rules, `evidence` for the numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from whyalike.statistics.power import LEVEL
from whyalike.studies.claims import HOLDS, MAIN, NOT, Seen, write
from whyalike.studies.convergence.claims_table import CLAIMS
from whyalike.studies.convergence.evidence import EVIDENCE, Tables
from whyalike.studies.convergence.parameters import ConvergenceStatistics

READING = f"""# Claims

What the study of convergence says (Kapoor et al. 2025, in our words), and what the models of one configuration say to
it, in the corrected analysis if nothing else is said. Alignment is the correlation of held-out responses with those
that a fitted map predicts; of Procrustes if nothing else is said. A claim **holds** if the interval of every group (and
metric) says so, of the groups that are named; it **does not hold** if in one group all of its numbers say the opposite
as clearly. All else is **undecided**: no difference is not shown by a large p. What lacks models, checkpoints or sets
is **not testable here**. A group without the numbers is not named, such as one that gains less than 2 errors and so has
no share and no time. Intervals are 95 % each: of five groups without an effect one in eight contradicts by chance.

An interval is a jackknife over models: it leaves out each model with all its pairs; stimuli are fixed. Pairs of models,
folds and rotations are never counted as independent numbers. p is adjusted (Holm) over the layers of a group, or over
groups, of one metric; p decides `privileged-basis` (at most {LEVEL:g} so) and `depth-matches` alone.
Models of shuffled labels speak to `input-driven` alone.

"""
MOST_NAMED = 6  # groups, in a verdict
Inputs = Mapping[str, Path | Sequence[Path]]


def write_claims(parameters: ConvergenceStatistics, page: Path, table: Path, inputs: Inputs) -> None:
    """Write the claims as a page and as a table.

    Parameters
    ----------
    inputs : files of the tables of statistics, by name; what is not there is told.
    """
    tables = Tables(parameters, inputs)
    write(parameters, page, table, READING, [(claim, named(EVIDENCE[claim.key](tables))) for claim in CLAIMS])


def named(seen: Seen) -> Seen:
    """With the groups that a claim holds of, or with the only one of which it does not."""
    groups = list(dict.fromkeys(one.panel for one in seen.rows if one.role == MAIN))
    if seen.verdict not in (HOLDS, NOT) or not groups:
        return seen
    told = ", ".join(groups) if len(groups) <= MOST_NAMED else f"{len(groups)} of {len(groups)}"
    return replace(seen, verdict=f"{seen.verdict}: {told}")
