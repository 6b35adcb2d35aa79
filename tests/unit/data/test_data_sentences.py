"""Sentences in the user's files: STS-B in each published layout, plain ones, and what is wrong with some."""

import gzip

import numpy as np
import pytest
from pydantic import ValidationError
from text_files import json_lines, parquet

from whyalike.data import sentences
from whyalike.data.array_file import ARRAY
from whyalike.data.documents import END_OF_TEXT
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES
from whyalike.data.text_parameters import SentencesParameters
from whyalike.data.tokenization import of_prepared

TRAIN = [
    ("A plane is taking off.", "An air plane is taking off."),
    ('"Hello, he said.', "A man plays a flûte\N{LINE SEPARATOR}outside — twice.\N{NEXT LINE}"),  # neither ends a line
    ("A man is playing.", "A plane is taking off."),
]
DEV = [("Two dogs run.", "A man is playing."), ("Two dogs run.", " 狗 run")]
TEST = [("One dog sits.", "Two dogs run.")]
# of dev, test and train in this order, each when it first stands there
DISTINCT = [
    "Two dogs run.", "A man is playing.", " 狗 run", "One dog sits.", "A plane is taking off.",
    "An air plane is taking off.", '"Hello, he said.', TRAIN[1][1],
]  # fmt: skip


def official(path, pairs):
    """stsbenchmark/sts-train.csv: tabs, no header, no quoting; some rows name what their sentences are from."""
    lines = [
        "\t".join(
            ["main-news", "MSRpar", "2012test", f"{i:04d}", f"{i % 5}.250", *pair, *(["a", "b"] if i % 2 else [])]
        )
        for i, pair in enumerate(pairs)
    ]
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())


def glue(path, pairs):
    """STS-B/train.tsv of GLUE: tabs, a header, no quoting."""
    head = ["index", "genre", "filename", "year", "old_index", "source1", "source2", "sentence1", "sentence2", "score"]
    rows = [[str(i), "main-news", "f", "2012", "1", "none", "none", *pair, "2.5"] for i, pair in enumerate(pairs)]
    path.write_bytes("".join("\t".join(row) + "\n" for row in [head, *rows]).encode())


def hub(path, pairs):
    """data/train-00000-of-00001.parquet of a hub."""
    firsts, seconds = zip(*pairs, strict=True)
    parquet(path, sentence1=list(firsts), sentence2=list(seconds), score=[0.5] * len(pairs))


def json_rows(path, pairs):
    json_lines(path, [{"sentence1": one, "sentence2": other} for one, other in pairs])


def made(out, corpora, report=lambda line: None, threads=1):
    sentences.prepare({"corpora": corpora}, out, threads, report)
    return open_prepared(out, verify=True)


def texts(data):
    """What each row's tokens say."""
    stretches = zip(data.labels["start"], data.labels["length"], strict=True)
    rows = [data.tokens[start : start + length].tolist() for start, length in stretches]
    return of_prepared(data.folder).decode_batch(rows, skip_special_tokens=False)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (official, "sts-{}.csv"), (glue, "{}.tsv"), (hub, "{}-00000-of-00001.parquet"), (json_rows, "{}.jsonl"),
        (json_rows, "{}.jsonl.gz"),
    ],
)  # fmt: skip
def test_each_distinct_sentence_of_sts_b_is_a_stimulus_whatever_the_layout(tmp_path, write, name):
    for part, pairs in (("train", TRAIN), ("dev", DEV), ("test", TEST)):
        write(tmp_path / name.format(part), pairs)
    told = []
    data = made(tmp_path / "out", {"stsb": {"path": tmp_path / name.format("*")}}, told.append)
    assert texts(data) == DISTINCT
    assert data.labels["length"].tolist() == [len(one.encode()) for one in DISTINCT]  # a token a byte
    assert set(data.labels["part"]) == {"test"}
    np.testing.assert_array_equal(data.rows("test"), np.arange(len(DISTINCT)))
    assert told[0] == "stsb: 8 distinct sentences, 4 that stand before are left out"
    assert told[-1] == "sentences: 8 of 1 corpora, of 8 to 43 bytes"


