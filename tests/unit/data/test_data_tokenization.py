"""Text to tokens and back: published files, trained ones, streamed pieces; oracles are transformers and the text."""

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_files import gpt2_files, story
from tokenizers import Tokenizer

from whyalike.data import tokenization
from whyalike.data.documents import END_OF_TEXT, cut
from whyalike.data.prepared import write_prepared
from whyalike.data.tokenization import encode, encoding_threads, load, of_prepared, train

TEXTS = [story(seed) for seed in range(30)]
ODD = "It's  12 o'clock!\n\n\tdéjà vu \u2003 — 日本 \U0001f600\r\n  end  "
SMALL = train(TEXTS, 300)
TRAIN = """
import sys
sys.path[:0] = sys.argv[1:]
from text_files import story
from whyalike.data.tokenization import train
print(train([story(seed) for seed in range(30)], 500).to_str())
"""


def tokens_of(tokenizer, *texts):
    return np.concatenate(list(encode(tokenizer, [(text, True) for text in texts])))


def trained_elsewhere(parallel, hash_seed):
    """A tokenizer as another process trains it."""
    settings = {"TOKENIZERS_PARALLELISM": parallel, "RAYON_NUM_THREADS": "4", "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", TRAIN, os.path.dirname(__file__)]
    return subprocess.run(command, env={**os.environ, **settings}, capture_output=True, check=True).stdout


def test_training_twice_in_any_number_of_threads_gives_the_same_tokenizer():
    found = [trained_elsewhere("true", "1"), trained_elsewhere("false", "2")]
    assert len({hashlib.sha256(text).hexdigest() for text in found}) == 1
    assert train(reversed(TEXTS), 500).to_str().encode() == found[0].strip()


def test_a_trained_vocabulary_holds_all_bytes_the_end_of_text_and_merges():
    assert SMALL.get_vocab_size() == 300
    assert SMALL.token_to_id(END_OF_TEXT) is not None
    assert SMALL.decode(tokens_of(SMALL, ODD), skip_special_tokens=False) == ODD + END_OF_TEXT
    # the cat sat: frequent words take fewer tokens than bytes
    assert len(tokens_of(SMALL, TEXTS[0])) < len(TEXTS[0]) / 2


def test_every_text_ends_with_the_end_of_text_and_decodes_to_itself():
    stream = tokens_of(SMALL, *TEXTS, ODD)
    assert stream.dtype == np.uint16
    assert (stream == SMALL.token_to_id(END_OF_TEXT)).sum() == len(TEXTS) + 1
    assert SMALL.decode(stream, skip_special_tokens=False).split(END_OF_TEXT) == [*TEXTS, ODD, ""]


@given(st.text(alphabet="ab'1!.\n\t\r \u2003\x1c\u00e9", max_size=60), st.integers(1, 8))
def test_pieces_of_a_text_give_the_tokens_of_the_whole(text, longest):
    pieces = [(piece, False) for piece in cut(text, longest)]
    whole = SMALL.encode(text).ids
    assert [token for tokens in encode(SMALL, pieces) for token in tokens] == whole


@pytest.mark.parametrize("batch", [1, 500, 10**6])
def test_batches_do_not_change_the_stream(monkeypatch, batch):
    expected = [token for text in TEXTS for token in [*SMALL.encode(text).ids, SMALL.token_to_id(END_OF_TEXT)]]
    monkeypatch.setattr(tokenization, "BATCH", batch)
    assert tokens_of(SMALL, *TEXTS).tolist() == expected


def test_no_more_than_a_batch_of_texts_is_held(monkeypatch):
    """With the bound on pieces in test_data_documents.py: memory does not grow with a corpus."""
    monkeypatch.setattr(tokenization, "BATCH", 1000)
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield TEXTS[taken % len(TEXTS)], True

    longest = max(map(len, TEXTS))
    for count, _ in zip(range(1, 200), encode(SMALL, endless()), strict=False):
        assert (taken - count) * min(map(len, TEXTS)) < 1000 + longest


def test_published_files_give_the_tokens_of_transformers(tmp_path):
    from transformers import GPT2Tokenizer

    gpt2_files(tmp_path / "gpt2")
    oracle = GPT2Tokenizer(str(tmp_path / "gpt2" / "vocab.json"), str(tmp_path / "gpt2" / "merges.txt"))
    ours = load(tmp_path / "gpt2")
    for text in [*TEXTS, ODD]:
        assert ours.encode(text).ids == oracle(text)["input_ids"]
    assert ours.token_to_id(END_OF_TEXT) == oracle.eos_token_id


def test_both_published_layouts_give_the_same_tokens(tmp_path):
    trained = gpt2_files(tmp_path / "two")
    (tmp_path / "one").mkdir()
    trained.enable_truncation(5)  # some published files ask for it: no text may be cut
    trained.enable_padding(length=7)
    trained.save(str(tmp_path / "one" / "tokenizer.json"))
    one, two = load(tmp_path / "one"), load(tmp_path / "two")
    np.testing.assert_array_equal(tokens_of(one, *TEXTS, ODD), tokens_of(two, *TEXTS, ODD))
    assert one.decode(two.encode(ODD).ids) == ODD


def test_files_that_are_no_tokenizer_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"must hold tokenizer\.json, or vocab\.json and merges\.txt\. Put GPT-2's"):
        load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer\.json must be a tokenizer .*cannot be read .*Fetch it again"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([END_OF_TEXT, *map(str, range(2**16))], r"may have 65536 tokens.* has 65537\. Use GPT-2's"),
        (["a", "b"], r"needs the token <\|endoftext\|>, that of .* has none among its 2"),
    ],
)
def test_vocabularies_that_two_bytes_cannot_count_or_without_an_end_are_refused(tmp_path, words, message):
    vocabulary = {word: code for code, word in enumerate(words)}
    (tmp_path / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(ValueError, match=message):
        load(tmp_path)


def test_a_prepared_data_set_holds_its_tokenizer(tmp_path):
    import pandas as pd

    row = {"part": ["train"], "corpus": ["one"], "start": [0], "length": [3]}
    write_prepared(tmp_path / "a", np.zeros(3, np.uint16), pd.DataFrame(row), ["corpus"], {}, SMALL.to_str())
    assert isinstance(of_prepared(tmp_path / "a"), Tokenizer)
    assert of_prepared(tmp_path / "a").to_str() == SMALL.to_str()
    labels = pd.DataFrame({"part": ["test"], "class": ["a"]})
    write_prepared(tmp_path / "b", np.zeros((1, 2, 2, 1), np.uint8), labels, ["class"], {})
    with pytest.raises(ValueError, match=r"b holds no tokenizer, its data set is no text"):
        of_prepared(tmp_path / "b")


def test_threads_are_set_for_the_work_and_then_as_before(monkeypatch):
    monkeypatch.delenv("RAYON_NUM_THREADS", raising=False)
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "maybe")
    for threads, parallel in ((1, "false"), (3, "true")):
        with encoding_threads(threads):
            assert (os.environ["TOKENIZERS_PARALLELISM"], os.environ["RAYON_NUM_THREADS"]) == (parallel, str(threads))
        assert os.environ["TOKENIZERS_PARALLELISM"] == "maybe"
        assert "RAYON_NUM_THREADS" not in os.environ
