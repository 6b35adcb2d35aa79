"""A rule of a study: where its log lies, and what of a job its target is given."""

from pathlib import Path

from whyalike.studies.rule import Rule, below, paths

SEEN = {}


def work_of_a_job(work, group, output):
    """A target, which takes some of what a job offers."""
    SEEN.update(work=work, group=group, output=output)


def test_a_target_takes_by_name_what_it_needs_and_no_more():
    rule = Rule("make", "made", str, f"{__name__}:work_of_a_job")
    rule.carry_out(work={"n": 1}, group="k4", output=Path("a"), threads=1, store=Path("runs"))
    assert {"work": {"n": 1}, "group": "k4", "output": Path("a")} == SEEN


def test_a_log_lies_in_the_folder_of_its_rule_by_wildcards_and_without_any_beside_those():
    assert Rule("make", "made", str, "", wildcards={"a": ".", "b": "."}).place == "make/{a}.{b}"
    assert Rule("make", "made", str, "").place == "make"


def test_paths_lie_below_the_study_with_wildcards_or_their_values():
    named = {"one": "models/{group}.parquet", "many": ["data/{group}/a", "b"]}
    assert below("root", named) == {"one": "root/models/{group}.parquet", "many": ["root/data/{group}/a", "root/b"]}
    whole = {"one": "{odd}/models/k4.parquet", "many": ["{odd}/data/k4/a", "{odd}/b"]}
    assert below("{odd}", named, {"group": "k4"}) == whole
    assert paths({"one": "a", "many": ["b"]}.items()) == {"one": Path("a"), "many": [Path("b")]}
