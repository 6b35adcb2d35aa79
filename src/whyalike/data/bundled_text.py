"""Six corpora of text that every installation has, as a prepared data set: language models without a download.

Attribute `corpus`: docstrings of numerical libraries, C++ headers, Python, licences, names of characters, and the
reference of a language in prose. The tokenizer is trained on all six, so that data sets of some of them share it. What
the corpora hold depends on the installed versions; the data set's content hash tells.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from whyalike.data.bundled_corpora import texts
from whyalike.data.documents import Piece
from whyalike.data.text_parameters import BundledCorpus, BundledTextParameters
from whyalike.data.token_stream import write_stream
from whyalike.data.tokenization import encoding_threads, train

VERSION = 1  # raised when tokens or rows change
TRAINING_CHARACTERS = 300_000  # of each corpus for the tokenizer, so that none counts more; the smallest has 450,000


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `BundledTextParameters`.
    folder : the prepared data set.
    threads : texts tokenised at a time; the files do not depend on it.
    report : gets a line a corpus.

    Raises
    ------
    ValueError : a corpus is not installed, or too small for what is asked of it.
    """
    chosen = BundledTextParameters.model_validate(parameters)
    with encoding_threads(threads):
        tokenizer = train(_training_texts(), chosen.vocabulary)
        made_by = {"source": "bundled_text", "version": VERSION, "parameters": chosen.plain()}
        write_stream(folder, {name: _pieces(name) for name in chosen.corpora}, tokenizer, chosen, made_by, report)


def _training_texts() -> Iterator[str]:
    """The first characters of every corpus."""
    for name in get_args(BundledCorpus):
        left = TRAINING_CHARACTERS
        for text in texts(name):
            yield text[:left]
            left -= len(text)
            if left <= 0:
                break


def _pieces(name: str) -> Iterator[Piece]:
    return ((text, True) for text in texts(name))
