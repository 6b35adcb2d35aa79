"""Correlations of similarity with the gap of accuracies: by hand, over models, and with nothing dropped silently."""

import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from whyalike.files import read_table, write_table
from whyalike.similarity.metrics.predictions import error_consistency
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model, StimuliSet
from whyalike.studies.consistency.statistics import gap

NAMES = tuple("stuvwxyz")
VALUES = ("value", "value_half_1", "value_half_2")
PANEL = {"source": "photos", "category": "multi", "metric": "rsa", "analysis": "corrected", "scoring": "rsa"}


def parameters(names=NAMES, attributes=None, **given):
    models = tuple(
        Model(name=name, setting=name, view=name, seed=0, trained=True,
              attributes={"objective": "ab"[i % 2]} if attributes is None else attributes)
        for i, name in enumerate(names)
    )  # fmt: skip
    rest = {"families": "family", "strata": (), "factorial": (), "anchors": (), "draws": 99, "seed": 0}
    sets = {"set": StimuliSet(source="photos", category="multi")}
    return ConsistencyStatistics(models=models, sets=sets, categories=("objective",), **{**rest, **given})


def similarities(table, names=NAMES):
    rows = [{"stimuli": "set", **PANEL, "a": names[i], "b": names[j], **dict.fromkeys(VALUES, table[i, j])}
            for i in range(len(names)) for j in range(i + 1, len(names))]  # fmt: skip
    return pd.DataFrame(rows)


def probes(correct, names=NAMES, stimuli="set"):
    rows = [{"model": name, "stimuli": stimuli, "seed": seed, "n_test": len(right), "correct": list(map(bool, right))}
            for name, of in zip(names, correct, strict=True) for seed, right in enumerate(of)]  # fmt: skip
    return pd.DataFrame(rows)


def analysed(folder, table, correct, names=NAMES, of=None, stimuli="set"):
    probed = probes(correct, names[: len(correct)], stimuli)
    for name, frame in {"similarity": similarities(table, names), "probes": probed}.items():
        write_table(folder / f"{name}.parquet", pa.Table.from_pandas(frame), {})
    gap.analyse(of or parameters(names), [folder / "similarity.parquet"], [folder / "probes.parquet"],
                folder / "gap.parquet")  # fmt: skip
    return read_table(folder / "gap.parquet").to_pandas().set_index("scale")


def answers(rights, n=40, seeds=1):
    """M x seeds x n: the first stimuli are told right, as many as `rights` says."""
    return np.array([[np.arange(n) < right] * seeds for right in rights])


def noisy(models=8, seed=0, n=60):
    random = np.random.default_rng(seed)
    table = random.uniform(size=(models, models))
    return (table + table.T) / 2, random.uniform(size=(models, 2, n)) < random.uniform(0.3, 0.9, size=(models, 1, 1))


def test_similarity_that_falls_with_the_gap_correlates_minus_one(tmp_path):
    rights = np.array([4, 8, 11, 19, 20, 26, 33, 38])
    found = analysed(tmp_path, 1 - np.abs(np.subtract.outer(rights, rights)) / 40, answers(rights))
    assert found.index.tolist() == ["accuracy", "logit", "errors"]
    assert found.loc["accuracy", ["pearson", "spearman"]].tolist() == pytest.approx([-1, -1])
    assert -1 < found.loc["logit", "pearson"] < -0.8
    assert found.loc["errors", "pearson"] > 0.5  # the same stimuli are wrong where accuracies are alike
    assert found[["models", "pairs"]].drop_duplicates().to_numpy().tolist() == [[8, 28]]
    assert found.loc["accuracy", "p"] == 0.01  # no other order of the models is as far from 0: 1 of 100
    assert np.isnan(found.loc["accuracy", "ci_low"])  # Fisher's z of -1 has no interval
    assert found.loc["logit", "ci_low"] < found.loc["logit", "pearson"] < found.loc["logit", "ci_high"]


def test_gaps_are_of_means_over_seeds_and_logits_of_all_and_none_are_finite():
    correct = np.array([[[1, 1, 1, 1], [1, 1, 1, 1]], [[1, 0, 0, 0], [1, 1, 1, 0]], [[0] * 4, [0] * 4]], bool)
    tables = gap.gap_tables(gap.Probed(tuple("uvw"), correct))
    np.testing.assert_allclose(tables["accuracy"], [[0, 0.5, 1], [0.5, 0, 0.5], [1, 0.5, 0]])
    end = np.log(4.5 / 0.5)  # (4 + .5) / (4 + 1) against the rest
    np.testing.assert_allclose(tables["logit"], [[0, end, 2 * end], [end, 0, end], [2 * end, end, 0]])


