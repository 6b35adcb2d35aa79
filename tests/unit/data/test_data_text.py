"""The user's corpora: the stream, its chunks, its held-out text and windows, and what is said of those too small."""

import gzip
import shutil

import numpy as np
import pytest
from pydantic import ValidationError
from text_files import gpt2_files, json_lines, parquet, story, tinystories

from whyalike.data import text
from whyalike.data.array_file import ARRAY
from whyalike.data.documents import END_OF_TEXT
from whyalike.data.prepared import open_prepared
from whyalike.data.text_parameters import TextParameters
from whyalike.data.tokenization import of_prepared

FILES = (ARRAY, "labels.parquet", "checksums.json")
STORIES = [story(seed) for seed in range(40)]
CODES = [(f"Write task {i}", f"for i in range({i}):\n    print(i)\n") for i in range(120)]
CUT = {"chunks": 5, "context": 16, "windows": 20, "held_out": 0.2, "seed": 3}


def silent(line: str) -> None:
    del line


@pytest.fixture
def corpora(tmp_path):
    """TinyStories as text, tiny-codes as two Parquet shards, in a folder; and the parameters that name them."""
    root = tmp_path / "in"
    root.mkdir()
    gpt2_files(root / "gpt2")
    tinystories(root / "TinyStories-train.txt", STORIES)
    for shard, part in enumerate((CODES[:70], CODES[70:])):
        prompts, responses = zip(*part, strict=True)
        parquet(root / f"train-{shard:05d}-of-00002.parquet", prompt=list(prompts), response=list(responses))
    return root


def parameters(root, **changes):
    return {
        "corpora": {
            "stories": {"path": root / "TinyStories-train.txt"},
            "codes": {"path": root / "train-*.parquet", "columns": ["prompt", "response"]},
        },
        "tokenizer": {"folder": root / "gpt2"},
        **CUT,
        **changes,
    }


def made(root, out, threads=1, report=silent, **changes):
    text.prepare(parameters(root, **changes), out, threads, report)
    return open_prepared(out, verify=True)


def test_the_stream_decodes_to_the_texts_of_all_corpora_in_the_order_of_their_names(corpora, tmp_path):
    data = made(corpora, tmp_path / "out")
    whole = of_prepared(tmp_path / "out").decode(data.tokens, skip_special_tokens=False)
    codes = ["\n".join(pair) for pair in CODES]
    assert whole == "".join(f"{one}{END_OF_TEXT}" for one in [*codes, *STORIES])
    assert data.attributes == ("corpus",)
    assert data.labelling("corpus")[1] == ["codes", "stories"]


