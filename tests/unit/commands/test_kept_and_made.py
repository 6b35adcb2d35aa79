"""The line at the end of a run: what was kept, trained, made anew and why."""

from whyalike.commands.kept_and_made import Found, Made, line
from whyalike.files import canonical_json


def scores(k, time, code="a"):
    return Made(time, canonical_json({"metrics": {"mutual_knn": {"k": k}}, "code": {"nearest": code}}))


def test_runs_that_were_there_are_kept_and_changed_parameters_are_said():
    one, other, figure, new = (
        ("scores", "s.parquet"),
        ("scores", "t.parquet"),
        ("figures", "f.svg"),
        ("figures", "g.svg"),
    )
    before = Found({"r1": 1, "r2": 1}, {one: scores(10, 1), other: scores(10, 1), figure: Made(1, "{}")})
    now = {one: scores(5, 2), other: scores(10, 1), figure: Made(2, "{}"), new: Made(2, "{}")}
    assert line(before, Found({"r1": 1, "r2": 1, "r3": 2}, now)) == (
        "Kept 2 runs, trained 1; made anew: scores 1, figures 1 (mutual_knn.k 10 → 5); made first: figures 1."
    )


def test_other_code_is_said_and_a_run_that_was_trained_again_is_not_kept():
    before = Found({"r1": 1}, {("scores", "s.parquet"): scores(10, 1)})
    after = Found({"r1": 2}, {("scores", "s.parquet"): scores(10, 2, code="b")})
    assert line(before, after) == "Kept 0 runs, trained 1; made anew: scores 1 (other code)."


def test_where_all_is_done_nothing_is_made():
    found = Found({"r1": 1}, {("scores", "s.parquet"): scores(10, 1)})
    assert line(found, found) == "Kept 1 runs, trained 0."
