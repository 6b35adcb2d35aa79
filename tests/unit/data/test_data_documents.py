"""Texts in files: every layout gives its texts, long ones come in pieces, damage is named with its place."""

import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from text_files import json_lines, parquet, story, tinystories

from whyalike.data import documents
from whyalike.data.documents import cut, texts


def joined(*files, columns=("text",)):
    """The texts of files, whole."""
    found, held = [], ""
    for piece, ends in texts(files, columns):
        held += piece
        if ends:
            found.append(held)
            held = ""
    assert not held
    return found


STORIES = [story(seed) for seed in range(5)]


def test_stories_between_end_lines_are_texts_without_the_line_ends_around_them(tmp_path):
    tinystories(tmp_path / "TinyStories-train.txt", STORIES)
    assert joined(tmp_path / "TinyStories-train.txt") == STORIES


def test_a_file_without_end_lines_is_one_text(tmp_path):
    (tmp_path / "input.txt").write_text("\n\nFirst Citizen:\nBefore we proceed.\n\nAll:\nSpeak.\n", encoding="utf-8")
    assert joined(tmp_path / "input.txt") == ["First Citizen:\nBefore we proceed.\n\nAll:\nSpeak."]


def test_the_end_of_text_ends_none_inside_a_line_and_windows_line_ends_are_kept(tmp_path):
    content = "\ufeffa <|endoftext|> b\r\nc\r\n<|endoftext|>\r\n \n\n<|endoftext|>\nd"
    (tmp_path / "a.txt").write_bytes(content.encode())
    assert joined(tmp_path / "a.txt") == ["a <|endoftext|> b\r\nc", "d"]


def test_columns_of_parquet_are_joined_and_empty_texts_left_out(tmp_path):
    prompts, responses = ["Write a loop", "Sort  a list ", " "], ["for i in x:\n    pass", "sorted(x)", "\n"]
    parquet(tmp_path / "codes.parquet", prompt=prompts, response=responses, main_topic=["a", "b", "c"])
    expected = ["Write a loop\nfor i in x:\n    pass", "Sort  a list \nsorted(x)"]
    assert joined(tmp_path / "codes.parquet", columns=("prompt", "response")) == expected
    rows = [{"prompt": p, "response": r, "n": 1} for p, r in zip(prompts, responses, strict=True)]
    for name in ("codes.jsonl", "codes.json", "codes.jsonl.gz"):
        json_lines(tmp_path / name, rows)
        assert joined(tmp_path / name, columns=("prompt", "response")) == expected


def test_files_are_read_in_their_order_whatever_their_formats(tmp_path):
    parquet(tmp_path / "b.parquet", text=["", " = Title = \n", "", "Über 5 °C\n"])  # wikitext: a paragraph a row
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"zip"))
    assert joined(tmp_path / "b.parquet", tmp_path / "a.txt.gz") == [" = Title = \n", "Über 5 °C\n", "zip"]


def test_a_mark_at_the_start_is_dropped_and_names_with_a_colon_are_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("shard:1.jsonl").write_text('{"text": "a"}\n{"text": "\ufeffb"}', encoding="utf-8-sig")
    Path("empty.jsonl").write_text("\n", encoding="utf-8-sig")
    parquet(tmp_path / "shard:1.parquet", text=["c"])
    assert joined(*map(Path, ("shard:1.jsonl", "empty.jsonl", "shard:1.parquet"))) == ["a", "\ufeffb", "c"]


@pytest.mark.parametrize("longest", [20, 64, 10_000])
def test_long_texts_come_in_pieces_that_join_to_the_text(tmp_path, monkeypatch, longest):
    monkeypatch.setattr(documents, "LONGEST", longest)
    long = ["\n\n".join(STORIES) + " " * 9 + "\n\n é\u2003x", "a" * 40, "b  \n"]
    tinystories(tmp_path / "a.txt", long)
    assert joined(tmp_path / "a.txt") == [long[0], long[1], "b  "]
    parquet(tmp_path / "b.parquet", text=long)
    assert joined(tmp_path / "b.parquet") == long


