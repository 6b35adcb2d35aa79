"""Statistics of any score tables, ours or imported, under one protocol: what `whyalike statistics` calls.

The functions are those that the workflow calls. Only the protocol `as_published` is given what was set aside when a
table was imported (`published.with_set_aside`); the corrected analysis reads the tables as they are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from whyalike.file_faults import readable
from whyalike.files import read_table, write_table, write_text
from whyalike.job import note
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.parameters import PublishedParameters
from whyalike.statistics.published import read_published, with_set_aside, write_published
from whyalike.statistics.published_format import Description
from whyalike.statistics.study import PROTOCOLS, study_statistics
from whyalike.statistics.table import to_arrow
from whyalike.statistics.tables import to_csv, to_markdown

_SHOWN = [
    *("study", "comparison", "stimuli", "stimuli_kind", "metric", "estimator"),
    *("value", "ci_low", "ci_high", "n", "n_seeds"),
]


def read_scores(paths: Sequence[Path], protocol: str) -> pd.DataFrame:
    """The rows of score tables, one behind the other, as the analysis under a protocol counts them.

    Raises
    ------
    ValueError : an imported table that has lost rows, under `as_published`.
    """
    return pd.concat([_scores_in(path, protocol) for path in paths], ignore_index=True)


def _scores_in(path: Path, protocol: str) -> pd.DataFrame:
    with readable(path, "a table of scores (.parquet)", "Make or copy it again."):
        return with_set_aside(path) if protocol == "as_published" else read_table(path).to_pandas()


def analyse_tables(scores: Sequence[Path], protocol: str, output: Path, **options: Any) -> pd.DataFrame:
    """Write and return the statistics table of score tables under one protocol.

    Parameters
    ----------
    scores : paths of score tables.
    protocol : "as_published" or "corrected".
    output : path of the statistics table.
    options : permutations, information_permutations and seed of `study.study_statistics`.

    Raises
    ------
    ValueError : an unknown protocol, or a table that is not valid.
    """
    table = study_statistics(read_scores(scores, protocol), protocols=[protocol], **options)
    write_table(output, to_arrow(table), {"work": {"protocol": protocol, **options}})
    return table


def analyse_published(parameters: PublishedParameters, files: Sequence[Path], scores: Path, statistics: Path) -> None:
    """Import published tables and write their statistics under both protocols.

    Parameters
    ----------
    parameters : what the tables do not say, and the inference.
    files : the published tables.
    scores, statistics : paths of the score table and of the statistics table.

    Raises
    ------
    ValueError : tables that are not as they must be (`published.read_published`).
    """
    given = Description(
        study=parameters.study,
        setting=parameters.setting,
        factor=parameters.factor,
        own=parameters.own,
        stimuli=parameters.stimuli,
        left_out=parameters.leave_out,
    )
    found = read_published(files, given)
    note(f"published {parameters.setting} · {found.summary()}")
    write_published(scores, found, given)
    options = {name: getattr(parameters, name) for name in ("permutations", "information_permutations", "seed")}
    tables = [study_statistics(read_scores([scores], one), protocols=[one], **options) for one in PROTOCOLS]
    write_table(statistics, to_arrow(pd.concat(tables, ignore_index=True)), {"work": parameters.plain()})


def write_information(
    scores: Sequence[Path], protocol: str, output: Path, architectures: Mapping[str, str], **options: Any
) -> None:
    """Write Table 3 of score tables under one protocol as CSV.

    Parameters
    ----------
    scores : paths of score tables; corrected rows are of exact scores, or of published ones where none is exact.
    protocol : "as_published" or "corrected".
    output : path of the CSV file.
    architectures : comparison -> architecture; a comparison that is not named is an architecture of its own.
    options : permutations and seed of `mutual_information.mutual_information_table`.

    Raises
    ------
    ValueError : architectures of comparisons that are not in the tables.
    """
    table = read_scores(scores, protocol)
    comparisons = list(table["comparison"].unique())
    if unknown := sorted(set(architectures) - set(comparisons)):
        raise ValueError(
            f"an architecture is of a comparison in the tables ({', '.join(comparisons)}): got {', '.join(unknown)}."
        )
    found = mutual_information_table(
        dict(tuple(table.groupby("study", sort=False))),
        architectures={one: architectures.get(one, one) for one in comparisons},
        corrected_scores="exact" if (table["score_protocol"] == "exact").any() else "as_published",
        **options,
    )
    write_text(output, to_csv(found[found["protocol"] == protocol]))


def parse_architectures(given: Sequence[str]) -> dict[str, str]:
    """Comparison -> architecture, from "COMPARISON=NAME" each.

    Raises
    ------
    ValueError : a text of another form.
    """
    pairs = [text.partition("=") for text in given]
    for text, (comparison, _, name) in zip(given, pairs, strict=True):
        if not (comparison and name):
            raise ValueError(f"an architecture is written COMPARISON=NAME; got '{text}'.")
    return {comparison: name for comparison, _, name in pairs}


def printed(statistics: pd.DataFrame) -> str:
    """The statistics for the terminal, a line a number; columns that are empty throughout are left out."""
    named = ["scoring"] if (statistics["scoring"] != statistics["metric"]).any() else []
    return to_markdown(statistics[[*named, *_SHOWN]].dropna(axis="columns", how="all"))
