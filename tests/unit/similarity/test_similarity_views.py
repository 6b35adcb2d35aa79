"""The table of views, of a configuration's parameters and score tables."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whyalike.files import made_by
from whyalike.similarity.parameters import ViewsParameters
from whyalike.similarity.views import VIEW_SCHEMA, write_views

VIEWS = [
    {"name": "A", "run": "r1", "view": "r1"},
    {"name": "A", "run": "r1", "view": "u1", "step": 0},
    {"name": "A", "run": "r1", "view": "s1", "step": 50},
    {"name": "B", "run": "r2", "view": "r2"},
    {"name": "B", "run": "r2", "view": "u1", "step": 0},  # the same start
]
WORK = {
    "cells": [{"setting": "digits", "factor": "dataset", "seed": 3, "views": VIEWS}],
    "settings": {"digits": {"layers": ["first", "middle", "last"]}, "other": {"layers": ["only"]}},
    "code": "x",
}


@pytest.fixture
def table(tmp_path):
    scores = pa.table(
        {
            "run_a": ["r1", "r1", "s1", "r1"], "run_b": ["r2"] * 4,
            "layer_a": ["first", "last", "last", "max"], "layer_b": ["first", "last", "last", "max"],
            "width_a": [8, 16, 16, None], "width_b": [8, 16, 16, None],
        }
    )  # fmt: skip
    pq.write_table(scores, tmp_path / "scores.parquet")
    write_views(ViewsParameters.from_plain(WORK), [tmp_path / "scores.parquet"], tmp_path / "views.parquet")
    assert made_by(tmp_path / "views.parquet") == {"work": WORK}
    assert pq.read_schema(tmp_path / "views.parquet").remove_metadata() == VIEW_SCHEMA
    return pq.read_table(tmp_path / "views.parquet").to_pandas()


def test_a_row_is_a_view_under_one_name_at_one_layer(table):
    assert len(table) == len(VIEWS) * 3
    assert not table.duplicated(["view", "name", "layer"]).any()
    assert table[table["view"] == "u1"]["name"].unique().tolist() == ["A", "B"]
    assert table["depth"].tolist() == [0, 0.5, 1] * len(VIEWS)
    assert table[table["step"].isna()]["view"].unique().tolist() == ["r1", "r2"]


def test_of_activations_from_files_only_the_user_knows_how_they_were_made(tmp_path):
    cells = [{**WORK["cells"][0], "setting": name} for name in ("digits", "other")]
    parameters = ViewsParameters.from_plain({**WORK, "cells": cells, "given": ["other"]})
    write_views(parameters, [], tmp_path / "views.parquet")
    table = pq.read_table(tmp_path / "views.parquet").to_pandas().drop_duplicates("setting").set_index("setting")
    assert table["pooling"].to_dict() == {"digits": "mean", "other": "given"}
    assert table["batch_norm"].to_dict() == {"digits": "running", "other": "given"}


def test_a_width_is_that_of_the_scores_a_start_has_its_runs_and_what_nobody_scored_has_none(table):
    widths = table.pivot_table("width", ["view", "name"], "layer", aggfunc="first")
    assert "middle" not in widths
    assert (widths == [8, 16]).all(axis=None)
