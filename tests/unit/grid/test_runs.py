"""The grid: how many models there are, which share one identity, and which pairs are compared."""

import copy
import hashlib
import itertools

import pytest

from whyalike import provenance
from whyalike.config.reading import check
from whyalike.grid import runs
from whyalike.grid.runs import Cell, Grid


def grid(values):
    return Grid(check(values))


def all_runs(values):
    """(cell, name) -> run, for every run of the grid."""
    found = grid(values)
    return {(cell, run.name): run for cell in found.cells for run in found.runs(cell)}


def identities(values):
    """The identities of every run."""
    return {run.identity for run in all_runs(values).values()}


def changed(values, path, value):
    """A copy of the values with another value at a key path."""
    values = copy.deepcopy(values)
    *sections, last = path.split(".")
    inner = values
    for section in sections:
        inner = inner[section]
    inner[last] = value
    return values


def test_the_demo_has_72_runs_in_11_cells(demo):
    # dataset: 5 seeds x (A + 5 B); task: 3 seeds x (A + 6 B); label: 3 seeds x (2 + 3 + 2)
    assert len(grid(demo).cells) == 5 + 3 + 3
    assert len(all_runs(demo)) == 5 * 6 + 3 * 7 + 3 * 7 == 72
    assert len(identities(demo)) == 72


def test_without_sharing_each_level_has_its_own_a(demo):
    demo["share_a"] = False
    # dataset: 5 seeds x (5 A + 5 B); task: 3 seeds x (6 A + 6 B); label as before
    assert len(all_runs(demo)) == 5 * 10 + 3 * 12 + 3 * 7 == 107
    assert len(identities(demo)) == 107


def test_runs_of_a_cell_have_distinct_names_in_sorted_order(demo):
    found = grid(demo)
    for cell in found.cells:
        names = [run.name for run in found.runs(cell)]
        assert names == sorted(set(names))
    assert [run.name for run in found.runs(Cell("digits", "dataset", 0))] == [
        "A", "B@0", "B@0.25", "B@0.5", "B@0.75", "B@1",
    ]  # fmt: skip


def test_an_identity_has_16_hex_digits(demo):
    for identity in identities(demo):
        assert len(bytes.fromhex(identity)) == 8
        assert identity == identity.lower()


def test_two_studies_that_need_the_same_run_share_it(demo):
    demo["studies"]["again"] = {**demo["studies"]["dataset_overlap"], "levels": ["0.5", "0.9"], "seeds": [4, 5]}
    found = grid(demo)
    # seed 4 gains one level, seed 5 is a new cell of A and two B
    assert len(all_runs(demo)) == 72 + 1 + 3
    assert found.cells[Cell("digits", "dataset", 4)] == ["dataset_overlap", "again"]
    assert found.levels(Cell("digits", "dataset", 4)) == ["0", "0.25", "0.5", "0.75", "1", "0.9"]
    pair = {
        study: next(p for p in found.pairs(study, "digits") if (p.seed, p.condition) == (4, "0.5"))
        for study in ("dataset_overlap", "again")
    }
    assert pair["dataset_overlap"].run_a.identity == pair["again"].run_a.identity
    assert pair["dataset_overlap"].run_b.identity == pair["again"].run_b.identity


def test_settings_that_differ_in_name_only_share_runs(demo):
    demo["settings"]["alias"] = dict(demo["settings"]["digits"])
    demo["studies"]["dataset_overlap"]["settings"] = ["digits", "alias"]
    assert len(all_runs(demo)) == 72 + 30
    assert len(identities(demo)) == 72


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipes.digits.lr", 0.11),
        ("recipes.digits.epochs", 16),
        ("recipes.digits.augmentation", {"translate": 2}),
        ("recipes.digits.precision", "bfloat16"),
        ("recipes.digits.mean", [78, 78, 79]),
        ("models.resnet8.widths", [16, 32, 65]),
        ("datasets.digits.train_per_class", 100),
        ("datasets.digits.seed", 1),
        ("settings.digits.size", 12),
    ],
)
def test_what_training_depends_on_changes_every_run_of_its_setting_only(demo, path, value):
    before, after = all_runs(demo), all_runs(changed(demo, path, value))
    for key in before:
        assert (before[key].identity != after[key].identity) == (key[0].setting == "digits"), key


def test_the_labelling_is_part_of_the_identity(demo):
    other = changed(demo, "settings.colorshapedigit.labelling", "shape")
    for values in (demo, other):
        values["studies"]["dataset_overlap"]["settings"] = ["colorshapedigit"]
    before, after = all_runs(demo), all_runs(other)
    for key in before:
        assert (before[key].identity != after[key].identity) == (key[0].factor == "dataset"), key


