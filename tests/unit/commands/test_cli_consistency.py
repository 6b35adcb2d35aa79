"""`whyalike consistency`: from tables of pairs, one a stimulus set, to numbers over models and sources."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.files import made_by

MODELS = [f"m{number}" for number in range(8)]


def whyalike(*arguments):
    return CliRunner().invoke(main, ["consistency", *map(str, arguments)])


def table(generator, everywhere, models=MODELS):
    """A table of pairs: what models have on every set, and noise of this one; rows and names in any order."""
    rows = []
    for i, a in enumerate(models):
        for b in models[i + 1 :]:
            value = everywhere[MODELS.index(a)] + everywhere[MODELS.index(b)] + generator.normal(0, 0.05)
            rows.append({"metric": "cka", "a": a, "b": b, "value": value})
    return pd.DataFrame(rows)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    everywhere = generator.normal(0, 0.2, len(MODELS))
    for name in ("pets", "cars", "birds"):
        table(generator, everywhere).to_csv(f"{name}.csv", index=False)
    objective = ["supervised"] * 4 + ["contrastive"] * 4
    pd.DataFrame({"model": MODELS, "objective": objective, "family": list("aabbccdd")}).to_csv("m.csv", index=False)
    return tmp_path


SETS = ("pets.csv", "cars.csv", "birds.csv")


def test_groups_have_a_row_a_measure_with_intervals_and_p(folder):
    answer = whyalike(*SETS, "--attributes", "m.csv", "--by", "objective", "--draws", 19, "--out", "o.parquet")
    assert answer.exit_code == 0, answer.output
    found = pd.read_parquet("o.parquet")
    cells = ["all x all", "contrastive x contrastive", "supervised x contrastive", "supervised x supervised"]
    assert sorted(set(found["theta"] + " x " + found["phi"])) == cells
    of_all = found[found["theta"] == "all"].set_index("measure")
    assert of_all.loc["pearson", ["models", "pairs", "sets", "sources", "pairs_of_sets"]].tolist() == [8, 28, 3, 3, 3]
    assert of_all.loc["pearson", "ci_low"] < of_all.loc["pearson", "value"] < of_all.loc["pearson", "ci_high"]
    others = found[found["theta"] != "all"]
    assert others["p_value"].between(1 / 20, 1).all() and found[found["theta"] == "all"]["p_value"].isna().all()
    assert made_by("o.parquet")["by"] == "objective"
    assert "made by: whyalike" in answer.stdout and "supervised x contrastive" in answer.stdout


def test_models_are_joined_by_name_whatever_the_order_of_rows(folder):
    first = whyalike(*SETS, "--out", "one.csv")
    shuffled = pd.read_csv("cars.csv").sample(frac=1, random_state=1)
    shuffled[["a", "b"]] = shuffled[["b", "a"]].to_numpy()
    shuffled.to_csv("cars.csv", index=False)
    second = whyalike(*SETS, "--out", "two.csv")
    assert first.exit_code == second.exit_code == 0
    pd.testing.assert_frame_equal(pd.read_csv("one.csv"), pd.read_csv("two.csv"))


def test_a_model_that_a_set_lacks_is_named_and_left_out_of_all(folder):
    pairs = pd.read_csv("birds.csv")
    pairs[(pairs["a"] != "m3") & (pairs["b"] != "m3")].to_csv("birds.csv", index=False)
    answer = whyalike(*SETS, "--out", "o.csv")
    assert answer.exit_code == 0, answer.output
    assert "left out, as birds has no scores of them: m3" in answer.stderr
    assert set(pd.read_csv("o.csv")["models"]) == {7}


def test_groups_of_too_few_pairs_and_sets_without_variation_are_told(folder):
    few = pd.DataFrame({"model": MODELS, "objective": ["one"] * 2 + ["other"] * 6})
    few.to_csv("m.csv", index=False)
    answer = whyalike(*SETS, "--attributes", "m.csv", "--by", "objective", "--draws", 9, "--out", "o.csv")
    assert answer.exit_code == 0, answer.output
    missing = "pearson, spearman, concordance, residual_sd, pearson_at_common_spread"
    assert f"no {missing} of cka, one x one: it has 1 of the 3 pairs of models that are needed" in answer.stderr
    assert "one x other:" not in answer.stderr
    pd.read_csv("pets.csv").assign(value=0.5).to_csv("pets.csv", index=False)
    answer = whyalike(*SETS)
    assert "no pearson, pearson_within, spearman of cka, all x all: their similarities do not vary" in answer.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (SETS[:2], "an interval over sources needs three or more to leave out; there are 2"),
        ((*SETS, "--same-source", "pets,cars"), "needs three or more to leave out; there are 2"),
        ((*SETS, "--same-source", "pets,dogs"), "--same-source names no set dogs. Known: pets, cars, birds."),
        ((*SETS, "--by", "objective"), "objective is an attribute: give the table of models with --attributes."),
        ((*SETS, "--attributes", "m.csv", "--by", "size"), "m.csv has no column size. Known: objective, family."),
        ((*SETS, "--draws", 0), "--draws must be at least 1; got 0."),
        ((*SETS, "pets.csv"), "sets are named by their files, and two have one name"),
        ((*SETS, "--without", "m9"), "there is no model m9 to leave out."),
        ((*SETS, "--out", "pets.csv"), "--out would overwrite pets.csv, which is read"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(folder, arguments, words):
    answer = whyalike(*arguments)
    assert answer.exit_code == 1
    assert words in answer.stderr and len(answer.stderr.strip().splitlines()) == 1
