"""A rule of a study: where its log lies, and what of a job its target is given."""

import json
from pathlib import Path

import pytest

from whyalike.parameters import JobParameters
from whyalike.provenance import fingerprint
from whyalike.studies.parameters import RuleParameters
from whyalike.studies.rule import Rule, below, each, paths

SEEN = {}


class Size(RuleParameters):
    """A number."""

    n: int


class Versioned(JobParameters):
    """The same, with a VERSION."""

    n: int
    version: int


def size_of_a_job(parameters, group, output):
    """A target, which takes some of what a job offers."""
    SEEN.update(parameters=parameters, group=group, output=output)


def test_a_target_takes_by_name_what_it_needs_and_no_more():
    rule = Rule("make", "", each(group=["k4"]), "made", lambda group: Size(n=1), f"{__name__}:size_of_a_job")
    offered = {"output": Path("a"), "threads": 1, "store": Path("runs")}
    rule.carry_out({"group": "k4"}, '{"code":"0a","n":1}', **offered)
    assert {"parameters": Size(n=1, code="0a"), "group": "k4", "output": Path("a")} == SEEN
    with pytest.raises(ValueError, match="not the parameters of a job"):
        rule.carry_out({"group": "k4"}, '{"m":1}', **offered)


def test_a_log_lies_in_the_folder_of_its_rule_by_wildcards_and_without_any_beside_those():
    assert Rule("make", "", each(a="1", b="2"), "made", str, "").place == "make/{a}.{b}"
    assert Rule("make", "", each(), "made", str, "").place == "make"


def test_paths_lie_below_the_study_with_wildcards_or_their_values():
    named = {"one": "models/{group}.parquet", "many": ["data/{group}/a", "b"]}
    assert below("root", named) == {"one": "root/models/{group}.parquet", "many": ["root/data/{group}/a", "root/b"]}
    whole = {"one": "{odd}/models/k4.parquet", "many": ["{odd}/data/k4/a", "{odd}/b"]}
    assert below("{odd}", named, {"group": "k4"}) == whole
    assert paths({"one": "a", "many": ["b"]}.items()) == {"one": Path("a"), "many": [Path("b")]}


def test_a_job_for_each_combination_of_values_which_are_the_patterns_of_the_wildcards():
    rule = Rule("make", "", each(group=["k4", "k.5"], part=["all"]), "made", dict, "")
    assert list(rule.jobs) == [{"group": "k4", "part": "all"}, {"group": "k.5", "part": "all"}]
    assert rule.wildcards == {"group": r"k4|k\.5", "part": "all"}
    assert list(each()) == [{}]


def test_parameters_hold_the_state_of_the_target_and_of_what_else_counts_unless_a_version_does():
    target, other = "whyalike.studies.rule:paths", "whyalike.studies.rule:below"
    about = ("make", "", each(group=["k4"]), "made")
    rule = Rule(*about, lambda group: Size(n=len(group)), target, code=lambda group: [other])
    assert json.loads(rule.parameters({"group": "k4"})) == {"n": 2, "code": fingerprint(target, other)}
    rule = Rule(*about, lambda group: Versioned(n=len(group), version=1), target)
    assert json.loads(rule.parameters({"group": "k4"})) == {"n": 2, "version": 1}


def test_inputs_are_paths_or_follow_from_the_wildcards():
    rule = Rule("make", "", each(), "made", dict, "", {"model": "models/{group}.parquet"})
    assert rule.needs("root", {"group": "k4"}) == {"model": "root/models/k4.parquet"}
    rule = Rule(
        "make", "", each(), "made", dict, "", lambda part: {"models": [f"models/{part}{i}.parquet" for i in range(2)]}
    )
    assert rule.needs("root", {"part": "a"}) == {"models": ["root/models/a0.parquet", "root/models/a1.parquet"]}
