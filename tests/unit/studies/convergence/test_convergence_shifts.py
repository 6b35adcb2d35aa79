"""Models under a shift: equal numbers of stimuli, pooled levels, gaps, and how alignment goes with accuracy."""

from itertools import combinations, product

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from convergence_groups import LAYERS, PROCRUSTES, SOFT, STIMULI, analysis, group, prepared

from whyalike.data.prepared import open_prepared
from whyalike.data.shifts.application import shifted
from whyalike.files import read_table, write_table
from whyalike.randomness import keyed
from whyalike.similarity.alignments import Prepared, align
from whyalike.statistics.dyadic import node_jackknife
from whyalike.statistics.inference import t_interval
from whyalike.studies.convergence.accuracy import layers_and_measure
from whyalike.studies.convergence.parameters import ConvergenceStatistics, ShiftScores
from whyalike.studies.convergence.representations import Given, Models, Seen
from whyalike.studies.convergence.shifts import pooled, score_shift, stimulus_sets
from whyalike.studies.convergence.statistics.shift_accuracy import partial_z
from whyalike.studies.convergence.statistics.shifts import analyse
from whyalike.training.parameters import Operation

CPU = Operation(device="cpu")
BOTH = [analysis("corrected", 20), analysis("as_published")]


def levels(*given, shift="contrast"):
    names = {str(level).replace(".", "p"): level for level in given}
    return {name: {**STIMULI, "shift": shift, "levels": [level]} for name, level in names.items()}


