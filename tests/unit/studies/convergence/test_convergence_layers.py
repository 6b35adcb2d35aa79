"""All layers of two groups against one another, and whether layers of one depth match."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from convergence_groups import LAYERS, PROCRUSTES, SOFT, analysis, group, prepared

from whyalike.files import read_table, write_table
from whyalike.similarity.alignments import Prepared, align
from whyalike.studies.convergence.layers import chosen_pairs, score_layers
from whyalike.studies.convergence.parameters import ConvergenceStatistics, LayerScores
from whyalike.studies.convergence.representations import Models
from whyalike.studies.convergence.statistics.layers import analyse, tables_of
from whyalike.training.parameters import Operation

CPU = Operation(device="cpu")
SHARED = {"folds": 3, "folds_seed": 42, "seed": 0}


def scored(folder, a, b, output, analyses, **more):
    data = [*(folder / "data" / "photos").iterdir()]
    parameters = LayerScores(a=a, b=b, analyses=analyses, **{"pairs": 2, **SHARED, **more})
    score_layers(parameters, CPU, 1, folder / "runs", data, data, {}, output)
    return read_table(output).to_pandas()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers")
    prepared(folder, "photos", 40)
    return folder


@pytest.fixture(scope="module")
def net(folder):
    return group(folder, "net", 4)


def test_every_layer_of_a_model_is_scored_with_every_layer_of_another(folder, net):
    found = scored(folder, net, net, folder / "a.parquet", [analysis("corrected", scored=(PROCRUSTES, SOFT))])
    assert set(zip(found["layer_a"], found["layer_b"], strict=True)) == {(a, b) for a in LAYERS for b in LAYERS}
    assert len(found) == 2 * 2 * 9 and set(found["n"]) == {40}
    assert found.groupby("layer_b")["depth_b"].first()[list(LAYERS)].tolist() == [0, 0.5, 1]
    models = Models(net, folder / "runs", CPU, 1)
    given = models.given(folder / "data" / "photos")
    layers = {one.member.model: one.layers(given) for one in models.at("final")}
    one = found[(found["scoring"] == "procrustes") & (found["layer_a"] == "conv1") & (found["layer_b"] == "layer2")]
    x, y = (Prepared(layers[model][layer], 3, 42) for model, layer in (("seed0", "conv1"), ("seed1", "layer2")))
    own = align(x, y, [("", "procrustes", {})])["", "pearson"].value
    assert one.set_index(["a", "b"])["value"]["seed0", "seed1"] == pytest.approx(own, abs=1e-12)


def test_pairs_share_no_model_while_there_are_others(folder, net):
    assert chosen_pairs(net, net, 3) == [("seed0", "seed1"), ("seed2", "seed3"), ("seed0", "seed2")]
    other = net.model_copy(update={"group": "other"})
    assert chosen_pairs(net, other, 3) == [("seed0", "seed1"), ("seed1", "seed2"), ("seed2", "seed3")]


def test_one_seed_gives_no_pairs_and_says_so(folder, net, caplog):
    alone = net.model_copy(update={"members": net.members[:1]})
    with caplog.at_level("INFO", "whyalike"):
        assert scored(folder, alone, alone, folder / "alone.parquet", [analysis("corrected")]).empty
    assert "no layers of net and net" in caplog.text


def test_analyses_that_look_alike_are_scored_once_and_others_apart(folder, net, monkeypatch):
    calls = []
    monkeypatch.setattr("whyalike.studies.convergence.layers.align", lambda *of: calls.append(of) or align(*of))
    alike = scored(folder, net, net, folder / "alike.parquet", [analysis("corrected"), analysis("as_published")])
    values = [of["value"].tolist() for _, of in alike.groupby("analysis")]
    assert values[0] == values[1] and len(calls) == 2 * 9
    apart = [analysis("corrected", 20), analysis("as_published")]
    found = scored(folder, net, net, folder / "apart.parquet", apart)
    assert len(calls) == 2 * 9 + 4 * 9
    later = found[found["layer_a"] == "layer2"]  # conv1 is before all BatchNorm
    values = [of["value"].to_numpy() for _, of in later.groupby("analysis")]
    assert np.abs(values[0] - values[1]).max() > 1e-3
    one_side = scored(folder, net, net, folder / "side.parquet", [analysis("corrected", 20)],
                      recalibration_b={"corrected": 0})  # fmt: skip
    assert one_side["value"].tolist() not in (values[0].tolist(), values[1].tolist())


def test_the_same_job_gives_the_same_bytes(folder, net):
    for name in ("once", "again"):
        scored(folder, net, net, folder / f"{name}.parquet", [analysis("corrected", 20)])
    assert (folder / "once.parquet").read_bytes() == (folder / "again.parquet").read_bytes()


# ---- statistics ----


def table(values, analysis="corrected", groups=("net", "net"), scoring="procrustes"):
    """Scores of pairs of models (P x La x Lb) as the job writes them."""
    rows = []
    for pair, of_pair in enumerate(values):
        for i, j in np.ndindex(of_pair.shape):
            place = {}
            for side, at, count, of in zip("ab", (i, j), of_pair.shape, groups, strict=True):
                own = {"group": of, "layer": f"l{at}", "index": at, "width": 8, "depth": at / (count - 1)}
                place |= {f"{name}_{side}": one for name, one in own.items()}
            rows.append({"analysis": analysis, "a": f"seed{2 * pair}", "b": f"seed{2 * pair + 1}", **place,
                         "metric": scoring, "scoring": scoring, "n": 100, "value": of_pair[i, j]})  # fmt: skip
    return pd.DataFrame(rows)


def told(folder, frames, draws=199):
    paths = []
    for number, frame in enumerate(frames):
        paths.append(folder / f"scores{number}.parquet")
        write_table(paths[-1], pa.Table.from_pandas(frame), {})
    names = {"net": "net", "other": "other"}
    parameters = ConvergenceStatistics(groups=names, kinds=dict.fromkeys(names, "cnn"), scored=(),
                                       over_time=("procrustes",), draws=draws, seed=0)  # fmt: skip
    analyse(parameters, paths, folder / "statistics.parquet")
    return read_table(folder / "statistics.parquet").to_pandas()


def hierarchy(layers=8, other=8, pairs=3, noise=0.05, seed=0):
    """Scores that fall with the distance in depth."""
    depths = np.linspace(0, 1, layers)[:, None] - np.linspace(0, 1, other)
    return 0.9 - 0.5 * np.abs(depths) + np.random.default_rng(seed).normal(0, noise, (pairs, layers, other))


def test_layers_of_a_hierarchy_match_by_depth(tmp_path):
    found = told(tmp_path, [table(hierarchy()), table(hierarchy(8, 5), groups=("net", "other"))])
    distance = found[found["quantity"] == "match_distance"]
    assert (distance["p"] < 0.02).all() and (distance["value"] < 0.15).all()
    assert (distance["p_holm"] >= distance["p"]).all() and (distance["p_holm"] < 0.04).all()
    assert (distance["ci_low"] < distance["value"]).all() and set(distance["models"]) == {6}
    null = found[found["quantity"] == "null_mean"].set_index("group_b")["value"]
    # of two independent uniform places among 8 the mean distance is (64 - 1)/(3 * 64) * 8/7 = .375
    assert null["net"] == pytest.approx(0.375, abs=0.03)


def test_layers_that_match_at_random_have_a_uniform_p(tmp_path):
    random = np.random.default_rng(0)
    frames = [table(random.normal(size=(3, 8, 8)), scoring=f"p{number}") for number in range(60)]
    found = told(tmp_path, [pd.concat(frames)], draws=99)
    ps = found[found["quantity"] == "match_distance"]["p"]
    assert len(ps) == 60
    # the mean of 60 uniform numbers has an SD of .037, the share below .2 one of .052
    assert abs(ps.mean() - 0.5) < 0.13 and abs((ps <= 0.2).mean() - 0.2) < 0.16


def test_each_layer_has_its_best_match(tmp_path):
    values = np.array([[[0.9, 0.2, 0.1], [0.3, 0.4, 0.8], [0.1, 0.5, 0.6]]])
    found = told(tmp_path, [table(values)]).set_index(["quantity", "layer"])["value"]
    assert found["largest_a"].tolist() == [0.9, 0.8, 0.6] and found["largest_b"].tolist() == [0.9, 0.5, 0.8]
    assert found["match_depth"].tolist() == [0, 1, 1] and found["match_depth_b"].tolist() == [0, 1, 0.5]


def test_one_pair_of_models_has_no_interval(tmp_path):
    found = told(tmp_path, [table(hierarchy(pairs=1))])
    assert found["ci_low"].isna().all() and found["value"].notna().all()


def test_layers_of_different_widths_do_not_match_by_permutation(tmp_path, caplog):
    frame = table(hierarchy(4, 4), scoring="permutation")
    frame = frame[(frame["index_a"] < 2) == (frame["index_b"] < 2)]
    with caplog.at_level("INFO", "whyalike"):
        found = told(tmp_path, [frame])
    assert "match_distance" not in set(found["quantity"]) and "no match distances" in caplog.text
    assert set(found["quantity"]) == {"largest_a", "largest_b", "match_depth", "match_depth_b"}


def test_a_net_that_matches_by_permutation_in_some_layers_alone_has_no_distance(tmp_path):
    # all layers of one have the width of the other's last two
    frame = table(hierarchy(4, 4), scoring="permutation", groups=("net", "other"))
    found = told(tmp_path, [frame[frame["index_b"] >= 2]])
    assert "match_distance" not in set(found["quantity"]) and "match_depth" in set(found["quantity"])


def test_a_layer_without_scores_is_left_out_and_told(caplog):
    frame = table(hierarchy(4, 4))
    with caplog.at_level("INFO", "whyalike"):
        found = tables_of(frame[(frame["index_a"] > 0) & (frame["index_b"] > 0)], "here")
    assert found.values.shape == (3, 3, 3) and "here: layers of net have no score, those with index [0]" in caplog.text
