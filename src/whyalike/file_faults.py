"""Files that cannot be read: whatever a parser raises becomes one message with file, fault and remedy.

What is no regular file is refused before a parser waits for it, and what often lies in a file's place (a Git LFS
pointer, a web page) is told by its beginning.
"""

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LONGEST = 300  # characters of a parser's own words in a message
POINTER = 1024  # bytes that a pointer of Git LFS has at most
BEGINNING = 64  # bytes of a file that tell what it is
# what lies in a file's place, by its beginning -> what it is, what helps
_POINTERS = {
    b"version https://git-lfs": ("a Git LFS pointer in place of the data", "Fetch the data: git lfs pull."),
    b"/annex/objects/": ("a git-annex pointer in place of the data", "Fetch the data: git annex get."),
}
_WEB_PAGES = dict.fromkeys(
    (b"<!doctype html", b"<html"), ("a web page, as servers send in place of a file", "Download it again.")
)
# formats by their beginning, and suffixes under which each is no surprise
_FORMATS = {
    b"PAR1": ("a Parquet file", (".parquet",)),
    b"\x93NUMPY": ("an array of numpy (.npy)", (".npy",)),
    b"\x1f\x8b": ("compressed by gzip", (".gz",)),
    b"PK\x03\x04": ("a zip archive, as .npz and Excel workbooks are", (".npz", ".pt", ".pth", ".bin")),
    b"\x89HDF": ("an HDF5 file", (".h5", ".hdf5")),
    b"%PDF": ("a PDF document", ()),
    b"\xd0\xcf\x11\xe0": ("an Excel workbook", ()),
    b"\xff\xfe": ("in UTF-16", ()),
    b"\xfe\xff": ("in UTF-16", ()),
}
_KINDS = ((stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))


class UnreadableFile(ValueError):
    """A file cannot be read; the message says which, where and what helps."""


@contextmanager
def readable(path: Path, what: str, remedy: str) -> Iterator[None]:
    """Turn whatever a reader raises in the body into one message: ``path`` must be ``what``, the fault, the remedy.

    Raises
    ------
    UnreadableFile : the body failed, or ``path`` is no regular file, or a pointer to one; one that the body raised
        itself is passed on as it is.
    """
    try:
        _check_place(path, what)
        yield
    except UnreadableFile:
        raise
    except BaseException as error:  # each format, and each library, fails in its own way
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":  # that of libraries in Rust
            raise
        fault, helps = _told(error, path, remedy)
        raise UnreadableFile(f"{path} must be {what}, it cannot be read ({fault}). {helps}") from error


def _check_place(path: Path, what: str) -> None:
    """Refuse what a reader would wait for, and a pointer, which is a text to every reader of text."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), "device")
        raise UnreadableFile(f"{path} must be {what}; it is a {kind}. Give a file.")
    if status.st_size <= POINTER and (found := _by_beginning(_beginning(path), _POINTERS)):
        raise UnreadableFile(f"{path} must be {what}; it is {found[0]}. {found[1]}")


def _told(error: BaseException, path: Path, remedy: str) -> tuple[str, str]:
    """The fault in words, and what helps."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error) or type(error).__name__
    text = " ".join(text.encode("utf-8", "backslashreplace").decode().split())
    text = text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    if isinstance(error, FileNotFoundError):
        return "there is none", "Check its name and place."
    if isinstance(error, MemoryError):
        return f"too little memory: {text}", "Read it where there is more memory."
    try:
        beginning = _beginning(path)
    except PermissionError as refused:
        return str(refused), "Give yourself the right to read it: chmod u+r."
    except OSError:
        return text, remedy
    if not beginning:
        return "it is empty", remedy
    if found := _by_beginning(beginning.removeprefix(b"\xef\xbb\xbf").lstrip().lower(), _WEB_PAGES):
        return f"it is {found[0]}", found[1]
    kind, suffixes = _by_beginning(beginning, _FORMATS) or ("", (path.suffix.lower(),))
    return (text if path.suffix.lower() in suffixes else f"{text}; it is {kind}"), remedy


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BEGINNING)


def _by_beginning(beginning: bytes, table: Mapping[bytes, tuple[str, Any]]) -> tuple[str, Any] | None:
    return next((found for start, found in table.items() if beginning.startswith(start)), None)