def test_no_piece_of_a_long_file_is_much_longer_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LONGEST", 500)
    (tmp_path / "a.txt").write_text("\n".join(STORIES * 20), encoding="utf-8")
    pieces = [piece for piece, _ in texts([tmp_path / "a.txt"], ())]
    assert max(map(len, pieces)) <= 2 * 500  # what is held, and a line or a part of one
    assert len(pieces) >= sum(map(len, pieces)) / 1000


def test_pieces_end_before_a_space_that_follows_another_character():
    text = "one  two\n\nthree four"
    pieces = list(cut(text, 6))
    assert "".join(pieces) == text
    assert pieces == ["one", "  two", "\n\nthree", " four"]
    assert list(cut("a" * 20, 6)) == ["a" * 20]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.txt", b"good\nb\xe9d\n", r"a\.txt must be UTF-8, line 2 is not .*Convert the file"),
        ("a.txt", b"good\nend\xc3", r"a\.txt must be UTF-8, line 2 is not"),
        ("a.jsonl", b'{"text": "a"}\n\n{"text": \xff}\n', r"a\.jsonl must be UTF-8, line 3 is not"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "b"', r"a JSON object a line, line 2 is none"),
        ("a.json", b'[{"text": "a"}]', r"a JSON object a line, line 1 holds \"\[\{'text': 'a'\}\]\""),
        ("a.jsonl", b'{"text": "a"}\n{"body": "b"}', r"line 2 has no column text; it has body\. Correct `columns`"),
        ("a.jsonl", b'{"text": 3}', r"in line 1 column text holds '3' \(int\)"),
        (
            "a.jsonl",
            b'{"text": "a"}\n{"text": "b \\ud83d c"}',
            r"in line 2 character 2 is half of one \('\\ud83d'\)\. Remove",
        ),
        ("a.jsonl", b"[" * 100_000, r"a JSON object a line, line 1 is none"),
        ("a.jsonl", "\ufeff{}".encode("utf-16"), r"a\.jsonl must be UTF-8, line 1 is not"),
        ("a.txt.gz", b"no gzip", r"a\.txt\.gz must be .*cannot be read \(Not a gzipped file"),
        ("a.txt.gz", gzip.compress(b"text" * 999, mtime=0)[:-12], r"a\.txt\.gz must be a file .*cannot be read"),
        ("a.parquet", b"PAR1 no parquet", r"a\.parquet must be a file .*cannot be read .*Fetch or make it again"),
        ("a.csv", b"text\n1", r"a\.csv must be a file \.txt, \.parquet, \.jsonl, \.json"),
        ("a.parquet.gz", b"", r"a\.parquet\.gz must be a file .*all but \.parquet also \.gz"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_place(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        joined(tmp_path / name)


def test_parquet_without_the_columns_or_without_text_is_named(tmp_path):
    parquet(tmp_path / "a.parquet", textbook=["a", "b"], idx=[1, 2])
    with pytest.raises(ValueError, match="the file has no column text; it has textbook, idx"):
        joined(tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"in row 0 column idx holds '1' \(int\)"):
        joined(tmp_path / "a.parquet", columns=("idx",))
    parquet(tmp_path / "b.parquet", text=["a"] * 300 + [None])
    with pytest.raises(ValueError, match=r"in row 300 column text holds 'None' \(NoneType\)"):
        joined(tmp_path / "b.parquet")


def test_parquet_that_is_damaged_inside_is_named(tmp_path):
    parquet(tmp_path / "a.parquet", text=[story(seed) for seed in range(50)])
    content = bytearray((tmp_path / "a.parquet").read_bytes())
    content[4:2000] = bytes(1996)  # pages, not the table of contents at the end
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.parquet must be a file .*cannot be read"):
        joined(tmp_path / "a.parquet")
    not_utf8 = pa.StringArray.from_buffers(2, pa.py_buffer(bytes([0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])),
                                           pa.py_buffer(b"a\xff"))  # fmt: skip
    parquet(tmp_path / "b.parquet", text=not_utf8)
    with pytest.raises(ValueError, match=r"b\.parquet must be UTF-8, one of rows 0 to 1 is not"):
        joined(tmp_path / "b.parquet")
