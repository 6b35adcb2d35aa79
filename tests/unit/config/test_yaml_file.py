"""Files of keys: what YAML 1.1 would read otherwise than it is written is a fault with its place."""

import pytest

from whyalike.config.yaml_file import ConfigError, keys_of


def read(tmp_path, text, encoding="utf-8"):
    (tmp_path / "own.yaml").write_text(text, encoding=encoding)
    return keys_of(tmp_path / "own.yaml", "config/demo.yaml")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", r"the key 'a' stands twice, first in line 1: remove one\n.*line 3"),
        ("s:\n  a: 1\n  'a': 2\n", r"the key 'a' stands twice, first in line 2"),
        ("s: {a: 1, a: 1}\n", r"the key 'a' stands twice"),
        ("levels: [0:1, 1:0]\n", r"YAML takes 1:0 for a number in base 60 or 8: write it in quotes\n.*line 1"),
        ("x: 1:30.5\n", r"YAML takes 1:30.5 for a number in base 60"),
        ("seed: 010\n", r"YAML takes 010 for a number in base 60 or 8"),
        ("x: -017\n", r"YAML takes -017"),
    ],
)
def test_what_is_read_otherwise_than_written_is_a_fault(tmp_path, text, words):
    with pytest.raises(ConfigError, match=f"(?s)own.yaml is not valid YAML: .*{words}"):
        read(tmp_path, text)


def test_numbers_words_and_merged_keys_are_read_as_before(tmp_path):
    text = "a: &a {x: 1, y: 1_000}\nb: {<<: *a, x: 2}\nc: [0, 7, -3, 0.5, 1e-3, 1.0e-3, 0x1F, '0:1', 0:1/3, 2A, .5]\n"
    assert read(tmp_path, text) == {
        "a": {"x": 1, "y": 1000},
        "b": {"x": 2, "y": 1000},
        "c": [0, 7, -3, 0.5, "1e-3", 0.001, 31, "0:1", "0:1/3", "2A", 0.5],
    }


def test_a_mark_at_the_beginning_is_no_part_of_the_first_key(tmp_path):
    assert read(tmp_path, "name: demo\n", encoding="utf-8-sig") == {"name": "demo"}
