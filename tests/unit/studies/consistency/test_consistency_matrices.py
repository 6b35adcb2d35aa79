"""Similarities of all pairs of models: against plain loops, in halves, by size, and what has no score."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.spatial
import scipy.stats

from whyalike.activations.scratch import Scratch
from whyalike.activations.table import write_activations
from whyalike.data.prepared import write_prepared
from whyalike.files import made_by
from whyalike.similarity.api import score
from whyalike.similarity.kernel_blocks import Distances, Gaussian
from whyalike.studies.consistency import matrices, sizes
from whyalike.studies.consistency.matrices import halves_of, score_set
from whyalike.studies.consistency.pair_scores import score_pairs
from whyalike.studies.consistency.parameters import MatrixParameters, Model, Scored, SizesParameters, StimuliSet
from whyalike.studies.consistency.reach import Counted
from whyalike.studies.consistency.representations import read_models, to_unit_rows
from whyalike.studies.consistency.sizes import places_within, score_sizes

N, CLASSES = 42, 6
WIDTHS = {"narrow": 5, "wide": 60, "deep": 17, "shallow": 8, "tall": 33, "odd": 11}
RBF_PUBLISHED = {"sigma": 0.4}


def model(name):
    """One of the setting that its view stands in: two settings, one file each."""
    setting = "one" if name in ("narrow", "wide", "deep") else "two"
    return Model(name=name, setting=setting, view=f"view of {name}", seed=0, trained=True, attributes={})


@pytest.fixture
def study(tmp_path):
    """Activation files of two settings, the label file of their data set, and the features of each model."""
    g = np.random.default_rng(3)
    shared = g.normal(size=(N, 4))
    features = {
        name: (shared @ g.normal(size=(4, d)) + g.normal(size=(N, d)) + 2 * g.normal(size=d)).astype(np.float32)
        for name, d in WIDTHS.items()
    }
    labels = pd.DataFrame({"part": "test", "shape": [f"s{i % 3}" for i in range(N)],
                           "color": [f"c{i % 2}" for i in range(N)]})  # fmt: skip
    write_prepared(tmp_path / "data", np.zeros((N, 1, 1, 1), np.uint8), labels, ["shape", "color"], {})
    return Study(tmp_path, features)


class Study:
    def __init__(self, folder, features):
        self.folder, self.features, self.labels = folder, features, [folder / "data" / "labels.parquet"]
        self.ids = np.arange(N)

    def files(self):
        paths = []
        for setting in ("one", "two"):
            own = {model(name).view: x for name, x in self.features.items() if model(name).setting == setting}
            path = self.folder / f"{setting}.photos.parquet"
            write_activations(path, self.ids, own.items(), None, {})
            paths.append(path)
        return paths

    def scores(self, metric, names=tuple(WIDTHS), **more):
        given = {"corrected": {}, "as_published": RBF_PUBLISHED if "rbf" in metric else {}, **more}
        scored = [
            Scored(analysis=one, scoring=metric, rows="raw" if one == "corrected" else "l2", parameters=own)
            for one, own in given.items()
        ]
        parameters = MatrixParameters(
            stimuli="photos", of=StimuliSet(source="photos", category="multi"), metric=metric, scored=scored,
            models=[model(name) for name in names], seed=0,
        )  # fmt: skip
        self.output = self.folder / f"{metric}.parquet"
        score_set(parameters, self.files(), self.labels, self.output)
        return pd.read_parquet(self.output)

    def by_size(self, per_class, metric="cka_unbiased"):
        scored = Scored(analysis="as_published", scoring=metric, rows="l2", parameters={})
        parameters = SizesParameters(
            stimuli="photos", per_class=per_class, scored=scored, models=[model(name) for name in WIDTHS], seed=0
        )
        self.output = self.folder / "sizes.parquet"
        score_sizes(parameters, self.files(), self.labels, self.output)
        return pd.read_parquet(self.output)


def of_analysis(table, analysis="as_published"):
    return table[table["analysis"] == analysis].set_index(["a", "b"])


# ---- the arithmetic as published, in plain loops ----


def unit(x):
    return np.array([row / math.sqrt(float(row @ row)) for row in x.astype(np.float64)])


def u_centred(kernel):
    """Székely and Rizzo (2014): entry less means of row and column over n - 2, plus that of all, hollow."""
    n, out = len(kernel), np.zeros(kernel.shape)
    kernel = kernel.copy()
    np.fill_diagonal(kernel, 0)
    total = kernel.sum() / ((n - 1) * (n - 2))
    for i, j in itertools.permutations(range(n), 2):
        out[i, j] = kernel[i, j] - kernel[i].sum() / (n - 2) - kernel[:, j].sum() / (n - 2) + total
    return out


def cka_of(kernel, other):
    a, b = u_centred(kernel), u_centred(other)
    return (a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum())


def gaussian(x, sigma):
    return np.array([[math.exp(-float(((u - v) ** 2).sum()) / (2 * sigma**2)) for v in x] for u in x])


def rsa_of(x, y):
    triangles = [[1 - np.corrcoef(z[i], z[j])[0, 1] for i, j in itertools.combinations(range(len(z)), 2)]
                 for z in (x, y)]  # fmt: skip
    return scipy.stats.spearmanr(*triangles).statistic


PUBLISHED = {
    "cka_unbiased": lambda x, y: cka_of(x @ x.T, y @ y.T),
    "cka_rbf_unbiased": lambda x, y: cka_of(gaussian(x, 0.4), gaussian(y, 0.4)),
    "rsa": rsa_of,
}


@pytest.mark.parametrize("metric", PUBLISHED)
def test_published_scores_are_those_of_plain_loops_over_unit_rows(study, metric):
    names = ("narrow", "wide", "shallow")
    table = of_analysis(study.scores(metric, names))
    assert list(table.index) == list(itertools.combinations(names, 2))
    halves = halves_of(np.arange(N) % CLASSES, 0, "photos")
    for a, b in table.index:
        x, y = unit(study.features[a]), unit(study.features[b])
        expected = [PUBLISHED[metric](x, y), *(PUBLISHED[metric](x[half], y[half]) for half in halves)]
        # float64 throughout, of few stimuli: what differs is the order of sums
        found = table.loc[(a, b), ["value", "value_half_1", "value_half_2"]].tolist()
        assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", PUBLISHED)
def test_pairs_keep_their_scores_when_models_are_in_another_order(study, metric):
    given = study.scores(metric).set_index(["analysis", "a", "b"])
    order = tuple(np.random.default_rng(0).permutation(list(WIDTHS)).tolist())
    turned = study.scores(metric, order)
    assert len(given) == len(turned) == 2 * 15
    first = turned[turned["analysis"] == "corrected"]
    assert list(zip(first["a"], first["b"], strict=True)) == list(itertools.combinations(order, 2))
    for row in turned.itertuples():
        swapped = (row.analysis, row.a, row.b) not in given.index
        one = given.loc[(row.analysis, *((row.b, row.a) if swapped else (row.a, row.b)))]
        columns = ["value", "value_half_1", "value_half_2"]
        assert one[columns].tolist() == pytest.approx([getattr(row, name) for name in columns], abs=1e-12)
        assert (row.width_a, row.width_b) == (WIDTHS[row.a], WIDTHS[row.b])
        if "rbf" in metric:
            ends = ("neighbours_b", "neighbours_a") if swapped else ("neighbours_a", "neighbours_b")
            assert one[list(ends)].tolist() == pytest.approx([row.neighbours_a, row.neighbours_b], rel=1e-9)


def test_a_metric_that_ignores_the_scale_of_rows_is_made_once(study, monkeypatch):
    calls, score = [], matrices.score_pairs
    monkeypatch.setattr(matrices, "score_pairs", lambda arrays, scored: calls.append(scored) or score(arrays, scored))
    table = study.scores("rsa")
    assert len(calls) == 3  # of all stimuli and of both halves
    values = [of_analysis(table, one)["value"].tolist() for one in ("corrected", "as_published")]
    assert values[0] == values[1] and len(values[0]) == 15
    study.scores("rsa", as_published={"rdm": "euclidean"})
    assert len(calls) == 3 + 6


def test_both_analyses_stand_in_the_table_with_their_rows_and_parameters(study):
    table = study.scores("cka_rbf_unbiased", corrected={"sigma_median": 0.4})
    told = table.groupby("analysis")[["rows", "parameters"]].first()
    assert told.loc["corrected"].tolist() == ["raw", '{"rows":"raw","sigma_median":0.4}']
    assert told.loc["as_published"].tolist() == ["l2", '{"rows":"raw","sigma":0.4}']
    assert not np.allclose(of_analysis(table)["value"], of_analysis(table, "corrected")["value"], atol=0.01)
    assert set(table["n"]) == {N} and set(table["source"]) == {"photos"} and set(table["category"]) == {"multi"}


def test_a_second_run_gives_the_same_bytes(study):
    study.scores("cka_rbf_unbiased")
    first = study.output.read_bytes()
    study.scores("cka_rbf_unbiased")
    assert study.output.read_bytes() == first
    study.by_size((2, 4))
    first = study.output.read_bytes()
    study.by_size((2, 4))
    assert study.output.read_bytes() == first


@pytest.mark.parametrize("metric", ["cka_unbiased", "cka_rbf_unbiased", "rsa"])
def test_many_stimuli_are_scored_in_float32_to_six_digits(metric):
    g = np.random.default_rng(0)
    shared = g.normal(size=(1100, 5))  # beyond the number of rows from which products are float32
    raw = {
        str(d): (shared @ g.normal(size=(5, d)) + g.normal(size=(1100, d))).astype(np.float32) for d in (20, 300, 50)
    }
    single = dict(raw)
    to_unit_rows(single)
    assert {x.dtype for x in single.values()} == {np.dtype(np.float32)}
    parameters = RBF_PUBLISHED if "rbf" in metric else {}
    found = score_pairs(single, Scored(analysis="as_published", scoring=metric, rows="l2", parameters=parameters))
    for (a, b), value in found.values.items():
        x, y = (np.array(unit(raw[name])) for name in (a, b))
        # products of float32 hold seven digits, and average
        assert value == pytest.approx(FAST[metric](x, y), abs=1e-6)
    if "rbf" in metric:
        kernel = of_distances(unit(raw["300"]))
        np.fill_diagonal(kernel, 0)
        expected = np.mean(kernel.sum(axis=1) ** 2 / (kernel**2).sum(axis=1))
        assert found.neighbours["300"] == pytest.approx(expected, rel=1e-5)


def of_distances(x):
    return np.exp(-scipy.spatial.distance.cdist(x, x, "sqeuclidean") / (2 * 0.4**2))


def hsic_1(k, m):
    """Song et al. (2012), eq. 5, as it is written there."""
    n, k, m = len(k), k - np.diag(np.diag(k)), m - np.diag(np.diag(m))
    middle = k.sum() * m.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (k.sum(axis=0) @ m.sum(axis=0))
    return ((k * m).sum() + middle) / (n * (n - 3))


def from_kernels(k, m):
    return hsic_1(k, m) / math.sqrt(hsic_1(k, k) * hsic_1(m, m))


FAST = {
    "cka_unbiased": lambda x, y: from_kernels(x @ x.T, y @ y.T),
    "cka_rbf_unbiased": lambda x, y: from_kernels(of_distances(x), of_distances(y)),
    "rsa": lambda x, y: scipy.stats.spearmanr(*(scipy.spatial.distance.pdist(z, "correlation") for z in (x, y)))[0],
}


def test_of_a_metric_with_directions_the_mean_of_both_counts():
    g = np.random.default_rng(0)
    arrays = {name: g.normal(size=(30, 3)) * [1, 2, 3] for name in "xyz"}
    found = score_pairs(arrays, Scored(analysis="corrected", scoring="pwcca", rows="raw", parameters={})).values
    both = [score("pwcca", arrays[a], arrays[b]) for a, b in ("xy", "yx")]
    assert abs(both[0] - both[1]) > 1e-6 and list(found) == [("x", "y"), ("x", "z"), ("y", "z")]
    assert found["x", "y"] == pytest.approx(np.mean(both), abs=1e-12)


# ---- halves ----


@pytest.mark.parametrize("classes", [np.arange(101) % 7, np.arange(40) // 3, np.zeros(9, int), np.arange(10)])
def test_halves_are_disjoint_and_balanced_within_class(classes):
    one, two = halves_of(classes, 5, "photos")
    assert sorted([*one, *two]) == list(range(len(classes)))
    assert abs(len(one) - len(two)) <= 1
    counts = [np.bincount(classes[half], minlength=classes.max() + 1) for half in (one, two)]
    assert abs(counts[0] - counts[1]).max() <= 1


def test_halves_depend_on_set_and_seed_alone():
    classes = np.arange(60) % 4
    given = halves_of(classes, 0, "photos")
    assert all(map(np.array_equal, given, halves_of(classes, 0, "photos")))
    for other in (halves_of(classes, 1, "photos"), halves_of(classes, 0, "sketches")):
        assert not np.array_equal(given[0], other[0])


# ---- reach ----


def reach(x, sigma):
    """As the table has it, of a kernel of a given width, whose blocks are made as the similarities need them."""
    distances = Distances.of(x, False, Scratch())
    kernel = Counted.of(Gaussian(distances, sigma / distances.scale))
    for start in range(0, len(x), 7):
        some = slice(start, min(start + 7, len(x)))
        kernel.block(some, np.empty((some.stop - start, len(x) - start)))
    return kernel.neighbours()


@pytest.mark.parametrize("sigma", [0.1, 0.3, 1.0, 50.0])
def test_equidistant_stimuli_are_all_neighbours(sigma):
    assert reach(np.eye(20), sigma) == pytest.approx(19, rel=1e-9)  # whether exp or exp - 1 is made


def test_a_narrow_kernel_reaches_the_nearest_neighbour_alone():
    pairs = np.repeat(np.arange(10.0), 2) + np.tile([0, 0.1], 10)  # each has one at .1, others at .9 or more
    assert reach(pairs[:, None], 0.05) == pytest.approx(1, abs=1e-9)
    assert reach(pairs[:, None], 1e-4) == 1  # whose entries are too small for any floating number


@pytest.mark.parametrize("sigma", [0.3, 0.8, 3.0])
def test_reach_is_that_of_a_plain_loop(sigma):
    x = np.random.default_rng(1).normal(size=(23, 3))
    kernel = gaussian(x, sigma)
    np.fill_diagonal(kernel, 0)
    expected = np.mean([row.sum() ** 2 / (row**2).sum() for row in kernel])
    assert reach(x, sigma) == pytest.approx(expected, rel=1e-9)


def test_reach_stands_in_the_tables_of_rbf_kernels_alone(study):
    table = of_analysis(study.scores("cka_rbf_unbiased"))
    kernel = gaussian(unit(study.features["wide"]), 0.4)
    np.fill_diagonal(kernel, 0)
    expected = np.mean([row.sum() ** 2 / (row**2).sum() for row in kernel])
    assert table.loc[("narrow", "wide"), "neighbours_b"] == pytest.approx(expected, rel=1e-9)
    assert table.loc[("wide", "odd"), "neighbours_a"] == pytest.approx(expected, rel=1e-9)
    assert study.scores("cka_unbiased")[["neighbours_a", "neighbours_b"]].isna().all(axis=None)


# ---- what has no score ----


@pytest.mark.parametrize("metric", [*PUBLISHED, "mutual_knn"])
def test_a_constant_model_is_absent_and_named(study, metric, caplog):
    study.features["deep"][:] = 1
    with caplog.at_level("INFO"):
        table = study.scores(metric)
    assert "deep" not in {*table["a"], *table["b"]} and len(table) == 2 * 10
    absent = made_by(study.output)["absent"]
    assert [(one["model"], one["analysis"]) for one in absent] == [("deep", "corrected"), ("deep", "as_published")]
    assert all("needs features that vary" in one["reason"] and "deep" in one["reason"] for one in absent)
    assert f"no scores of deep, photos, corrected, {metric}: {metric} needs features that vary" in caplog.text


def test_a_model_that_is_constant_on_half_of_the_stimuli_has_its_whole_score(study):
    one, _ = halves_of(np.arange(N) % CLASSES, 0, "photos")
    study.features["deep"][one] = 1
    table = of_analysis(study.scores("cka_unbiased"), "corrected")
    of_deep = [pair for pair in table.index if "deep" in pair]
    assert table.loc[of_deep, "value_half_1"].isna().all() and table.loc[of_deep, "value"].notna().all()
    assert table.drop(of_deep)["value_half_1"].notna().all() and table["value_half_2"].notna().all()
    told = [(one["model"], one["half"]) for one in made_by(study.output)["absent"] if one["analysis"] == "corrected"]
    assert told == [("deep", "half 1")]


def test_a_model_that_no_file_holds_is_named_with_its_file(study):
    study.features.pop("odd")
    with pytest.raises(ValueError, match=r"two\.photos\.parquet does not hold the model odd \(view view of odd\)"):
        study.scores("cka_unbiased")


def test_files_of_different_stimuli_are_refused(study):
    study.files()
    write_activations(study.folder / "two.photos.parquet", np.arange(N) + 1, [("view of odd", np.ones((N, 3)))], 3, {})
    with pytest.raises(ValueError, match=r"two\.photos\.parquet holds other stimuli than .*one\.photos\.parquet"):
        read_models([model("odd")], [study.folder / f"{one}.photos.parquet" for one in ("one", "two")])


# ---- by size ----


def test_draws_are_nested_and_have_as_many_of_each_class():
    classes = np.random.default_rng(0).integers(0, 4, 90)
    places = places_within(classes, list("abcd"), 0, "photos")
    draws = [np.flatnonzero(places < size) for size in (1, 5, 12)]
    for size, draw in zip((1, 5, 12), draws, strict=True):
        assert np.bincount(classes[draw]).tolist() == [size] * 4
    assert set(draws[0]) < set(draws[1]) < set(draws[2])


def test_the_draw_of_a_class_does_not_depend_on_other_classes():
    one = places_within(np.array([0] * 9 + [1] * 5), ["cat", "dog"], 0, "photos")
    other = places_within(np.array([1] * 9 + [0] * 3), ["bird", "cat"], 0, "photos")
    assert one[:9].tolist() == other[:9].tolist()


def test_scores_by_size_are_those_of_the_drawn_stimuli(study):
    table = study.by_size((7, 2, 4))
    assert table.groupby("per_class")["n"].first().to_dict() == {size: size * CLASSES for size in (2, 4, 7)}
    names = [f"s{i}_c{j}" for i in range(3) for j in range(2)]  # sorted, as labellings have them
    classes = np.array([names.index(f"s{i % 3}_c{i % 2}") for i in range(N)])
    drawn = places_within(classes, names, 0, "photos") < 2
    x, y = (unit(study.features[name])[drawn] for name in ("wide", "tall"))
    found = table[table["per_class"] == 2].set_index(["a", "b"]).loc[("wide", "tall"), "value"]
    assert found == pytest.approx(cka_of(x @ x.T, y @ y.T), abs=1e-12)
    whole = of_analysis(study.scores("cka_unbiased"))["value"]
    assert table[table["per_class"] == 7].set_index(["a", "b"])["value"].to_dict() == pytest.approx(whole.to_dict())


def test_a_class_with_too_few_stimuli_is_named(study):
    with pytest.raises(ValueError, match=r"up to 8 stimuli of each class of photos; 6 of 6 .*s0_c0 \(7\), .*\.\.\."):
        study.by_size((2, 8))


def test_a_size_without_a_score_is_absent_and_told(study, caplog):
    with caplog.at_level("INFO"):
        table = study.by_size((1, 7), metric="mutual_knn")  # ten neighbours among six stimuli
    assert (
        "no scores of narrow, wide, deep, shallow, tall, ... (6), photos, as_published, mutual_knn, 1 a class"
        in caplog.text
    )
    assert set(table["per_class"]) == {7}
    absent = made_by(study.output)["absent"]
    assert {one["per_class"] for one in absent} == {1} and {one["model"] for one in absent} == set(WIDTHS)
    assert all("k = 10, n = 6" in one["reason"] for one in absent)
    assert sizes.SCHEMA.names == list(table.columns)
