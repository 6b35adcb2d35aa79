"""The files of this room: read score tables and manifests, write statistics, tables, findings and claims."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from whyalike.files import read_table, write_table, write_text
from whyalike.job import note
from whyalike.statistics.claims import claims_page
from whyalike.statistics.findings import findings
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.parameters import ClaimParameters, FindingParameters, StatisticsParameters, TableParameters
from whyalike.statistics.study import study_statistics
from whyalike.statistics.table import of_settings, to_arrow
from whyalike.statistics.tables import accuracy_table, from_csv, to_csv, to_markdown


def analyse_study(parameters: StatisticsParameters, scores: Sequence[Path], output: Path) -> None:
    """Write the statistics table of one study from its score tables, in their order."""
    table = study_statistics(
        _read(scores),
        permutations=parameters.permutations,
        information_permutations=parameters.information_permutations,
        seed=parameters.seed,
    )
    write_table(output, to_arrow(table), {"work": parameters.plain()})
    note(f"statistics {parameters.study} · {len(table)} numbers")


def write_tables(parameters: TableParameters, scores: Sequence[Path], manifests: Sequence[Path], folder: Path) -> None:
    """Write mutual_information (Table 3) and accuracy (Table 5, with losses) as .csv and .md into ``folder``.

    What a partial result lacks stands in a column and in a line of the tables.
    """
    by_study = dict(tuple(_read(scores).groupby("study", sort=False))) if scores else {}
    lacking = "; ".join(parameters.partial)
    mutual_information = mutual_information_table(
        by_study,
        architectures=parameters.architectures,
        permutations=parameters.information_permutations,
        seed=parameters.seed,
    )
    for name, table in {"mutual_information": mutual_information, "accuracy": accuracy_table(_read(manifests))}.items():
        write_text(folder / f"{name}.csv", to_csv(table.assign(partial=lacking) if lacking else table))
        write_text(folder / f"{name}.md", to_markdown(table) + (f"\nPartial result: {lacking}.\n" if lacking else ""))


def write_findings(
    parameters: FindingParameters,
    statistics: Sequence[Path],
    pairs: Sequence[Path],
    accuracy: Path,
    mutual_information: Path,
    output: Path,
) -> None:
    """Write what was found, in words, as Markdown; statistics are a table a study, of its name."""
    by_study = {path.stem: read_table(path).to_pandas() for path in statistics}
    of_pairs = dict(tuple(_read(pairs).groupby("study", sort=False))) if pairs else {}
    tables = map(from_csv, (accuracy, mutual_information))
    write_text(output, findings(by_study, *tables, parameters.partial, of_pairs, parameters.scorings))


def write_claims(parameters: ClaimParameters, statistics: Sequence[Path], output: Path) -> None:
    """Write the paper's claims with what the studies say to each, as Markdown."""
    lacking = "; ".join(parameters.partial)
    page = claims_page(of_settings(_read(statistics)))
    write_text(output, page + (f"\nPartial result: {lacking}.\n" if lacking else ""))


def _read(paths: Sequence[Path]) -> pd.DataFrame:
    return pd.concat([read_table(path).to_pandas() for path in paths], ignore_index=True)
