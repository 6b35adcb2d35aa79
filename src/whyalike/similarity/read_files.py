"""Representations from the user's files: which files make a pair, their names, and their stimuli in one order.

Two files are a pair; so are files of equal names in two folders, and any two files in one folder, or of three and
more. An activation file of the workflow holds many runs: alone it gives all pairs of them. Files that hold
`stimulus_id` are put in the order of
the first; those of a pair must hold the same stimuli.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from whyalike.activations.table import read_activations, read_ids, runs_of
from whyalike.activations.vector_checks import KINDS_OF_IDS, check_features, check_ids, kind_of_ids
from whyalike.activations.vector_files import SUFFIXES, open_vectors, read_columns, read_file
from whyalike.data.class_names import check_present, check_spellings
from whyalike.data.numpy_files import read_npy
from whyalike.data.user_files import passed_by
from whyalike.file_faults import readable
from whyalike.job import note
from whyalike.similarity.checks import check_same_stimuli
from whyalike.similarity.precision import BLOCK, row_blocks
from whyalike.similarity.precomputed import KINDS, Precomputed, marked

FEATURES = "features"
HEADERS = {  # names of a column of labels or groups
    *("label", "labels", "class", "classes", "target", "category"),
    *("group", "groups", "block", "blocks", "subject", "subjects", "video", "videos"),
}
Empty = Callable[[tuple[int, ...], np.dtype], np.ndarray]  # shape and type -> an array to fill
_Part = tuple[Path, str | None]  # a file, and one of its runs if it holds runs


@dataclass(frozen=True)
class Pairs:
    """Representations by name, which of them are compared, and the files that they are from.

    ``both_ways``: the pairs have no order of their own (one folder, or more than two files), so that an asymmetric
    metric takes both.
    """

    representations: dict[str, np.ndarray | Precomputed]
    pairs: list[tuple[str, str]]
    both_ways: bool
    paths: list[Path]


def read_pairs(
    first: Path,
    second: Path | None,
    report: Callable[[str], None] = note,
    kinds: tuple[str, str] = (FEATURES, FEATURES),
    further: Sequence[Path] = (),
    empty: Empty = np.empty,
) -> Pairs:
    """Read files, two folders, one folder or one activation file; ``report`` gets a line on what is not read.

    Parameters
    ----------
    kinds : what the files of both sides hold: "features", "rdm" or "kernel". Of one folder, and of more than two files,
        the first counts.
    further : files beyond two.
    empty : makes the arrays that files are read into, those that can be mapped left out.

    Raises
    ------
    ValueError : nothing to compare, files that cannot be read, or whose stimuli differ.
    """
    if unknown := [kind for kind in kinds if kind not in (FEATURES, *KINDS)]:
        raise ValueError(f"a file holds {FEATURES}, {' or '.join(KINDS)}; got '{unknown[0]}'. Give one of them.")
    both_ways = second is None or bool(further)
    if both_ways and kinds[1] not in (FEATURES, kinds[0]):
        raise ValueError(f"of all pairs every file holds the same: say '{kinds[1]}' of A alone, with --a-is.")
    chosen = _pairs_of_paths(first, second, further)
    _report_left_out(chosen, first, second, report)
    paths = list(dict.fromkeys(path for pair in chosen for path in pair))
    runs = {path: _runs_in(path) for path in paths}
    pairs = [pair for a, b in chosen for pair in _pairs_of_parts(a, b, runs)]
    parts = list(dict.fromkeys(part for pair in pairs for part in pair))
    named = dict(zip(paths, _names(paths), strict=True))
    names = {
        (path, run): named[path] if run is None else run if len(paths) == 1 else f"{named[path]}:{run}"
        for path, run in parts
    }
    found = {
        (path, run): read_file(path, report, empty) if run is None else _read_run(path, run) for path, run in parts
    }
    sides = {
        part: kind for pair in pairs for part, kind in zip(pair, kinds[:1] * 2 if both_ways else kinds, strict=True)
    }
    arrays = {part: _checked(vectors, sides[part], _called(*part)) for part, (vectors, _) in found.items()}
    ids = {part: None if own is None else check_ids(own, len(x), _called(*part)) for part, (x, own) in found.items()}
    for a, b in pairs:
        # in one folder every file follows the first; in two, each its partner
        order = order_of(_called(*a), _called(*b), ids[a], ids[b])
        if order is not None:
            arrays[b], ids[b] = _in_order(arrays[b], order, empty), ids[a]
        check_same_stimuli(arrays[a], arrays[b], _called(*a), _called(*b))
    named_pairs = [(names[a], names[b]) for a, b in pairs]
    return Pairs({names[part]: arrays[part] for part in parts}, named_pairs, both_ways, paths)


def _checked(vectors: np.ndarray, kind: str, name: str) -> np.ndarray | Precomputed:
    return check_features(vectors, name) if kind == FEATURES else marked(vectors, kind, name)


def _in_order(x: np.ndarray | Precomputed, order: np.ndarray, empty: Empty) -> np.ndarray | Precomputed:
    """The rows in an order, made some at a time."""
    if isinstance(x, Precomputed):
        return x[order]
    found = empty(x.shape, x.dtype)
    for some in row_blocks(len(x), BLOCK):
        found[some] = x[order[some]]
    return found


def read_confound(
    path: Path, files: Pairs, report: Callable[[str], None] = note, empty: Empty = np.empty
) -> np.ndarray:
    """What is taken from the scores of the pairs, n x c: a file of vectors, in the order of the pairs' stimuli.

    Raises
    ------
    ValueError : a file that cannot be read, or of other stimuli.
    """
    vectors, ids = read_file(path, report, empty)
    x, first = check_features(vectors, str(path)), files.paths[0]
    ids = None if ids is None else check_ids(ids, len(x), str(path))
    wanted = read_ids(first) if _runs_in(first) else open_vectors(first, lambda line: None).ids
    if len(files.pairs) > 1 and not files.both_ways and (ids is not None or wanted is not None):
        raise ValueError(
            f"{path} has one order of stimuli, and the pairs of two folders have their own. Give two files."
        )
    order = order_of(str(first), str(path), wanted, ids)
    x = x if order is None else _in_order(x, order, empty)
    check_same_stimuli(next(iter(files.representations.values())), x, str(first), str(path))
    return x


def _runs_in(path: Path) -> list[str]:
    """The runs of an activation file of the workflow; none of another file."""
    if path.suffix.lower() == ".parquet":
        with readable(path, "a .parquet of vectors", "Save it again; names and shapes are in docs/your-own.md."):
            return list(map(str, runs_of(path.absolute())))
    return []


def _read_run(path: Path, run: str) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of one run of an activation file of the workflow, and the ids of the stimuli."""
    with readable(path, "an activation file of the workflow", "Copy it again, or extract the activations again."):
        return read_activations(path, run), read_ids(path)


