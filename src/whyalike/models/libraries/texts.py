"""Stretches of a data set's tokens as a language model takes them: as text, in the tokens of its own tokenizer.

Stretches are windows, or sentences of any length. The folder of the model holds its tokenizer. An end of text within
one becomes two line breaks; the tokenizer adds what it adds to any text (a class token, a beginning). Shorter texts are
filled up behind their end.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from whyalike.job import note
from whyalike.models.libraries.library import go_offline

END_OF_TEXT = "<|endoftext|>"  # of our tokenizers
BATCH = 32
NO_LIMIT = 10**9  # of a tokenizer that names none


class Encoder:
    """The tokenizer of a model's folder.

    Raises
    ------
    ValueError : the folder has none.
    """

    def __init__(self, folder: Path, context: int | None):
        go_offline()
        from transformers import AutoTokenizer

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ValueError(
                f"{folder} must hold the model's tokenizer, as `save_pretrained` of transformers writes it: {error}"
            ) from error
        self._tokenizer.padding_side = self._tokenizer.truncation_side = "right"
        if self._tokenizer.pad_token is None:  # of language models; what it fills is masked
            self._tokenizer.pad_token = self._tokenizer.eos_token or self._tokenizer.unk_token
        self.limit = min(self._tokenizer.model_max_length, context or NO_LIMIT, NO_LIMIT)

    def __call__(self, texts: Sequence[str]) -> Mapping[str, Tensor]:
        """Tokens and mask (b, t) of some texts."""
        cut = {"truncation": True, "max_length": self.limit} if self.limit < NO_LIMIT else {}
        found = self._tokenizer(list(texts), padding=True, return_tensors="pt", return_token_type_ids=False, **cut)
        return {name: found[name] for name in ("input_ids", "attention_mask")}

    def check(self, texts: Sequence[str]) -> None:
        """Say how many texts are cut.

        Raises
        ------
        ValueError : a text of which no token is left.
        """
        lengths = [len(one) for one in self._tokenizer(list(texts))["input_ids"]]
        if 0 in lengths:
            raise ValueError(f"stimulus {lengths.index(0)} of {len(texts)} has no token for the model's tokenizer")
        if long := sum(length > self.limit for length in lengths):
            note(f"{long} of {len(texts)} texts have more than the {self.limit} tokens that the model takes: their "
                 "ends are left out")  # fmt: skip


def texts_of(stretches: Iterable[np.ndarray], tokenizer: Any) -> list[str]:
    """The texts of stretches (length,) of a data set's tokens, by the data set's tokenizer."""
    found = tokenizer.decode_batch([one.tolist() for one in stretches], skip_special_tokens=False)
    return [text.replace(END_OF_TEXT, "\n\n") for text in found]


def batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Texts in lists of at most `BATCH`."""
    for start in range(0, len(texts), BATCH):
        yield texts[start : start + BATCH]


def on(device: torch.device, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on a device."""
    return {name: value.to(device) for name, value in given.items()}
