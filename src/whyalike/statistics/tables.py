"""Table 5 (accuracies and losses), and any table as CSV or Markdown."""

from pathlib import Path

import numpy as np
import pandas as pd

from whyalike.file_faults import readable

_GROUP = ["setting", "factor", "labelling"]
_MEASURED = ["accuracy", "loss"]
_NEEDED = ["run", *_GROUP, "classes", *_MEASURED, "loss_unit"]
A_TOKEN = "nats a token"  # of such a loss the exponential is a perplexity


def accuracy_table(manifests: pd.DataFrame) -> pd.DataFrame:
    """Table 5: how well the trained models do on their own test data, a (setting, factor, labelling) a row.

    Parameters
    ----------
    manifests : rows of the training manifests; of its columns this reads run, setting, factor, labelling, classes,
        accuracy (share of the test set, 0 to 1; missing for models that do not classify), loss and loss_unit. A run
        that several levels share is listed at each and counted once. Runs without accuracy and loss (models from
        files) are left out.

    Returns
    -------
    Columns setting, factor, labelling, mean, sd (of the accuracy, ddof 1; missing for one run), runs (how many),
    chance (mean of 1/classes: the accuracy of guessing among equally frequent classes; missing without accuracy or
    classes), loss, loss_sd (as mean and sd), loss_unit, perplexity (exp(loss); missing but for nats a token), in the
    order of the manifests.

    Raises
    ------
    ValueError : a column is missing, or one run is listed with two accuracies or losses.
    """
    if missing := [name for name in _NEEDED if name not in manifests.columns]:
        raise ValueError(f"manifests need the columns {', '.join(_NEEDED)}: {', '.join(missing)} missing.")
    known = manifests[manifests[_MEASURED].notna().any(axis=1)].drop_duplicates([*_GROUP, "run", *_MEASURED])
    # a fact's name holds the seed that permutes the values: one row of the table for all seeds
    known = known.assign(labelling=known["labelling"].str.replace(r"\.\d+\.\d+", ".fact", regex=True))
    if "level" in known:  # models of labels that say nothing of the images: a row of their own
        shuffled = known["level"] == "shuffled_labels"
        known = known.assign(labelling=known["labelling"].where(~shuffled, known["labelling"] + " (shuffled)"))
    twice = known[known.duplicated([*_GROUP, "run"])]
    if len(twice):
        raise ValueError(
            f"a run has one accuracy and one loss: run {twice['run'].iloc[0]} is listed with several. Evaluate it "
            "again, then rebuild the manifests that list it."
        )
    measured = known[_MEASURED].astype("float64")
    chance = (1 / known["classes"].astype("float64")).where(measured["accuracy"].notna())
    groups = known.assign(**measured, chance=chance).groupby(_GROUP, sort=False, dropna=False)
    table = groups.agg(
        mean=("accuracy", "mean"),
        sd=("accuracy", "std"),
        runs=("run", "size"),
        chance=("chance", "mean"),
        loss=("loss", "mean"),
        loss_sd=("loss", "std"),
        loss_unit=("loss_unit", "first"),
    )
    table["perplexity"] = np.exp(table["loss"]).where(table["loss_unit"] == A_TOKEN)
    return table.reset_index()


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV with all digits; missing is empty."""
    return table.to_csv(index=False, lineterminator="\n")


def from_csv(path: Path) -> pd.DataFrame:
    """A table that `to_csv` wrote; raises an `UnreadableFile` if it is damaged."""
    with readable(path, "a table of the workflow (CSV)", "Delete it and give the same command: it is made again."):
        return pd.read_csv(path)


def to_markdown(table: pd.DataFrame, digits: int = 3) -> str:
    """The table in Markdown: a header, a rule and a line a row; decimal numbers to ``digits``, missing is empty."""
    numeric = [pd.api.types.is_numeric_dtype(table[name]) for name in table.columns]
    lines = [list(table.columns), ["---:" if number else "---" for number in numeric]]
    lines += [[_cell(value, digits) for value in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cell(value: object, digits: int) -> str:
    if pd.isna(value):
        return ""
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value).replace("|", "\\|")
