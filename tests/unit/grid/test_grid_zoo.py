"""A zoo in the grid: runs and their identities, cells of both kinds, pairs, and what its jobs are told."""

import json
from types import SimpleNamespace

import pytest

from whyalike.config.reading import check
from whyalike.grid import partial, views
from whyalike.grid.parts import score_parts
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow
from whyalike.planning.costs import read
from whyalike.planning.plan import Plan
from whyalike.studies.main_line import studies_of

THEIRS = {"dataset": "digits", "labelling": "digit", "runs": ["b", "a"], "activations": "my/{run}.{stimuli}.npy"}
ACROSS = {"data": {"a": "digits", "b": "colorshapedigit"}, "files": {"a": "digits", "b": "theirs", "layers": "all"},
          "itself": {"a": "digits"}, "theirs_alone": {"a": "theirs"}}  # fmt: skip


@pytest.fixture
def values(demo):
    """The demo with a zoo of both of its settings and of activations from files."""
    demo["settings"]["theirs"] = dict(THEIRS)
    demo["studies"]["all"] = {
        "factor": "zoo",
        "settings": ["digits", "colorshapedigit", "theirs"],
        "seeds": [0, 2],
        "stimuli": ["digits_test", "photographs"],
        "comparisons": ACROSS,
    }
    return demo


def by_name(grid: Grid, cell: Cell) -> dict:
    return {run.name: run for run in grid.runs(cell)}


def job(values, rule: str, **wildcards) -> dict:
    return json.loads(getattr(Workflow(check(values)), rule)(SimpleNamespace(**wildcards)))


def test_a_model_of_a_zoo_is_that_of_label_overlap_with_the_same_labels(values):
    grid = Grid(check(values))
    label = by_name(grid, Cell("colorshapedigit", "label", 2))["shape_digit_color.0"]
    zoo = by_name(grid, Cell("colorshapedigit", "zoo", 2))
    assert list(zoo) == ["seed2"]
    assert (zoo["seed2"].identity, zoo["seed2"].untrained) == (label.identity, label.untrained)


def test_models_of_a_grid_share_starts_and_orders_as_controls_do(values):
    values["studies"]["all"]["grid"] = 2
    grid = Grid(check(values))
    runs, label = (by_name(grid, Cell("colorshapedigit", factor, 0)) for factor in ("zoo", "label"))
    first, order, start, both = (runs[f"seed0{end}"] for end in ("", ".order1", ".start1", ".start1.order1"))
    assert [(run.start, run.replica) for run in (first, order, start, both)] == [
        (None, "0"), ("0", "1"), ("1", "0"), (None, "1"),
    ]  # fmt: skip
    assert first.untrained == order.untrained != start.untrained == both.untrained
    assert len({run.identity for run in runs.values()}) == 4
    assert both.identity == label["shape_digit_color.1"].identity


def test_a_grid_beside_a_single_model_is_one_cell_of_which_each_study_takes_its_own(values):
    values["studies"]["grid"] = {"factor": "zoo", "settings": ["digits"], "seeds": [0], "grid": 2}
    grid = Grid(check(values))
    cell = Cell("digits", "zoo", 0)
    assert grid.cells[cell] == ["all", "grid"]
    assert len(grid.runs(cell)) == 4
    assert len(grid.needed("all", cell)) == 1
    assert [run.name for run in grid.models("all", "digits")] == ["seed0", "seed2"]


def test_what_the_store_has_of_label_overlap_is_not_trained_again(values, tmp_path, demo_path):
    config = check(values)
    grid = Grid(config)
    run = by_name(grid, Cell("colorshapedigit", "label", 0))["shape_digit_color.0"]
    (tmp_path / run.identity).mkdir()
    (tmp_path / run.identity / "result.json").write_text("{}")
    plan = Plan(config, grid, read(demo_path.with_name("costs.yaml")), tmp_path)
    assert plan.lacking(grid.runs(Cell("colorshapedigit", "zoo", 0))) == []
    assert len(plan.lacking(grid.runs(Cell("colorshapedigit", "zoo", 2)))) == 1


def test_models_from_files_have_the_one_cell_of_any_study(values):
    values["studies"]["theirs"] = {"factor": "external", "settings": ["theirs"], "stimuli": ["digits_test"]}
    grid = Grid(check(values))
    assert grid.cells_of("all", "theirs") == [Cell("theirs", "external", 0)]
    assert grid.cells[Cell("theirs", "external", 0)] == ["all", "theirs"]
    assert grid.cells_of("all", "digits") == [Cell("digits", "zoo", 0), Cell("digits", "zoo", 2)]


def test_pairs_are_every_two_of_a_setting_or_each_with_each_of_two(values):
    grid = Grid(check(values))
    pairs = {name: [(pair.run_a.name, pair.run_b.name) for pair in grid.pairs("all", one["a"], one.get("b"))]
             for name, one in ACROSS.items()}  # fmt: skip
    seeds = ["seed0", "seed2"]
    assert pairs == {
        "data": [(a, b) for a in seeds for b in seeds],
        "files": [(a, b) for a in seeds for b in ("a", "b")],
        "itself": [("seed0", "seed2")],
        "theirs_alone": [("a", "b")],
    }


