"""Single pairs in words: the user's names, score, interval, null and untrained pair."""

import itertools

import numpy as np
import pandas as pd
import pytest

from whyalike.statistics.dyadic import node_jackknife, square
from whyalike.statistics.findings import findings
from whyalike.statistics.mutual_information import mutual_information_table
from whyalike.statistics.pair_findings import MOST, pair_findings
from whyalike.statistics.study import study_statistics


def pairs(models="abcd", **given):
    """The pair table of all pairs among models, under one metric."""
    row = {
        "study": "mine", "comparison": "nets", "setting": "nets", "setting_b": None, "factor": "external",
        "stimuli": "cells", "stimuli_kind": "in_distribution", "layer_a": "late", "layer_b": "late",
        "step_a": pd.NA, "step_b": pd.NA, "metric": "cka", "scoring": "cka", "score_protocol": "exact",
        "null_mean": 0.1, "null_p95": 0.25, "untrained": np.nan, "p_value": 0.05, "n": 640,
        "ci_low": 0.2, "ci_high": 0.7, "interval": "jackknife",
    }  # fmt: skip
    values = np.linspace(0.2, 0.9, len(models) * (len(models) - 1) // 2)
    rows = [{**row, "name_a": a, "name_b": b, "value": value, **given}
            for (a, b), value in zip(itertools.combinations(models, 2), values, strict=True)]  # fmt: skip
    return pd.DataFrame(rows)


def test_each_pair_has_a_line_under_the_names_that_the_user_gave():
    lines = pair_findings(pairs(["vit_b", "dino_v2"], untrained=0.4))
    assert "| vit_b | dino_v2 | late | cka | 0.200 | [0.200, 0.700] | 0.100 | 0.250 | 0.050 | 0.400 | 640 |" in lines


def test_the_most_alike_come_first_also_under_a_distance():
    def first(**given):
        rows = [line for line in pair_findings(pairs("abc", **given)) if line.startswith("| ")][2:]
        return rows[0].split(" | ")[4]

    assert first() == "0.900"
    assert first(metric="procrustes_distance", scoring="procrustes_distance") == "0.200"


def test_the_mean_of_all_pairs_has_an_interval_over_models():
    table = pairs()
    mean = node_jackknife(square(table.rename(columns={"name_a": "a", "name_b": "b"})))
    said = (
        f"4 models, 6 pairs; mean {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}], 95 % over models; 5 of 6 beyond"
    )
    assert said in "\n".join(pair_findings(table))
    for too_few in (pairs("abc"), pairs()[1:]):  # models, pairs
        assert "over models" not in "\n".join(pair_findings(too_few))


def test_across_settings_names_are_told_apart_by_their_setting():
    text = "\n".join(pair_findings(pairs("ab", comparison="deep", setting_b="others", layer_b="l1")))
    assert "| nets: a | others: b | late x l1 | cka |" in text


def test_two_settings_may_have_models_of_the_same_name():
    text = "\n".join(pair_findings(pairs("ab", setting_b="others").assign(name_b="a")))
    assert "late: 2 models, 1 pair;" in text


def test_models_of_a_grid_share_starts_and_orders_and_have_no_interval_over_models():
    seeds = ["seed0", "seed1", "seed2", "seed3"]
    assert "95 % over models" in "\n".join(pair_findings(pairs(seeds, factor="zoo")))
    grid = ["seed0", "seed0.order1", "seed1", "seed1.order1"]
    assert "over models" not in "\n".join(pair_findings(pairs(grid, factor="zoo")))


def test_of_many_scores_a_part_is_shown_and_the_whole_is_named():
    other = {"metric": "svcca", "scoring": "svcca"}
    text = "\n".join(pair_findings(pd.concat([pairs("abcdefghijkl"), pairs("abcdefghijkl", **other)])))
    assert f"These are {MOST} of 132 scores; `similarity/mine/nets/pairs/cells.parquet` holds all of them." in text
    assert "| svcca |" not in text


@pytest.mark.parametrize("protocol", ["exact", "as_published"])
def test_scores_as_published_are_shown_only_where_there_are_no_others(protocol):
    table = pd.concat([pairs("ab", score_protocol=one) for one in {protocol, "as_published"}])
    text = "\n".join(pair_findings(table))
    assert f"{protocol.replace('_', ' ')} scores:" in text
    assert text.count("| a | b |") == 2  # the head, and one pair


def test_a_study_of_own_models_ends_with_its_scores_and_says_nothing_of_overlaps():
    nothing = dict.fromkeys(["data_overlap", "label_overlap", "label_information"], np.nan)
    empty = study_statistics(pairs("ab").assign(seed=0, condition="a-b", run_a="1", run_b="2", **nothing))
    assert empty.empty
    text = findings({"mine": empty}, pd.DataFrame(), mutual_information_table({}), pairs={"mine": pairs()})
    assert "## Study mine" in text and "| c | d | late | cka | 0.900 |" in text
    for other in ("overlap", "Mutual information", "Accuracies"):
        assert other not in text


def test_many_pairs_of_layers_have_a_sentence_together():
    layers = [f"l{i}" for i in range(7)]
    table = pd.concat([pairs(["vit", "resnet"], layer_a=a, layer_b=b, value=0.2 + (a == b) * 0.3, comparison="deep")
                       for a in layers for b in layers[:2]])  # fmt: skip
    lines = [line for line in pair_findings(table) if line.startswith("- ")]
    assert lines == ["- cka: 2 models, 14 scores of 14 pairs of layers or steps; 2 of 14 beyond the end of their null."]
    few = pair_findings(table[table["layer_a"].isin(layers[:6])])
    assert len([line for line in few if line.startswith("- ")]) == 12
