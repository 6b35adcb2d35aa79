"""`whyalike models`: from the table that `whyalike score` writes to numbers over models."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from whyalike.commands.cli import main
from whyalike.files import canonical_json, file_sha256, made_by, write_table
from whyalike.statistics.dyadic import correlation_interval, mantel, node_jackknife, square

N = 30


def whyalike(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The scores of five files, three of which share a signal."""
    folder = tmp_path_factory.mktemp("scored")
    g = np.random.default_rng(0)
    signal = g.normal(size=(N, 3))
    for number, name in enumerate("vwxyz"):
        np.save(folder / f"{name}.npy", g.normal(size=(N, 3)) + (number < 3) * 2 * signal)
    options = ("--metrics", "cka,procrustes_distance,pwcca", "--null", 0, "--no-interval")
    for suffix in ("parquet", "csv"):
        assert whyalike("score", folder, *options, "--out", folder / "out" / f"s.{suffix}").exit_code == 0
    return folder


@pytest.fixture
def folder(scored, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("s.parquet", "s.csv", "s.made_by.json"):
        (tmp_path / name).write_bytes((scored / "out" / name).read_bytes())
    (tmp_path / "m.csv").write_text("model,family,depth\nv,cnn,1\nw,cnn,2\nx,cnn,2\ny,vit,3\nz,vit,7\nq,vit,7\n")
    return tmp_path


@pytest.mark.parametrize("table", ["s.parquet", "s.csv"])
def test_what_score_wrote_gives_means_over_models_and_how_scores_were_made(folder, table):
    answer = whyalike("models", table, "--out", "o.parquet")
    assert answer.exit_code == 0, answer.output
    found, scores = pd.read_parquet("o.parquet"), pd.read_parquet("s.parquet")
    assert found["metric"].tolist() == ["cka", "procrustes_distance", "pwcca"]
    for row in found.itertuples():
        expected = node_jackknife(square(scores[scores["metric"] == row.metric], list("vwxyz")))
        assert (row.value, row.ci_low, row.ci_high) == pytest.approx((expected.value, expected.low, expected.high))
        printed = f"{row.metric} mean {row.value:.3f} [{row.ci_low:.3f}, {row.ci_high:.3f}] 5 10"
        assert printed in [" ".join(line.split()) for line in answer.stdout.splitlines()]
        assert (row.models, row.pairs) == (5, 10)
    made = made_by("o.parquet")
    assert made["inputs"] == [{"file": table, "sha256": file_sha256(folder / table)}]
    assert made["scores"] == made_by("s.parquet")
    last = answer.stdout.splitlines()[-2:]
    assert last[0].startswith("made by: whyalike ") and last[0].endswith(file_sha256(folder / table)[:12])
    assert last[1].startswith("of scores made by: whyalike ") and "n 30" in last[1]


def test_attributes_and_another_table_give_correlations_with_p_over_models(folder):
    options = ("--attributes", "m.csv", "--against", "s.csv", "--method", "spearman")
    answer = whyalike("models", "s.parquet", *options, "--out", "o.csv")
    assert answer.exit_code == 0, answer.output
    found, scores = pd.read_csv("o.csv"), pd.read_parquet("s.parquet")
    rows = found[found["statistic"] == "correlation"]
    assert len(rows) == 3 * (2 + 3)  # two attributes, and three metrics of another file
    row = rows[(rows["metric"] == "procrustes_distance") & (rows["against"] == "cka")].iloc[0]
    cka, distance = (square(scores[scores["metric"] == name], list("vwxyz")) for name in ("cka", "procrustes_distance"))
    expected = mantel(-distance, cka, method="spearman")
    assert (row["value"], row["p_value"], row["orders"]) == (pytest.approx(expected.value), expected.p_value, 120)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(correlation_interval(-distance, cka, "spearman"))
    assert "m.csv: passed by, as they are not among the models: q" in answer.stderr
    assert "120 (all)" in answer.stdout and "family (same)" in answer.stdout and "depth (difference)" in answer.stdout
    assert (folder / "o.made_by.json").read_text().startswith('{"draws":9999,"inputs":[{"file":"s.parquet"')


def test_against_the_same_table_a_metric_passes_over_itself_alone_and_says_so(folder):
    (folder / "link.csv").symlink_to("s.csv")
    answer = whyalike("models", "s.csv", "--against", "link.csv", "--out", "o.parquet")
    assert answer.exit_code == 0, answer.output
    assert (pd.read_parquet("o.parquet")["statistic"] == "correlation").sum() == 3 * 2
    for metric in ("cka", "procrustes_distance", "pwcca"):
        assert f"no correlation of {metric} with itself, in the same table" in answer.stderr
    assert made_by("o.parquet")["draws"] == 9999
    whyalike("models", "s.csv", "--out", "o.parquet")  # no test
    assert not made_by("o.parquet").keys() & {"draws", "method", "seed"}


@pytest.mark.parametrize("text", ['{"a":1}', "[1]", "null", '{"versions":{}}'])
def test_metadata_of_another_form_are_none(folder, text):
    (folder / "s.made_by.json").write_text(text)
    answer = whyalike("models", "s.csv", "--out", "o.parquet")
    assert answer.exit_code == 0, answer.output
    assert made_by("o.parquet")["scores"] == {} and "of scores" not in answer.stdout


def test_metadata_that_cannot_be_read_are_a_message_before_any_work(folder):
    (folder / "s.made_by.json").write_text("not json")
    answer = whyalike("models", "s.csv")
    assert answer.exit_code == 1 and not answer.stdout
    assert "s.made_by.json must be how s.csv was made, as JSON, it cannot be read" in answer.stderr
    assert "Remove it, or write the table again." in answer.stderr


def test_a_parquet_table_from_elsewhere_has_no_metadata(folder):
    write_table("t.parquet", pq.read_table("s.parquet"), {"a": 1})
    answer = whyalike("models", "t.parquet")
    assert answer.exit_code == 0, answer.output
    assert "of scores" not in answer.stdout


def test_a_metric_without_all_pairs_is_said_and_the_others_stand(folder):
    scores = pd.read_csv("s.csv")
    scores[(scores["metric"] != "cka") | (scores["a"] != "v")].to_csv("t.csv", index=False)
    answer = whyalike("models", "t.csv")
    assert answer.exit_code == 0
    assert "no cka: a table of pairs holds all pairs; 4 of 10 are missing: w, v; x, v; y, v; v, z." in answer.stderr
    assert [line.split()[0] for line in answer.stdout.splitlines()][:3] == ["metric", "procrustes_distance", "pwcca"]
    scores[(scores["metric"] == "cka") & (scores["a"] != "v")].to_csv("t.csv", index=False)
    assert whyalike("models", "t.csv", "--without", "v").exit_code == 1  # no such model
    scores[(scores["metric"] == "cka") & (scores["a"] != "w")].to_csv("t.csv", index=False)
    assert whyalike("models", "t.csv").exit_code == 1  # nothing is left to say
    assert whyalike("models", "t.csv", "--without", "w").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv",), "none.csv must be a table of pairs, .parquet or .csv, it cannot be read (there is none)"),
        (("m.csv",), "m.csv must have the columns metric, a, b, value; it lacks metric, a, b, value"),
        (("s.csv", "--attributes", "s.csv"), "s.csv must have a column `model`"),
        (("s.csv", "--without", "q"), "there is no model q to leave out"),
        (("s.csv", *["--without", "v", "--without", "w", "--without", "x"]), "s.csv: an interval over models needs 3"),
        (("s.csv", *["--without", "v", "--without", "w", "--attributes", "m.csv"]), "needs 4 models"),
        (("s.csv", "--against", "few.csv"), "few.csv lacks y, z. Score them"),
        (("s.csv", "--attributes", "m.csv", "--method", "kendall"), "method must be 'pearson' or 'spearman'"),
        (("s.csv", "--method", "foo"), "method must be 'pearson' or 'spearman'; got 'foo'"),
        (("s.csv", "--draws", "-3"), "draws must be at least 1; got -3"),
        (("s.csv", "--out", "s.csv"), "--out would overwrite s.csv"),
        (("s.csv", "--out", "m.csv/o.csv"), "m.csv is no folder: give --out another folder"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_a_message(folder, arguments, words):
    (folder / "few.csv").write_text("metric,a,b,value\ncka,v,w,1\ncka,v,x,1\n")
    answer = whyalike("models", *arguments)
    assert answer.exit_code == 1
    assert words in answer.output and "Traceback" not in answer.output


def test_how_a_table_was_made_is_one_text(folder):
    assert (folder / "s.made_by.json").read_text() == canonical_json(made_by("s.parquet")) + "\n"
