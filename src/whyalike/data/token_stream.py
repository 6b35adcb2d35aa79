"""Writes a prepared data set of text: one stream of tokens of all corpora, and the stretches of it that are its rows.

The tokens of a corpus lie together, corpora in the order of their names. First its training chunks, which tile its
training tokens and differ by one token at most; then the validation text; then a part of which test windows are drawn,
keyed by the seed. The cuts fall between tokens, wherever a text ends.
Source: the overlap study, section 4.1: the stream in 80 chunks, 5 % held out.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from whyalike.data.array_file import TOKEN
from whyalike.data.documents import Piece
from whyalike.data.label_table import PARTS
from whyalike.data.prepared import write_prepared
from whyalike.data.resumable_array import Blocks, filled
from whyalike.data.text_parameters import StreamParameters
from whyalike.data.tokenization import batches, encode
from whyalike.randomness import keyed

Stretches = tuple[np.ndarray, np.ndarray]  # starts and lengths, int64

CHUNK = 2**22  # characters that a killed preparation loses at most: two seconds on one thread
REPORT_EVERY = 25_000_000  # tokens between two lines of progress: half a minute on one thread


def write_stream(
    folder: Path,
    corpora: Mapping[str, Iterable[Piece]],
    tokenizer: Tokenizer,
    chosen: StreamParameters,
    made_by: Mapping[str, Any],
    report: Callable[[str], None],
) -> None:
    """Tokenise corpora and write the data set.

    Parameters
    ----------
    folder : the prepared data set.
    corpora : the texts of each corpus, in pieces; read once, in the order of the names.
    tokenizer : kept with the data set.
    chosen : how the stream is cut.
    made_by : what made the data set; the number of tokens of each corpus is added, and that of the vocabulary.
    report : gets a line a corpus, and one every 25 million tokens.

    Raises
    ------
    ValueError : a corpus is empty, or too small for what `chosen` asks of it.
    """
    counts, stretches = {}, {}
    tokens_of = partial(_tokens, tokenizer)
    work = {**made_by, "tokenizer": hashlib.sha256(tokenizer.to_str().encode()).hexdigest(), "chunk": CHUNK}
    with filled(folder, TOKEN, (), work, report) as blocks:
        for name in sorted(corpora):
            counts[name] = _append_corpus(blocks, sum(counts.values()), name, corpora[name], tokens_of, chosen, report)
            stretches[name] = _stretches(name, counts[name], chosen)
    rows = _rows(counts, stretches)
    vocabulary = tokenizer.get_vocab_size()
    made_by = {**made_by, "tokens": counts, "vocabulary": vocabulary}
    write_prepared(folder, None, rows, ["corpus"], made_by, tokenizer.to_str())
    report(f"{made_by['source']}: {sum(counts.values())} tokens of {len(counts)} corpora, vocabulary {vocabulary}")


def _append_corpus(
    blocks: Blocks,
    start: int,
    name: str,
    pieces: Iterable[Piece],
    tokens_of: Callable[[Iterable[Piece], int | None], tuple[np.ndarray, None]],
    chosen: StreamParameters,
    report: Callable[[str], None],
) -> int:
    """Write the tokens of one corpus from ``start`` on, at most so many as asked for; returns their number."""
    count = 0
    for chunk in batches(pieces, CHUNK):
        left = None if chosen.max_tokens is None else chosen.max_tokens - count
        made, _ = blocks.fill(start + count, [name, left, _digest(chunk)], partial(tokens_of, chunk, left))
        before, count = count, count + made
        if count // REPORT_EVERY > before // REPORT_EVERY:
            report(f"{name}: {count // 1_000_000} million tokens")
        if count == chosen.max_tokens:
            break
    if not count:
        raise ValueError(f"corpus {name} must hold text, its files hold none. Correct its path.")
    report(f"{name}: {count} tokens")
    return count


def _digest(chunk: Iterable[Piece]) -> str:
    digest = hashlib.sha256()
    for text, ends in chunk:
        digest.update(text.encode("utf-8", "surrogatepass"))
        digest.update(b"\xff" if ends else b"\xfe")  # bytes that no text has
    return digest.hexdigest()


def _tokens(tokenizer: Tokenizer, chunk: Iterable[Piece], most: int | None) -> tuple[np.ndarray, None]:
    """The tokens of a chunk of text, the first ``most`` of them at most; nothing is kept beside them."""
    found, count = [], 0
    for some in encode(tokenizer, chunk):
        found.append(some)
        count += len(some)
        if most is not None and count >= most:
            break
    return np.concatenate(found)[:most], None


def _rows(counts: Mapping[str, int], stretches: Mapping[str, Mapping[str, Stretches]]) -> pd.DataFrame:
    """The rows of all corpora, ordered by part, corpus and place."""
    begins = dict(zip(counts, np.cumsum([0, *counts.values()]), strict=False))
    found = [(part, name, *stretches[name][part]) for part in PARTS for name in counts]
    sizes = [len(starts) for _, _, starts, _ in found]
    return pd.DataFrame(
        {
            "part": np.repeat([part for part, *_ in found], sizes),
            "corpus": np.repeat([name for _, name, *_ in found], sizes),
            "start": np.concatenate([begins[name] + starts for _, name, starts, _ in found]),
            "length": np.concatenate([lengths for *_, lengths in found]),
        }
    )


def _stretches(name: str, count: int, chosen: StreamParameters) -> dict[str, Stretches]:
    """For each part of a corpus of ``count`` tokens, starts and lengths, int64, from the corpus's first token on."""
    held_out = round(chosen.held_out * count)
    validation = held_out // 2
    train, test = count - held_out, held_out - validation
    _check_sizes(name, count, train, validation, test, chosen)
    edges = np.arange(chosen.chunks + 1, dtype=np.int64) * train // chosen.chunks
    positions = test - chosen.context + 1
    drawn = keyed(chosen.seed, "text", "windows", name).choice(positions, chosen.windows, replace=False, shuffle=False)
    return {
        "train": (edges[:-1], np.diff(edges)),
        "validation": (np.array([train]), np.array([validation])),
        "test": (train + validation + np.sort(drawn), np.full(chosen.windows, chosen.context)),
    }


def _check_sizes(name: str, count: int, train: int, validation: int, test: int, chosen: StreamParameters) -> None:
    """Refuse a corpus that is too small; the last token of a training or validation window is only predicted."""
    corpus, context = f"corpus {name} has {count} tokens", chosen.context
    if train // chosen.chunks < context + 1:
        raise ValueError(
            f"a training chunk must hold context + 1 = {context + 1} tokens: {corpus}, and the {train} of them that "
            f"are not held out give {chosen.chunks} chunks of {train // chosen.chunks}. Lower chunks or context, or "
            "give the corpus more text."
        )
    if validation < context + 1 or test < context:
        raise ValueError(
            f"the halves of what is held out must hold context + 1 = {context + 1} tokens for validation and context "
            f"= {context} for test windows: {corpus}, and {chosen.held_out:g} of them are {validation} and {test}. "
            "Raise held_out, lower context, or give the corpus more text."
        )
    if test - context + 1 < chosen.windows:
        raise ValueError(
            f"test windows must start at different tokens: {corpus}, and the {test} held out for them have "
            f"{test - context + 1} places for a window of {context}, fewer than windows = {chosen.windows}. Lower "
            "windows, raise held_out, or give the corpus more text."
        )
