"""Statistics whose unit is the model: what is read, what is refused, values by hand, and that p is right."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from whyalike.statistics.over_models import over_models
from whyalike.statistics.tables_of_pairs import (
    Likeness,
    attribute_table,
    likeness_of_scores,
    models_of,
    read_attributes,
    read_pairs,
    score_tables,
)


def silent(line):
    pytest.fail(line)


def pairs(values, metric="cka"):
    return pd.DataFrame([{"metric": metric, "a": a, "b": b, "value": value} for (a, b), value in values.items()])


def simulated(g, models=6):
    """Pairs a_i + a_j + e_ij."""
    a, e = g.normal(size=models), g.normal(size=(models, models))
    return a[:, None] + a + e + e.T


ABC = {("x", "y"): 1.0, ("x", "z"): 2.0, ("y", "z"): 6.0}


# ---- what is read ----


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_tables_of_pairs_are_read_and_names_stay_text(tmp_path, suffix):
    path = tmp_path / f"s.{suffix}"
    frame = pairs({("1", "NA"): 0.5, ("1", "03"): 0.25})
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    found = read_pairs(path)
    assert models_of(found) == ["1", "NA", "03"] and found["value"].tolist() == [0.5, 0.25]
    frame = pairs({("01", "1.1"): 0.5, ("01", "1.10"): 0.25, ("1.1", "1.10"): 0.75}, "7")
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    assert models_of(read_pairs(path)) == ["01", "1.1", "1.10"] and set(read_pairs(path)["metric"]) == {"7"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metric,a,value\ncka,x,1\n", "must have the columns metric, a, b, value; it lacks b. Write it with"),
        ("metric,a,b,value\ncka,x,y,high\n", "must have finite numbers as `value`"),
        ("metric,a,b,value\ncka,x,y,inf\n", "must have finite numbers as `value`"),
        ("metric,a,b,value\n", r"s\.csv has no pairs\. Write it again"),
        ("", "must be a table of pairs, .parquet or .csv, it cannot be read"),
    ],
)
def test_what_is_no_table_of_pairs_is_refused(tmp_path, text, message):
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_pairs(tmp_path / "s.csv")
    with pytest.raises(ValueError, match=r"s\.txt must be a table of pairs, \.parquet or \.csv"):
        read_pairs(tmp_path / "s.txt")


def test_models_are_left_out_by_name():
    assert models_of(pairs(ABC), ["y"]) == ["x", "z"]
    with pytest.raises(ValueError, match=r"there is no model w to leave out\. Known: x, y, z"):
        models_of(pairs(ABC), ["w"])


def test_a_metric_that_lacks_a_pair_or_has_one_twice_is_left_out_by_name():
    told = []
    table = pd.concat([
        pairs(ABC), pairs({("x", "y"): 1.0}, "rsa"), pairs(ABC, "svcca"), pairs(ABC, "svcca"),
        pairs({**ABC, ("x", "z"): np.nan}, "linear"),
    ])  # fmt: skip
    tables = score_tables(table, ["x", "y", "z"], told.append)
    assert list(tables) == ["cka"]
    assert tables["cka"].tolist() == [[0, 1, 2], [1, 0, 6], [2, 6, 0]]
    assert told == [
        "no rsa: a table of pairs holds all pairs; 2 of 3 are missing: x, z; y, z. Score them, or leave a model out.",
        "no svcca: a table of pairs holds each pair of two models once; got x, y again. Remove it.",
        "no linear: a table of pairs holds all pairs; 1 of 3 are missing: x, z. Score them, or leave a model out.",
    ]


def test_an_asymmetric_metric_needs_both_directions_and_has_their_mean():
    both = {**ABC, **{(b, a): value + 1 for (a, b), value in ABC.items()}}
    tables = score_tables(pairs(both, "pwcca"), ["x", "y", "z"], silent)
    assert tables["pwcca"][0].tolist() == [0, 1.5, 2.5]
    told = []
    assert not score_tables(pairs(ABC, "pwcca"), ["x", "y", "z"], told.append)
    assert not score_tables(pairs({**ABC, ("y", "x"): 1.0}), ["x", "y", "z"], told.append)
    assert not score_tables(pairs({**ABC, ("y", "y"): 1.0}), ["x", "y", "z"], told.append)
    assert told.pop() == "no cka: a pair is of two models; there is y with itself. Remove this row."
    assert told == [
        "no pwcca: each pair needs both directions; 3 lack one: y to x, z to x, z to y. "
        "Score them, or leave a model out.",
        "no cka: each pair needs both directions; 2 lack one: z to x, z to y. Score them, or leave a model out.",
    ]


def test_attributes_are_the_same_or_differ_by_a_number(tmp_path):
    (tmp_path / "m.csv").write_text(
        "family,model,depth,wide\ncnn,x,2,True\nvit,w,1,True\ncnn,y,5,False\nvit,z,3,True\n"
    )
    told = []
    family, depth, wide = read_attributes(tmp_path / "m.csv", ["y", "x", "z"], told.append)
    assert (family.name, family.relation, family.table[0].tolist()) == ("family", "same", [1, 1, 0])
    assert (depth.name, depth.relation, depth.table[0].tolist()) == ("depth", "difference", [0, -3, -2])
    assert (wide.relation, wide.table[1].tolist()) == ("same", [0, 1, 1])
    assert told == [f"{tmp_path / 'm.csv'}: passed by, as they are not among the models: w"]
    (tmp_path / "m.csv").write_text("model,loss,depth\nNA,None,1\n01,NA,2.5\n1,None,3\n")
    loss, depth = read_attributes(tmp_path / "m.csv", ["NA", "01", "1"], silent)
    assert (loss.relation, loss.table[0].tolist()) == ("same", [1, 0, 1])
    assert (depth.relation, depth.table[0].tolist()) == ("difference", [0, -1.5, -2])


@pytest.mark.parametrize(
    ("models", "objectives"),
    [
        (["vit seed1", "cnn seed0"], ["simclr", "supervised"]),  # what tells the representations of a score table apart
        (["cnn", "theirs"], ["supervised", "captions"]),
        (["one"], ["captions"]),
    ],
)
def test_a_studys_table_of_models_has_attributes(tmp_path, models, objectives):
    row = {"factor": "zoo", "start": "0", "sha256": "f"}
    rows = [
        {**row, "run": "a", "name": "seed0", "setting": "cnn", "model": "resnet8", "objective": "supervised"},
        {**row, "run": "a", "name": "seed0", "setting": "cnn", "model": "resnet8", "objective": "supervised"},
        {**row, "run": "b", "name": "seed1", "setting": "vit", "model": "vit", "objective": "simclr"},
        {**row, "run": "c", "name": "one", "setting": "theirs", "objective": "captions"},
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "models.csv", index=False)
    told = []
    found = attribute_table(tmp_path / "models.csv", models, told.append)
    assert (found.index.tolist(), found["objective"].tolist()) == (models, objectives)
    assert list(found) == ["setting", *(["architecture"] if not told else []), "objective"]
    passed = f"{tmp_path / 'models.csv'}: passed by, as not all of the models have them: architecture"
    assert told == ([passed] if "captions" in objectives else [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,family\nx,cnn\n", "must have a column `model` and one an attribute; it has name, family"),
        ("model\nx\n", "must have a column `model` and one an attribute; it has model"),
        ("model,family\nx,cnn\nx,cnn\n", "must name each model once; x is there twice"),
        ("model,family\nx,cnn\n", r"lacks y\. Add a row each, or leave them out with --without"),
        ("model,family\nx,cnn\ny,\n", "must give family of every model; y has none"),
        ("model,depth\nx,inf\ny,1\n", "must give depth of every model; x has none"),
        ("model,depth\nx,1\ny,NA\n", "must give depth of every model; y has none"),  # no word among numbers
    ],
)
def test_what_is_no_table_of_models_is_refused(tmp_path, text, message):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_attributes(tmp_path / "m.csv", ["x", "y"], silent)


def test_the_sign_of_a_distance_is_turned_and_what_is_no_metric_is_said():
    told = []
    table = np.ones((3, 3))
    assert (likeness_of_scores("procrustes_distance", table, silent).table == -1).all()
    assert (likeness_of_scores("cka", table, silent).table == 1).all()
    assert (likeness_of_scores("judged", table, told.append).table == 1).all()
    assert told == ["judged is no metric of whyalike: it is taken for a similarity, of which more is more alike"]


# ---- what is said ----


def test_a_mean_has_its_interval_over_models_by_hand():
    [row] = over_models({"cka": score_tables(pairs(ABC), ["x", "y", "z"], silent)["cka"]}, [], silent).itertuples()
    half = 4.302652730 * np.sqrt(2 / 3 * (9 + 1 + 4))  # t of 2 degrees; without a model 6, 2, 1 are left
    assert (row.value, row.ci_low, row.ci_high) == pytest.approx((3, 3 - half, 3 + half))
    assert (row.metric, row.statistic, row.models, row.pairs) == ("cka", "mean", 3, 3)
    assert pd.isna([row.against, row.p_value, row.orders, row.all_orders]).all()


def test_a_correlation_counts_all_orders_of_few_models_and_is_positive_towards_likeness():
    g = np.random.default_rng(0)
    distances, family = simulated(g, 5), np.array([0, 0, 1, 1, 1])
    same = Likeness("family", "same", (family[:, None] == family).astype(float))
    found = over_models({"procrustes_distance": distances}, [same], silent).iloc[1]
    places = np.triu_indices(5, 1)
    r = [pearsonr(-distances[places], same.table[np.ix_(order, order)][places]).statistic
         for order in itertools.permutations(range(5))]  # fmt: skip
    assert found["value"] == pytest.approx(r[0])
    assert found["p_value"] == np.mean(np.abs(r) >= abs(r[0]) - 1e-12)
    assert (found["orders"], found["all_orders"], found["against"], found["relation"]) == (120, True, "family", "same")
    assert found["ci_low"] < found["value"] < found["ci_high"]


def test_of_many_models_orders_are_drawn_and_keyed():
    g = np.random.default_rng(0)
    one, other = simulated(g, 9), Likeness("rsa", "scores", simulated(g, 9))
    found = [over_models({"cka": one}, [other], silent, 99, seed).iloc[1] for seed in (0, 0, 1)]
    assert (found[0]["orders"], found[0]["all_orders"]) == (100, False)
    assert found[0]["p_value"] == found[1]["p_value"] >= 1 / 100
    assert found[0]["p_value"] != found[2]["p_value"]


def test_unrelated_tables_are_significant_in_five_per_cent():
    """300 worlds in which scores and an attribute of models know nothing of each other; 6 models, all 720 orders."""
    g = np.random.default_rng(0)
    p = []
    for _ in range(300):
        depth = g.normal(size=6)
        other = Likeness("depth", "difference", -np.abs(depth[:, None] - depth))
        p.append(over_models({"cka": simulated(g)}, [other], silent).iloc[1]["p_value"])
    assert min(p) >= 1 / 720
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
    assert np.mean(np.array(p) <= 0.5) == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / 300))


def test_the_own_metric_of_the_same_table_and_what_does_not_vary_have_no_row():
    told = []
    table = simulated(np.random.default_rng(0))
    constant = Likeness("family", "same", np.ones((6, 6)))
    found = over_models({"cka": table}, [Likeness("cka", "scores", table, own=True), constant], told.append)
    assert found["statistic"].tolist() == ["mean"]
    assert told == [
        "no correlation of cka with itself, in the same table",
        "no correlation of cka with family: family is the same for all pairs",
    ]


@pytest.mark.parametrize("other", [Likeness("rsa", "scores", 0, own=True), Likeness("cka", "scores", 0)])
def test_equal_tables_of_two_metrics_or_two_files_have_a_correlation_of_one(other):
    table = simulated(np.random.default_rng(0))
    found = over_models({"cka": table}, [replace(other, table=table)], silent)
    assert found["value"].iloc[1] == pytest.approx(1)
    assert found["p_value"].iloc[1] == 1 / 720  # no other order of the six models gives the same table


@pytest.mark.parametrize(("models", "others", "words"), [
    (2, 0, "an interval over models needs 3 models or more; there are 2"),
    (3, 1, "a test over models needs 4 models or more; there are 3"),
])  # fmt: skip
def test_too_few_models_are_refused(models, others, words):
    table = simulated(np.random.default_rng(0), models)
    with pytest.raises(ValueError, match=words):
        over_models({"cka": table}, [Likeness("family", "same", table)] * others, silent)
