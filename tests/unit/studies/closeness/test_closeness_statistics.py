"""Statistics of closeness: means and rank correlations against plain loops, signs, intervals over seeds."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.studies.closeness import statistics
from whyalike.studies.closeness.statistics import closeness_statistics, sign

SEEDS = 6


def scores():
    """Pairs of 6 seeds, two widths: cka falls and max_d_svd rises with llv_distance, kl does as it likes."""
    random = np.random.default_rng(0)
    rows = []
    for width, trained in ((4, True), (8, True), (4, False), (8, False)):
        for a, b in combinations(range(SEEDS), 2):
            d = random.uniform(0.1, 1) / width
            values = {"llv_distance": d, "cka": np.exp(-d), "max_d_svd": d**2, "kl_divergence": random.uniform()}
            shared = {"classes": 5, "width": width, "trained": trained, "a": a, "b": b, "n": 30}
            rows += [{**shared, "metric": metric, "value": value} for metric, value in values.items()]
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def found():
    return closeness_statistics(scores(), draws=50)


def test_means_and_intervals_are_those_of_leaving_a_seed_out(found):
    table = scores().query("width == 8 and trained and metric == 'kl_divergence'")
    row = found.query("kind == 'mean' and width == 8 and trained and metric == 'kl_divergence'").iloc[0]
    assert row["value"] == pytest.approx(table["value"].mean())
    without = [table[(table["a"] != seed) & (table["b"] != seed)]["value"].mean() for seed in range(SEEDS)]
    error = np.sqrt((SEEDS - 1) / SEEDS * np.sum((np.array(without) - np.mean(without)) ** 2))
    assert row["ci_high"] - row["value"] == pytest.approx(error * scipy.stats.t.ppf(0.975, SEEDS - 1))
    assert (row["n_seeds"], row["n_pairs"], row["n"]) == (6, 15, 30)


def test_metrics_that_follow_have_rank_correlation_one_whatever_their_direction(found):
    ranks = found.query("kind == 'rank' and reference == 'llv_distance' and metric in ['cka', 'max_d_svd']")
    assert ranks["value"].to_numpy() == pytest.approx(np.ones(len(ranks)))
    assert set(ranks["scope"]) == {"width", "within", "across"}
    assert set(ranks["trained"]) == {True}


def test_correlations_are_those_of_plain_loops(found):
    table = scores().query("trained").pivot(index=["width", "a", "b"], columns="metric", values="value")
    rows = found.query("kind == 'rank' and reference == 'llv_distance' and metric == 'kl_divergence'").set_index(
        "scope"
    )
    by_width = [scipy.stats.spearmanr(one["kl_divergence"], one["llv_distance"]).statistic for _, one in
                table.groupby("width")]  # fmt: skip
    assert rows.loc["width", "value"].tolist() == pytest.approx(by_width)
    assert rows.loc["within", "value"] == pytest.approx(np.mean(by_width))
    across = scipy.stats.spearmanr(table["kl_divergence"], table["llv_distance"]).statistic
    assert rows.loc["across", "value"] == pytest.approx(across)

    def leave_out(seed):
        kept = table[[seed not in pair for pair in zip(*map(table.index.get_level_values, "ab"), strict=True)]]
        return scipy.stats.spearmanr(kept["kl_divergence"], kept["llv_distance"]).statistic

    without = np.array([leave_out(seed) for seed in range(SEEDS)])
    half = np.sqrt((SEEDS - 1) * without.var()) * scipy.stats.t.ppf(0.975, SEEDS - 1)
    assert rows.loc["across", "ci_low"] == pytest.approx(across - half)


def test_a_distance_is_not_compared_with_itself(found):
    ranks = found[found["kind"] == "rank"]
    assert (ranks["metric"] != ranks["reference"]).all()
    assert set(ranks["reference"]) == {"llv_distance", "kl_divergence"}  # logit_distance was not scored


def test_a_width_with_missing_pairs_is_left_out_and_told(monkeypatch):
    told = []
    monkeypatch.setattr(statistics, "note", told.append)
    table = scores()
    gone = table.query("metric == 'cka' and width == 4 and a == 0 and b == 1 and trained").index
    found = closeness_statistics(table.drop(gone), draws=5)
    assert found.query("kind == 'mean' and metric == 'cka' and trained")["width"].tolist() == [8]
    assert len(told) == 1
    assert told[0].startswith("cka, width 4, is left out: ")
    assert "1 of 15 are missing: 0, 1" in told[0]


def test_signs_follow_the_facts():
    expected = {"cka": -1, "m_cca": -1, "procrustes_distance": 1, "max_d_svd": 1, "d_svd_unembeddings": 1}
    assert {name: sign(name) for name in expected} == expected