def test_chunks_validation_and_the_test_half_tile_each_corpus_and_windows_lie_in_their_half(corpora, tmp_path):
    data = made(corpora, tmp_path / "out")
    rows = data.labels
    begins = rows.groupby("corpus", observed=True)["start"].min()
    for name, begin, end in (("codes", 0, begins["stories"]), ("stories", begins["stories"], len(data.tokens))):
        own = rows[rows["corpus"] == name]
        chunks, validation, windows = (own[own["part"] == part] for part in ("train", "validation", "test"))
        assert (len(chunks), len(validation), len(windows)) == (5, 1, 20)
        held_out = round(0.2 * (end - begin))
        lengths = [*chunks["length"], *validation["length"]]
        assert begins[name] == begin
        assert [*chunks["start"], *validation["start"]] == [begin + sum(lengths[:i]) for i in range(6)]
        assert sum(lengths[:5]) == end - begin - held_out
        assert max(lengths[:5]) - min(lengths[:5]) <= 1
        assert lengths[5] == held_out // 2
        half = end - (held_out - held_out // 2)
        assert (windows["length"] == 16).all()
        assert windows["start"].is_unique
        assert windows["start"].between(half, end - 16).all()


def test_only_the_windows_depend_on_the_seed_and_equal_work_gives_equal_bytes(corpora, tmp_path):
    one, again = made(corpora, tmp_path / "a"), made(corpora, tmp_path / "b", threads=2)
    assert [(tmp_path / "a" / name).read_bytes() for name in FILES] == [
        (tmp_path / "b" / name).read_bytes() for name in FILES
    ]
    other = made(corpora, tmp_path / "c", seed=4)
    assert one.content_sha256 == again.content_sha256 != other.content_sha256
    np.testing.assert_array_equal(one.tokens, other.tokens)
    is_test = (one.labels["part"] == "test").to_numpy()
    assert one.labels[~is_test].equals(other.labels[~is_test])
    assert not np.array_equal(one.labels["start"][is_test], other.labels["start"][is_test])


def test_moved_files_and_other_formats_give_the_same_stream(corpora, tmp_path):
    made(corpora, tmp_path / "a")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(corpora, elsewhere)
    made(elsewhere, tmp_path / "b")
    assert [(tmp_path / "a" / name).read_bytes() for name in FILES] == [
        (tmp_path / "b" / name).read_bytes() for name in FILES
    ]
    rows = [{"prompt": prompt, "response": response} for prompt, response in CODES]
    json_lines(elsewhere / "train.jsonl.gz", rows)
    packed = gzip.compress((elsewhere / "TinyStories-train.txt").read_bytes())
    (elsewhere / "stories.txt.gz").write_bytes(packed)
    other = {
        "codes": {"path": elsewhere / "train.jsonl.gz", "columns": ["prompt", "response"]},
        "stories": {"path": elsewhere / "*.txt.gz"},
    }
    data = made(elsewhere, tmp_path / "c", corpora=other)
    np.testing.assert_array_equal(data.tokens, open_prepared(tmp_path / "a").tokens)


def test_a_cap_keeps_the_first_tokens_of_each_corpus(corpora, tmp_path):
    whole, capped = made(corpora, tmp_path / "a"), made(corpora, tmp_path / "b", max_tokens=1500)
    begin = whole.labels.groupby("corpus", observed=True)["start"].min()
    expected = [whole.tokens[begin[name] : begin[name] + 1500] for name in ("codes", "stories")]
    np.testing.assert_array_equal(capped.tokens, np.concatenate(expected))


def test_a_tokenizer_is_trained_on_named_files(corpora, tmp_path):
    trained = {"train": [corpora / "train-*.parquet"], "columns": ["prompt"], "vocabulary": 300}
    made(corpora, tmp_path / "out", tokenizer=trained, max_tokens=2000)
    vocabulary = of_prepared(tmp_path / "out").get_vocab()
    assert len(vocabulary) <= 300
    assert "Ġtask" in vocabulary  # stands in every prompt
    assert "Ġprint" not in vocabulary  # stands in every response


def test_checksums_count_tokens_and_hold_neither_paths_nor_the_vocabulary(corpora, tmp_path):
    data = made(corpora, tmp_path / "out")
    said = (tmp_path / "out" / "checksums.json").read_text()
    assert str(tmp_path) not in said
    assert str(tmp_path).encode() not in (tmp_path / "out" / "labels.parquet").read_bytes()
    assert '"path":"given"' in said
    assert len(said) < 2000
    assert (
        f'"stories":{len(data.tokens) - data.labels.groupby("corpus", observed=True)["start"].min()["stories"]}' in said
    )


def test_progress_names_the_corpora_and_their_tokens(corpora, tmp_path, monkeypatch):
    monkeypatch.setattr("whyalike.data.token_stream.REPORT_EVERY", 1000)
    lines = []
    data = made(corpora, tmp_path / "out", report=lines.append)
    assert any(line.startswith("stories: 0 million tokens") for line in lines)
    assert lines[-1] == (
        f"text: {len(data.tokens)} tokens of 2 corpora, vocabulary {of_prepared(tmp_path / 'out').get_vocab_size()}"
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": 100}, r"context \+ 1 = 17 tokens: corpus codes has 100 tokens, and the 80 .* 5 chunks of 16"),
        ({"max_tokens": 160, "chunks": 2}, r"context \+ 1 = 17 tokens for validation .* 0\.2 of them are 16 and 16"),
        ({"max_tokens": 200}, r"the 20 held out for them have 5 places .* fewer than windows = 20\. Lower windows"),
    ],
)
def test_a_corpus_that_is_too_small_is_named_with_numbers_and_remedy(corpora, tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        made(corpora, tmp_path / "out", **changes)
    assert not (tmp_path / "out" / ARRAY).exists()


def test_the_smallest_corpus_that_will_do_does(corpora, tmp_path):
    data = made(corpora, tmp_path / "out", max_tokens=350, windows=20)
    windows = data.labels[data.labels["part"] == "test"].groupby("corpus", observed=True)["start"]
    assert (windows.max() - windows.min() == 19).all()  # all 20 places of 35 - 16 + 1


def test_a_corpus_without_text_is_named(corpora, tmp_path):
    (corpora / "empty.txt").write_text("\n<|endoftext|>\n\n")
    with pytest.raises(ValueError, match="corpus mine must hold text, its files hold none"):
        made(corpora, tmp_path / "out", corpora={"mine": {"path": corpora / "empty.txt"}})


def test_missing_files_and_patterns_are_named_together(corpora, tmp_path):
    wrong = parameters(tmp_path / "nowhere")
    fault = TextParameters.model_validate(wrong).missing()
    assert f"no file at {tmp_path}/nowhere/train-*.parquet (corpus codes); no file at {tmp_path}/nowhere/Tiny" in fault
    assert f"the tokenizer's folder {tmp_path}/nowhere/gpt2 must hold tokenizer.json, or vocab.json and merg" in fault
    with pytest.raises(ValueError, match="no file at"):
        text.prepare(wrong, tmp_path / "out", 1, silent)
    chosen = TextParameters.model_validate(parameters(corpora, tokenizer={"train": [corpora / "no*"]}))
    assert f"the tokenizer has no files to train on at {corpora}/no*." in chosen.missing()
    assert TextParameters.model_validate(parameters(corpora)).missing() is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokenizer": {}}, "one of folder and train, neither came"),
        ({"tokenizer": {"folder": "a", "train": ["b"]}}, "one of folder and train, both came"),
        ({"tokenizer": {"train": ["b"], "vocabulary": 65537}}, "65536"),
        ({"tokenizer": {"train": ["b"], "vocabulary": 256}}, "257"),
        ({"corpora": {}}, "at least 1"),
        ({"corpora": {"a b": {"path": "x"}}}, "a b"),
        ({"corpora": {"a": {"path": "x", "columns": []}}}, "at least 1"),
        ({"held_out": 1}, "less than 1"),
        ({"chunks": 1}, "greater than or equal to 2"),
    ],
)
def test_parameters_that_cannot_be_are_refused_before_any_job(tmp_path, changes, words):
    with pytest.raises(ValidationError, match=words):
        TextParameters.model_validate(parameters(tmp_path, **changes))


