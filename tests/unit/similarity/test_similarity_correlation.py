"""CCA, Procrustes distance and RSA against other libraries, by hand, and where they have no value."""

import numpy as np
import pytest
import similarity_oracles as oracle
from scipy.linalg import subspace_angles
from sklearn.cross_decomposition import CCA

from whyalike.similarity.api import score
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.nulls import row_orders
from whyalike.similarity.protocols import scoring
from whyalike.similarity.workbench import Rows, Workbench


def test_cca_is_the_mean_cosine_of_the_angles_between_column_spaces(xy):
    x, y = (z - z.mean(axis=0, dtype=float) for z in xy)
    assert score("cca", *xy) == pytest.approx(np.cos(subspace_angles(x, y)).mean(), abs=1e-9)  # float64 rounding


def test_cca_finds_the_leading_correlation_of_scikit_learn(xy):
    x, y = xy
    model = CCA(n_components=5, max_iter=10_000, tol=1e-12).fit(x, y)
    theirs = [np.corrcoef(a, b)[0, 1] for a, b in zip(*(z.T for z in model.transform(x, y)), strict=True)]
    assert score("cca", x, y) == pytest.approx(np.mean(theirs), abs=1e-5)  # theirs iterates


def test_cca_by_hand():
    x = np.array([[1.0, 1], [1, -1], [-1, 1], [-1, -1]])
    assert score("cca", x[:, :1], x @ [[1.0], [1]]) == pytest.approx(0.5**0.5, abs=1e-12)  # 45 degrees between them
    assert score("cca", x[:, :1], x[:, 1:]) == pytest.approx(0, abs=1e-12)


def test_units_that_repeat_others_do_not_count_in_cca(xy):
    x, y = (z.astype(float) for z in xy)
    assert score("cca", np.hstack([x, x @ np.ones((7, 3))]), y) == pytest.approx(score("cca", x, y), abs=1e-9)


@pytest.mark.parametrize("scale", [1e-14, 1e14])
@pytest.mark.parametrize("metric", ["cca", "pwcca"])
def test_a_unit_of_another_scale_counts_as_before_in_cca(metric, scale, xy):
    x, y = (z.astype(float) for z in xy)
    badly = [z * np.where(np.arange(z.shape[1]) == 1, scale, 1) for z in (x, y)]
    if metric == "cca":
        assert score("cca", *badly) == pytest.approx(score("cca", x, y), abs=1e-9)  # float64 rounding
    else:  # it weighs by size: of the canonical correlations those stay
        assert score("pwcca", x, badly[1]) == pytest.approx(score("pwcca", x, y), abs=1e-9)


@pytest.mark.parametrize("apart", [1, 1e-3, 1e-7, 0])
def test_cca_of_nearly_dependent_units_is_the_mean_cosine_too(apart, xy):
    x, y = (z.astype(float) for z in xy)
    x = np.column_stack([x, x[:, 0] + apart * np.random.default_rng(0).normal(size=len(x))])
    centred = [z - z.mean(axis=0) for z in (x[:, :7] if not apart else x, y)]
    # of 1e-7 the direction is right to 1e-9, in our decomposition as in scipy's
    assert score("cca", x, y) == pytest.approx(np.cos(subspace_angles(*centred)).mean(), abs=1e-8)


def test_a_unit_that_is_constant_but_for_rounding_does_not_count_in_cca(xy):
    x, y = (z.astype(float) for z in xy)
    dead = np.column_stack([x, 0.1 + 1e-17 * np.arange(len(x)), 1e9 + 1e-7 * np.random.default_rng(0).random(len(x))])
    assert score("cca", dead, y) == pytest.approx(score("cca", x, y), abs=1e-12)
    with pytest.raises(UndefinedScore, match="cca needs a unit that varies beyond the rounding of its mean"):
        score("cca", dead[:, -1:], y)


