"""The files of this room: read score tables and manifests, write statistics, tables, findings and claims."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from whyalike.files import write_table, write_text
from whyalike.job import note
from whyalike.statistics.claims import claims_page
from whyalike.statistics.findings import findings
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.study import study_statistics
from whyalike.statistics.table import of_settings, to_arrow
from whyalike.statistics.tables import accuracy_table, to_csv, to_markdown


def analyse_study(work: Mapping[str, Any], scores: Sequence[Path], output: Path) -> None:
    """Write the statistics table of one study from its score tables, in their order."""
    options = {name: work[name] for name in ("permutations", "information_permutations", "seed")}
    table = study_statistics(_read(scores), **options)
    write_table(output, to_arrow(table), {"work": dict(work)})
    note(f"statistics {work['study']} · {len(table)} numbers")


def write_tables(work: Mapping[str, Any], scores: Sequence[Path], manifests: Sequence[Path], folder: Path) -> None:
    """Write mutual_information (Table 3) and accuracy (Table 5, with losses) as .csv and .md into ``folder``.

    Where ``work`` has `partial`, what the result lacks in words, the tables say so: in a column and in a line.
    """
    by_study = dict(tuple(_read(scores).groupby("study", sort=False)))
    lacking = "; ".join(work.get("partial", []))
    mutual_information = mutual_information_table(
        by_study, architectures=work["architectures"], permutations=work["information_permutations"], seed=work["seed"]
    )
    for name, table in {"mutual_information": mutual_information, "accuracy": accuracy_table(_read(manifests))}.items():
        write_text(folder / f"{name}.csv", to_csv(table.assign(partial=lacking) if lacking else table))
        write_text(folder / f"{name}.md", to_markdown(table) + (f"\nPartial result: {lacking}.\n" if lacking else ""))


def write_findings(
    work: Mapping[str, Any], statistics: Sequence[Path], accuracy: Path, mutual_information: Path, output: Path
) -> None:
    """Write what was found, in words, as Markdown."""
    by_study = dict(tuple(_read(statistics).groupby("study", sort=False)))
    write_text(
        output, findings(by_study, pd.read_csv(accuracy), pd.read_csv(mutual_information), work.get("partial", ()))
    )


def write_claims(work: Mapping[str, Any], statistics: Sequence[Path], output: Path) -> None:
    """Write the paper's claims with what the studies say to each, as Markdown."""
    lacking = "; ".join(work.get("partial", []))
    page = claims_page(of_settings(_read(statistics)))
    write_text(output, page + (f"\nPartial result: {lacking}.\n" if lacking else ""))


def _read(paths: Sequence[Path]) -> pd.DataFrame:
    return pd.concat([pq.read_table(path).to_pandas() for path in paths], ignore_index=True)
