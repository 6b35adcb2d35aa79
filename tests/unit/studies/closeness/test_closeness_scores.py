"""Score tables of constructed and trained models hold what the functions give, pair by pair."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from whyalike.similarity.metrics.divergences import kl_divergence
from whyalike.similarity.metrics.llv import llv_distance
from whyalike.similarity.metrics.m_svd import max_d_svd
from whyalike.similarity.table import CORE, SCORE_SCHEMA, to_frame, to_table
from whyalike.studies.closeness import scores, tuple_counts
from whyalike.studies.closeness.activations import embed_group, read_embeddings
from whyalike.studies.closeness.constructed import permuted_circle
from whyalike.studies.closeness.constructed_scores import score_constructed
from whyalike.studies.closeness.parameters import (
    CircleScores,
    CopiesScores,
    GroupScores,
    PerceptronEmbedding,
    PerceptronTraining,
    TupleScores,
)
from whyalike.studies.closeness.scores import pair_key, score_group
from whyalike.studies.closeness.training import EmbeddingStack, data, train_group
from whyalike.training.store import DamagedRun

GROUP = {"group": "k5_width8", "classes": 5, "width": 8, "dimensions": 2}
TRAINING = PerceptronTraining(
    **GROUP, inputs=2, seeds=4, version=1,
    data={"source": "radial", "train": {"n": 100, "seed": 0}, "test": {"n": 40, "seed": 1}},
    recipe={"lr": 1e-2, "batch_size": 20, "steps": 10, "layers": 3},
)  # fmt: skip
TABLE = {"study": "closeness", "stimuli": "radial_test"}


def scored(**metrics):
    return GroupScores(**TABLE, **GROUP, num_samples=7, metrics=metrics)


OVERLAP_ROW = {
    **{name: "s" for name in SCORE_SCHEMA.names if not SCORE_SCHEMA.field(name).nullable},
    **{"seed": 0, "n": 9, "eps": 0.0, "value": 0.5, "scoring": "x", "parameters": "{}"},
}


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    """Manifest, weights and activations of a trained group."""
    folder = tmp_path_factory.mktemp("group")
    paths = folder / "m.parquet", folder / "w.safetensors", folder / "a.parquet"
    train_group(TRAINING, *paths[:2])
    embed_group(PerceptronEmbedding(training=TRAINING), *paths)
    return paths


def test_a_table_of_embeddings_gives_back_both_kinds_of_models(group):
    models = read_embeddings(group[2])
    assert set(models) == {(trained, seed) for trained in (True, False) for seed in range(4)}
    assert {(f.shape, g.shape, f.dtype) for f, g in models.values()} == {((40, 2), (5, 2), np.dtype("float64"))}
    x, _ = data(TRAINING, "test")
    f, g = EmbeddingStack(TRAINING, [2]).outputs(x[None])
    np.testing.assert_allclose(models[False, 2][0], f[0].numpy(), atol=1e-6)
    np.testing.assert_allclose(models[False, 2][1], g[0].numpy(), atol=1e-6)
    assert np.abs(models[True, 2][0] - models[False, 2][0]).max() > 0.01


def test_weights_that_were_changed_are_refused(group, tmp_path):
    other = tmp_path / "w.safetensors"
    other.write_bytes(group[1].read_bytes() + b" ")
    with pytest.raises(DamagedRun, match=r"w\.safetensors is not the file that was written"):
        embed_group(PerceptronEmbedding(training=TRAINING), group[0], other, tmp_path / "a.parquet")


def test_all_pairs_are_scored_by_every_metric(group, tmp_path):
    score_group(scored(cka={}, pwcca={}), group[2], tmp_path / "s.parquet")
    table = pq.read_table(tmp_path / "s.parquet").to_pandas()
    counts = table.groupby(["trained", "metric"]).size()
    both = {"kl_divergence", "pwcca"}  # where (a, b) and (b, a) differ, both stand
    assert counts.to_dict() == {
        (trained, metric): 12 if metric in both else 6 for trained in (True, False) for metric in set(table["metric"])
    }
    models = read_embeddings(group[2])
    rows = table[table["trained"]].set_index(["metric", "a", "b"])["value"]
    p, q = models[True, 1], models[True, 3]
    assert rows["kl_divergence", 3, 1] == pytest.approx(kl_divergence(q, p))
    assert rows["llv_distance", 1, 3] == pytest.approx(llv_distance(p, q, num_samples=7, seed=pair_key(1, 3)))
    assert rows["max_d_svd", 1, 3] == pytest.approx(max_d_svd(p, q))
    assert set(table["n"]) == {40}


def test_core_columns_of_every_study_can_stand_in_one_table(group, tmp_path):
    k5 = {"metric": "mutual_knn", "k": 5}
    score_group(scored(mutual_knn={}, near=k5), group[2], tmp_path / "group.parquet")
    copies = CopiesScores(study="closeness", n=40, labels=5, levels=3, num_samples=5, seed=0)
    score_constructed("copies", copies, tmp_path / "copies.parquet")
    tuples = TupleScores(**TABLE, counts=[1, 5], keys=2, pairs=1)
    tuple_counts.score_tuples(tuples, [group[2]], tmp_path / "tuples.parquet")
    overlap = to_table(to_frame([OVERLAP_ROW]))
    read = [pq.read_table(path, columns=list(CORE)) for path in sorted(tmp_path.glob("*.parquet"))]
    table = pa.concat_tables([overlap.select(CORE), *(one.replace_schema_metadata(None) for one in read)])
    assert table.schema == pa.schema([SCORE_SCHEMA.field(name) for name in CORE])
    frame = table.to_pandas()
    assert frame.groupby("study", sort=False).size().to_dict() == {"s": 1, "closeness": len(frame) - 1}
    told = frame.drop_duplicates("scoring").set_index("scoring")
    assert told.loc["near", ["metric", "parameters"]].tolist() == ["mutual_knn", '{"k":5}']
    assert told.loc["mutual_knn", "parameters"] == '{"k":10}'
    assert told.loc["llv_distance_5", ["metric", "layer_a", "comparison"]].tolist() == [
        "llv_distance", "f, g", "k5_width8",
    ]  # fmt: skip
    assert json.loads(told.loc["llv_distance", "parameters"])["num_samples"] == 5
    of_group = pq.read_table(tmp_path / "group.parquet").to_pandas()
    assert set(of_group[~of_group["trained"]]["run_a"]) <= {f"k5_width8_seed{seed}_untrained" for seed in range(4)}


def test_pairs_have_keys_of_their_own():
    keys = [pair_key(a, b) for a in range(20) for b in range(a)]
    assert sorted(keys) == list(range(190))
    assert pair_key(3, 8) == pair_key(8, 3)


def test_an_undefined_score_is_absent_and_the_others_stand(monkeypatch):
    told = []
    monkeypatch.setattr(scores, "note", told.append)
    random = np.random.default_rng(0)
    f = {"0": random.normal(size=(20, 2)), "1": np.ones((20, 2)), "2": random.normal(size=(20, 2))}
    rows = list(scores._embedding_scores("cka", {}, f))
    assert [(row["a"], row["b"]) for row in rows] == [(0, 2)]
    assert told
    assert told[0].startswith("cka: ")


def test_more_tuples_of_a_key_never_give_a_larger_distance(group, tmp_path):
    work = TupleScores(**TABLE, counts=[1, 5, 50], keys=3, pairs=2)
    tuple_counts.score_tuples(work, [group[2]], tmp_path / "t.parquet")
    table = pq.read_table(tmp_path / "t.parquet").to_pandas()
    assert len(table) == 18
    assert set(table["group"]) == {"k5_width8"}
    values = table.pivot(index=["a", "b", "key"], columns="num_samples", values="value")
    assert (values.diff(axis=1).iloc[:, 1:] <= 1e-12).all(axis=None)
    assert (values[50] < values[1]).any()


def test_tables_of_constructed_models_hold_the_scores(tmp_path):
    work = CircleScores(study="closeness", radii=[2, 9], per_class=30, num_samples=5, seed=0)
    score_constructed("circle", work, tmp_path / "c.parquet")
    values = _pivot(tmp_path / "c.parquet")
    p, q = permuted_circle(9.0, per_class=30)
    assert values.loc[9.0, "kl_divergence"] == pytest.approx(kl_divergence(p, q))
    assert values.loc[9.0, "max_d_svd"] == pytest.approx(max_d_svd(p, q))
    assert set(values.columns) >= {"llv_distance", "logit_distance", "d_svd_unembeddings", "m_cca", "cka"}
    work = CopiesScores(study="closeness", n=40, labels=5, levels=6, num_samples=5, seed=0)
    score_constructed("copies", work, tmp_path / "n.parquet")
    values = _pivot(tmp_path / "n.parquet")
    assert values.index.tolist() == pytest.approx([i / 6 for i in range(1, 7)])
    assert (values["max_d_svd"] <= 4 * values["llv_distance"]).all()


def _pivot(path) -> pd.DataFrame:
    table = pq.read_table(path).to_pandas()
    assert set(table["width"]) == {2}
    return table.pivot(index="x", columns="metric", values="value")
