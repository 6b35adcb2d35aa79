"""Sample text: the prompt goes on as the stored model says, with the same draws for every model."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from tokenizers import Tokenizer

from whyalike.activations.parameters import SampleTextParameters
from whyalike.activations.sampling import COLUMNS, sample_text
from whyalike.data.prepared import write_prepared
from whyalike.data.tokenization import train
from whyalike.files import file_sha256, write_table
from whyalike.models.weights import build_model, save_weights
from whyalike.training.manifest import MANIFEST
from whyalike.training.parameters import Operation
from whyalike.training.store import StoredRun

CPU = Operation(device="cpu")
MODEL = {"family": "gpt", "vocabulary": 300, "layers": 1, "heads": 2, "width": 8, "context": 6, "dropout": 0.5}
TOKENIZER = train(["do you not hear the cat that sat on a mat"] * 3, 300)
FIRST, TWIN, OTHER = "1" * 16, "2" * 16, "3" * 16  # the twin has the first one's weights


@pytest.fixture
def study(tmp_path):
    """Three models in a store, their manifest and the data set with the tokenizer."""
    for identity, replica in ((FIRST, "A"), (TWIN, "A"), (OTHER, "B")):
        stored = StoredRun(tmp_path / "runs", identity)
        save_weights(build_model(MODEL, 1, 0, replica), stored.weights)
        result = {"classes": ["one"], "sha256": {stored.weights.name: file_sha256(stored.weights)}}
        stored.result.write_text(json.dumps(result))
    rows = [{"run": run, "loss": 5.0 + i, "loss_unit": "nats a token"} for i, run in enumerate((FIRST, TWIN, OTHER))]
    full = [dict.fromkeys(MANIFEST.names) | row for row in rows]
    write_table(tmp_path / "manifest.parquet", pa.Table.from_pylist(full, schema=MANIFEST), {})
    labels = pd.DataFrame({"part": ["train"], "corpus": ["one"], "start": [0], "length": [3]})
    write_prepared(tmp_path / "text", np.zeros(3, np.uint16), labels, ["corpus"], {}, TOKENIZER.to_str())
    return tmp_path


def parameters(**changed):
    names = {"A": (None, FIRST), "B@0": ("0", TWIN), "B@1": ("1", OTHER)}
    runs = [{"seed": 4, "name": name, "level": level, "run": run} for name, (level, run) in names.items()]
    cells = [{"setting": "gpt", "dataset": "text", "model": MODEL, "runs": runs}]
    options = {"prompt": "do you not hear", "tokens": 9, "temperature": 0.8, "top_k": 300, "seed": 0}
    return SampleTextParameters(**{"study": "s", **options, "cells": cells, "code": "of a test", **changed})


def said(folder, **changed):
    """The table and the page of one sampling."""
    files = [folder / "manifest.parquet"], folder / "runs", folder / "said.csv", folder / "said.md"
    sample_text(parameters(**changed), CPU, 1, {"text": folder / "text"}, *files)
    return pd.read_csv(files[2]), files[3].read_text(encoding="utf-8")


def test_the_likeliest_tokens_follow_the_prompt_one_by_one(study):
    # an oracle of its own: the largest logit after the last six tokens, nine times
    model = build_model(MODEL, 1, 0, "A").eval()
    tokens = TOKENIZER.encode("do you not hear").ids
    for _ in range(9):
        with torch.no_grad():
            tokens.append(int(model.logits(model(torch.tensor([tokens[-6:]])))[0, -1].argmax()))
    table, _ = said(study, top_k=1)
    expected = Tokenizer.from_str(TOKENIZER.to_str()).decode(tokens, skip_special_tokens=False)
    assert table["text"][0] == expected


def test_texts_differ_by_the_models_and_never_by_the_draws(study):
    table, _ = said(study)
    assert list(table.columns) == list(COLUMNS)
    assert table["text"].str.startswith("do you not hear").all()
    by_run = table.set_index("run")["text"]
    assert by_run[int(FIRST)] == by_run[int(TWIN)] != by_run[int(OTHER)]
    assert (said(study)[0]["text"] == table["text"]).all()
    assert (said(study, seed=1)[0]["text"] != table["text"]).any()


def test_the_page_says_prompt_overlap_and_loss_and_no_text_breaks_it(study):
    table, page = said(study)
    assert "“do you not hear”. Each model adds 9 tokens, drawn at temperature 0.8" in page
    assert "**A**, test loss 5.000 nats a token:\n\n    do you not hear" in page
    assert "**B@1** (overlap 1 with A), test loss 7.000" in page
    assert page.count("\n    ") >= len(table)
    # control characters of the tokenizer's 256 bytes are not printed
    assert all(one.isprintable() or one == "\n" for one in page)
