"""Names of classes in the user's files: values that stand for none, and names that are one in two spellings."""

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

import numpy as np
import pandas as pd

from whyalike.data.user_files import shown

# what becomes of a missing value that numpy, Python or pandas makes text
MISSING = frozenset({"", "nan", "NaN", "None", "NaT", "<NA>"})


def check_present(labels: np.ndarray, where: str) -> None:
    """Refuse labels (n,) of which some are missing, or are the text that a missing one becomes.

    Raises
    ------
    ValueError : names how many, and the first row.
    """
    missing = pd.isna(labels)
    if labels.dtype.kind in "OU":
        missing |= np.array([isinstance(one, str) and one.strip() in MISSING for one in labels], bool)
    if missing.any():
        first = int(np.argmax(missing))
        raise ValueError(
            f"{where} must hold one label a stimulus; {missing.sum()} of {len(labels)} are missing. Add them. The "
            f"first is row {first}, {str(labels[first])!r}: leave such rows out, or give that class another name."
        )


def check_spellings(names: Iterable[str], where: str) -> None:
    """Refuse classes that are one name in two spellings: of Unicode, of capitals, or with blanks around.

    Raises
    ------
    ValueError : names the first of them.
    """
    spellings = defaultdict(set)
    for name in names:
        spellings[_spelt(name)].add(name)
    for same in spellings.values():
        if len(same) > 1:
            written = ", ".join(ascii(str(name)) for name in sorted(same))
            raise ValueError(
                f"{where}: the classes {written} are one name in {len(same)} spellings (capitals, blanks, Unicode). "
                "Give them one spelling, or names that differ."
            )


def _spelt(name: str) -> str:
    bare = unicodedata.normalize("NFC", name).strip("\ufeff \t\r\n\u00a0")
    return bare if len(bare) == 1 else bare.casefold()  # letters: a and A are two classes


def report_lone(classes: Mapping[str, Iterable[str]], where: str, report: Callable[[str], None]) -> None:
    """Say which classes only one of two parts has; part -> its classes."""
    alone = {
        part: sorted(set(names).difference(*(own for other, own in classes.items() if other != part)))
        for part, names in classes.items()
    }
    if len(classes) > 1 and any(alone.values()):
        found = ", ".join(f"{part} has {shown(names)}" for part, names in alone.items() if names)
        report(f"{where}: classes in one part alone: {found}")
