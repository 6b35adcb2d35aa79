"""Splits of text: a row is a chunk of a corpus; dataset overlap shares chunks, task overlap shares corpora."""

import numpy as np
import pandas as pd
import pytest
from job_parameters import split_parameters

from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.splits.stage import make_splits, read_split

CHUNKS, LENGTH = 80, 5  # chunks of a corpus; tokens of a chunk
CORPORA = ("codes", "shakespeare", "stories", "textbooks", "web", "wiki")
DATASET_LEVELS = ("0", "0.2", "0.4", "0.6", "0.8", "1")
TASK_LEVELS = ("0", "0.333333", "0.666667", "1")


def prepared(folder, corpora):
    """A text set of some corpora: 80 chunks, a validation text and two test windows each."""
    rows = []
    for place, corpus in enumerate(corpora):
        begin = place * (CHUNKS + 4) * LENGTH
        parts = ["train"] * CHUNKS + ["validation", "test", "test"]
        rows += [(part, corpus, begin + i * LENGTH, LENGTH) for i, part in enumerate(parts)]
    labels = pd.DataFrame(rows, columns=["part", "corpus", "start", "length"])
    tokens = np.zeros(len(corpora) * (CHUNKS + 4) * LENGTH, np.uint16)
    write_prepared(folder, tokens, labels, ["corpus"], {"source": "toy"}, "{}")
    return folder


def split(folder, factor, levels, seed=0):
    """Rows, labels and class names of run A and of B at each level."""
    levels_of = {"A": None, **{f"B@{level}": level for level in levels}}
    runs = [{"name": name, "labelling": "corpus", "level": level} for name, level in levels_of.items()]
    path = folder.parent / f"{factor}.{seed}.parquet"
    make_splits(split_parameters(factor, runs, seed), folder, path)
    return {name: read_split(path, name) for name in levels_of}


@pytest.mark.parametrize("seed", range(3))
def test_dataset_overlap_of_one_corpus_gives_40_chunks_a_model_and_shares_the_asked_number(tmp_path, seed):
    folder = prepared(tmp_path / "one", ["shakespeare"])
    runs = split(folder, "dataset", DATASET_LEVELS, seed)
    train = open_prepared(folder).rows("train")
    index_a = runs["A"][0]
    for level, shared in zip(DATASET_LEVELS, (0, 8, 16, 24, 32, 40), strict=True):  # int(40 p), as published
        index, label, classes = runs[f"B@{level}"]
        assert len(index) == len(index_a) == 40
        assert len(np.intersect1d(index, index_a)) == shared
        assert set(index) <= set(train)
        assert (classes, set(label)) == (["shakespeare"], {0})
    assert set(runs["B@0"][0]) | set(index_a) == set(train)


@pytest.mark.parametrize("seed", range(3))
def test_task_overlap_of_six_corpora_gives_three_a_model_whole_and_shares_the_asked_number(tmp_path, seed):
    folder = prepared(tmp_path / "six", CORPORA)
    data, runs = open_prepared(folder), split(folder, "task", TASK_LEVELS, seed)
    classes_a = runs["A"][2]
    for name, (index, label, classes) in runs.items():
        assert len(classes) == 3
        rows = data.labels.iloc[index]
        assert set(rows["part"]) == {"train"}
        assert rows["corpus"].tolist() == [classes[code] for code in label]
        assert np.bincount(label).tolist() == [CHUNKS] * 3, name  # no chunk of a corpus is left out
    for level, shared in zip(TASK_LEVELS, (0, 1, 2, 3), strict=True):
        assert len(set(runs[f"B@{level}"][2]) & set(classes_a)) == shared
    assert set(classes_a) | set(runs["B@0"][2]) == set(CORPORA)
    assert runs["B@1"][2] == classes_a
