"""The factorial's grid: conditions, label sets, shared runs and random numbers, and what the configuration refuses."""

import copy
import itertools
from pathlib import Path

import pytest
import yaml

from whyalike import provenance
from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.designs import factorial
from whyalike.grid.runs import Cell, Grid

CONFIG = yaml.safe_load((Path(__file__).parents[1] / "workflow" / "factorial.yaml").read_text(encoding="utf-8"))

WHOLE = ["0:0", "0:1", "1:0", "1:1"]


@pytest.fixture
def values():
    """All 12 conditions, 3 seeds; without figures."""
    values = {**copy.deepcopy(CONFIG), "figures": {}}
    values["studies"] = {"factorial_overlap": values["studies"]["factorial_overlap"]}
    values["studies"]["factorial_overlap"] |= {"levels": list(factorial.CONDITIONS), "seeds": [0, 1, 2]}
    return values


def test_there_are_12_conditions_with_their_overlaps():
    assert len(factorial.CONDITIONS) == 12
    found = {factorial.overlaps(condition) for condition in factorial.CONDITIONS}
    assert found == set(itertools.product((0, 0.5, 1), (0, 1 / 3, 2 / 3, 1)))


@pytest.mark.parametrize("seed", range(6))
def test_b_shares_as_many_facts_with_a_as_the_label_overlap_says(seed):
    own = factorial.labelling(seed).split("_")
    for condition in factorial.CONDITIONS:
        other = factorial.labelling(seed, condition).split("_")
        assert [name.split(".")[0] for name in other] == ["shape", "digit", "color"]
        shared = sum(a == b for a, b in zip(own, other, strict=True))
        assert shared / 3 == factorial.overlaps(condition)[1]


def test_the_attribute_that_changes_first_rotates_and_changes_are_nested():
    changed = {}
    for seed, condition in itertools.product(range(3), ("0:2/3", "0:1/3", "0:0")):
        facts = factorial.labelling(seed, condition).split("_")
        changed[seed, condition] = {fact.split(".")[0] for fact in facts if fact.endswith(".1")}
    assert [changed[seed, "0:2/3"] for seed in range(3)] == [{"shape"}, {"digit"}, {"color"}]
    assert all(changed[seed, "0:2/3"] < changed[seed, "0:1/3"] < changed[seed, "0:0"] for seed in range(3))


def test_a_seed_has_one_a_and_12_b(values):
    grid = Grid(check(values))
    cell = Cell("colorshapedigit", "factorial", 1)
    runs = grid.runs(cell)
    assert [run.name for run in runs] == ["A", *sorted(f"B@{one}" for one in factorial.CONDITIONS)]
    assert len({run.identity for own in grid.cells for run in grid.runs(own)}) == 3 * 13
    values["share_a"] = False
    assert [run.identity for run in Grid(check(values)).runs(cell)] == [run.identity for run in runs]


def test_the_models_b_of_a_seed_share_their_replica_and_start(values):
    runs = Grid(check(values)).runs(Cell("colorshapedigit", "factorial", 0))
    assert {(run.replica, run.untrained) for run in runs if run.name != "A"} == {("1", runs[1].untrained)}
    assert (runs[0].replica, runs[0].untrained) not in {(run.replica, run.untrained) for run in runs[1:]}


def test_pairs_have_both_overlaps(values):
    pairs = list(Grid(check(values)).pairs("factorial_overlap", "colorshapedigit"))
    assert len(pairs) == 36
    found = {pair.condition: (pair.data_overlap, pair.label_overlap) for pair in pairs}
    assert found["0.5:1/3"] == (0.5, 1 / 3)
    assert len({pair.run_a.identity for pair in pairs}) == 3


def test_a_run_that_learns_facts_is_another_when_a_fact_changes(values, monkeypatch):
    def identities():
        grid = Grid(check(values))
        return {run.identity for cell in grid.cells for run in grid.runs(cell)}

    before, now = identities(), provenance.version
    raised = lambda module: now(module) + (module == "whyalike.data.binary_facts")  # noqa: E731
    monkeypatch.setattr("whyalike.designs.factorial.version", raised)
    assert not before & identities()


def test_the_paper_s_labels_need_two_a_and_two_b_an_overlap_and_change_no_other_run(values):
    before = Grid(check(copy.deepcopy(values)))
    cell = Cell("colorshapedigit", "factorial", 1)
    values["studies"]["factorial_overlap"]["levels"] += list(factorial.BRIDGE)
    grid = Grid(check(values))
    runs = {run.name: run for run in grid.runs(cell)}
    assert {run.name: run for run in before.runs(cell)}.items() <= runs.items()
    new = runs.keys() - {run.name for run in before.runs(cell)}
    assert new == {
        "A/shape",
        "A/digit",
        *(f"B@{p}:{labels}" for p in ("0", "0.5", "1") for labels in ("shape", "digit")),
    }
    assert len({run.identity for run in runs.values()}) == 13 + 8
    assert {runs[name].labelling for name in new} == {"shape", "digit"}
    assert (runs["A/shape"].untrained, runs["B@0:digit"].untrained) == (runs["A"].untrained, runs["B@0:0"].untrained)
    pairs = {pair.condition: pair for pair in grid.pairs("factorial_overlap", "colorshapedigit") if pair.seed == 1}
    one = pairs["0.5:shape/digit"]
    assert (one.run_a, one.run_b) == (runs["A/shape"], runs["B@0.5:digit"])
    assert (one.data_overlap, one.label_overlap) == (0.5, 0.0)
    assert pairs["0:digit/digit"].label_overlap == 1.0


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("levels", ["0:0", "0:1", "1:0"], "all with all; got ['0:0', '0:1', '1:0']"),
        ("levels", ["0:0", "0:1"], "two or more of each overlap"),
        (
            "levels",
            ["0.25:0", "0.25:1", "1:0", "1:1"],
            "levels ['0.25:0', '0.25:1'] are not conditions of the factorial",
        ),
        (
            "levels",
            [*WHOLE, "1:shape/shape", "1:digit/digit"],
            "pairs of equal and of other labels, the same ones at each of their data overlaps, which the study must "
            "have; got ['1:shape/shape', '1:digit/digit']",
        ),
        ("levels", [*WHOLE, "0.5:shape/shape", "0.5:shape/digit"], "which the study must have; got ['0.5:shape/shape'"),
        ("levels", [*WHOLE, "0:shape/shape", "0:shape/digit", "1:shape/shape"], "the same ones at each of their data"),
        ("levels", [*WHOLE, "1:color/color"], "levels ['1:color/color'] are not conditions of the factorial"),
        ("min_accuracy", {"shape_digit_color": 0.5}, "min_accuracy of a factorial is one number"),
    ],
)
def test_a_study_that_is_no_factorial_is_refused(values, key, value, message):
    values["studies"]["factorial_overlap"][key] = value
    with pytest.raises(ConfigError) as error:
        check(values)
    assert message in str(error.value)


def test_data_without_groups_are_refused(values):
    values["datasets"]["colorshapedigit_groups"] = {"source": "colorshapedigit"}
    with pytest.raises(
        ConfigError, match="the factorial needs data from colorshapedigit_groups, which those of 'color"
    ):
        check(values)
