"""The user's corpora as a prepared data set of text: attribute `corpus`, one tokenizer for all.

Files are read as the hubs ship them (`whyalike.data.documents`), as a stream: 14, 57 and 115 MB of text took 175 MB of
memory each, about 2 MB a second and thread (x86-64, vocabulary 16,000, tokenizers 0.23).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from whyalike.data import text_parameters, tokenization
from whyalike.data.documents import texts
from whyalike.data.text_parameters import TextParameters
from whyalike.data.token_stream import write_stream
from whyalike.data.user_files import shown

VERSION = 1  # raised when tokens or rows change


def prepare(parameters: Mapping[str, Any], folder: Path, threads: int, report: Callable[[str], None]) -> None:
    """Write the data set.

    Parameters
    ----------
    parameters : of `TextParameters`.
    folder : the prepared data set.
    threads : texts tokenised at a time; the files do not depend on it.
    report : gets a line a corpus, and one every 25 million tokens.

    Raises
    ------
    ValueError : files are missing or damaged, or a corpus is too small for what is asked of it.
    """
    chosen = TextParameters.model_validate(parameters)
    if fault := chosen.missing():
        raise ValueError(fault)
    patterns = [*(corpus.path for corpus in chosen.corpora.values()), *chosen.tokenizer.train]
    for pattern in dict.fromkeys(patterns):
        if others := text_parameters.folders(pattern):
            report(f"text: {len(others)} folders at {pattern} are passed by: {shown(others)}")
    with tokenization.encoding_threads(threads):
        tokenizer = _tokenizer(chosen.tokenizer)
        corpora = {name: texts(corpus.files(), corpus.columns) for name, corpus in chosen.corpora.items()}
        made_by = {"source": "text", "version": VERSION, "parameters": chosen.plain()}
        write_stream(folder, corpora, tokenizer, chosen, made_by, report)


def _tokenizer(chosen: text_parameters.Tokenizer) -> Tokenizer:
    if chosen.folder is not None:
        return tokenization.load(chosen.folder)
    files = [path for pattern in chosen.train for path in text_parameters.find(pattern)]
    return tokenization.train((text for text, _ in texts(files, chosen.columns)), chosen.vocabulary)
