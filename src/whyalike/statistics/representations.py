"""Names of the two representations of each pair of a score table: what tells them from the others, and no more."""

import pandas as pd

PARTS = ("setting", "name", "layer", "step")


def named(pairs: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The names of both sides, such as "small seed0 layer1", "small seed0 layer1 step 7".

    Parameters
    ----------
    pairs : with the columns of a score table.

    Returns
    -------
    of A and of B, indexed as the pairs. Parts that are the same in the whole table are left out, and so are names of
    runs that are their settings'.
    """
    sides = [_parts(pairs, side) for side in "ab"]
    both = pd.concat(sides)
    telling = [part for part in PARTS if both[part].nunique() > 1] or ["name"]
    if "setting" in telling:
        sides = [side.assign(name=side["name"].where(side["name"] != side["setting"], "")) for side in sides]
    return tuple(side[telling].agg(lambda row: " ".join(filter(None, row)), axis=1) for side in sides)


def _parts(pairs: pd.DataFrame, side: str) -> pd.DataFrame:
    setting = pairs["setting"]
    if side == "b":
        setting = pairs["setting_b"].where(pairs["setting_b"].notna(), setting)
    steps = pairs[f"step_{side}"].map(lambda step: "" if pd.isna(step) else f"step {int(step)}")
    return pd.DataFrame(
        {"setting": setting, "name": pairs[f"name_{side}"], "layer": pairs[f"layer_{side}"], "step": steps}
    )


def of_models(pairs: pd.DataFrame) -> int:
    """Of how many models the representations of a score table are: a model at several layers or steps is one."""
    both = pd.concat([_parts(pairs, side) for side in "ab"])
    return len(both[["setting", "name"]].drop_duplicates())
