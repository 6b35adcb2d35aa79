"""Text that every installation has: six corpora of some size, the same in every process, with one vocabulary."""

import os
import subprocess
import sys
from itertools import islice
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from whyalike.data import bundled_corpora, bundled_text
from whyalike.data.bundled_corpora import texts
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES
from whyalike.data.text_parameters import BundledCorpus, BundledTextParameters
from whyalike.data.tokenization import of_prepared

CORPORA = get_args(BundledCorpus)
SMALL = {"max_tokens": 4000, "chunks": 4, "context": 32, "windows": 10, "vocabulary": 600}
HASH = """
import hashlib
from itertools import islice
from whyalike.data.bundled_corpora import texts
for name in ("docstrings", "headers", "library", "licenses", "names", "topics"):
    print(hashlib.sha256("".join(islice(texts(name), 30)).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The small data set of all six corpora, and what was reported."""
    folder, lines = tmp_path_factory.mktemp("bundled"), []
    bundled_text.prepare(SMALL, folder, 1, lines.append)
    return folder, lines


@pytest.mark.parametrize("name", CORPORA)
def test_every_corpus_gives_enough_text_for_the_vocabulary_and_the_default_number_of_tokens(name):
    # 100,000 tokens of a vocabulary of 4096 are less than 440,000 characters in all six
    enough, count = 440_000, 0
    for text in texts(name):
        assert text.strip()
        count += len(text)
        if count >= enough:
            break
    assert count >= enough > bundled_text.TRAINING_CHARACTERS


def test_the_corpora_are_of_different_styles():
    first = {name: "\n".join(islice(texts(name), 20)) for name in CORPORA}
    marks = {"docstrings": "Parameters\n---", "headers": "#include", "library": "\nimport ", "names": "\nU+",
             "topics": "statement"}  # fmt: skip
    for name, mark in marks.items():
        assert mark in first[name]
    assert "copyright" in first["licenses"].lower()
    assert "#include" not in first["library"] + first["topics"] + first["names"]


def test_another_process_finds_the_same_texts_in_the_same_order():
    found = set()
    for seed in ("1", "2"):
        settings = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", HASH], env=settings, capture_output=True, text=True, check=True)
        found.add(done.stdout)
    (lines,) = found
    assert len(set(lines.split())) == 6


def test_all_six_become_one_data_set_with_what_its_facts_and_counts_promise(made):
    folder, lines = made
    data, facts = open_prepared(folder, verify=True), SOURCES["bundled_text"].facts
    chosen = BundledTextParameters.model_validate(SMALL)
    assert data.attributes == facts.attributes
    assert (facts.modality, facts.size, facts.channels) == ("text", None, None)
    assert data.labelling("corpus")[1] == list(CORPORA)
    assert (len(data.rows("train")), len(data.rows("test"))) == chosen.counts() == (24, 60)
    assert len(data.tokens) == chosen.tokens() == 6 * 4000
    assert data.tokens.max() < of_prepared(folder).get_vocab_size() == 600
    assert lines[-1].startswith("bundled_text: 24000 tokens of 6 corpora")


def test_the_stream_decodes_to_the_first_texts_of_each_corpus(made):
    folder, _ = made
    tokens, tokenizer = open_prepared(folder).tokens, of_prepared(folder)
    for place, name in enumerate(CORPORA):
        own = tokenizer.decode(tokens[4000 * place : 4000 * (place + 1)], skip_special_tokens=False)
        expected = "<|endoftext|>".join(islice(texts(name), 100))
        # the last token may hold a part of a character
        assert expected.startswith(own[:-3])


def test_some_corpora_alone_have_the_same_tokens_and_vocabulary(made, tmp_path):
    folder, _ = made
    bundled_text.prepare({**SMALL, "corpora": ["topics", "names"], "seed": 1}, tmp_path, 2, lambda line: None)
    whole, some = open_prepared(folder), open_prepared(tmp_path)
    assert of_prepared(folder).to_str() == of_prepared(tmp_path).to_str()
    np.testing.assert_array_equal(some.tokens, whole.tokens[-8000:])  # in the order of their names, the last two


def test_a_corpus_that_is_not_installed_is_named_with_the_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(bundled_corpora, "_root", lambda package: tmp_path)
    monkeypatch.setattr(bundled_corpora, "LICENSED", ("no_such_package",))
    for name in ("docstrings", "headers", "licenses"):
        with pytest.raises(ValueError, match=rf"corpus {name} must come with the installed packages .*its lock"):
            next(texts(name))


def test_unknown_and_repeated_corpora_are_refused():
    with pytest.raises(ValidationError, match="topics"):
        BundledTextParameters(corpora=["poems"])
    with pytest.raises(ValidationError, match=r"repeated: \['names'\]"):
        BundledTextParameters(corpora=["names", "names"])