def test_seed_replica_level_and_factor_are_part_of_the_identity(demo):
    found = all_runs(demo)
    a = {cell: run.identity for (cell, name), run in found.items() if name == "A"}
    assert len(set(a.values())) == len(a) == 8  # 5 seeds of dataset overlap, 3 of task overlap
    twins = [run for (cell, _), run in found.items() if run.labelling == "shape_digit_color" and cell.seed == 0]
    assert [run.replica for run in twins] == ["0", "1"]
    assert twins[0].identity != twins[1].identity


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("recipes.digits.keep_steps", [10, 20]),
        ("studies.dataset_overlap.min_accuracy", 0.5),
        ("operation", {"device": "cpu", "checkpoint_every": 7}),
        ("figures.dataset_overlap.caption", "Another sentence."),
        ("similarity.permutations", 5),
        ("similarity.metrics", {"cka": {}}),
        ("statistics", {"permutations": 10}),
        ("studies.dataset_overlap.stimuli", ["photographs"]),
        ("studies.task_overlap.fixed_classes", False),
        ("settings.digits.layers", ["layer1", "avgpool"]),
        ("name", "other"),
        ("datasets.photographs.n", 400),
    ],
)
def test_what_training_does_not_depend_on_changes_no_run(demo, path, value):
    before, after = all_runs(demo), all_runs(changed(demo, path, value))
    assert {key: run.identity for key, run in before.items()} == {key: run.identity for key, run in after.items()}


@pytest.mark.parametrize(
    ("module", "concerned"),
    [
        ("whyalike.splits.overlap", {"dataset", "task"}),  # label overlap uses all images
        ("whyalike.models.resnet", {"dataset", "task", "label"}),
        ("whyalike.training.trainer", {"dataset", "task", "label"}),
        ("whyalike.data.colorshapedigit", {"label"}),
        ("whyalike.data.photographs", set()),
        ("whyalike.activations.extraction", set()),
    ],
)
def test_a_raised_version_renews_the_runs_that_depend_on_it(demo, monkeypatch, module, concerned):
    before = all_runs(demo)
    monkeypatch.setattr(runs, "version", lambda name: provenance.version(name) + 1000 * (name == module))
    after = all_runs(demo)
    for key in before:
        assert (before[key].identity != after[key].identity) == (key[0].factor in concerned), key


def test_adding_a_level_or_a_seed_keeps_every_existing_run(demo):
    before = all_runs(demo)
    demo["studies"]["dataset_overlap"]["levels"] = ["0.9", *demo["studies"]["dataset_overlap"]["levels"]]
    demo["studies"]["task_overlap"]["seeds"].append(9)
    after = all_runs(demo)
    assert before.items() <= after.items()
    assert len(after) == 72 + 5 + 7


def test_the_pairs_of_a_level_share_one_a_across_levels(demo):
    pairs = list(grid(demo).pairs("dataset_overlap", "digits"))
    assert len(pairs) == 25
    for seed in range(5):
        own = [pair for pair in pairs if pair.seed == seed]
        assert [pair.condition for pair in own] == ["0", "0.25", "0.5", "0.75", "1"]
        assert len({pair.run_a.identity for pair in own}) == 1
        assert len({pair.run_b.identity for pair in own}) == 5
        assert own[-1].run_b.identity != own[-1].run_a.identity  # the same images, another initialisation and order


def test_without_sharing_no_model_is_in_two_pairs(demo):
    demo["share_a"] = False
    pairs = list(grid(demo).pairs("task_overlap", "digits"))
    used = [run.identity for pair in pairs for run in (pair.run_a, pair.run_b)]
    assert len(set(used)) == len(used) == 2 * 3 * 6


@pytest.mark.parametrize("share_a", [True, False])
def test_the_models_of_a_pair_never_share_a_replica(demo, share_a):
    demo["share_a"] = share_a
    found = grid(demo)
    for study, parts in demo["studies"].items():
        for pair in found.pairs(study, parts["settings"][0]):
            assert pair.run_a.replica != pair.run_b.replica
            assert pair.run_a.untrained != pair.run_b.untrained
            assert pair.run_a.seed == pair.run_b.seed == pair.seed


def test_the_pairs_of_label_overlap_are_those_of_the_papers_table_1(demo):
    pairs = [pair for pair in grid(demo).pairs("label_overlap", "colorshapedigit") if pair.seed == 1]
    assert {pair.condition: (pair.run_a.labelling, pair.run_b.labelling) for pair in pairs} == {
        "1": ("shape", "digit"),
        "2A": ("shape_digit", "shape_color"),
        "2B": ("shape_digit", "digit_color"),
        "2C": ("shape_color", "digit_color"),
        "3": ("shape_digit_color", "shape_digit_color"),
    }
    runs_of_level_2 = {run.identity for pair in pairs[1:4] for run in (pair.run_a, pair.run_b)}
    assert len(runs_of_level_2) == 3  # the three pairs are among three models
    assert pairs[4].run_a.identity != pairs[4].run_b.identity