def test_equal_files_give_equal_bytes_wherever_they_lie(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        official(tmp_path / folder / "sts-dev.csv", DEV)
        made(tmp_path / folder / "out", {"dev": {"path": tmp_path / folder / "*.csv"}}, threads=1 + (folder == "b"))
    for name in (ARRAY, "labels.parquet", "checksums.json"):
        assert (tmp_path / "a" / "out" / name).read_bytes() == (tmp_path / "b" / "out" / name).read_bytes()


def test_plain_text_has_a_sentence_a_line_and_corpora_share_no_sentence(tmp_path):
    plain = f"\ufeffOne dog sits.\r\n\r\n{END_OF_TEXT}\nIt is  late. \nTwo dogs run."
    (tmp_path / "mine.txt.gz").write_bytes(gzip.compress(plain.encode()))
    official(tmp_path / "sts-dev.csv", DEV)
    corpora = {"mine": {"path": tmp_path / "mine.txt.gz"}, "dev": {"path": tmp_path / "sts-dev.csv"}}
    told = []
    data = made(tmp_path / "out", corpora, told.append)
    assert texts(data) == ["Two dogs run.", "A man is playing.", " 狗 run", "One dog sits.", "It is  late. "]
    codes, names = data.labelling("corpus")
    assert [names[code] for code in codes] == ["dev"] * 3 + ["mine"] * 2
    assert "mine: 2 distinct sentences, 1 that stand before are left out" in told


def test_columns_may_be_others_and_one_alone(tmp_path):
    glue(tmp_path / "train.tsv", TRAIN)
    official(tmp_path / "sts-dev.csv", DEV)
    corpora = {
        "one": {"path": tmp_path / "train.tsv", "columns": ["sentence2"]},
        "two": {"path": tmp_path / "sts-dev.csv", "columns": ["sentence1"]},
    }
    assert texts(made(tmp_path / "out", corpora)) == [*(second for _, second in TRAIN), "Two dogs run."]


def test_an_empty_line_in_a_file_with_tabs_is_no_row(tmp_path):
    official(tmp_path / "sts-dev.csv", DEV)
    with (tmp_path / "sts-dev.csv").open("a") as file:
        file.write("\n")
    assert len(made(tmp_path / "out", {"dev": {"path": tmp_path / "sts-dev.csv"}}).labels) == 3


ROW = "g\tf\t2012\t1\t2.5\tA dog.\t"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", r"a\.csv must hold sentences, it has none\. Fetch it again"),
        ("a.txt", "\n \n", r"a\.txt must hold sentences, it has none"),
        ("a.tsv", "sentence1\tsentence2\n", r"a\.tsv must hold sentences, it has none"),
        (
            "a.csv",
            f"{ROW}A cat.\n{ROW} \n",
            r"a\.csv must hold a sentence in each row, line 2 has none in column sente",
        ),
        ("a.csv", f"{ROW}A cat.\ng\tf\n", r"a\.csv must have 7 fields between tabs in each line, line 2 has 2"),
        (
            "a.csv",
            "sentence1,sentence2\nA dog.,A cat.\n",
            r"a\.csv: its first line \(fields between tabs\) has no column",
        ),
        (
            "a.tsv",
            "index\tsentence1\n1\tA dog.\n",
            r"has no column sentence2; it has index, sentence1\. Correct `columns`",
        ),
        ("a.csv", ROW.replace("2.5", "7") + "A cat.\n", "has no column sentence1, sentence2; it has g, f, 2012, 1, 7"),
        ("a.csv", f"{ROW}A cat.\n{ROW}".encode() + b"A caf\xe9.\n", r"a\.csv must be UTF-8, line 2 is not"),
        ("a.txt", b"A dog.\nA caf\xe9.\n", r"a\.txt must be UTF-8, line 2 is not"),
        ("a.jsonl", '{"sentence1": "A dog."}\n', r"line 1 has no column sentence2; it has sentence1"),
        ("a.jsonl", '{"sentence1": "A dog.", "sentence2": ""}\n', "line 1 has none in column sentence2"),
        ("a.jsonl", '{"sentence1": "A dog.", "sentence2": 3}\n', r"line 1 column sentence2 holds '3' \(int\)"),
        ("a.parquet", "no table", r"a\.parquet must be a file \.txt, .* cannot be read"),
        ("a.xlsx", "A dog.", r"a\.xlsx must be a file \.txt, .*\.tsv \(all but \.parquet also \.gz\)\. Rename"),
        ("a.parquet.gz", "A dog.", r"a\.parquet\.gz must be a file"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_file_place_and_remedy(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=words):
        made(tmp_path / "out", {"mine": {"path": tmp_path / name}})
    assert not (tmp_path / "out" / ARRAY).exists()


def test_a_missing_column_of_a_table_is_named(tmp_path):
    parquet(tmp_path / "a.parquet", text=["A dog."])
    with pytest.raises(ValueError, match=r"the file has no column sentence1, sentence2; it has text"):
        made(tmp_path / "out", {"mine": {"path": tmp_path / "a.parquet"}})


def test_missing_files_are_named_with_their_corpus(tmp_path):
    corpora = {"b": {"path": tmp_path / "sts-*.csv"}, "a": {"path": tmp_path / "none.txt"}}
    chosen = SentencesParameters.model_validate({"corpora": corpora})
    said = chosen.missing()
    assert said.startswith(f"sentences: no file at {tmp_path}/none.txt (corpus a); no file at {tmp_path}/sts-*.csv")
    with pytest.raises(ValueError, match=r"none\.txt \(corpus a\).*Put the files there"):
        made(tmp_path / "out", corpora)


def test_a_corpus_without_a_sentence_of_its_own_is_refused(tmp_path):
    for name in "ab":
        official(tmp_path / f"{name}.csv", DEV)
    corpora = {name: {"path": tmp_path / f"{name}.csv"} for name in "ab"}
    with pytest.raises(ValueError, match="corpus b must hold sentences that no corpus before it has, all of its 4"):
        made(tmp_path / "out", corpora)


def test_parameters_say_what_is_known_without_files(tmp_path):
    chosen = SentencesParameters.model_validate({"corpora": {"b": {"path": tmp_path}, "a": {"path": tmp_path}}})
    assert (chosen.names(), chosen.values("corpus"), chosen.tokens(), chosen.missing() is None) == (
        ["a", "b"],
        2,
        None,
        False,
    )
    facts = SOURCES["sentences"].facts
    assert (facts.counts(chosen), facts.trainable, facts.modality) == (None, False, "text")
    assert chosen.plain()["corpora"]["a"] == {"path": "given", "columns": ["sentence1", "sentence2"]}
    for wrong in ({}, {"corpora": {}}, {"corpora": {"a": {"path": "x", "columns": []}}}):
        with pytest.raises(ValidationError):
            SentencesParameters.model_validate(wrong)
