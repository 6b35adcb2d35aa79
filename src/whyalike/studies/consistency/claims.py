"""Verdicts on the claims of the study of consistency, from its tables alone: a page, and a table of the numbers.

What is missing is said to be not testable, never guessed; see `READING` for the rules, `evidence` for the numbers.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from whyalike.files import write_table, write_text
from whyalike.job import note
from whyalike.markdown import plain, table
from whyalike.statistics.inference import holm
from whyalike.statistics.power import LEVEL
from whyalike.statistics.table import MINUS
from whyalike.studies.consistency.claims_table import CLAIMS, Claim
from whyalike.studies.consistency.decisions import FAMILIES, Evidence, Seen
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
COLUMNS = ("claim", "metric", "analysis", "estimand")
NUMBERS = ("value", "ci_low", "ci_high", "p", "p_holm")
SCHEMA = pa.schema(
    [
        pa.field("claim", pa.string(), nullable=False),
        *(pa.field(name, pa.string()) for name in COLUMNS[1:]),
        *(pa.field(name, pa.float64()) for name in NUMBERS),
        pa.field("n", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),
    ]
)
Inputs = Mapping[str, Path | Sequence[Path]]


def write_claims(parameters: ConsistencyStatistics, page: Path, table: Path, inputs: Inputs) -> None:
    """Write the claims as a page and as a table.

    Parameters
    ----------
    inputs : files of similarity, consistency, groups, shares, gap, sizes, by these names; what is not there is told.
    """
    found = verdicts(parameters, inputs)
    rows = [
        {"claim": claim.key, "analysis": "corrected", "verdict": seen.verdict, **own}
        for claim, seen in found
        for own in (numbers(seen.rows) or [{"analysis": None}])
    ]
    write_table(table, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain()})
    write_text(page, claims_page(found))
    words = [seen.verdict.partition(":")[0] for _, seen in found]
    note("claims · " + ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)))


def verdicts(parameters: ConsistencyStatistics, inputs: Inputs) -> list[tuple[Claim, Seen]]:
    """What the tables say to every claim."""
    tables = Tables(parameters, inputs)
    return [(claim, EVIDENCE[claim.key](tables)) for claim in CLAIMS]


def numbers(rows: Sequence[Evidence]) -> list[dict]:
    """The rows as those of the table, with p after Holm over the panels of each metric and role."""
    found = []
    for one in rows:
        family = [other for other in rows if (other.metric, other.role) == (one.metric, one.role)]
        known = [other for other in family if other.p is not None]
        adjusted = dict(zip(map(id, known), holm([other.p for other in known]), strict=True)) if known else {}
        found.append({"metric": one.metric, "estimand": one.estimand, "value": one.value, "ci_low": one.low,
                      "ci_high": one.high, "p": one.p, "p_holm": adjusted.get(id(one)), "n": one.n})  # fmt: skip
    return found


def claims_page(found: Sequence[tuple[Claim, Seen]]) -> str:
    """The claims with their verdicts, and the numbers of each, in Markdown."""
    heads = ("claim", "the paper", "effect", "test", "figure", "verdict")
    lines = (
        (f"`{one.key}`", one.sentence, one.estimand, one.test, one.figure, f"**{plain(seen.verdict)}**")
        for one, seen in found
    )
    return READING + table(heads, lines) + "".join(_numbers_of(claim, seen) for claim, seen in found if seen.rows)


def _numbers_of(claim: Claim, seen: Seen) -> str:
    heads = ("metric", "number", "value", "95 % interval", "p", "p (Holm)", "n")
    lines = (
        (f"`{one['metric']}`", plain(one["estimand"]), _number(one["value"]), _interval(one), _p(one["p"]),
         _p(one["p_holm"]), one["n"])
        for one in numbers(seen.rows)
    )  # fmt: skip
    return (
        f"\n## {claim.key}\n\n{claim.sentence[0].upper()}{claim.sentence[1:]}: **{plain(seen.verdict)}**.\n\n"
        + table(heads, lines)
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+z.3f}".replace("-", MINUS)


def _interval(one: Mapping) -> str:
    return "" if one["ci_low"] is None else f"{_number(one['ci_low'])} to {_number(one['ci_high'])}"


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
