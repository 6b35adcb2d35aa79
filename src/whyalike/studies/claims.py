"""Claims of a paper, the numbers that speak to them, and the page and table of both; the rules are the study's own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from whyalike.files import write_table, write_text
from whyalike.job import note
from whyalike.markdown import plain, table
from whyalike.parameters import JobParameters
from whyalike.statistics.inference import holm
from whyalike.statistics.table import MINUS

MAIN, BESIDE = "main", "beside"
HOLDS, NOT, UNDECIDED, UNTESTABLE = "holds", "does not hold", "undecided", "not testable here"
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


@dataclass(frozen=True)
class Claim:
    """One statement of the paper and what decides it.

    Attributes
    ----------
    key : short name; claims are cited by it.
    sentence : what the paper says.
    estimand, test : the numbers that are looked at, and how it is decided.
    figure : the figures that show it.
    """

    key: str
    sentence: str
    estimand: str
    test: str
    figure: str


@dataclass(frozen=True)
class Evidence:
    """One number on a claim.

    Attributes
    ----------
    metric : of the similarities. panel : what the claim is about, one of several contrasts, say.
    estimand : the number, in words. value, low, high, p : None where there is none.
    n : in words.
    direction : 1 if the claim says that the value is above 0, -1 below.
    role : "main" decides, "beside" is shown; a study may have further ones.
    analysis : that the number is of. family : p is adjusted over rows of one metric, role and family.
    """

    metric: str
    panel: str
    estimand: str
    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: str
    direction: int = 1
    role: str = MAIN
    analysis: str = "corrected"
    family: str = ""

    @property
    def right(self) -> bool:
        """Whether the sign is the claimed one."""
        return self.value is not None and self.direction * self.value > 0

    @property
    def wrong(self) -> bool:
        """Whether the sign is the other one."""
        return self.value is not None and self.direction * self.value < 0

    @property
    def clear(self) -> bool:
        """Whether there is an interval, and 0 is not in it."""
        return self.low is not None and self.high is not None and self.low * self.high > 0


@dataclass(frozen=True)
class Seen:
    """What is seen of a claim: the rows, and the verdict in words."""

    rows: tuple[Evidence, ...]
    verdict: str


def untestable(reason: str, rows: Iterable[Evidence] = ()) -> Seen:
    """A claim on which nothing can be said, with the reason."""
    return Seen(tuple(rows), f"{UNTESTABLE}: {reason}")


def write(
    parameters: JobParameters, page: Path, table: Path, reading: str, found: Sequence[tuple[Claim, Seen]]
) -> None:
    """Write claims with what is seen of them as a page and as a table.

    Parameters
    ----------
    reading : the page's title and how its verdicts are reached, in Markdown.
    """
    rows = [
        {"claim": claim.key, "verdict": seen.verdict, **own}
        for claim, seen in found
        for own in (numbers(seen.rows) or [{"analysis": None}])
    ]
    write_table(table, pa.Table.from_pylist(rows, SCHEMA), {"work": parameters.plain()})
    write_text(page, claims_page(reading, found))
    words = [seen.verdict.partition(":")[0] for _, seen in found]
    note("claims · " + ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)))


def numbers(rows: Sequence[Evidence]) -> list[dict]:
    """The rows as those of the table, with p after Holm over the rows of each metric, role and family."""
    found = []
    for one in rows:
        of = (one.metric, one.role, one.family)
        family = [other for other in rows if (other.metric, other.role, other.family) == of]
        known = [other for other in family if other.p is not None]
        adjusted = dict(zip(map(id, known), holm([other.p for other in known]), strict=True)) if known else {}
        found.append({"metric": one.metric, "analysis": one.analysis, "estimand": one.estimand, "value": one.value,
                      "ci_low": one.low, "ci_high": one.high, "p": one.p, "p_holm": adjusted.get(id(one)),
                      "n": one.n})  # fmt: skip
    return found


def claims_page(reading: str, found: Sequence[tuple[Claim, Seen]]) -> str:
    """The claims with their verdicts, and the numbers of each, in Markdown."""
    heads = ("claim", "the paper", "effect", "test", "figure", "verdict")
    lines = (
        (f"`{one.key}`", one.sentence, one.estimand, one.test, one.figure, f"**{plain(seen.verdict)}**")
        for one, seen in found
    )
    return reading + table(heads, lines) + "".join(_numbers_of(claim, seen) for claim, seen in found if seen.rows)


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
