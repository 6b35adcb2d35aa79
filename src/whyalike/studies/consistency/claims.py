"""Verdicts on the claims of the study of consistency, from its tables alone: a page, and a table of the numbers.

What is missing is said to be not testable, never guessed; see `READING` for the rules, `evidence` for the numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from whyalike.statistics.power import LEVEL
from whyalike.studies.claims import Claim, Seen, write
from whyalike.studies.consistency.claims_table import CLAIMS
from whyalike.studies.consistency.decisions import FAMILIES
from whyalike.studies.consistency.evidence import EVIDENCE
from whyalike.studies.consistency.parameters import ConsistencyStatistics
from whyalike.studies.consistency.tables import Tables

_SPEAKERS = ", ".join(f"`{metric}` ({family})" for family, metric in FAMILIES.items())
READING = f"""# Claims

What the study of consistency says (Ciernik et al. 2025, in our words), and what the models and stimulus sets of one
configuration say to it, in the corrected analysis. R is the mean, over pairs of sets from different sources, of the
correlation of similarities over pairs of models. A claim **holds** if the metrics of three families,
{_SPEAKERS},
all say so in every panel, with p at most {LEVEL:g} after Holm over the claim's panels and a 95 % interval without 0; it
**does not hold** if all three say the opposite as clearly in a panel. A difference of R must have the same sign by a
measure that is free of the range of similarities (residual SD, or R at the spread of all pairs); if all three metrics
turn its sign there as clearly, the claim does not hold either. All else is **undecided**: no difference is not shown by
a large p. What lacks models, levels, sets or metrics is **not testable here**.

p and interval answer two questions. p, of permuted labels of models (or of sources): could it be chance, of these
models on these sets? The interval, which leaves out families of models and sources of sets: would it be so of others,
too? Pairs of models and pairs of sets are never counted as independent numbers.

"""
Inputs = Mapping[str, Path | Sequence[Path]]


def write_claims(parameters: ConsistencyStatistics, page: Path, table: Path, inputs: Inputs) -> None:
    """Write the claims as a page and as a table.

    Parameters
    ----------
    inputs : files of similarity, consistency, groups, shares, gap, sizes, by these names; what is not there is told.
    """
    write(parameters, page, table, READING, verdicts(parameters, inputs))


def verdicts(parameters: ConsistencyStatistics, inputs: Inputs) -> list[tuple[Claim, Seen]]:
    """What the tables say to every claim."""
    tables = Tables(parameters, inputs)
    return [(claim, EVIDENCE[claim.key](tables)) for claim in CLAIMS]
