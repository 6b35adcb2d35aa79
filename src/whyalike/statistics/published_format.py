"""The format of the overlap study's published score tables: their lines, and what their columns stand for.

A line is one (seed, metric, level): `seed,metric,frac_overlap` for shared images or classes, `seed,metric,partition,
model0,model1` for labels, then a score column for each set of stimuli; -1 stands where there is no such set. Files were
appended to each other, so header lines recur. Columns `study`, `setting` and `factor` may stand in the file too.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from whyalike.designs.registry import DESIGNS, design
from whyalike.file_faults import readable

SENTINEL = -1.0
_SHOWN = 100  # characters of the user's text in a message
DESCRIBING = ("study", "setting", "factor")
OVERLAP_COLUMNS = ("seed", "metric", "frac_overlap")
LABEL_COLUMNS = ("seed", "metric", "partition", "model0", "model1")
KINDS = ("in_distribution", "out_of_distribution", "common", "ood_one", "ood_both")
# what other programs put between fields
_OTHER_MARKS = ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"))
_IMAGES = ("cifar10", "cifar100", "tinyimagenet", "mnist", "svhn", "digit", "shape")
_TEXTS = ("shakespeare", "tinystories", "wikitext")


@dataclass(frozen=True)
class Description:
    """What the reader of a table has to be told where its columns do not say it.

    Parameters
    ----------
    study, setting, factor : of all lines; None where the file has such a column. factor: dataset, task or label; label
        tables (partition, model0, model1) need none.
    own : name of the setting's own stimuli; the setting's name if left out.
    stimuli : score column -> (name, kind) of its stimuli, before what the column's name says.
    left_out : score columns that are not read.
    """

    study: str | None = None
    setting: str | None = None
    factor: str | None = None
    own: str | None = None
    stimuli: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One line of scores: where it stands ("scores.csv, line 12") and its fields by column."""

    place: str
    fields: Mapping[str, str]


def lines(path: Path) -> tuple[list[str], list[Line]]:
    """The columns of a table and its lines of scores, in order; repeated header lines and empty lines are left out.

    Raises
    ------
    ValueError : a file that is no CSV, or an empty one; a line of another length, or a header line that differs from
        the first.
    """
    rows = _rows(path)
    header = rows[0][1]
    found = []
    for number, row in rows[1:]:
        place = f"{path}, line {number}"
        if row == header:
            continue
        if row[0] == header[0]:
            raise ValueError(
                f"all header lines of a table must be the same: {place} is {','.join(row)}, the first is "
                f"{','.join(header)}. Import these lines as a file of their own."
            )
        if len(row) != len(header):
            raise ValueError(
                f"every line needs {len(header)} fields: {place} has {len(row)}. Repair or remove it; numbers have a "
                "decimal point, for a comma begins a field."
            )
        found.append(Line(place, dict(zip(header, row, strict=True))))
    return header, found


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a CSV file that are not empty: their number, counted from 1, and their fields.

    Raises
    ------
    ValueError : the file is no text in UTF-8 with commas between fields; the message says where.
    """
    remedy = "Save the table as CSV in UTF-8, with commas between fields and decimal points."
    rows = []
    with readable(path, "a table of scores as CSV", remedy):
        text = _text(path.read_bytes())
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            # files that were put behind each other may have a mark before each
            rows = [(reader.line_num, [cell.strip().removeprefix("\ufeff") for cell in row]) for row in reader]
        except csv.Error as error:
            raise ValueError(f"line {reader.line_num}: {error}; is there a quotation mark without a second?") from None
        # Excel may say in the first line what stands between fields
        rows = [(number, row) for number, row in rows if any(row) and not row[0].startswith("sep=")]
        if not rows:
            raise ValueError("it is empty")
        if len(rows[0][1]) == 1 and (found := [name for mark, name in _OTHER_MARKS if mark in rows[0][1][0]]):
            raise ValueError(f"line {rows[0][0]}: {found[0]} stand between the fields")
    return rows


def _text(content: bytes) -> str:
    """The text of a file.

    Raises
    ------
    ValueError : it is none in UTF-8, and where.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(error.object[: error.start + 1].splitlines())
        raise ValueError(f"line {line}: the byte {error.object[error.start]:#04x} is no UTF-8") from None
    if "\0" in text:
        raise ValueError("it holds zero bytes, as no text does")
    return text