def test_pwcca_is_refused_where_forced_correlations_leave_its_weights_open():
    g = np.random.default_rng(0)
    x, y = g.normal(size=(20, 12)), g.normal(size=(20, 8))
    with pytest.raises(UndefinedScore, match=r"rank X \+ rank Y <= n - 1; the ranks are 12 and 8, n is 20. 1 can"):
        score("pwcca", x, y)
    assert score("pwcca", x[:, :11], y) < 1
    # another basis of the variates: the first weights, turned among correlations of 1, give another value
    assert score("pwcca", g.normal(size=(20, 19)), y) == pytest.approx(1, abs=1e-12)  # all are 1: one value


def test_pwcca_counts_the_directions_that_x_uses_and_mean_cca_all_alike():
    g = np.random.default_rng(0)
    shared, own = g.normal(size=(500, 2)), g.normal(size=(500, 2))
    strong = np.hstack([10 * shared, own])
    y = np.hstack([shared, g.normal(size=(500, 2))])
    assert score("cca", strong, y) == pytest.approx(0.5, abs=0.05)  # two of four directions; chance adds a little
    assert score("pwcca", strong, y) > 0.85
    assert score("pwcca", np.hstack([shared, 10 * own]), y) < 0.25


def test_procrustes_distance_by_hand():
    a = np.array([[1.0, 0], [-1, 0], [0, 0], [0, 0]])
    b = np.array([[0.0, 0], [0, 0], [0, 1], [0, -1]])
    assert score("procrustes_distance", a, b) == pytest.approx(2**0.5, abs=1e-12)  # no common variation
    assert score("procrustes_distance", a, b, angular=True) == pytest.approx(np.pi / 2, abs=1e-12)
    assert score("procrustes_distance", a, 7 * a[:, ::-1] + 3) == 0
    # |a'c|_* = 1/sqrt(2): a has its whole norm on one axis, c half of its own
    assert score("procrustes_distance", a, a + b) == pytest.approx(np.sqrt(2 - np.sqrt(2)), abs=1e-12)


@pytest.mark.parametrize("angular", [False, True])
def test_procrustes_distance_obeys_the_triangle_inequality(angular):
    g = np.random.default_rng(0)
    for _ in range(50):
        x, y, z = (g.normal(size=(8, d)) for d in (2, 3, 9))
        xy, yz, xz = (score("procrustes_distance", *pair, angular=angular) for pair in ((x, y), (y, z), (x, z)))
        assert xz <= xy + yz + 1e-9


@pytest.mark.parametrize("metric", ["procrustes_distance", "cca", "pwcca", "rsa"])
def test_more_units_than_stimuli_equal_plain_definition(metric):
    g = np.random.default_rng(0)
    x, y = g.normal(size=(12, 40)), g.normal(size=(12, 3))
    if metric in ("cca", "pwcca"):  # eleven centred directions hold everything
        assert score(metric, x, y) == pytest.approx(1, abs=1e-9)
    else:
        assert score(metric, x, y) == pytest.approx(getattr(oracle, metric)(x, y), abs=1e-9)


@pytest.mark.parametrize(("rdm", "theirs"), [("correlation", "correlation"), ("euclidean", "euclidean")])
@pytest.mark.parametrize(("comparison", "method"), [("spearman", "spearman"), ("pearson", "corr")])
def test_rsa_equals_rsatoolbox(rdm, theirs, comparison, method, xy):
    rsatoolbox = pytest.importorskip("rsatoolbox")
    rdms = [rsatoolbox.rdm.calc_rdm(rsatoolbox.data.Dataset(z.astype(float)), method=theirs) for z in xy]
    if rdm == "euclidean":  # theirs is squared and divided by the number of units
        for one in rdms:
            one.dissimilarities = np.sqrt(one.dissimilarities)
    expected = rsatoolbox.rdm.compare(*rdms, method=method).item()
    assert score("rsa", *xy, rdm=rdm, comparison=comparison) == pytest.approx(expected, abs=1e-9)


def _ranked(x, rdm):
    """The ranks of the dissimilarities, from differences of rows in long double."""
    z = x.astype(np.longdouble)
    z = z - z.mean(axis=1, keepdims=True) if rdm == "correlation" else z
    z = z if rdm == "euclidean" else z / np.sqrt((z**2).sum(axis=1, keepdims=True))
    squared = ((z[:, None] - z) ** 2).sum(axis=-1)
    return np.argsort(np.argsort(squared[np.triu_indices(len(x), 1)])).astype(float)


