"""Text to tokens and back: GPT-2's published tokenizer, or byte-level BPE trained on text, and the streaming between.

The library works in threads over the texts of a batch; each text's tokens, and the merges of a training, do not depend
on their number. Source: A. Radford et al., Language models are unsupervised multitask learners (2019), section 2.2.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

from whyalike.data.array_file import TOKEN
from whyalike.data.documents import END_OF_TEXT, Piece
from whyalike.data.prepared import LABELS, open_prepared
from whyalike.data.text_parameters import LARGEST_VOCABULARY, TOKENIZER_FILES
from whyalike.file_faults import readable
from whyalike.files import made_by

BATCH = 2**18  # characters encoded at a time: many texts for the threads, and little memory


@contextmanager
def encoding_threads(threads: int) -> Iterator[None]:
    """Let the library use so many threads; its thread pool, once started, keeps the number that it began with."""
    ours = {"TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false", "RAYON_NUM_THREADS": str(threads)}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def load(folder: Path) -> Tokenizer:
    """Read a tokenizer from published files: tokenizer.json, or GPT-2's vocab.json and merges.txt.

    Raises
    ------
    ValueError : files are missing or damaged, more tokens than two bytes can count, or no end of text.
    """
    names = next((names for names in TOKENIZER_FILES if all((folder / name).is_file() for name in names)), None)
    if names is None:
        wanted = ", or ".join(" and ".join(names) for names in TOKENIZER_FILES)
        raise ValueError(f"the tokenizer's folder {folder} must hold {wanted}. Put GPT-2's there, or correct `folder`.")
    paths = [folder / name for name in names]
    what, remedy = f"a tokenizer ({' and '.join(names)})", "Fetch it again."
    with readable(paths[0], what, remedy), readable(paths[-1], what, remedy):
        tokenizer = (
            Tokenizer.from_file(str(paths[0])) if len(paths) == 1 else _byte_level(BPE.from_file(*map(str, paths)))
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return _checked(tokenizer, str(folder))


def train(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Byte-level BPE with the merges that `tokenizers` finds in texts.

    Parameters
    ----------
    texts : what to train on; texts that are equal as a whole, in any order, give the same tokenizer.
    vocabulary : number of tokens at most: the 256 bytes, the end of text, merges.
    """
    tokenizer = _byte_level(BPE())
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=sorted(ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _checked(tokenizer, "the training")


def of_prepared(folder: Path) -> Tokenizer:
    """The tokenizer of a prepared data set of text: `decode` turns its tokens, or a model's, into text.

    Raises
    ------
    ValueError : the data set is images.
    """
    open_prepared(folder)  # verifies the file
    kept = made_by(Path(folder) / LABELS).get("tokenizer")
    if kept is None:
        raise ValueError(f"{folder} holds no tokenizer, its data set is no text. Name a data set of text.")
    return Tokenizer.from_str(kept)


def encode(tokenizer: Tokenizer, pieces: Iterable[Piece]) -> Iterator[np.ndarray]:
    """The tokens of texts, uint16 (n,) a piece, with the end of text after each text."""
    end = np.array([tokenizer.token_to_id(END_OF_TEXT)], dtype=TOKEN)
    for batch in batches(pieces, BATCH):
        encoded = tokenizer.encode_batch_fast([text for text, _ in batch], add_special_tokens=False)
        for (_, ends), one in zip(batch, encoded, strict=True):
            tokens = np.array(one.ids, dtype=TOKEN)
            yield np.concatenate([tokens, end]) if ends else tokens


def batches(pieces: Iterable[Piece], least: int) -> Iterator[list[Piece]]:
    """Pieces in lists of at least so many characters each, but the last."""
    batch, size = [], 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece[0])
        if size >= least:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _byte_level(model: BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevelDecoder()
    if tokenizer.token_to_id(END_OF_TEXT) is not None:  # in the published files it is one of the vocabulary
        tokenizer.add_special_tokens([END_OF_TEXT])
    return tokenizer


def _checked(tokenizer: Tokenizer, origin: str) -> Tokenizer:
    if (size := tokenizer.get_vocab_size()) > LARGEST_VOCABULARY:
        raise ValueError(
            f"a tokenizer may have {LARGEST_VOCABULARY} tokens, so that each takes two bytes; that of {origin} has "
            f"{size}. Use GPT-2's (50257), or train one."
        )
    if tokenizer.token_to_id(END_OF_TEXT) is None:
        raise ValueError(
            f"a tokenizer needs the token {END_OF_TEXT}, that of {origin} has none among its {size}. Use GPT-2's "
            "(50257), or train one."
        )
    return tokenizer
