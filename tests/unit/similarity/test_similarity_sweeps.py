"""Scores against k and n: those of single calls to the bit, from one neighbour search for all k."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import whyalike as wa
from whyalike.commands.cli import main
from whyalike.similarity import sweeps
from whyalike.similarity.read_files import Pairs
from whyalike.similarity.score_files import score_pairs_of_files
from whyalike.similarity.sweeps import nested_rows

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(150, 6))
Y = X + RANDOM.normal(size=(150, 6))


@pytest.fixture
def searches(monkeypatch):
    """The numbers of neighbours that were searched for, and of how many rows."""
    found, search = [], sweeps.neighbours

    def counted(x, k):
        found.append((len(x), k))
        return search(x, k)

    monkeypatch.setattr(sweeps, "neighbours", counted)
    return found


@pytest.mark.parametrize("metric", ["mutual_knn", "cycle_knn", "edit_distance_knn", "cknna", "second_order_cosine"])
def test_every_number_is_that_of_single_calls_and_one_search_serves_all_k(metric, searches):
    found = wa.sweep(X, Y, metric, k=[5, 10, 20], n=[80, 150], permutations=19, intervals=False, seed=3)
    # a search for each representation and n, whatever the number of k
    assert searches == [(80, 20), (80, 20), (150, 20), (150, 20)]
    assert found[["n", "k"]].values.tolist() == [[n, k] for n in (80, 150) for k in (5, 10, 20)]
    for one in found.itertuples():
        rows = nested_rows(150, one.n, seed=3)
        assert one.value == wa.score(metric, X[rows], Y[rows], k=one.k)
        files = Pairs({"a": X[rows], "b": Y[rows]}, [("a", "b")], False, [])
        [row], _ = (
            (of := score_pairs_of_files(files, {metric: {"k": one.k}}, None, 19, seed=3, intervals=False))[0].to_dict(
                "records"
            ),
            of[1],
        )
        assert (one.value, one.null_mean, one.null_p95, one.p_value) == tuple(
            row[name] for name in ("value", "null_mean", "null_p95", "p_value")
        )


def test_intervals_are_those_of_single_calls_and_share_their_searches(searches):
    found = wa.sweep(X, Y, k=[5, 10], n=100, permutations=0, seed=1)
    rows = nested_rows(100 + 50, 100, seed=1)
    for one in found.itertuples():
        single = wa.interval("mutual_knn", X[rows], Y[rows], k=one.k, seed=1)
        assert (one.ci_low, one.ci_high, one.interval) == (single.low, single.high, single.method)
    assert len(searches) == 2 * (1 + 100)  # all stimuli and 100 subsets: k/m is k/n, so those of both k are of 80
    assert {k for _, k in searches} == {10}
    assert found["null_mean"].isna().all()


def test_tied_neighbours_are_searched_for_each_k_as_single_calls_do(searches):
    x = np.repeat(RANDOM.normal(size=(30, 5)), 4, axis=0)  # every stimulus four times: ties, drawn by the lists of k
    y = x + RANDOM.normal(size=x.shape)
    found = wa.sweep(x, y, k=[2, 6], permutations=0, intervals=False)
    assert found["value"].tolist() == [wa.score("mutual_knn", x, y, k=k) for k in (2, 6)]
    assert sorted(k for _, k in searches) == [2, 6, 6]


def test_a_smaller_set_of_stimuli_is_part_of_every_larger_one():
    sets = [set(nested_rows(1000, n, seed=4)) for n in (10, 200, 1000)]
    assert sets[0] < sets[1] < sets[2] == set(range(1000))
    assert set(nested_rows(1000, 10, seed=5)) != sets[0]


def test_metrics_without_neighbours_have_a_curve_over_n_alone():
    found = wa.sweep(X, Y, "linear", n=[60, 150], permutations=0, intervals=False, seed=7)
    assert found["k"].isna().all()
    rows = nested_rows(150, 60, seed=7)
    assert found["value"].tolist() == [wa.score("linear", X[i], Y[i], seed=7) for i in (rows, slice(None))]
    with pytest.raises(ValueError, match="linear has no neighbours, hence no k; those that have: mutual_knn"):
        wa.sweep(X, Y, "linear", k=5)


def test_what_has_no_value_is_missing_and_says_why():
    found = wa.sweep(X, Y, k=[1, 20], n=[15, 150], permutations=0)
    missing = [(one["of"], one["k"], one["n"]) for one in found.attrs["undefined"]]
    assert missing == [("interval", 1, 15), ("score", 20, 15), ("interval", 1, 150)]
    assert found["value"].isna().tolist() == [False, True, False, False]
    assert "k = 20, n = 15" in found.attrs["undefined"][1]["reason"]


@pytest.mark.parametrize("n", [0, 151, -3])
def test_a_number_of_stimuli_that_there_are_not_is_refused(n):
    with pytest.raises(ValueError, match=f"n must be from 1 to the number of stimuli, 150; got {n}"):
        wa.sweep(X, Y, n=n)


def test_the_command_prints_and_writes_the_table(tmp_path):
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    asked = ["sweep", str(tmp_path / "x.npy"), str(tmp_path / "y.npy"), "--no-interval", "--null", "9"]
    out = ["--k", "5", "--k", "80", "--n", "60", "--n", "150", "--out", str(tmp_path / "o.csv")]
    done = CliRunner().invoke(main, [*asked, *out])
    assert done.exit_code == 0, done.output
    assert "no score for k = 80, n = 60: mutual_knn needs fewer neighbours than stimuli" in done.output
    made_by = json.loads((tmp_path / "o.made_by.json").read_text())
    assert made_by["scorings"]["mutual_knn"]["parameters"]["k"] == [5, 80] and made_by["n"] == [60, 150]
    assert "made by: whyalike" in done.output and "n 60 to 150" in done.output
    written = pd.read_csv(tmp_path / "o.csv")
    wanted = wa.sweep(X, Y, k=[5, 80], n=[60, 150], permutations=9, intervals=False)
    np.testing.assert_array_equal(written["value"], wanted["value"])
    assert CliRunner().invoke(main, [*asked, "--metric", "cka,svcca"]).exit_code == 1
    assert "--out names a .csv" in CliRunner().invoke(main, [*asked, "--out", str(tmp_path / "o.parquet")]).output


def test_without_draws_the_null_is_in_closed_form():
    found = wa.sweep(X, Y, "cka_unbiased", n=60, permutations=0, intervals=False)
    rows = sweeps.nested_rows(len(X), 60)
    wanted = wa.score("cka_unbiased", X[rows], Y[rows], permutations=0)
    assert found.iloc[0][["value", "p_value"]].tolist() == [wanted.value, wanted.p_value]
    assert wa.sweep(X, Y, n=60, permutations=0, intervals=False)["p_value"].isna().all()  # neighbours have none