def test_kappa_is_that_of_the_metric_of_predictions():
    correct = np.random.default_rng(1).uniform(size=(4, 2, 30)) < 0.6
    labels = np.ones(30, int)
    by_hand = [[np.mean([error_consistency(*correct[[i, j], seed].astype(int), labels) for seed in range(2)])
                for j in range(4)] for i in range(4)]  # fmt: skip
    np.testing.assert_allclose(gap.kappas(correct), by_hand, atol=1e-12)
    # both right twice of four, chance 3/4 * 3/4 + 1/4 * 1/4
    two = np.array([[[True, True, True, False]], [[True, True, False, True]]])
    assert gap.kappas(two)[0, 1] == pytest.approx((0.5 - 0.625) / 0.375)


def test_p_is_about_uniform_where_nothing_is_related():
    p = []
    for seed in range(60):
        table, correct = noisy(seed=seed)
        of = gap.gap_tables(gap.Probed(NAMES, correct))["accuracy"]
        p.append(gap.correlations(table, of, list("abababab"), parameters(draws=39, seed=seed))["p"])
    # of 60 uniform p values 30 +- 3.9 are below a half, and 6 +- 2.3 below a tenth: three standard deviations
    assert 18 <= np.sum(np.array(p) <= 0.5) <= 42
    assert np.sum(np.array(p) <= 0.1) <= 13


def test_what_two_groups_make_is_taken_off_by_the_partial_correlation(tmp_path):
    random = np.random.default_rng(2)
    rights = np.where(np.arange(8) % 2, 34, 6) + random.integers(-2, 3, size=8)
    same = np.equal.outer(np.arange(8) % 2, np.arange(8) % 2)
    noise = random.normal(0, 0.02, size=(8, 8))
    found = analysed(tmp_path, 0.4 + 0.4 * same + noise + noise.T, answers(rights))
    assert found.loc["accuracy", "pearson"] < -0.95
    assert abs(found.loc["accuracy", "partial"]) < 0.5  # only chance is left: 1 / sqrt(26), and pairs share models
    x, y = random.normal(size=(2, 6))
    r = np.corrcoef([x, y, [0, 1, 0, 0, 1, 0]])  # the last: which pairs of s, t, s, t are of one group
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / np.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert gap.partial(x, y, list("stst")) == pytest.approx(expected)


def test_there_is_no_partial_correlation_without_two_groups(tmp_path):
    table, correct = noisy()
    for attributes in ({}, {"objective": "a"}):
        found = analysed(tmp_path, table, correct, of=parameters(attributes=attributes))
        assert found["partial"].isna().all()
        assert found["pearson"].notna().all()


def test_three_models_have_no_test_and_two_no_row(tmp_path, caplog):
    table, correct = noisy(3)
    found = analysed(tmp_path, table, correct, tuple("xyz"))
    assert found["p"].isna().all()
    assert found["pairs"].tolist() == [3, 3, 3]
    with caplog.at_level(logging.INFO):
        assert analysed(tmp_path, table, correct[:2], tuple("xyz")).empty
    assert "no correlation with logit on set, rsa (corrected): 2 of the 3 models it needs" in caplog.text


def test_models_that_are_always_right_have_gaps_and_no_kappa(tmp_path, caplog):
    table, correct = noisy()
    correct[1] = True
    with caplog.at_level(logging.INFO):
        found = analysed(tmp_path, table, correct)
    assert found["models"].tolist() == [8, 8, 7]
    assert "errors on set, rsa (corrected): without t, which are right or wrong on all" in caplog.text


def test_accuracies_that_are_all_equal_have_no_correlation(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        assert analysed(tmp_path, noisy()[0], answers([20] * 8)).empty
    assert "no correlation with accuracy on set, rsa (corrected): one of both is the same for all pairs" in caplog.text


def test_models_without_similarities_are_told(tmp_path, caplog):
    table, correct = noisy()
    frame = similarities(table)
    frame = frame[(frame["a"] != "t") & (frame["b"] != "t")]
    for name, one in {"similarity": frame, "probes": probes(correct)}.items():
        write_table(tmp_path / f"{name}.parquet", pa.Table.from_pandas(one), {})
    with caplog.at_level(logging.INFO):
        gap.analyse(parameters(), [tmp_path / "similarity.parquet"], [tmp_path / "probes.parquet"], tmp_path / "gap")
    assert "gap on set, rsa (corrected): no similarities of t" in caplog.text
    assert read_table(tmp_path / "gap")["models"].to_pylist() == [7, 7, 7]


def test_probes_of_one_set_need_the_same_seeds_and_a_set_without_probes_has_no_row(tmp_path):
    table, correct = noisy()
    short = pd.concat([probes(correct[:1, :1], "s"), probes(correct[1:], NAMES[1:])])
    with pytest.raises(
        ValueError, match=r"the probes on set differ in seeds or number of test stimuli: \[\(0, 1, 60\), \(0, 60\)\]"
    ):
        gap.probed_sets(short, parameters())
    assert analysed(tmp_path, table, correct, stimuli="another").empty