def _called(path: Path, run: str | None) -> str:
    return str(path) if run is None else f"run {run} of {path}"


def _pairs_of_parts(a: Path, b: Path, runs: Mapping[Path, list[str]]) -> list[tuple[_Part, _Part]]:
    """The pairs of what two files hold: of a file of the workflow its runs, of another the whole.

    Two files of the workflow pair their common runs; a file with itself, every two of its runs.
    """
    if a == b and runs[a]:
        return list(combinations([(a, run) for run in runs[a]], 2))
    if runs[a] and runs[b]:
        common = [run for run in runs[a] if run in runs[b]]
        if not common:
            raise ValueError(f"{a} and {b} have no run in common. Give one of them alone for all pairs of its runs.")
        return [((a, run), (b, run)) for run in common]
    return [((a, one), (b, other)) for one in runs[a] or [None] for other in runs[b] or [None]]


def read_labels(path: Path) -> np.ndarray:
    """Class labels of the stimuli, one each: a .npy, a .parquet with a column `label`, or text with a label a line.

    Raises
    ------
    ValueError : not one label a stimulus.
    """
    return _codes_in(path, "label", "classes", "class")


def read_labels_and_groups(labels: Path | None, groups: Path | None) -> dict[str, np.ndarray | None]:
    """Class and block of each stimulus; None where there is no file.

    A block is a subject or a video; its file is one as `read_labels` reads, with a column `group` in a .parquet.

    Raises
    ------
    ValueError : not one a stimulus.
    """
    return {
        "labels": None if labels is None else read_labels(labels),
        "groups": None if groups is None else _codes_in(groups, "group", "blocks", "block"),
    }


def _codes_in(path: Path, word: str, many: str, one_of_them: str) -> np.ndarray:
    """A number for each line of a file of labels or groups; the words are for messages."""
    with readable(path, f"a .npy, .parquet or text of {word}s", f"Write a {word} a line, or save them as text."):
        labels = _labels_in(path, word)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"{path} must hold one {word} a stimulus; it has shape {labels.shape}. Give a vector.")
    check_present(labels, str(path))
    text = labels.dtype.kind != "O" or all(isinstance(one, str) for one in labels)
    if not text or labels.dtype.kind not in {*KINDS_OF_IDS, "b"}:
        raise ValueError(f"{path} must hold {word}s that are numbers or text; it has others. Write them as text.")
    names, codes = np.unique(labels, return_inverse=True)
    if labels.dtype.kind in "OU":
        _check_no_table(path, labels, word)
        check_spellings(names, str(path))
    if 2 < len(names) == len(labels):
        raise ValueError(
            f"{path} must hold {many}; its {len(labels)} {word}s all differ, as ids do. Give the {one_of_them} of each."
        )
    return codes


