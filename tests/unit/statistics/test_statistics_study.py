"""The statistics table of one study: what is in it, what is absent, and the numbers."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.files import write_table
from whyalike.statistics.inference import holm, sign_flip_p, t_interval
from whyalike.statistics.information import mi_ksg
from whyalike.statistics.study import study_statistics
from whyalike.statistics.table import STATISTICS_SCHEMA, to_arrow

QUICK = {"permutations": 50, "information_permutations": 5}


def test_table_has_the_columns_of_the_schema_and_survives_parquet(scores, tmp_path):
    table = study_statistics(scores(), **QUICK)
    write_table(tmp_path / "s.parquet", to_arrow(table), {})
    assert list(table.columns) == STATISTICS_SCHEMA.names
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "s.parquet"), table, check_dtype=False)
    assert table["value"].notna().all()


def test_equal_scores_give_equal_tables_whatever_other_panels_there_are(scores):
    one, other = scores(), scores(stimuli="svhn", kind="out_of_distribution", key=1)
    alone = study_statistics(one, **QUICK).drop(columns=["p_holm", "panels"])
    among = study_statistics(pd.concat([other, one], ignore_index=True), **QUICK).drop(columns=["p_holm", "panels"])
    pd.testing.assert_frame_equal(alone, among[among["stimuli"] == "cifar10"].reset_index(drop=True))


def test_slope_and_gain_are_means_over_seeds_with_their_inference(scores, number):
    table = scores(seeds=6, noise=0.1)
    by_seed = [rows for _, rows in table.groupby("seed")]
    slopes = [np.polyfit(rows["data_overlap"], rows["value"], 1)[0] for rows in by_seed]
    gains = [rows["value"].iloc[-1] - rows["value"].iloc[0] for rows in by_seed]
    statistics = study_statistics(table, **QUICK)
    for estimator, expected in (("slope", slopes), ("gain", gains)):
        row = number(statistics, estimator)
        assert row["value"] == pytest.approx(np.mean(expected), abs=1e-12)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(t_interval(expected), abs=1e-12)
        assert row["p_value"] == sign_flip_p(expected)
    assert number(statistics, "slope")[["n", "n_seeds"]].tolist() == [18, 6]
    assert number(statistics, "gain")[["n", "n_seeds"]].tolist() == [12, 6]
    permuted = number(statistics, "level_permutation_p")
    assert permuted["value"] == number(statistics, "slope")["value"]
    assert 0 < permuted["p_value"] <= 1


def test_as_published_is_one_line_and_ksg_over_all_points_in_the_given_order(scores, number):
    table = scores(noise=0.2).sample(frac=1, random_state=1)
    published = study_statistics(table, **QUICK)
    x, y = table["data_overlap"].to_numpy(), table["value"].to_numpy()
    slope, intercept = np.polyfit(x, y, 1)
    assert number(published, "ols_slope")["value"] == pytest.approx(slope, abs=1e-12)
    assert number(published, "ols_intercept")["value"] == pytest.approx(intercept, abs=1e-12)
    assert number(published, "ols_r2")["value"] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=1e-12)
    assert number(published, "mi_ksg")["value"] == mi_ksg(x, y)
    rows = published[published["protocol"] == "as_published"]
    assert rows[["ci_low", "ci_high", "p_value", "p_holm"]].isna().all(axis=None)
    assert (rows["n"] == 12).all()


def test_label_study_regresses_on_levels_as_published_and_on_seed_means_corrected(scores, number):
    table = scores("label", seeds=3, noise=0.1)
    statistics = study_statistics(table, **QUICK)
    published = number(statistics, "ols_slope")
    assert published["value"] == pytest.approx(np.polyfit(1 + 2 * table["label_overlap"], table["value"], 1)[0])
    assert published["n"] == 15
    means = table.groupby(["seed", "label_overlap"])["value"].mean().unstack()  # three level-2 pairs: one point
    corrected = number(statistics, "slope")
    # over 0, .5, 1 the slope is the difference of the ends, whatever the middle
    assert corrected["value"] == pytest.approx((means[1.0] - means[0.0]).mean(), abs=1e-12)
    assert corrected[["n", "n_seeds"]].tolist() == [9, 3]
    assert number(statistics, "entropy")["value"] == pytest.approx(np.log(3))  # 5 unequal conditions would give 1.33


def test_label_study_has_a_slope_on_the_information_of_the_labels(scores, number):
    table = scores("label", seeds=3, noise=0.1)
    by_seed = [np.polyfit(r["label_information"], r["value"], 1)[0] for _, r in table.groupby("seed")]
    assert number(study_statistics(table, **QUICK), "slope_information")["value"] == pytest.approx(np.mean(by_seed))
    assert "slope_information" not in set(study_statistics(scores("task"), **QUICK)["estimator"])


def test_holm_is_over_the_panels_of_one_metric_protocol_and_estimator(scores):
    panels = [scores(seeds=6, stimuli=f"set{i}", slope=0.02 * i, noise=0.05, key=i) for i in range(4)]
    other = scores(seeds=6, metric="svcca", key=9)
    table = study_statistics(pd.concat([*panels, other], ignore_index=True), **QUICK)
    rows = table[(table["estimator"] == "gain") & (table["metric"] == "cka")]
    np.testing.assert_allclose(rows["p_holm"], holm(rows["p_value"]))
    assert (rows["p_holm"] > rows["p_value"]).any()
    alone = table[(table["estimator"] == "gain") & (table["metric"] == "svcca")].iloc[0]
    assert alone["p_holm"] == alone["p_value"]


def test_null_and_adjusted_information_only_for_the_metrics_asked(scores):
    table = pd.concat([scores(), scores(metric="svcca")], ignore_index=True)
    found = study_statistics(table, **QUICK, information_metrics=("svcca",)).groupby("metric")["estimator"].agg(set)
    assert {"mi_null", "mi_adjusted"} <= found["svcca"]
    assert not {"mi_null", "mi_adjusted"} & found["cka"]
    assert {"mi_ross", "entropy"} <= found["cka"]


def test_one_level_has_no_rows(scores):
    assert study_statistics(scores(levels=(0.5,)), **QUICK).empty


def test_one_seed_has_a_slope_without_interval_and_no_information(scores, number):
    table = study_statistics(scores(seeds=1), **QUICK)
    row = number(table, "slope")
    assert np.isnan(row["ci_low"])
    assert row["p_value"] == 1
    assert row["n_seeds"] == 1
    assert not set(table["estimator"]) & {"mi_ross", "entropy", "mi_ksg", "mi_adjusted"}


def test_layer_pairs_of_one_pair_of_runs_are_averaged_to_one_point(scores, number):
    table = scores()
    shifted = table.assign(layer_a="b", layer_b="b", value=table["value"] + 1.0)
    both = study_statistics(pd.concat([table, shifted], ignore_index=True), **QUICK)
    alone = study_statistics(table, **QUICK)
    assert number(both, "ols_intercept")["value"] == pytest.approx(number(alone, "ols_intercept")["value"] + 0.5)
    assert number(both, "ols_slope")["n"] == 12


def test_levels_equal_but_for_rounding_are_one_level(scores, number):
    table = scores(seeds=4, levels=(0.0, 0.3, 1.0))
    table.loc[table["seed"] == 2, "data_overlap"] *= 3 * 0.1 / 0.3
    assert number(study_statistics(table, **QUICK), "entropy")["value"] == pytest.approx(np.log(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="value"), "value missing"),
        (lambda t: t.assign(factor="width"), "the score table has width"),
        (lambda t: t.assign(value=t["value"].where(t["seed"] > 0)), "3 rows are not"),
        (lambda t: t.assign(data_overlap=np.nan), "12 of 12 rows"),
        (lambda t: pd.concat([t, t.head(1)]), "holds 1 more"),
    ],
    ids=["column", "factor", "value", "overlap", "twice"],
)
def test_a_faulty_score_table_is_refused_with_its_fault(scores, change, message):
    with pytest.raises(ValueError, match=message):
        study_statistics(change(scores()), **QUICK)


def test_an_empty_score_table_gives_an_empty_statistics_table(scores):
    table = study_statistics(scores().head(0), **QUICK)
    assert table.empty
    assert list(table.columns) == STATISTICS_SCHEMA.names


def test_sign_flip_holds_its_level_without_an_effect():
    generator = np.random.default_rng(0)
    trials = 1000
    false = np.mean([sign_flip_p(generator.standard_normal(7)) <= 0.05 for _ in range(trials)])
    assert false <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / trials)  # three binomial standard errors


def test_the_gain_is_set_beside_the_gap_from_untrained_to_overlap_1(scores, number):
    table = scores(seeds=5, noise=0.05).assign(untrained=0.1)
    row = number(study_statistics(table, **QUICK), "gain_share")
    ends = table.pivot_table("value", "seed", "data_overlap")

    def share(rows):
        return (rows[1.0] - rows[0.0]).mean() / (rows[1.0] - 0.1).mean()

    left_out = np.array([share(ends.drop(seed)) for seed in range(5)])
    error = np.sqrt(4 / 5 * ((left_out - left_out.mean()) ** 2).sum())
    assert row["value"] == pytest.approx(share(ends), abs=1e-12)
    assert row["ci_high"] - row["value"] == pytest.approx(scipy.stats.t.ppf(0.975, 4) * error, rel=1e-9)
    assert row[["n", "n_seeds"]].tolist() == [10, 5]


@pytest.mark.parametrize(
    "changes",
    [
        {"untrained": np.nan},  # not known
        {"untrained": 0.9},  # untrained pairs are more alike than trained ones: there is no gap
        {},
    ],
)
def test_without_a_gap_there_is_no_share_of_it(scores, changes):
    assert "gain_share" not in set(study_statistics(scores().assign(**changes), **QUICK)["estimator"])


def test_the_share_of_a_distance_has_the_sign_of_likeness(scores, number):
    table = scores(slope=-0.1, metric="procrustes_distance", noise=0).assign(untrained=0.6)  # 0.2 falls to 0.1
    assert number(study_statistics(table, **QUICK), "gain_share")["value"] == pytest.approx(0.1 / 0.5)