def check_header(path: Path, header: list[str], given: Description) -> None:
    """Find what is wrong with the columns of a table that every line has.

    Raises
    ------
    ValueError : a column is missing, there twice, or what it says is also given; or what is given is of no column.
    """
    needed = LABEL_COLUMNS if "partition" in header else OVERLAP_COLUMNS
    if missing := [name for name in needed if name not in header]:
        raise ValueError(
            f"a table of scores needs the columns {', '.join(OVERLAP_COLUMNS)} (or {', '.join(LABEL_COLUMNS)}) and a "
            f"score column for each set of stimuli: {path} has no {', '.join(missing)}. Its first line is "
            f"{shortened(','.join(header))}: name its columns so."
        )
    if "" in header:
        raise ValueError(
            f"every column of a table needs a name: column {header.index('') + 1} of {path} has none. Name it, or "
            "remove it (pandas writes its index so, without index=False)."
        )
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise ValueError(f"every column of a table must stand once: {path} has {', '.join(twice)} again. Rename it.")
    for name in DESCRIBING:
        if name in header and getattr(given, name) is not None:
            raise ValueError(
                f"the {name} is said once: {path} has a column {name}, and '{getattr(given, name)}' is given. "
                "Leave the option out, or rename the column."
            )
    for column, (_, kind) in given.stimuli.items():
        if kind not in KINDS:
            raise ValueError(f"the kind of stimuli must be one of {', '.join(KINDS)}: got '{kind}' for {column}.")
    if unknown := [name for name in (*given.stimuli, *given.left_out) if name not in header]:
        raise ValueError(f"only columns that a table has can be named or left out: {path} has no {', '.join(unknown)}.")


def score_columns(path: Path, header: list[str], factor: str, given: Description) -> dict[str, tuple[str, str]]:
    """Score column -> name and kind of its stimuli, under a factor; the name is empty of the setting's own.

    Raises
    ------
    ValueError : the factor is not one that such a table can have, or a column is unknown, or no other than another.
    """
    by_label = "partition" in header
    if factor not in (possible := designs_of(by_partition=by_label)):
        raise ValueError(
            f"the factor of a table by {'partition' if by_label else 'frac_overlap'} must be {' or '.join(possible)}: "
            f"got '{factor}' for {path}. Say which (--factor)."
        )
    used = (*(LABEL_COLUMNS if by_label else OVERLAP_COLUMNS), *DESCRIBING, *given.left_out)
    found = {name: given.stimuli.get(name) or _set(name, factor, given.own) for name in header if name not in used}
    if unknown := [name for name, known in found.items() if known is None]:
        raise ValueError(
            f"every score column must say of which stimuli it is: {', '.join(unknown)} of {path} is not known under "
            f"factor {factor}. Known are {', '.join((*design(factor).published.own, *_IMAGES, *_TEXTS))}, also behind "
            "metric_ or metric_ood_all_. Name the stimuli (--stimuli COLUMN=NAME:KIND) or leave the column out "
            "(--leave-out)."
        )
    if not found:
        raise ValueError(f"a table of scores needs a score column for each set of stimuli: {path} has none.")
    taken: dict[tuple[str, str], str] = {}
    for name, one in found.items():
        if (other := taken.setdefault(one, name)) != name:
            raise ValueError(
                f"a set of stimuli has one column: {other} and {name} of {path} are both {' '.join(one).strip()}. "
                "Say which is which (--stimuli COLUMN=NAME:KIND)."
            )
    return found


def designs_of(*, by_partition: bool) -> tuple[str, ...]:
    """The designs of which there are published tables, whose lines name a partition, or a share in common."""
    known = {name: design(name).published for name in DESIGNS}
    return tuple(name for name, columns in known.items() if columns and columns.by_partition == by_partition)


def _set(column: str, factor: str, own: str | None) -> tuple[str, str] | None:
    """What a column's name says; None where it says nothing."""
    name = column.removeprefix("metric_")
    if (kind := design(factor).published.own.get(name)) is not None:
        return "", kind
    name = name.removeprefix("ood_all_")
    if name not in (*_IMAGES, *_TEXTS):
        return None
    return name, "in_distribution" if name == own else "out_of_distribution"


def exists(kind: str, factor: str, level: float, value: float) -> bool:
    """Whether there is such a set of stimuli at the level: a score stands there, and the split has classes for it."""
    return value != SENTINEL and design(factor).published.no_such_set.get(kind) != level


def published_counts(column: str, factor: str, level: float) -> bool:
    """Whether the published analysis counts what stands in a column at a level; a sentinel is a number to it."""
    return design(factor).published.left_out.get(column) != level


def cells(line: Line, columns: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, float]]:
    """The score columns of a line that are not empty, with their numbers.

    Raises
    ------
    ValueError : a field is no finite number.
    """
    for column in columns:
        if line.fields[column]:
            yield column, number(line, column)


def number(line: Line, column: str) -> float:
    """The finite number in a field of a line."""
    text = line.fields[column]
    try:
        value = float(text.replace("_", "?"))  # to Python 0_5 is 5
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise ValueError(
            f"{column} must be a finite number with a decimal point: {line.place} has '{shortened(text)}'. Repair or "
            "remove the line."
        )
    return value


def shortened(text: str) -> str:
    """The beginning of a text, in one line: a quotation mark without a second makes a field of many."""
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