def _labels_in(path: Path, word: str) -> np.ndarray:
    suffix = path.suffix.lower()
    if suffix == ".npy":
        return read_npy(path)
    if suffix == ".parquet":
        return read_columns(path, word)[word]()
    if suffix in SUFFIXES:
        raise ValueError(f"a {suffix} holds vectors")
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    return np.array(lines[:-1] if lines[-1] == "" else lines)


def _check_no_table(path: Path, labels: np.ndarray, word: str) -> None:
    """Refuse lines of several columns, and a first line that is the column's name."""
    for mark, called in ((",", "commas"), (";", "semicolons"), ("\t", "tabs")):
        if len({one.count(mark) for one in labels} | {0}) == 2 and all(mark in one for one in labels):
            raise ValueError(
                f"{path} must hold one {word} a line and nothing else; its lines are columns between {called}, the "
                f"first is {str(labels[0])!r}. Write the column of {word}s alone, without its name."
            )
    if len(labels) > 2 and labels[0].strip().casefold() in HEADERS and labels[0] not in labels[1:]:
        raise ValueError(f"{path} must hold {word}s alone; its first line, {str(labels[0])!r}, is a name. Remove it.")


def _pairs_of_paths(first: Path, second: Path | None, further: Sequence[Path]) -> list[tuple[Path, Path]]:
    given = [first, *filter(None, [second]), *further]
    for path in given:
        if not path.exists():
            raise ValueError(f"there is no file or folder {path}: check the name")
    if further:
        for number, path in enumerate(given):
            if path.is_dir():
                raise ValueError(f"{path} is a folder: give files alone, one folder, or two")
            if path in given[:number]:
                raise ValueError(f"{path} is given twice: name each file once")
        return list(combinations(given, 2))
    if second is None:
        if not first.is_dir():
            if len(_runs_in(first)) > 1:
                return [(first, first)]
            raise ValueError(f"{first} is one file: give a second one, or a folder for all pairs of its files")
        files = files_in(first)
        if len(files) < 2:
            raise ValueError(
                f"{first} needs two files or more of {', '.join(SUFFIXES)}; it has {len(files)}. Add some."
            )
        return list(combinations(files, 2))
    if first.is_dir() is not second.is_dir():
        raise ValueError(f"{first} and {second} must be two files or two folders; one of them is a folder")
    if not first.is_dir():
        return [(first, second)]
    ours, theirs = ({path.name: path for path in files_in(folder)} for folder in (first, second))
    common = [name for name in ours if name in theirs]
    if not common:
        raise ValueError(
            f"{first} and {second} need files of equal names; they hold {', '.join(ours) or 'none'} and "
            f"{', '.join(theirs) or 'none'}. Rename them, or give two files."
        )
    return [(ours[name], theirs[name]) for name in common]


def _report_left_out(
    chosen: Sequence[tuple[Path, Path]], first: Path, second: Path | None, report: Callable[[str], None]
) -> None:
    """Say which files of the folders make no pair."""
    taken = {path for pair in chosen for path in pair}
    for folder in (first, second) if first.is_dir() else ():
        if folder is not None:
            report_passed_by(folder, taken, report)


def report_passed_by(folder: Path, taken: Set[Path], report: Callable[[str], None]) -> None:
    """Say in a line what in a folder is not taken; nothing where all is."""
    if others := [path.name for path in folder.iterdir() if path not in taken]:
        report(f"{len(others)} files and folders in {folder} are passed by: {passed_by(others)}")


def files_in(folder: Path) -> list[Path]:
    """The files of vectors in a folder, by name."""
    found = (path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in found if path.is_file())


def _names(paths: Sequence[Path]) -> list[str]:
    """The shortest names that tell the files apart."""
    for name in (lambda p: p.stem, lambda p: p.name, lambda p: f"{p.parent.name}/{p.stem}"):
        names = [name(path) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def order_of(a: str, b: str, ids_a: np.ndarray | None, ids_b: np.ndarray | None) -> np.ndarray | None:
    """The rows of b in the order of a's stimuli; None where neither file holds ids."""
    if ids_a is None and ids_b is None:
        return None
    if ids_a is None or ids_b is None:
        with_ids, without = (a, b) if ids_b is None else (b, a)
        raise ValueError(f"{with_ids} holds stimulus_id and {without} does not: give both ids, or none")
    kinds = [kind_of_ids(ids) for ids in (ids_a, ids_b)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"{a} and {b} need stimulus_id of one type; the first has {kinds[0]} ({ids_a.dtype}), the second "
            f"{kinds[1]} ({ids_b.dtype}). Write both as one type."
        )
    # by Python's equality: numpy would round int64 and uint64 to a common float
    rows = {one: row for row, one in enumerate(ids_b.tolist())}
    wanted = ids_a.tolist()
    common = len(rows.keys() & set(wanted))
    if alone := len(rows) + len(wanted) - 2 * common:
        raise ValueError(
            f"{a} and {b} need the same stimuli; {common} are in both and {alone} in one alone. "
            "Select the common ones first."
        )
    return np.array([rows[one] for one in wanted])
