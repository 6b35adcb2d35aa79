"""What a finished file was made from: Parquet tables and the PNG of a figure keep the parameters of their job."""

from pathlib import Path

from whyalike.file_faults import readable
from whyalike.files import canonical_json, made_by

TELLING = (".parquet", ".png")
PAGE = ".md"  # stands beside a table that tells


def made_from(path: Path) -> str | None:
    """The parameters that a file was made from, as its rule had them; None of one that is not there or does not tell.

    Raises
    ------
    OSError, ValueError : the file is damaged.
    """
    if path.suffix == ".parquet":
        return canonical_json(made_by(path).get("work", {})) if path.is_file() else None
    told = path.with_suffix(".png")  # of a figure, whose other files do not tell
    if not told.is_file():
        return None
    from PIL import Image  # a tenth of a second that most commands do not need

    with (
        readable(told, "a figure", "Delete it: it is made again."),
        Image.open(told) as image,
    ):
        return image.info.get("whyalike", "{}")


def fault_of(path: Path, wanted: str | None) -> str:
    """Why a file cannot stand for what the configuration asks for; nothing if it can.

    Parameters
    ----------
    wanted : the parameters that it must be made from; None: its files keep none.
    """
    if not path.is_file():
        return "missing"
    if wanted is None or path.suffix == PAGE:
        return ""
    if (own := made_from(path)) is None:
        return f"what it was made from is not known without {path.with_suffix('.png').name}"
    return "" if own == wanted else "made from other parameters or code than the configuration now asks for"