def test_a_zoo_has_no_comparisons_but_those_that_it_names(values):
    config = check(values)
    assert list(views.comparisons(config, "all")) == list(ACROSS)
    rules = {(job.rule, job.wildcards.get("comparison")) for job in studies_of(config)[0].jobs()}
    assert ("join_scores", "files") in rules and ("write_pairs", "files") in rules
    assert not {("join_scores", name) for name in ("theirs",)} & rules


def test_a_zoo_without_comparisons_has_models_and_nothing_is_extracted_of_them(values):
    values["studies"] = {"all": {**values["studies"]["all"], "comparisons": {}}}
    values["figures"] = {}
    jobs = studies_of(check(values))[0].jobs()
    assert {one.rule for one in jobs if one.archive or one.stage == "activations"} == {
        "prepare_data", "train_models", "import_runs", "list_models", "list_views", "write_tables", "write_findings",
    }  # fmt: skip
    assert len([one for one in jobs if one.rule == "train_models"]) == 4


def test_stimuli_are_in_distribution_if_they_are_so_for_both_sides(values):
    of = {"study": "all", "stimuli": "digits_test"}
    found = {name: job(values, "similarity_work", comparison=name, **of)["in_distribution"] for name in ACROSS}
    assert found == {"data": False, "files": True, "itself": True, "theirs_alone": True}


def test_where_labels_differ_the_attributes_of_the_stimuli_s_own_data_group_them(values):
    values["settings"]["other"] = {**values["settings"]["colorshapedigit"], "labelling": "shape"}
    values["studies"]["all"] |= {
        "settings": ["colorshapedigit", "other", "digits"],
        "stimuli": ["colorshapedigit_test"],
        "comparisons": {
            "labels": {"a": "other", "b": "colorshapedigit"},
            "same": {"a": "other"},
        },
    }
    found = {
        name: job(values, "similarity_work", comparison=name, study="all", stimuli="colorshapedigit_test")
        for name in ("labels", "same")
    }
    assert {name: one["labelling"] for name, one in found.items()} == {"labels": "shape_digit_color", "same": "shape"}
    assert found["labels"]["in_distribution"] and found["same"]["in_distribution"]


def test_an_untrained_pair_is_of_two_starts(values):
    pairs = job(values, "similarity_work", comparison="files", study="all", stimuli="digits_test")["pairs"]
    assert {(pair["untrained_a"], pair["untrained_b"]) for pair in pairs} == {(None, None)}
    pairs = job(values, "similarity_work", comparison="data", study="all", stimuli="digits_test")["pairs"]
    assert all(pair["untrained_a"] and pair["untrained_b"] for pair in pairs)


def test_parts_of_scores_are_by_the_seed_of_a_and_read_what_they_compare(values):
    values["operation"] = {"seeds_per_score_job": 1}
    flow = Workflow(check(values))
    known = views.comparisons(flow.config, "all")
    assert score_parts(flow.grid, "all", known["data"]) == {".part0": (0,), ".part1": (2,)}
    assert score_parts(flow.grid, "all", known["itself"]) == {"": (0,)}  # the last seed is in no further pair
    cells = flow.compared_cells(SimpleNamespace(study="all", comparison="data", part=".part1"))
    assert [(cell.setting, cell.seed) for cell in cells] == [
        ("digits", 2), ("colorshapedigit", 0), ("colorshapedigit", 2),
    ]  # fmt: skip


def test_a_partial_zoo_says_what_it_lacks_and_compares_the_rest(values):
    config = check(values)
    whole = Grid(config)
    made = Grid(config, without=[Cell("colorshapedigit", "zoo", 2)])
    data = views.comparisons(config, "all")["data"]
    assert (partial.seeds(made, "all", data), partial.seeds(whole, "all", data)) == (3, 4)
    assert "all, data: 3 of 4 seeds" in partial.lacking(whole, made, "all")
    assert len(made.pairs("all", "digits", "colorshapedigit")) == 2


def test_attributes_are_told_to_the_table_of_models_alone(values):
    before = {job.files: job.rule for job in studies_of(check(values))[0].jobs()}
    texts = _texts(values)
    values["settings"]["digits"]["attributes"] = {"size": 11, "objective": "supervised"}
    after = _texts(values)
    assert {before[files] for files in texts if texts[files] != after[files]} == {"list_models"}


def _texts(values) -> dict:
    line = studies_of(check(values))[0]
    return {one.files: line.work(one) for one in line.jobs()}


def test_language_models_and_autoencoders_may_be_of_a_zoo(values):
    values["datasets"]["words"] = {"source": "bundled_text"}
    values["models"]["gpt"] = {"family": "gpt", "layers": 1, "heads": 2, "width": 8, "vocabulary": 300, "context": 8}
    values["recipes"]["words"] = {"objective": "next_token", "lr": 0.01, "steps": 2, "batch_size": 2}
    values["settings"]["gpt"] = {
        "dataset": "words", "model": "gpt", "recipe": "words", "labelling": "corpus", "layers": ["ln_f"],
    }  # fmt: skip
    values["studies"]["words"] = {"factor": "zoo", "settings": ["gpt"], "seeds": [1]}
    values["sample_texts"] = {"said": {"study": "words", "prompt": "a", "tokens": 2, "seeds": [1]}}
    flow = Workflow(check(values))
    asked = json.loads(flow.sample_work(SimpleNamespace(sample="said")))
    assert [run["name"] for cell in asked["cells"] for run in cell["runs"]] == ["seed1"]
