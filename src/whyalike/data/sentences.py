"""Sentences in the user's files as a prepared data set of text: each distinct one is a stimulus of its own length.

STS-B is read as its authors, GLUE and the hub publish it. Text is stored as its bytes, so no tokenizer is needed, and
models of other libraries get it back as it was; nothing of a sentence is changed. Models that are trained here take
windows of one length, which sentences are not.
Source: D. Cer et al., SemEval-2017 task 1: semantic textual similarity (2017), whose benchmark STS-B is.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from whyalike.data import text_parameters, tokenization
from whyalike.data.array_file import TOKEN
from whyalike.data.documents import END_OF_TEXT, numbered_lines, rows, without
from whyalike.data.prepared import write_prepared
from whyalike.data.text_parameters import SENTENCES, SMALLEST_VOCABULARY, Corpus, SentencesParameters
from whyalike.data.user_files import shown
from whyalike.file_faults import UnreadableFile, readable

VERSION = 1  # raised when tokens or rows change
KINDS = f"a file {', '.join(SENTENCES)} (all but .parquet also .gz)"
# fields of stsbenchmark/sts-train.csv, in its order; some rows have further ones
STS_B = ("genre", "file", "year", "index", "score", "sentence1", "sentence2")
_SCORE = re.compile(r"[0-5]\.\d+")  # with decimals, in all of its files: an index has none


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `SentencesParameters`.
    folder : the prepared data set.
    threads : sentences made tokens at a time; the files do not depend on it.
    report : gets a line a corpus, with the sentences that were left out because they stand before.

    Raises
    ------
    ValueError : files are missing, damaged, without the columns, or have a row without a sentence; a corpus has no
        sentence of its own.
    """
    chosen = SentencesParameters.model_validate(parameters)
    if fault := chosen.missing():
        raise ValueError(fault)
    corpus_of: dict[str, str] = {}  # sentence -> corpus, in the order of the rows
    for name in chosen.names():
        _add(corpus_of, name, chosen.corpora[name], report)
    with tokenization.encoding_threads(threads):
        tokenizer = tokenization.train([], SMALLEST_VOCABULARY)  # no merges: a token a byte
        tokens = _tokens(tokenizer, list(corpus_of))
    lengths = np.array([len(one) for one in tokens], dtype=np.int64)
    starts = np.cumsum(lengths) - lengths
    labels = pd.DataFrame({"part": "test", "corpus": list(corpus_of.values()), "start": starts, "length": lengths})
    made_by = {
        "source": "sentences", "version": VERSION, "parameters": chosen.plain(),
        "sentences": labels["corpus"].value_counts().sort_index().to_dict(), "vocabulary": tokenizer.get_vocab_size(),
    }  # fmt: skip
    write_prepared(folder, np.concatenate(tokens), labels, ["corpus"], made_by, tokenizer.to_str())
    report(f"sentences: {len(labels)} of {len(chosen.corpora)} corpora, of {lengths.min()} to {lengths.max()} bytes")


def _add(corpus_of: dict[str, str], name: str, corpus: Corpus, report: Callable[[str], None]) -> None:
    """Add the sentences of a corpus that are not there yet, and tell how many were."""
    if others := text_parameters.folders(corpus.path):
        report(f"sentences: {len(others)} folders at {corpus.path} are passed by: {shown(others)}")
    before, count = len(corpus_of), 0
    for sentence in (one for path in corpus.files() for one in sentences(path, corpus.columns)):
        corpus_of.setdefault(sentence, name)
        count += 1
    kept = len(corpus_of) - before
    if not kept:
        raise ValueError(
            f"corpus {name} must hold sentences that no corpus before it has, all of its {count} stand there. Leave it "
            "out, or correct its path."
        )
    report(f"{name}: {kept} distinct sentences, {count - kept} that stand before are left out")


def _tokens(tokenizer: Tokenizer, texts: Sequence[str]) -> list[np.ndarray]:
    """The tokens of each text, uint16 (bytes,)."""
    found = tokenizer.encode_batch_fast(texts, add_special_tokens=False)
    return [np.array(one.ids, dtype=TOKEN) for one in found]


def sentences(path: Path, columns: Sequence[str]) -> Iterator[str]:
    """The sentences of a file, row by row, those of a row in the order of the columns.

    Parameters
    ----------
    path : its suffix says the format.
    columns : of all formats but .txt.

    Raises
    ------
    ValueError : a file that is damaged, empty, no UTF-8 or of another format, or a row without a sentence; names file
        and place.
    """
    suffix = next((one for one in reversed(path.suffixes) if one != ".gz"), "")
    if suffix not in SENTENCES or path.suffixes[-2:] == [".parquet", ".gz"]:
        raise UnreadableFile(f"{path} must be {KINDS}. Rename or convert it.")
    count = 0
    with readable(path, KINDS, "Fetch or make it again."):
        for where, found in _of_suffix(suffix, path, columns):
            if blank := [place for place, sentence in enumerate(found) if not sentence.strip()]:
                raise UnreadableFile(
                    f"{path} must hold a sentence in each row, {where} has none in column {columns[blank[0]]}. Remove "
                    "the row."
                )
            yield from found
            count += len(found)
    if not count:
        raise UnreadableFile(f"{path} must hold sentences, it has none. Fetch it again, or correct its path.")


def _of_suffix(suffix: str, path: Path, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its sentences."""
    if suffix == ".txt":
        return _lines(path)
    return _separated(path, columns) if suffix in (".csv", ".tsv") else rows(path, columns)


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """A sentence a line; lines without one are left out."""
    for number, line in numbered_lines(path):
        if line.strip() not in ("", END_OF_TEXT):
            yield f"line {number}", [line.rstrip("\r\n")]


def _separated(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Fields between tabs; a quotation mark is a character as any other."""
    places = None
    for number, line in numbered_lines(path):
        fields = line.rstrip("\r\n").split("\t")
        if not line.strip():
            continue
        if places is None:
            named = set(columns) <= set(fields)
            places = [_names(path, fields, columns).index(column) for column in columns]
            if named:
                continue
        if max(places) >= len(fields):
            raise UnreadableFile(
                f"{path} must have {max(places) + 1} fields between tabs in each line, line {number} has "
                f"{len(fields)}. Repair or remove it."
            )
        yield f"line {number}", [fields[place] for place in places]


def _names(path: Path, first: Sequence[str], columns: Sequence[str]) -> Sequence[str]:
    """The columns' names: those of the first line, or of STS-B's own files, which name none."""
    if set(columns) <= set(first):
        return first
    if set(columns) <= set(STS_B) and len(first) >= len(STS_B) and _SCORE.fullmatch(first[STS_B.index("score")]):
        return STS_B
    raise without(path, "its first line (fields between tabs)", [one for one in columns if one not in first], first)
