"""A grid of the finished cells alone, and the words for what it lacks."""

import json
from types import SimpleNamespace

import pyarrow as pa
import pytest

from whyalike.config.reading import check
from whyalike.config.yaml_file import ConfigError
from whyalike.files import write_table
from whyalike.grid.partial import lacking
from whyalike.grid.runs import Cell, Grid
from whyalike.grid.workflow import Workflow

COMPARISON = SimpleNamespace(study="dataset_overlap", comparison="digits", stimuli="digits_test")


@pytest.fixture
def demo_here(demo, tmp_path):
    demo["results"] = str(tmp_path / "results")
    return demo


def finish(values, *cells):
    """Write the manifests of some cells as their training does."""
    flow = Workflow(check(values))
    paths = dict(zip(flow.grid.cells, flow.all_manifests(), strict=True))
    for cell in cells:
        write_table(paths[cell], pa.table({"run": ["a"]}), {"work": json.loads(flow.manifest_work(cell))})


def digits(seed, factor="dataset"):
    return Cell("digits", factor, seed)


def test_only_finished_seeds_are_asked_for(demo_here):
    finish(demo_here, digits(1), digits(3), digits(0, "task"))
    flow = Workflow(check({**demo_here, "partial": True}))
    assert flow.grid.seeds("dataset_overlap", "digits") == [1, 3]
    assert [path[-13:] for path in flow.comparison_manifests(COMPARISON)] == ["seed1.parquet", "seed3.parquet"]
    assert len(flow.comparison_activations(COMPARISON)) == 2
    work = json.loads(flow.similarity_work(COMPARISON))
    assert {pair["seed"] for pair in work["pairs"]} == {1, 3}
    assert work["seeds_asked"] == 5
    assert len(flow.all_manifests()) == 3
    assert len(flow.all_statistics()) == 2  # nothing of the label study is finished
    assert not any("label_overlap" in path for path in (*flow.settings_scores(), *flow.figures()))


def test_what_lacks_seeds_is_said_by_study_and_comparison(demo_here):
    finish(demo_here, digits(1), *(digits(seed, "task") for seed in range(3)))
    flow = Workflow(check({**demo_here, "partial": True}))
    lines = ["dataset_overlap, digits: 1 of 5 seeds", "label_overlap, colorshapedigit: 0 of 3 seeds"]
    assert lacking(flow.asked, flow.grid) == lines
    said = {
        name: json.loads(flow.figure_work(SimpleNamespace(figure=name))).get("partial")
        for name in ("dataset_overlap", "task_overlap", "accuracy", "colorshapedigit_classes")
    }
    assert said == {
        "dataset_overlap": lines[:1], "task_overlap": None, "accuracy": lines, "colorshapedigit_classes": None,
    }  # fmt: skip
    assert json.loads(flow.findings_work(None))["partial"] == lines
    assert json.loads(flow.tables_work(None))["partial"] == lines


def test_the_manifest_of_another_configuration_is_not_finished(demo_here):
    finish(demo_here, digits(1), digits(2))
    demo_here["studies"]["task_overlap"]["seeds"] = [0]
    demo_here["recipes"]["digits"]["lr"] = 0.3
    with pytest.raises(ConfigError, match="no seed is finished"):
        Workflow(check({**demo_here, "partial": True}))


def test_a_damaged_manifest_is_not_finished(demo_here):
    finish(demo_here, digits(1), digits(2))
    path = Workflow(check(demo_here)).all_manifests()[1]
    with open(path, "wb") as file:
        file.write(b"damage")
    assert Workflow(check({**demo_here, "partial": True})).grid.seeds("dataset_overlap", "digits") == [2]


def test_with_every_seed_finished_nothing_differs_from_the_whole(demo_here):
    whole = Workflow(check(demo_here))
    finish(demo_here, *whole.grid.cells)
    flow = Workflow(check({**demo_here, "partial": True}))
    assert flow.figures() == whole.figures()
    assert flow.similarity_work(COMPARISON) == whole.similarity_work(COMPARISON)
    assert flow.tables_work(None) == whole.tables_work(None)
    assert flow.findings_work(None) == whole.findings_work(None)
    figure = SimpleNamespace(figure="accuracy")
    assert flow.figure_work(figure) == whole.figure_work(figure)


def test_a_grid_without_cells_keeps_the_others_whole(demo):
    whole = Grid(check(demo))
    part = Grid(check(demo), without=[digits(0), digits(4)])
    assert set(whole.cells) - set(part.cells) == {digits(0), digits(4)}
    assert part.runs(digits(1)) == whole.runs(digits(1))
    kept = [pair for pair in whole.pairs("dataset_overlap", "digits") if pair.seed in (1, 2, 3)]
    assert list(part.pairs("dataset_overlap", "digits")) == kept
