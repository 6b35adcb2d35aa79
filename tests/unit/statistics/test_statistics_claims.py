"""Verdicts on claims: three families must agree after Holm, few seeds decide nothing, what is missing is said."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from whyalike.designs.registry import with_one_overlap
from whyalike.similarity.metrics.registry import METRICS
from whyalike.statistics.claims import FAMILIES, claims_page, effects, verdicts
from whyalike.statistics.claims_table import CLAIMS, Claim, Panels
from whyalike.statistics.inference import sign_flip_p, t_interval

RISES = Claim("rises", "1", "it rises", +1, Panels("dataset", "in_distribution"), "overlap")
FALLS = Claim("falls", "1", "it falls", -1, Panels("dataset", "in_distribution"), "overlap")
MORE = Claim(
    "more", "1", "task more than data", +1, Panels("task", "in_distribution"), "overlap",
    less=Panels("dataset", "in_distribution"),
)  # fmt: skip


def gains(mean, seeds=10, comparison="digits", factor="dataset", spread=0.01):
    """Rows of gains with keyed noise around a mean, as the statistics have them."""
    rows = []
    for i, metric in enumerate(FAMILIES.values()):
        values = mean + spread * np.random.default_rng([i, seeds, len(comparison)]).normal(size=seeds)
        low, high = t_interval(values)
        rows.append({"study": factor, "comparison": comparison, "factor": factor, "stimuli": "test",
                     "stimuli_kind": "in_distribution", "metric": metric, "score_protocol": "exact",
                     "protocol": "corrected", "estimator": "gain", "value": values.mean(), "ci_low": low,
                     "ci_high": high, "n_seeds": seeds, "p_value": sign_flip_p(values)})  # fmt: skip
    return pd.DataFrame(rows)


def word(claim, *tables):
    [verdict] = verdicts(pd.concat(tables), [claim])
    return verdict.word


def test_a_claim_holds_where_three_families_agree():
    table = gains(0.3)
    assert word(RISES, table) == "holds"
    assert word(FALLS, table) == "contradicted in 1 of 1 panels"


def test_one_family_of_another_sign_or_unsure_is_enough_against_it():
    table = gains(0.3)
    other = table.assign(value=table["value"].where(table["metric"] != "svcca", -table["value"]))
    assert word(RISES, other) == word(FALLS, other) == "not shown"
    unsure = table.assign(p_value=table["p_value"].where(table["metric"] != "mutual_knn", 0.06))
    assert word(RISES, unsure) == "not shown"


def test_holm_counts_the_panels_of_the_claim():
    # 8 seeds: sign flips give .0078; Holm over 7 panels makes .055 of each, over 6 .047
    panels = [gains(0.3, seeds=8, comparison=f"setting{i}") for i in range(7)]
    assert word(RISES, *panels) == "undecided: 8 seeds, 7 panels need 9"
    assert word(RISES, *panels[:6]) == "holds"
    found = effects(RISES, pd.concat(panels))
    assert found["p_holm"].to_numpy() == pytest.approx(np.full(21, 7 * 2 / 2**8))


def test_a_panel_with_few_seeds_holds_beside_one_with_more():
    # sign flips give .031 and .002; Holm multiplies the larger of the two by 1
    few, many = gains(0.3, seeds=6), gains(0.3, seeds=10, comparison="other")
    assert effects(RISES, pd.concat([few, many]))["p_holm"].max() == pytest.approx(2 / 2**6)
    assert word(RISES, few, many) == "holds"
    assert word(FALLS, few, many) == "contradicted in 2 of 2 panels"


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [(3, "undecided: 3 seeds, 1 panel needs 6"), (5, "undecided: 5 seeds, 1 panel needs 6"), (6, "holds")],
)
def test_with_few_seeds_nothing_is_decided(seeds, expected):
    assert word(RISES, gains(0.3, seeds=seeds)) == expected


def test_what_the_tables_lack_is_not_measured():
    table = gains(0.3)
    assert word(RISES, table[table["metric"] != "svcca"]) == "not measured"
    [verdict] = verdicts(table[table["metric"] == "cka"], [RISES])
    assert verdict.seen == "no panel has all of the three; never mutual_knn, svcca"
    [verdict] = verdicts(table, [MORE])
    assert (verdict.word, verdict.seen) == ("not measured", "no such panel")
    # other protocols and estimators are no measurement of it
    assert word(RISES, table.assign(score_protocol="as_published")) == "not measured"
    assert word(RISES, table.assign(estimator="slope")) == "not measured"


def test_a_part_of_the_panels_is_said():
    assert word(RISES, gains(0.3), gains(0.0, comparison="other")) == "holds in 1 of 2 panels"
    [verdict] = verdicts(pd.concat([gains(0.3), gains(0.0, comparison="other")]), [RISES])
    assert re.match(r"gain of CKA from [+−]0\.00\d to \+0\.\d{3} in 2 panels, 10 seeds;", verdict.seen)
    both = word(RISES, gains(0.3), gains(-0.3, comparison="other"))
    assert both == "contradicted in 1 of 2 panels, holds in 1"
    named = Claim(**{**vars(RISES), "comparisons": ("igit",)})
    assert word(named, gains(0.3), gains(0.0, comparison="other")) == "holds"


def test_a_difference_is_welchs_test_of_the_seeds():
    task, data = gains(0.5, seeds=9, factor="task", spread=0.2), gains(0.3, seeds=7, spread=0.1)
    found = effects(MORE, pd.concat([task, data])).set_index("metric")
    for i, metric in enumerate(FAMILIES.values()):
        a = 0.5 + 0.2 * np.random.default_rng([i, 9, 6]).normal(size=9)
        b = 0.3 + 0.1 * np.random.default_rng([i, 7, 6]).normal(size=7)
        expected = scipy.stats.ttest_ind(a, b, equal_var=False).pvalue
        # from means and intervals instead of values: rounding of float64
        assert found.loc[metric, "p_value"] == pytest.approx(expected, rel=1e-9)
        assert found.loc[metric, "value"] == pytest.approx(a.mean() - b.mean(), rel=1e-12)
        assert found.loc[metric, "n_seeds"] == 7


def test_a_difference_is_asked_for_as_many_seeds_whatever_its_p():
    task, data = gains(0.5, seeds=3, factor="task"), gains(0.3, seeds=3)
    assert (effects(MORE, pd.concat([task, data]))["p_holm"] < 0.01).all()
    [verdict] = verdicts(pd.concat([task, data]), [MORE])
    assert verdict.word == "undecided: 3 seeds, 6 are asked for with 1 panel"
    assert re.match(r"gain of CKA less the other gain, \+0\.\d{3}, 3 seeds;", verdict.seen)


def test_a_seed_alone_has_no_difference():
    one = gains(0.5, seeds=2, factor="task").assign(n_seeds=1, ci_low=np.nan, ci_high=np.nan)
    assert word(MORE, one, gains(0.3)) == "not measured"


def test_the_page_has_a_line_a_claim_with_its_verdict():
    page = claims_page(gains(0.3))
    lines = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(lines) == len(CLAIMS)
    assert lines[0].startswith("| `data-own` | “when datasets overlap more")
    assert lines[0].endswith("claimed sign under all three in 1 of 1 panels | **holds** |")
    assert sum("**not measured**" in line for line in lines) == len(CLAIMS) - 1


def test_the_claims_name_what_there_is():
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)
    assert all(METRICS[metric].facts.kind == "similarity" for metric in FAMILIES.values())
    assert {panels.factor for claim in CLAIMS for panels in (claim.panels, claim.less) if panels} <= set(
        with_one_overlap()
    )