def test_counts_and_tokens_are_known_from_the_parameters(tmp_path):
    chosen = TextParameters.model_validate(parameters(tmp_path))
    assert (chosen.counts(), chosen.tokens()) == ((2 * 5, 2 * 20), None)
    assert TextParameters.model_validate(parameters(tmp_path, max_tokens=1000)).tokens() == 2000


def test_folders_that_a_pattern_matches_are_said(corpora, tmp_path):
    lines = []
    (corpora / "train-more").mkdir()
    data = made(corpora, tmp_path / "a", report=lines.append, corpora={"all": {"path": corpora / "**" / "T*.txt"}})
    assert not any("passed by" in line for line in lines)
    changed = parameters(corpora)["corpora"] | {"stories": {"path": corpora / "T*.txt"}}
    changed["codes"] |= {"path": corpora / "train-*"}
    data = made(corpora, tmp_path / "b", report=lines.append, corpora=changed)
    assert data.content_sha256 == made(corpora, tmp_path / "c").content_sha256
    assert f"text: 1 folders at {corpora}/train-* are passed by: {corpora}/train-more" in lines


def test_half_a_character_in_what_a_tokenizer_is_trained_on_is_named(corpora, tmp_path):
    (corpora / "odd.jsonl").write_text('{"text": "a"}\n{"text": "broken \\ud83d end"}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"odd\.jsonl must hold text, in line 2 character 7 is half of one"):
        made(corpora, tmp_path / "out", tokenizer={"train": [corpora / "odd.jsonl"], "vocabulary": 300})
