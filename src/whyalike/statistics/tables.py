"""Table 5 (accuracies), and any table as CSV or Markdown."""

import pandas as pd

_GROUP = ["setting", "factor", "labelling"]


def accuracy_table(manifests: pd.DataFrame) -> pd.DataFrame:
    """Table 5: the accuracy of the trained models, a (setting, factor, labelling) a row.

    Parameters
    ----------
    manifests : rows of the training manifests; of its columns this reads run, setting, factor, labelling, classes and
        accuracy (share of the test set, 0 to 1). A run that several levels share is listed at each and counted once.
        Runs without accuracy (models that do not classify) are left out.

    Returns
    -------
    Columns setting, factor, labelling, mean, sd (ddof 1; missing for one run), runs (how many), chance (mean of
    1/classes: the accuracy of guessing among equally frequent classes; missing without classes), in the order of the
    manifests.

    Raises
    ------
    ValueError : a column is missing, or one run is listed with two accuracies.
    """
    missing = [name for name in ("run", *_GROUP, "classes", "accuracy") if name not in manifests.columns]
    if missing:
        needed = f"run, {', '.join(_GROUP)}, classes, accuracy"
        raise ValueError(f"manifests need the columns {needed}: {', '.join(missing)} missing.")
    known = manifests[manifests["accuracy"].notna()].drop_duplicates([*_GROUP, "run", "accuracy"])
    twice = known[known.duplicated([*_GROUP, "run"])]
    if len(twice):
        raise ValueError(
            f"a run has one accuracy: run {twice['run'].iloc[0]} is listed with several. Evaluate it again, then "
            "rebuild the manifests that list it."
        )
    known = known.assign(chance=1 / known["classes"].astype("float64"))
    groups = known.groupby(_GROUP, sort=False, dropna=False)
    table = groups.agg(
        mean=("accuracy", "mean"), sd=("accuracy", "std"), runs=("accuracy", "size"), chance=("chance", "mean")
    )
    return table.reset_index()


def to_csv(table: pd.DataFrame) -> str:
    """The table as CSV with all digits; missing is empty."""
    return table.to_csv(index=False, lineterminator="\n")


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
