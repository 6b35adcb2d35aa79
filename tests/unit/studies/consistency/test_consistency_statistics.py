"""The tables of consistency and of groups, from planted tables of similarity."""

import itertools
import logging

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.stats

from whyalike.files import made_by, read_table, write_table
from whyalike.statistics.consistency import SCALES, consistency
from whyalike.studies.consistency.parameters import ConsistencyStatistics, Model, StimuliSet
from whyalike.studies.consistency.statistics import consistency as of_sets
from whyalike.studies.consistency.statistics import groups as of_groups

SETS = {"kites": "images", "boats": "images", "cells": "cells", "stars": "stars", "words": "words"}
NAMES = ("metric", "analysis", "scoring")


def parameters(models=14, families=True, **given):
    """Three objectives; the architecture is that of every second model; two of a family."""
    attributes = [
        {
            "objective": ("labels", "pixels", "texts")[min(m // 5, 2)],
            "architecture": ("cnn", "tx")[m % 2],
            **({"family": f"family{m // 2}"} if families else {}),
        }
        for m in range(models)
    ]
    known = {"categories": ("objective", "architecture"), "families": "family", "strata": (), "factorial": ()}
    return ConsistencyStatistics(
        models=tuple(
            Model(name=f"m{m}", setting=f"m{m}", view=str(m), seed=0, trained=True, attributes=one)
            for m, one in enumerate(attributes)
        ),
        sets={name: StimuliSet(source=source, category="all") for name, source in SETS.items()},
        **known | {"anchors": (), "draws": 39, "seed": 0} | given,
    )


def frame(models, name, seed=0, metric="cka", spread=0.7):
    """Similarities of a set: effects of models and pairs on the logit scale, noise of the set and of the halves."""
    i, j = np.triu_indices(models, 1)
    shared, own = (np.random.default_rng([seed, k]) for k in (99, list(SETS).index(name)))
    effects = shared.normal(0, spread, models)
    x = effects[i] + effects[j] + shared.normal(0, 0.3, len(i)) + own.normal(0, 0.5, len(i))
    halves = x + own.normal(0, 0.2, (2, len(i)))
    values = dict(
        zip(("value", "value_half_1", "value_half_2"), 1 / (1 + np.exp(-np.stack([x, *halves]))), strict=True)
    )
    a, b = ([f"m{m}" for m in side] for side in (i, j))
    text = {"stimuli": name, "metric": metric, "analysis": "corrected", "scoring": metric}
    return pd.DataFrame({**text, "a": a, "b": b, **values})


def frames(models=14, **given):
    return {name: frame(models, name, **given) for name in SETS}


def written(folder, tables):
    paths = [folder / f"{name}.parquet" for name in tables]
    for path, table in zip(paths, tables.values(), strict=True):
        write_table(path, pa.Table.from_pandas(table, preserve_index=False), {})
    return paths


def analysed(module, given, tables, folder):
    output = folder / "found.parquet"
    module.analyse(given, written(folder, tables), output)
    assert read_table(output).schema.remove_metadata() == module.SCHEMA
    return read_table(output).to_pandas()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Both tables of one world."""
    folder = tmp_path_factory.mktemp("both")
    given = parameters(anchors=("m3",))
    return [analysed(module, given, frames(), folder) for module in (of_sets, of_groups)]


def test_means_of_groups_are_the_commands_numbers(both):
    found = both[1][both[1]["kind"] == "mean"].set_index(["category", "theta", "phi", "measure"])
    i, j = np.triu_indices(14, 1)
    tables = {name: np.zeros((14, 14)) for name in SETS}
    for name, one in frames().items():
        tables[name][i, j] = tables[name][j, i] = one["value"]
    models = parameters().models
    labels, families = ([one.attributes[name] for one in models] for name in ("objective", "family"))
    command = consistency("cka", tables, labels, SETS, families, draws=1)
    assert len(command) > 30
    for row in command.itertuples():
        category = "all" if row.theta == "all" else "objective"
        own = found.loc[category, row.theta, row.phi, row.measure]
        for name in ("value", "ci_low", "ci_high", "se_models", "se_sources", "models", "pairs", "pairs_of_sets"):
            theirs = getattr(row, name)
            assert own[name] == pytest.approx(theirs, rel=1e-9, nan_ok=True), (row.theta, row.phi, row.measure, name)


def test_a_mean_is_that_of_the_pairs_of_sets_of_different_sources(both):
    pairs, groups = both
    means = groups[groups["kind"] == "mean"].set_index(["category", "theta", "phi", "measure"])["value"]
    assert set(pairs[pairs["same_source"]]["set_a"] + pairs[pairs["same_source"]]["set_b"]) == {"kitesboats"}
    apart = pairs[~pairs["same_source"] & (pairs["category"] != "anchor")]
    compared = 0
    for (category, theta, phi), rows in apart.groupby(["category", "theta", "phi"]):
        for measure, (forward, back) in SCALES.items():
            if rows[measure].notna().all():
                assert means[category, theta, phi, measure] == pytest.approx(back(forward(rows[measure]).mean()))
                compared += 1
        r, ceiling = (np.tanh(np.arctanh(rows[name]).mean()) for name in ("pearson", "ceiling"))
        if rows["ceiling"].notna().all():
            assert means[category, theta, phi, "pearson_of_ceiling"] == pytest.approx(r / ceiling)
    assert compared > 50


def test_pairs_between_groups_are_cross_pairs_only_and_anchors_leave_themselves_out(both):
    rows = both[0].drop_duplicates(["category", "theta", "phi"]).set_index(["category", "theta", "phi"])
    counts = ["pairs", "models", "models_theta", "models_phi"]
    assert rows.loc[("all", "all", "all"), counts].tolist() == [91, 14, 14, 14]
    assert rows.loc[("objective", "labels", "labels"), counts].tolist() == [10, 5, 5, 5]
    assert rows.loc[("objective", "labels", "texts"), counts].tolist() == [20, 9, 5, 4]
    assert rows.loc[("anchor", "m3", "labels"), counts].tolist() == [4, 5, 1, 4]
    own = both[0][(both[0]["category"] == "anchor") & (both[0]["phi"] == "texts")].iloc[0]
    x, y = ([one.query("a == 'm3' and b in ('m10', 'm11', 'm12', 'm13')")["value"] for one in frames().values()][k]
            for k in (0, 1))  # fmt: skip
    assert (own["set_a"], own["set_b"]) == ("kites", "boats")
    assert own["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1]) and np.isnan(own["concordance"])


def test_pairs_are_joined_by_models_not_by_rows(both, tmp_path):
    tables = {name: one.sample(frac=1, random_state=3) for name, one in frames().items()}
    swapped = tables["stars"].rename(columns={"a": "b", "b": "a"})
    found = analysed(of_sets, parameters(anchors=("m3",)), tables | {"stars": swapped}, tmp_path)
    pd.testing.assert_frame_equal(found, both[0])


def test_within_is_what_is_left_without_the_means_of_groups_of_the_first_category(both, tmp_path):
    text = [one.attributes["objective"] == "texts" for one in parameters().models]
    tables = frames()
    for one in tables.values():
        shift = [10.0 * (text[int(a[1:])] + text[int(b[1:])]) for a, b in zip(one["a"], one["b"], strict=True)]
        one[["value", "value_half_1", "value_half_2"]] += np.array(shift)[:, None]
    moved = analysed(of_sets, parameters(anchors=("m3",)), tables, tmp_path)
    for category in ("all", "architecture"):
        here = both[0]["category"] == category
        assert moved[here]["pearson"].min() > 0.99 > both[0][here]["pearson"].max()
        assert moved[here]["pearson_within"].tolist() == pytest.approx(both[0][here]["pearson_within"].tolist())


def test_contrasts_are_differences_of_means_on_their_scale(both):
    groups = both[1]
    z = groups[(groups["kind"] == "mean") & (groups["measure"] == "pearson")]
    z = np.arctanh(z.set_index(["category", "theta", "phi"])["value"])["objective"]
    rows = groups[
        (groups["kind"] == "contrast") & (groups["measure"] == "pearson") & (groups["category"] == "objective")
    ]
    found = rows.set_index(["theta", "phi", "theta_2", "phi_2"])
    value = found["value"]
    assert len(found) == 3 + 1 + 3 + 6
    assert value["labels", "labels", "texts", "texts"] == pytest.approx(z["labels", "labels"] - z["texts", "texts"])
    within = z["labels", "texts"] - z["texts", "texts"]
    assert value["labels", "texts", "texts", "texts"] == pytest.approx(within)
    others = z.drop(("labels", "texts")).mean()
    assert value["labels", "texts", "others", "others"] == pytest.approx(z["labels", "texts"] - others)
    same = [a == b for a, b in z.index]
    assert value["same", "same", "different", "different"] == pytest.approx(z[same].mean() - z[~np.array(same)].mean())
    assert found["p"].between(1 / 40, 1).all() and (found["null_low"] < found["null_high"]).all()
    of_two_groups = found.loc[[(a, a, b, b) for a, b in itertools.combinations(("labels", "pixels", "texts"), 2)]]
    smallest = of_two_groups["p"].idxmin()
    assert found["p_holm"][smallest] == pytest.approx(min(1, 3 * found["p"][smallest]))
    same = found.loc[[("same", "same", "different", "different")]]
    assert same["p_holm"].tolist() == same["p"].tolist()  # the only one that asks this
    one, other = (both[0].query(f"category == 'objective' and theta == phi == '{name}' and not same_source")["pearson"]
                  for name in ("labels", "texts"))  # fmt: skip
    naive = scipy.stats.mannwhitneyu(one, other, method="asymptotic").pvalue
    assert found["p_naive"]["labels", "labels", "texts", "texts"] == pytest.approx(naive)


def test_a_difference_of_mean_similarity_is_found_and_one_that_strata_explain_is_not(tmp_path):
    tables = frames()
    data = ["near" if m < 5 or m == 6 else "far" for m in range(14)]  # labels and one of pixels
    for one in tables.values():
        alike = [data[int(a[1:])] == data[int(b[1:])] == "near" for a, b in zip(one["a"], one["b"], strict=True)]
        one["value"] = np.where(alike, 1.5, 0) + one["value"]
    known = parameters(draws=99)
    models = tuple(one.model_copy(update={"attributes": {**one.attributes, "data": level}})
                   for one, level in zip(known.models, data, strict=True))  # fmt: skip
    p = {}
    for strata in ((), ("data",)):
        found = analysed(of_groups, known.model_copy(update={"models": models, "strata": strata}), tables, tmp_path)
        own = found[(found["kind"] == "contrast") & (found["category"] == "objective")]
        own = own[(own["measure"] == "similarity") & (own["theta"] == "labels") & (own["theta_2"] == "texts")].iloc[0]
        assert own["value"] > 1 and (own["stratum"] == "data" if strata else pd.isna(own["stratum"]))
        p[strata] = own["p"]
    assert p[()] <= 0.05 < p[("data",)]


def test_without_a_family_is_the_mean_of_the_others(both, tmp_path):
    rows = both[1][(both[1]["kind"] == "without_family") & (both[1]["theta"] == "all")]
    assert rows["without"].tolist() == [f"family{k}" for k in range(7)] and set(rows["models"]) == {12}
    tables = {name: one[~one["a"].isin(["m0", "m1"]) & ~one["b"].isin(["m0", "m1"])] for name, one in frames().items()}
    found = analysed(of_groups, parameters(draws=19), tables, tmp_path)
    mean = found[(found["kind"] == "mean") & (found["theta"] == "all") & (found["measure"] == "pearson")]["value"]
    assert rows["value"].iloc[0] == pytest.approx(mean.iloc[0])
    # of a category, families that have no model in the cell change nothing, and have no row
    cell = both[1][(both[1]["kind"] == "without_family") & (both[1]["theta"] == "texts") & (both[1]["phi"] == "texts")]
    assert cell.empty  # of four models in two families, without one there is a pair


def test_groups_of_equal_size_are_drawn_of_the_models_of_each(both):
    rows = both[1][both[1]["kind"] == "equal_size"].set_index(["category", "theta"])
    assert rows.loc["objective", "models"].tolist() == [4, 4, 4] and rows.loc["objective", "pairs"].tolist() == [6] * 3
    means = both[1][(both[1]["kind"] == "mean") & (both[1]["measure"] == "pearson") & (both[1]["theta"] == "texts")]
    smallest = rows.loc[("objective", "texts")]  # of four models: the mean as it is
    assert smallest["value"] == pytest.approx(means[means["phi"] == "texts"]["value"].iloc[0])
    assert np.isnan(smallest["null_low"])
    # of five models there are five fours: 39 draws hold each of them, but for a chance of 5 * .8^39
    tables, apart = frames(), [(a, b) for a, b in itertools.combinations(SETS, 2) if SETS[a] != SETS[b]]
    fours, labels = [], ["m0", "m1", "m2", "m3", "m4"]
    for left_out in labels:
        four = [one for one in labels if one != left_out]
        own = {name: one[one["a"].isin(four) & one["b"].isin(four)] for name, one in tables.items()}
        fours.append(np.mean([np.arctanh(np.corrcoef(own[a]["value"], own[b]["value"])[0, 1]) for a, b in apart]))
    found = rows.loc[("objective", "labels")]
    assert np.tanh(min(fours)) <= found["null_low"] < found["value"] < found["null_high"] <= np.tanh(max(fours))
    error = 4 * np.std(fours) / np.sqrt(39)  # four standard errors of the mean of the draws
    assert np.arctanh(found["value"]) == pytest.approx(np.mean(fours), abs=error)


def test_an_inverse_u_stands_on_the_scale_of_similarities_alone(tmp_path):
    given = parameters(24, draws=19, categories=("architecture",))
    found = analysed(of_groups, given, frames(24, spread=1.0), tmp_path)
    found = found[found["kind"] == "inverse_u"].set_index("measure")
    assert found["ci_high"]["quadratic_plain"] < 0
    assert found["ci_low"]["quadratic_logit"] < 0 < found["ci_high"]["quadratic_logit"]


def test_models_without_a_family_are_left_out_alone(tmp_path):
    found = analysed(of_groups, parameters(families=False, draws=19), frames(), tmp_path)
    rows = found[(found["kind"] == "without_family") & (found["theta"] == "all")]
    assert rows["without"].tolist() == [f"m{m}" for m in range(14)]


def test_a_model_that_a_set_lacks_is_absent_everywhere_and_told(tmp_path, caplog):
    tables = frames()
    tables["stars"] = tables["stars"].query("a != 'm4' and b != 'm4'")
    with caplog.at_level(logging.INFO, "whyalike"):
        found = analysed(of_sets, parameters(), tables, tmp_path)
    assert set(found[found["category"] == "all"]["pairs"]) == {13 * 12 // 2}
    assert made_by(tmp_path / "found.parquet")["absent"] == {"cka": {"stars": ["m4"]}}
    assert "cka, on stars (cka, corrected): no scores of m4, left out everywhere" in caplog.text


def test_too_few_models_pairs_without_scores_and_sets_without_scores_are_refused(tmp_path):
    few = {name: one.query("a in ('m0', 'm1') and b in ('m0', 'm1')") for name, one in frames().items()}
    with pytest.raises(ValueError, match="3 models with scores in every table are needed; there are 2 of 14"):
        analysed(of_sets, parameters(), few, tmp_path)
    lacking = frames()
    lacking["stars"] = lacking["stars"].iloc[1:]
    with pytest.raises(ValueError, match=r"stars, cka, must have one score of every two models; 1 pairs .* m0, m1"):
        analysed(of_sets, parameters(), lacking, tmp_path)
    gone = {name: one for name, one in frames().items() if name != "words"}
    with pytest.raises(ValueError, match="words has no scores by cka"):
        analysed(of_groups, parameters(), gone, tmp_path)


def test_two_sources_and_labels_that_strata_fix_have_no_interval_and_no_p_and_it_is_told(tmp_path, caplog):
    given = parameters(draws=19, strata=("objective",), categories=("objective", "level"))
    models = tuple(one.model_copy(update={"attributes": {**one.attributes, "level": one.attributes["objective"]}})
                   for one in given.models)  # fmt: skip
    sets = {name: StimuliSet(source="images" if name in ("kites", "boats") else "others", category="all")
            for name in SETS}  # fmt: skip
    with caplog.at_level(logging.INFO, "whyalike"):
        found = analysed(of_groups, given.model_copy(update={"models": models, "sets": sets}), frames(), tmp_path)
    assert found[found["kind"].isin(["mean", "contrast"])]["ci_low"].isna().all()
    assert found[found["category"] == "level"]["p"].isna().all()
    assert not found[(found["category"] == "objective") & (found["kind"] == "contrast")]["p"].isna().any()
    assert "no intervals: they need 3 models or families, and 3 sources" in caplog.text
    assert "level: no p within objective: no permutation changes the labels" in caplog.text


def test_a_model_without_the_attribute_is_in_none_of_its_groups(tmp_path, caplog):
    given = parameters()
    bare = given.models[0].model_copy(update={"attributes": {"objective": "labels"}})
    given = given.model_copy(update={"models": (bare, *given.models[1:])})
    with caplog.at_level(logging.INFO, "whyalike"):
        found = analysed(of_sets, given, frames(), tmp_path)
    counts = found.drop_duplicates(["category", "theta", "phi"]).set_index(["category", "theta", "phi"])["models"]
    assert counts["architecture", "cnn", "cnn"] == 6 and counts["objective", "labels", "labels"] == 5
    assert "without architecture, in none of its groups: m0" in caplog.text


def test_sets_of_one_source_have_no_means_over_pairs_of_sets_and_no_tests_of_them(tmp_path, caplog):
    sets = {name: StimuliSet(source="images", category="all") for name in SETS}
    with caplog.at_level(logging.INFO, "whyalike"):
        found = analysed(of_groups, parameters(draws=19).model_copy(update={"sets": sets}), frames(), tmp_path)
    assert set(found[found["kind"].isin(["mean", "contrast"])]["measure"]) == {"similarity"}
    assert set(found["kind"]) == {"mean", "contrast", "clusters", "inverse_u"}
    assert "no means over pairs of sets: all sets are of one source" in caplog.text