def test_overlaps_are_null_where_they_are_not_varied(demo):
    found = grid(demo)
    columns = {
        study: {
            (pair.condition, pair.data_overlap, pair.label_overlap) for pair in found.pairs(study, parts["settings"][0])
        }
        for study, parts in demo["studies"].items()
    }
    assert columns["dataset_overlap"] == {(level, float(level), None) for level in ("0", "0.25", "0.5", "0.75", "1")}
    assert ("0.4", 0.4, 0.4) in columns["task_overlap"]
    assert columns["label_overlap"] == {
        ("1", None, 0.0), ("2A", None, 0.5), ("2B", None, 0.5), ("2C", None, 0.5), ("3", None, 1.0),
    }  # fmt: skip


def test_a_pair_as_plain_values_names_its_runs_and_their_untrained_twins(demo):
    pair = grid(demo).pairs("dataset_overlap", "digits")[0]
    assert pair.plain() == {
        "condition": "0",
        "seed": 0,
        "data_overlap": 0.0,
        "label_overlap": None,
        "run_a": pair.run_a.identity,
        "untrained_a": pair.run_a.untrained,
        "run_b": pair.run_b.identity,
        "untrained_b": pair.run_b.untrained,
    }


def test_the_untrained_twin_depends_on_the_start_alone(demo):
    found = all_runs(demo)
    for cell, group in itertools.groupby(sorted(found.values(), key=lambda run: (run.setting, run.seed)),
                                         key=lambda run: (run.setting, run.seed)):  # fmt: skip
        twins = {(run.replica, run.untrained) for run in group}
        assert len(twins) == len({replica for replica, _ in twins}), cell  # one a replica, whatever factor or level
    assert not {run.untrained for run in found.values()} & identities(demo)


def test_the_strictest_accuracy_of_the_studies_counts(demo):
    demo["studies"]["again"] = {**demo["studies"]["dataset_overlap"], "min_accuracy": {"digit": 0.95}}
    found = grid(demo)
    assert found.min_accuracy(Cell("digits", "dataset", 0)) == {"digit": 0.95}
    assert found.min_accuracy(Cell("digits", "task", 0)) == {"digit": 0.9}
    limits = found.min_accuracy(Cell("colorshapedigit", "label", 2))
    assert limits["shape"] == 0.9
    assert limits["shape_digit_color"] == 0.8
    assert len(limits) == 6


def test_the_stimuli_of_a_cell_are_those_of_all_its_studies(demo):
    demo["studies"]["dataset_overlap"]["stimuli"] = ["digits_test"]
    demo["studies"]["again"] = {**demo["studies"]["dataset_overlap"], "stimuli": ["photographs", "digits_test"]}
    assert grid(demo).stimuli(Cell("digits", "dataset", 0)) == ["digits_test", "photographs"]


def test_stimuli_of_one_setting_are_none_of_another(demo):
    study = demo["studies"]["dataset_overlap"]
    study["settings"] = ["digits", "colorshapedigit"]
    study["stimuli"] = {"digits": ["digits_test"], "colorshapedigit": ["colorshapedigit_test", "photographs"]}
    study["min_accuracy"] = 0
    found = grid(demo)
    assert found.stimuli(Cell("digits", "dataset", 0)) == ["digits_test"]
    assert found.stimuli(Cell("colorshapedigit", "dataset", 0)) == ["colorshapedigit_test", "photographs"]
    # another study of the same cell, with one list for all, adds to both
    demo["studies"]["again"] = {**study, "stimuli": ["photographs"]}
    assert grid(demo).stimuli(Cell("digits", "dataset", 0)) == ["digits_test", "photographs"]


def test_a_run_as_plain_values_holds_what_training_must_know(demo):
    run = all_runs(demo)[Cell("digits", "task", 2), "B@0.4"]
    assert run.plain() == {
        "name": "B@0.4", "replica": "1", "labelling": "digit", "level": "0.4", "identity": run.identity,
    }  # fmt: skip


def test_a_digest_is_the_start_of_the_sha256_of_the_canonical_text():
    # fixed for good: another value means that every finished run would be trained again
    assert runs.digest({"b": 1, "a": [0.5, None]}) == hashlib.sha256(b'{"a":[0.5,null],"b":1}').hexdigest()[:16]