@pytest.mark.parametrize("rdm", ["correlation", "cosine", "euclidean"])
@pytest.mark.parametrize("kind", ["nearly parallel", "one far off"])
def test_rsa_keeps_its_digits(rdm, kind):
    g = np.random.default_rng(0)
    signal = g.normal(size=(60, 20))
    x, y = signal.copy(), signal + g.normal(size=signal.shape)
    if kind == "nearly parallel":
        x += 1e7 * g.normal(size=20)
    else:
        x[3] *= 1e6
    expected = np.corrcoef(_ranked(x, rdm), _ranked(y, rdm))[0, 1]
    assert score("rsa", x, y, rdm=rdm) == pytest.approx(expected, abs=1e-6)  # promised


@pytest.mark.parametrize(
    ("rdm", "invariant"), [("cosine", ("orthogonal", "row_scale")), ("euclidean", ("orthogonal", "translation"))]
)
def test_each_rdm_has_its_own_invariances(rdm, invariant, xy):
    x, y = (z.astype(float) for z in xy)
    g = np.random.default_rng(0)
    changed = {
        "orthogonal": x @ np.linalg.qr(g.normal(size=(7, 7))).Q,
        "row_scale": x * g.uniform(0.5, 2, size=(30, 1)),
        "translation": x + g.normal(size=7),
    }
    gaps = {name: abs(score("rsa", z, y, rdm=rdm) - score("rsa", x, y, rdm=rdm)) for name, z in changed.items()}
    assert {name for name, gap in gaps.items() if gap < 1e-9} == set(invariant)


def test_dissimilarities_equal_but_for_rounding_are_ties():
    labels = np.eye(4)[np.arange(20) % 4]
    turned = labels @ np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4))).Q  # equal distances, rounded apart
    other = np.random.default_rng(1).normal(size=(20, 3))
    values = [score("rsa", z, other, rdm="euclidean") for z in (labels, turned)]
    assert values[0] == pytest.approx(values[1], abs=1e-12)


def test_null_of_rsa_is_zero(xy):
    chosen = scoring("rsa", "exact", {})
    bench = Workbench({"x": {"l": xy[0]}, "y": {"l": xy[1]}}, 0)
    scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), chosen, "l")
    null = [scorable.value(order) for order in row_orders(np.random.default_rng(0), 30, 2000)]
    assert abs(np.mean(null)) < 4 * np.std(null) / np.sqrt(2000)  # 4 standard errors


def test_rows_without_direction_have_no_rsa():
    x = np.random.default_rng(0).normal(size=(10, 4))
    x[3] = 0.1
    with pytest.raises(
        UndefinedScore, match=r"rsa needs rows that vary over units .*; 1 of 10 do not, the first is row 3"
    ):
        score("rsa", x, x + 1)
    x[[2, 5]] = 0
    with pytest.raises(UndefinedScore, match=r"rsa needs rows other than 0 .*; 2 of 10 do not, the first is row 2"):
        score("rsa", np.ones((10, 4)) + np.eye(10, 4), x, rdm="cosine")
    assert np.isfinite(score("rsa", x, x[::-1], rdm="euclidean"))


def test_equal_dissimilarities_have_no_rsa(xy):
    with pytest.raises(
        UndefinedScore, match=r"rsa needs dissimilarities that differ; all 45 are equal.*layer 'x' of x"
    ):
        score("rsa", np.eye(10), xy[1][:10], rdm="euclidean")


def test_permuted_dissimilarities_in_blocks_equal_those_at_once(xy, monkeypatch):
    order = np.random.default_rng(3).permutation(30)
    chosen = scoring("rsa", "exact", {})
    bench = Workbench({"x": {"l": xy[0]}, "y": {"l": xy[1]}}, 0)
    scorable = bench.scorable("x", "y", Rows.of(np.arange(30)), chosen, "l")
    whole = scorable.value(order)
    monkeypatch.setattr("whyalike.similarity.metrics.rsa.BLOCK", 100)  # three rows at a time
    assert scorable.value(order) == pytest.approx(whole, abs=1e-12)