CONTRAST = levels("control", 0.5, 0.1)
FILE = {"file": {"dataset": "sketches", "part": "test", "n": None, "seed": 0}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shifts")
    prepared(folder, "photos", 40)
    prepared(folder, "sketches", 24, seed=1)
    return folder


@pytest.fixture(scope="module")
def net(folder):
    return group(folder, "net", 3)


def parameters(net, analyses=BOTH, **more):
    own = {"group": net, "analyses": analyses, "folds": 3, "folds_seed": 42, "seed": 0}
    return ShiftScores(**{**own, "shift": "contrast", "levels": CONTRAST, **more})


def scored(folder, given, name="out"):
    data = [path for one in ("photos", "sketches") for path in (folder / "data" / one).iterdir()]
    training = [*(folder / "data" / "photos").iterdir()]
    outputs = folder / f"{name}.scores.parquet", folder / f"{name}.accuracy.parquet"
    score_shift(given, CPU, 1, folder / "runs", data, training, {}, *outputs)
    return tuple(read_table(path).to_pandas() for path in outputs)


@pytest.fixture(scope="module")
def tables(folder, net):
    return scored(folder, parameters(net))


def test_corrected_levels_are_sets_of_their_own_and_published_ones_are_pooled(tables):
    scores, accuracy = tables
    for table in tables:
        of = table.groupby("analysis")["level"].unique()
        assert of["corrected"].tolist() == ["none", "control", "0p5", "0p1"]
        assert of["as_published"].tolist() == ["none", "pooled"]
        assert set(table["checkpoint"]) == {"start", "final"} and set(table["n"]) == {40}
    # pairs x layers x checkpoints x sets
    assert len(scores) == 3 * len(LAYERS) * 2 * 6 and len(accuracy) == 3 * 2 * 6
    strengths = scores.groupby("level")["strength"].first()
    assert strengths["0p5"] == 0.5 and strengths[["none", "control", "pooled"]].isna().all()
    assert (scores["participation"] >= 1).all() and (scores["participation"] <= scores["width"]).all()


def test_a_score_is_that_of_the_shifted_images(folder, net, tables):
    found = tables[0].query("analysis == 'as_published' and level == 'none' and checkpoint == 'final'")
    models = Models(net, folder / "runs", CPU, 1)
    for level, stimuli in (("none", STIMULI), ("0p1", CONTRAST["0p1"])):
        if level != "none":
            plain = parameters(net, [analysis("corrected")])
            found = scored(folder, plain, "plain")[0].query(f"level == '{level}' and checkpoint == 'final'")
        given = models.given(folder / "data" / "photos", stimuli)
        layers = {one.member.model: one.layers(given)["layer1"] for one in models.at("final")}
        own = [align(*(Prepared(layers[name], 3, 42) for name in pair), [("", "procrustes", {})])["", "pearson"].value
               for pair in (("seed0", "seed1"), ("seed0", "seed2"), ("seed1", "seed2"))]  # fmt: skip
        assert found[found["layer"] == "layer1"]["value"].tolist() == pytest.approx(own, abs=1e-9)


def test_each_stimulus_is_pooled_once_and_each_level_as_often(net):
    sets = stimulus_sets(parameters(net), {"none": 40, "control": 40, "0p5": 40, "0p1": 40})
    places = sets["as_published"][1].parts
    assert sorted(np.concatenate(list(places.values()))) == list(range(40))
    assert sorted(map(len, places.values())) == [13, 13, 14] and set(places) == {"control", "0p5", "0p1"}
    other = pooled(dict.fromkeys(places, 40), 1)
    assert not np.array_equal(other["control"], pooled(dict.fromkeys(places, 40), 0)["control"])


def test_a_pooled_set_shows_each_stimulus_at_its_level(folder, net, monkeypatch):
    seen = []

    def watched(models, one, given, probe):
        seen.append(given)
        return layers_and_measure(models, one, given, probe)

    monkeypatch.setattr("whyalike.studies.convergence.shifts.layers_and_measure", watched)
    scored(folder, parameters(net, BOTH[1:]), "seen")
    data = open_prepared(folder / "data" / "photos")
    for level, places in pooled(dict.fromkeys(CONTRAST, 40), 0).items():
        [given, *_] = [one for one in seen if one.stimuli.get("levels") == CONTRAST[level]["levels"]]
        ids = data.rows("test")[places]
        own = shifted(data.images[ids], "contrast", CONTRAST[level]["levels"][0], ids, 0)
        assert np.array_equal(given.samples.numpy(), own)


def test_stimuli_from_files_and_undistorted_ones_have_one_number_and_as_published_their_own(folder, net):
    scores, accuracy = scored(folder, parameters(net, shift="sketches", levels=FILE), "sketches")
    n = scores.groupby(["analysis", "level"])["n"].unique().map(list)
    assert n["corrected"].to_dict() == {"none": [24], "file": [24]}
    assert n["as_published"].to_dict() == {"none": [40], "pooled": [24]}
    assert accuracy.query("level == 'none'")["distance"].eq(0).all()
    assert accuracy.query("level != 'none'")["distance"].isna().all()
    sets = stimulus_sets(parameters(net, levels=FILE), {"none": 40, "file": 24})["corrected"]
    [places] = sets[0].parts.values()
    assert len(set(places)) == 24 and places.max() < 40 and places.tolist() != list(range(24))


def test_levels_have_the_same_stimuli_at_a_matched_number(net):
    counts = dict.fromkeys(["none", *CONTRAST], 40)
    sets = stimulus_sets(parameters(net, matched=10), counts)["corrected"]
    places = [one.parts[one.level].tolist() for one in sets]
    assert len(places[0]) == 10 and places == places[:1] * 4
    with pytest.raises(
        ValueError, match=r"matched asks for 41 stimuli of every level of contrast \(setting net\); none has 40"
    ):
        stimulus_sets(parameters(net, matched=41), counts)


def test_accuracy_and_distance_are_those_of_the_shifted_images(folder, tables):
    accuracy = tables[1]
    data = open_prepared(folder / "data" / "photos")
    ids = data.rows("test")
    own = shifted(data.images[ids], "contrast", 0.1, ids, 0) / 255 - data.images[ids] / 255
    found = accuracy.query("level == '0p1'")["distance"].unique()
    assert found == pytest.approx([np.sqrt((own**2).mean())], abs=1e-12)
    levels = accuracy.query("analysis == 'corrected'").groupby("level")["distance"].first()
    assert levels["none"] == 0 < levels["0p5"] < levels["0p1"]
    assert accuracy["accuracy"].between(0, 1).all() and accuracy["loss"].gt(0).all()
    pool = accuracy.query("level == 'pooled'")["distance"].unique()
    assert levels[list(CONTRAST)].min() < pool[0] < levels["0p1"]


def test_undistorted_stimuli_of_both_analyses_are_scored_once(folder, net, monkeypatch):
    calls = []
    monkeypatch.setattr("whyalike.studies.convergence.shifts.align", lambda *of: calls.append(of) or align(*of))
    scores, _ = scored(folder, parameters(net, [analysis("corrected"), analysis("as_published")]), "alike")
    assert len(calls) == 2 * 5 * len(LAYERS) * 3  # checkpoints, four levels and the pool, layers, pairs
    none = scores.query("level == 'none'")
    assert np.array_equal(*(of["value"].to_numpy() for _, of in none.groupby("analysis")))


def test_only_what_is_followed_is_scored(folder, net):
    scores, _ = scored(folder, parameters(net, [analysis("corrected", scored=(PROCRUSTES, SOFT))]), "followed")
    assert set(scores["scoring"]) == {"procrustes"}


def test_a_job_begun_again_gives_the_same_bytes(folder, net, tables):
    scored(folder, parameters(net), "again")
    for table in ("scores", "accuracy"):
        assert (folder / f"out.{table}.parquet").read_bytes() == (folder / f"again.{table}.parquet").read_bytes()


def test_one_model_has_accuracies_and_no_scores(folder, net, caplog):
    alone = net.model_copy(update={"members": net.members[:1]})
    with caplog.at_level("INFO", "whyalike"):
        scores, accuracy = scored(folder, parameters(alone), "alone")
    assert scores.empty and len(accuracy) == 12 and "no pairs of net under contrast" in caplog.text


# ---- equal numbers of stimuli ----

TRUTH, WIDTH, MANY, FEW = 0.8, 48, 1200, 120  # correlation of units of two models; units; stimuli


class Planted:
    """Models whose one layer is a rotated noisy copy of a common signal, on any stimuli alike."""

    def __init__(self, group, *_):
        self.group, self.is_stored = group, False

    def given(self, folder, stimuli=None):
        data = open_prepared(folder)
        ids = data.rows("test")
        return Given(data, ids, stimuli, None)

    def at(self, checkpoint, recalibration=0):
        for member in self.group.members:
            rotation = np.linalg.qr(np.random.default_rng(member.seed).normal(size=(WIDTH, WIDTH)))[0]

            def layers(given, member=member, rotation=rotation):
                name = given.data.folder.name  # no part of it may depend on the place of the test
                common = keyed(0, name, checkpoint).normal(size=(int(given.ids.max()) + 1, WIDTH))
                own = keyed(0, name, checkpoint, member.seed).normal(size=common.shape)
                signal = np.sqrt(TRUTH) * common + np.sqrt(1 - TRUTH) * own
                return {"layer": (signal @ rotation)[given.ids].astype(np.float32)}

            yield Seen(member, 0, {}, None, None, layers)


def test_a_gap_of_unequal_numbers_of_stimuli_is_nil_at_equal_ones(tmp_path, monkeypatch):
    monkeypatch.setattr("whyalike.studies.convergence.shifts.Models", Planted)
    for name, n in (("photos", MANY), ("sketches", FEW)):
        prepared(tmp_path, name, n)
    net = group(tmp_path, "net", 4).model_copy(update={"layers": ("layer",)})
    given = parameters(net, [analysis("corrected"), analysis("as_published")], shift="sketches", levels=FILE, folds=5)
    scored(tmp_path, given)
    found = told(tmp_path, [tmp_path / "out.scores.parquet"], [tmp_path / "out.accuracy.parquet"])
    final = found.query("checkpoint == 'final' and layer == 'layer' and shift == 'sketches' and level.isna()")
    gap, within = (final[final["quantity"] == name].set_index("analysis")["value"] for name in ("gap", "within"))
    assert within["as_published"] == pytest.approx(TRUTH, abs=0.02)
    # 20 draws of 120 stimuli: .713, SD .006; of 1,200: .793; nothing was shifted, yet the published gap is -.079
    assert gap["as_published"] < -0.05
    assert abs(gap["corrected"]) < 0.027  # three SD of a difference of two such draws
    ends = final.query("quantity == 'gap' and analysis == 'corrected'").iloc[0]
    assert ends["n"] == FEW and ends["models"] == 4 and ends["pairs"] == 6
    assert ends["ci_low"] < ends["value"] < ends["ci_high"]
    assert found.query("checkpoint == 'start' and quantity == 'gap_untrained'")["value"].notna().all()


# ---- statistics of tables ----

LEVELS_OF = {"contrast": (0.5, 0.3, 0.1), "low_pass": (1.0, 3.0, 7.0), "rotation": (90.0, 180.0, 270.0)}
DEPTHS = (0.0, 0.5, 1.0)
MODELS = tuple(f"seed{seed}" for seed in range(5))


def synthetic(of, accuracy=lambda place, shift: 0.9 - 0.6 * place, shifts=LEVELS_OF, noise=0.0, n=100, seed=0,
              accuracy_noise=0.0, analysis="corrected"):  # fmt: skip
    """Both tables; alignment : (place of the level from 0 to 1, depth, shift, checkpoint) -> value."""
    random, scores, accuracies = np.random.default_rng(seed), [], []
    for shift, given in shifts.items():
        if analysis == "corrected":
            named = {"none": None, "control": None, **{f"{one:g}".replace(".", "p"): one for one in given}}
        else:
            named = {"none": None, "pooled": None}
        for level, strength in named.items():
            place = 0.5 if level == "pooled" else 0 if strength is None else (given.index(strength) + 1) / len(given)
            place = None if level == "none" else place
            shared = {"group": "net", "setting": "net", "analysis": analysis, "shift": shift, "level": level,
                      "n": n if isinstance(n, int) else n[shift]}  # fmt: skip
            own = dict(zip(MODELS, random.normal(0, noise, len(MODELS)), strict=True))
            right = {name: accuracy(place or 0, shift) + random.normal(0, accuracy_noise) for name in MODELS}
            for checkpoint in ("start", "final"):
                for name in MODELS:
                    accuracies.append({**shared, "model": name, "checkpoint": checkpoint, "accuracy": right[name],
                                       "loss": 1.0, "distance": 0.1 + 0.3 * (place or 0)})  # fmt: skip
                for (a, b), (index, depth) in product(combinations(MODELS, 2), enumerate(DEPTHS)):
                    value = of(place, depth, shift, checkpoint) + own[a] + own[b] + random.normal(0, noise)
                    scores.append({**shared, "strength": strength, "checkpoint": checkpoint, "a": a, "b": b,
                                   "layer": f"layer{index}", "index": index, "depth": depth, "width": 16,
                                   "metric": "procrustes", "scoring": "procrustes", "value": value, "fold_sd": 0.01,
                                   "participation": 3.0 + depth + random.random()})  # fmt: skip
    return pd.DataFrame(scores), pd.DataFrame(accuracies)


def told(folder, scores, accuracies):
    """The table of statistics of tables, or of their paths."""
    paths = {}
    for name, frames in (("scores", scores), ("accuracies", accuracies)):
        paths[name] = []
        for number, frame in enumerate(frames):
            path = folder / f"given.{name}{number}.parquet" if isinstance(frame, pd.DataFrame) else frame
            if path is not frame:
                write_table(path, pa.Table.from_pandas(frame), {})
            paths[name].append(path)
    given = ConvergenceStatistics(groups={"net": "net"}, kinds={"net": "cnn"}, scored=(), over_time=("procrustes",),
                                  draws=99, seed=0)  # fmt: skip
    analyse(given, paths["scores"], paths["accuracies"], folder / "statistics.parquet")
    return read_table(folder / "statistics.parquet").to_pandas()


def falling(place, depth, shift, checkpoint):
    """Alignment that shifts lower, more in depth; untrained models do not know them."""
    lowered = 0 if place is None or checkpoint == "start" else 0.05 + 0.3 * place * depth
    return 0.9 - 0.2 * depth - lowered


def test_gaps_and_their_slopes_are_those_that_are_planted(tmp_path):
    scores, accuracies = synthetic(falling)
    found = told(tmp_path, [scores], [accuracies])
    final = found[found["checkpoint"] == "final"]
    gap = final[(final["quantity"] == "gap") & final["layer"].notna()].set_index(["shift", "level", "depth"])["value"]
    assert gap["contrast", "0p1", 1.0] == pytest.approx(-0.35) and gap["contrast", "control", 1.0] == pytest.approx(
        -0.05
    )
    whole = final.query("shift.isna()").set_index(["quantity", "layer"])
    assert whole["value"]["within", "layer1"] == pytest.approx(0.8)
    assert whole["value"]["gap", "layer2"] == pytest.approx(-0.05 - 0.3 * 2 / 3)
    assert whole["sets"]["gap", "layer2"] == 3 and whole["levels"]["gap", "layer2"] == 9
    of_group = final.query("shift.isna() and layer.isna()").set_index("quantity")["value"]
    assert of_group["gap"] == pytest.approx(-0.05 - 0.3 * 2 / 3 / 2)
    assert of_group["gap_slope"] == pytest.approx(-0.2)  # the mean of the levels' places is 2/3
    assert of_group["level_slope"] == pytest.approx(-0.15)
    untrained = found[found["quantity"] == "gap_untrained"]
    assert untrained["value"].abs().max() < 1e-12 and set(untrained["checkpoint"]) == {"start"}


def test_intervals_leave_out_a_model_and_a_shift(tmp_path):
    scores, accuracies = synthetic(falling, noise=0.02)
    found = told(tmp_path, [scores], [accuracies])
    row = found.query("quantity == 'shifted' and shift == 'contrast' and level == '0p1' and layer == 'layer1' "
                      "and checkpoint == 'final'").iloc[0]  # fmt: skip
    own = scores.query("shift == 'contrast' and level == '0p1' and layer == 'layer1' and checkpoint == 'final'")
    table = np.zeros((5, 5))
    table[np.triu_indices(5, 1)] = own["value"]
    estimate = node_jackknife(table + table.T)
    assert (row["value"], row["ci_low"]) == pytest.approx((estimate.value, estimate.low))
    gap = found.query("quantity == 'gap' and shift.isna() and layer == 'layer2'").iloc[0]
    of_shifts = found.query("quantity == 'gap' and shift.notna() and level.isna() and layer == 'layer2'")["value"]
    assert (gap["ci_low_sets"], gap["ci_high_sets"]) == pytest.approx(t_interval(of_shifts))
    assert found.query("quantity == 'within'")["ci_low_sets"].isna().all()  # shifts share the undistorted stimuli


def test_levels_count_from_weak_to_strong_whatever_their_unit(tmp_path):
    shifts = {"high_pass": (3.0, 1.0, 0.4), "contrast": (0.5, 0.3, 0.1)}
    scores, accuracies = synthetic(falling, shifts=shifts)
    scores = scores.sample(frac=1, random_state=0)
    found = told(tmp_path, [scores], [accuracies]).query("checkpoint == 'final'")
    slopes = found.query("quantity == 'level_slope' and layer == 'layer2'")
    assert slopes["value"].tolist() == pytest.approx([-0.3] * 3)
    rows = found.query("quantity == 'gap' and layer == 'layer2' and level.notna() and level != 'control'")
    assert {shift: own.tolist() for shift, own in rows.groupby("shift")["level"]} == {
        "high_pass": ["3", "1", "0p4"],
        "contrast": ["0p5", "0p3", "0p1"],
    }


def test_alignment_that_goes_with_accuracy_has_a_high_correlation_with_two_intervals(tmp_path):
    scores, accuracies = synthetic(falling, noise=0.005, accuracy_noise=0.01)
    r = told(tmp_path, [scores], [accuracies]).query("quantity == 'r'").set_index("layer")
    deep, shallow = r.loc["layer2"], r.loc["layer0"]
    assert deep["value"] > 0.9 and deep["levels"] == 9 and deep["sets"] == 3
    for ends in ("ci_low", "ci_high"), ("ci_low_sets", "ci_high_sets"):
        assert 0 < deep[ends[0]] < deep["value"] < deep[ends[1]] < 1
    assert shallow["ci_low_sets"] < 0 < shallow["ci_high_sets"] or shallow["ci_low"] < 0 < shallow["ci_high"]


def test_a_correlation_is_that_of_each_pair_averaged_on_fishers_scale(tmp_path):
    scores, accuracies = synthetic(falling, noise=0.02, accuracy_noise=0.05)
    r = told(tmp_path, [scores], [accuracies]).query("quantity == 'r' and layer == 'layer1'")["value"].item()
    final = scores.query("layer == 'layer1' and checkpoint == 'final' and level not in ['none', 'control']")
    right = accuracies.query("checkpoint == 'final'").set_index(["shift", "level", "model"])["accuracy"]
    z = []
    for (a, b), own in final.groupby(["a", "b"]):
        mean = [
            (right[s, level, a] + right[s, level, b]) / 2 for s, level in zip(own["shift"], own["level"], strict=True)
        ]
        z.append(np.arctanh(np.corrcoef(own["value"], mean)[0, 1]))
    assert r == pytest.approx(np.tanh(np.mean(z)))


def test_two_shifts_have_no_interval_over_sets(tmp_path):
    shifts = {name: LEVELS_OF[name] for name in ("contrast", "low_pass")}
    found = told(tmp_path, *[[one] for one in synthetic(falling, shifts=shifts, noise=0.01, accuracy_noise=0.05)])
    assert found["ci_low_sets"].isna().all() and found.query("quantity == 'r'")["ci_low"].notna().all()


def test_what_distance_explains_leaves_no_partial_correlation(tmp_path):
    more = {"contrast": (0.6, 0.5, 0.4, 0.3, 0.2, 0.1), "low_pass": (1.0, 2.0, 3.0, 4.0, 5.0, 7.0),
            "uniform_noise": (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)}  # fmt: skip
    scores, accuracies = synthetic(falling, shifts=more, noise=0.02, accuracy_noise=0.02)
    found = told(tmp_path, [scores], [accuracies]).query("layer == 'layer2'").set_index("quantity")
    assert found.loc["r", "ci_low"] > 0.8
    assert abs(found.loc["partial_r", "value"]) < 0.35  # of 18 sets with 13 degrees of freedom, ten pairs: SD about .15


def test_a_partial_correlation_is_that_of_residuals():
    random = np.random.default_rng(0)
    x, y, covariates = random.normal(size=(12, 2)), random.normal(size=(12, 2)), random.normal(size=(3, 12, 2))
    x, y = x + covariates[0], y - 2 * covariates[1]
    covariates[2, :, 1] = 5  # does not vary
    found = np.tanh(partial_z(x, y, covariates))
    for at in (0, 1):
        design = np.column_stack([np.ones(12), *covariates[: 3 - at, :, at]])
        rest = [of - design @ np.linalg.lstsq(design, of, rcond=None)[0] for of in (x[:, at], y[:, at])]
        assert found[at] == pytest.approx(np.corrcoef(*rest)[0, 1])


def test_the_slope_within_families_does_not_see_differences_between_them(tmp_path):
    offset = {"contrast": 0.0, "low_pass": 0.2, "rotation": 0.4}

    def alignment(place, depth, shift, checkpoint):
        return 0.5 + offset[shift] - 0.12 * (place or 0)  # within a shift .2 of the accuracy

    scores, accuracies = synthetic(alignment, accuracy=lambda place, shift: 0.9 - 0.6 * place - offset[shift])
    found = told(tmp_path, [scores], [accuracies]).query("layer == 'layer1'")
    assert found.query("quantity == 'family_slope'")["value"].tolist() == pytest.approx([0.2] * 4)
    assert found.query("quantity == 'r'")["value"].item() < 0


def test_as_published_intervals_over_sets_are_standard_errors(tmp_path):
    gaps = {"contrast": 0.1, "low_pass": 0.2, "rotation": 0.4}
    scores, accuracies = synthetic(lambda place, depth, shift, _: 0.9 - (0 if place is None else gaps[shift]),
                                   analysis="as_published")  # fmt: skip
    row = (
        told(tmp_path, [scores], [accuracies]).query("quantity == 'gap' and shift.isna() and layer == 'layer1'").iloc[0]
    )
    error = np.std([0.1, 0.2, 0.4], ddof=1) / np.sqrt(3)
    assert row["value"] == pytest.approx(-0.7 / 3)
    assert (row["ci_low_sets"], row["ci_high_sets"]) == pytest.approx((-0.7 / 3 - error, -0.7 / 3 + error))


def test_correlations_are_over_sets_of_one_number_of_stimuli(tmp_path, caplog):
    shifts = {**LEVELS_OF, "contrast": (0.5, 0.1)}
    n = {"contrast": 40, "low_pass": 100, "rotation": 100}
    with caplog.at_level("INFO", "whyalike"):
        found = told(tmp_path, *[[one] for one in synthetic(falling, shifts=shifts, n=n, noise=0.01)])
    assert set(found.query("quantity == 'r'")["levels"]) == {6}
    assert "over sets of n = 100, without contrast (40), contrast (40)" in caplog.text


def test_without_accuracies_there_are_gaps_alone_and_a_note(tmp_path, caplog):
    scores, accuracies = synthetic(falling)
    with caplog.at_level("INFO", "whyalike"):
        found = told(tmp_path, [scores], [accuracies.assign(accuracy=np.nan)])
    assert not set(found["quantity"]) & {"r", "partial_r", "family_slope"} and "there are no accuracies" in caplog.text


def test_a_layer_without_scores_has_no_rows(tmp_path):
    scores, accuracies = synthetic(falling, noise=0.01)
    found = told(tmp_path, [scores[(scores["index"] > 0) | (scores["level"] == "none")]], [accuracies])
    own = found[found["layer"] == "layer0"]
    assert set(own["quantity"]) == {"within"} and found["value"].notna().all()


def test_a_model_whose_accuracy_does_not_vary_takes_its_pairs_from_correlations_and_this_is_told(tmp_path, caplog):
    scores, accuracies = synthetic(falling, noise=0.01, accuracy_noise=0.01)
    accuracies["accuracy"] = accuracies["accuracy"].where(~accuracies["model"].isin(["seed0", "seed1"]), 0.1)
    with caplog.at_level("INFO", "whyalike"):
        found = told(tmp_path, [scores], [accuracies]).query("quantity == 'r'")
    assert set(found["pairs"]) == {9} and "3 of 30 (a layer of a pair) have none" in caplog.text
