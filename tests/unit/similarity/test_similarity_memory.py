"""Scores within a bound of memory: the system enforces it, and the values are those without it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import whyalike as wa
from whyalike.commands.cli import main
from whyalike.similarity.memory import bytes_of, of_streamed, of_whole
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import scoring
from whyalike.similarity.read_files import Pairs
from whyalike.similarity.score_files import score_pairs_of_files
from whyalike.similarity.streamed import Streamed, orthonormal, spectrum

ALL_PAIRS = ("cka_rbf", "cka_rbf_unbiased", "rsa", "distance_correlation", "distance_correlation_unbiased")
LISTS = ("mutual_knn", "cycle_knn", "lcs_knn", "edit_distance_knn", "cknna")
FOLDED = ("linear", "procrustes", "permutation", "soft_matching")
SECOND_ORDER = ("second_order_cosine",)
SPECTRA = tuple(name for name in METRICS if name not in (*ALL_PAIRS, *LISTS, *FOLDED, *SECOND_ORDER))
# cka without a bound multiplies float32 features in float32, which moves it by 1e-8; all else is float64 on both sides
CLOSE = 1e-7

# RLIMIT_DATA counts private memory, without pages of mapped files: what a copy needs and a map does not
SCORED = """
import json, re, resource, sys
from pathlib import Path
import numpy as np
import whyalike as wa

metrics, allowed, memory = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
arrays = {file: np.load(file, mmap_mode="r") for file in sys.argv[4:]}
wa.pairwise(metrics, {name: np.array(x[:300, :12]) for name, x in arrays.items()})  # loads the libraries
data = 1024 * int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
resource.setrlimit(resource.RLIMIT_DATA, (data + allowed, data + allowed))
found = wa.pairwise(metrics, arrays, memory=int(memory) if memory else None)
print(json.dumps([found["metric"].tolist(), found["value"].tolist()]))
"""


def saved(folder, n, d):
    """Three float32 representations of n stimuli that share some directions, of widths d, 3 d / 4 and d."""
    random = np.random.default_rng(0)
    shared = random.standard_normal((n, d), np.float32) / np.sqrt(1 + np.arange(d, dtype=np.float32))
    for name, width in (("x", d), ("y", 3 * d // 4), ("z", d)):
        noise = random.standard_normal((n, width), np.float32)
        np.save(folder / f"{name}.npy", shared @ random.standard_normal((d, width), np.float32) + noise + 1)
    return folder


def scored_within(files, metrics, allowed, memory):
    """The end of a process that scores two files under a limit; memory: as it is told, "" for not at all."""
    given = [json.dumps(metrics), str(allowed), str(memory), *map(str, files)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", SCORED, *given], capture_output=True, text=True, env=environment)


def values_of(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("few"), 12_000, 256)


GROUPS = [(SPECTRA, 40), (LISTS, 84), (SECOND_ORDER, 84), (FOLDED, 88)]  # MB


@pytest.mark.parametrize(("metrics", "megabytes"), GROUPS, ids=lambda one: one[0] if isinstance(one, tuple) else "")
def test_scores_stay_within_the_memory_and_are_those_without_a_bound(few, metrics, megabytes):
    memory = megabytes * 10**6
    asked = {name: {"ridge": 0.1} if name == "linear" else {} for name in metrics}
    files = few / "x.npy", few / ("z.npy" if metrics is FOLDED else "y.npy")  # permutation needs equal widths
    names, values = values_of(scored_within(files, asked, memory, memory))
    whole = wa.pairwise(asked, {file: np.load(file) for file in files})
    assert whole["value"].notna().all()
    assert names == whole["metric"].tolist() and set(names) == set(metrics)
    np.testing.assert_allclose(values, whole["value"], rtol=0, atol=CLOSE)


@pytest.mark.parametrize(("metric", "megabytes"), [("cca", 40), ("mutual_knn", 84), ("linear", 88)])
def test_without_the_bound_they_would_not_fit_under_that_limit(few, metric, megabytes):
    done = scored_within((few / "x.npy", few / "z.npy"), {metric: {}}, megabytes * 10**6, "")
    assert done.returncode and "MemoryError" in done.stderr


@pytest.fixture
def small():
    """Two representations of 400 stimuli whose copies are beyond 400 kB, which blocks of some rows are not."""
    random = np.random.default_rng(1)
    shared = random.normal(size=(400, 30))
    x = shared @ random.normal(size=(30, 30)) + random.normal(size=(400, 30)) + 3
    return x, shared @ random.normal(size=(30, 20)) + random.normal(size=(400, 20))


SMALL = 400_000


def streamed(metric, x, y, **given):
    """Value without a bound, and with one under which only blocks of rows are held."""
    chosen = scoring(metric, "exact", given)
    width = max(x.shape[1], y.shape[1])
    assert of_streamed(chosen, len(x), width) <= SMALL < of_whole(chosen, len(x), width)
    return wa.score(metric, x, y, **given), wa.score(metric, x, y, memory=SMALL, **given)


def test_dependent_constant_and_far_scaled_units_have_the_same_scores_in_blocks(small):
    x, y = small
    x[:, 1], x[:, 2] = x[:, 0] * 2 - x[:, 3], 7.0
    x[:, 4] *= 1e6
    for metric in SPECTRA:
        whole, blocks = streamed(metric, x, y)
        # units of scales 1e7 apart: X'X has singular values of 1 to 1e-2 only, the triangular factor to 1e-9
        assert blocks == pytest.approx(whole, abs=CLOSE), metric


@pytest.mark.parametrize("given", [{"variance": 0.9}, {"variance": 1.0}, {"dims": 20}])
def test_svcca_in_blocks_takes_as_many_directions(small, given):
    x, y = small
    x[:, 1] = x[:, 0]
    whole, blocks = streamed("svcca", x, y, **given)
    assert blocks == pytest.approx(whole, abs=1e-9)


def test_what_has_no_score_has_none_in_blocks_either(small):
    x, y = small
    low = np.outer(x[:, 0], np.arange(1, 31))
    for metric, one, words in (
        ("svcca", low, "svcca needs 10 dims; the centred features have rank 1"),
        ("cca", np.full_like(x, 2.0), "cca needs features that vary"),
    ):
        for memory in (None, SMALL):
            with pytest.raises(wa.UndefinedScore, match=words):
                wa.score(metric, one, y, memory=memory)


@pytest.mark.parametrize("metric", ["cka", "cka_unbiased", "svcca", "procrustes_distance"])
def test_an_interval_in_blocks_is_that_of_all_rows(small, metric):
    found, whole = (wa.interval(metric, *small, memory=memory) for memory in (SMALL, None))
    assert found.method == whole.method
    np.testing.assert_allclose([found.low, found.high], [whole.low, whole.high], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("permutations", [0, 5])
def test_nulls_in_blocks_are_those_of_all_rows(small, permutations):
    files = Pairs(dict(zip("xy", small, strict=True)), [("x", "y")], False, [])
    names = ["cka", "cka_unbiased", "svcca", "procrustes_distance"]

    def scored(memory):
        asked = {name: {} for name in names}
        return score_pairs_of_files(files, asked, None, permutations, intervals=False, memory=memory)[0]

    whole, blocks = scored(None), scored(SMALL)
    columns = ["value", "null_mean", "null_p95", "p_value"]
    assert whole[columns].notna().all(axis=1).tolist() == [permutations > 0 or name.startswith("cka") for name in names]
    np.testing.assert_allclose(blocks[columns], whole[columns], rtol=0, atol=CLOSE)


def test_many_representations_are_scored_in_blocks_pair_by_pair(small):
    x, y = small
    named = {"x": x, "y": y, "z": x[:, ::-1] ** 2, "w": y + x[:, :20]}
    whole, blocks = (wa.pairwise(["cka", "pwcca"], named, memory=memory) for memory in (None, SMALL))
    np.testing.assert_allclose(blocks["value"], whole["value"], rtol=0, atol=CLOSE)


def test_what_fits_is_scored_as_without_a_bound_to_the_bit(small):
    for metric in ("cka", "rsa", "linear", "mutual_knn"):
        assert wa.score(metric, *small, memory="1GB") == wa.score(metric, *small)


def test_all_pairs_of_stimuli_are_refused_before_the_first_score_in_one_message(small):
    for metric in ALL_PAIRS:
        with pytest.raises(MemoryError) as error:
            wa.pairwise(["cka", metric], dict(zip("xy", small, strict=True)), memory="1 MB")
        said = str(error.value)
        assert said.startswith(f"{metric} of 400 stimuli and 30 units needs about ") and "memory is 1 MB" in said
        assert "it compares all pairs of stimuli. Use some " in said


def test_a_form_as_published_needs_all_rows_and_says_so(small):
    with pytest.raises(MemoryError, match="its form as_published needs all rows at once"):
        wa.score("cka", *small, protocol="as_published", memory=SMALL)


def test_folds_that_do_not_fit_are_refused(small):
    with pytest.raises(MemoryError, match="what it holds beside blocks of rows does not fit"):
        wa.score("linear", *small, memory=SMALL)


@pytest.mark.parametrize(
    ("given", "amount"),
    [(1000, 1000), ("2GB", 2 * 10**9), ("512 MiB", 512 * 2**20), ("1.5kb", 1500), (".5 GB", 5 * 10**8)],
)
def test_amounts_have_units(given, amount):
    assert bytes_of(given) == amount


@pytest.mark.parametrize("given", ["", "2 XB", "0", "-1GB", "GB", "1e9", "nan", -5, 0])
def test_what_is_no_amount_is_refused(given):
    with pytest.raises(ValueError, match="memory is a number of bytes"):
        bytes_of(given)


def rows_of(x, **given):
    return Streamed(x, room=16 * 8 * x.shape[1], **given)  # blocks of 16 rows


def test_streamed_rows_multiply_as_arrays_do(small):
    x, y = (np.ascontiguousarray(one) for one in small)
    order = np.random.default_rng(2).permutation(400)
    a, b = rows_of(x).centred(), rows_of(y, rows=order)
    plain, other = x - x.mean(axis=0), y[order]
    for found, wanted in (
        (a.T @ a, plain.T @ plain),
        (a.T @ b, plain.T @ other),
        (a.T @ other, plain.T @ other),
        (other.T @ a, other.T @ plain),
        (a @ np.arange(30.0), plain @ np.arange(30.0)),
        (a[order[:50]] @ a.T, plain[order[:50]] @ plain.T),
        (a.take(order)[5:40], plain[order][5:40]),
        (b[order < 100][:], other[order < 100]),
        (a.squares, (plain**2).sum(axis=1)),
        (np.array(b.sums()), np.array([other.sum(axis=0), (other**2).sum(axis=0)])),
    ):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-9)
    assert a.mapped(np.ones((30, 2))).shape == (400, 2) and len(a[order < 100]) == 100
    assert a.nbytes == 30 * 8 + 3 * 8  # the mean; the three others are absent


def test_the_triangular_factor_keeps_what_the_product_loses(small):
    x, _ = small
    x = x - x.mean(axis=0)
    u, _, vt = np.linalg.svd(x, full_matrices=False)
    x = np.ascontiguousarray((u * np.geomspace(1, 1e-9, 30)) @ vt)
    found, vectors = spectrum(rows_of(x))
    # X'X would lose all below 1e-8; rounding of 1e-16 is 1e-7 of the smallest
    np.testing.assert_allclose(found, np.geomspace(1, 1e-9, 30), rtol=1e-6)
    basis = orthonormal(rows_of(x).mapped(vectors[:, :10] / found[:10]))
    np.testing.assert_allclose(basis.T @ basis, np.eye(10), atol=1e-11)


def cli(*given):
    return CliRunner().invoke(main, ["score", *map(str, given)])


def test_the_command_scores_files_of_any_kind_within_the_memory(tmp_path, small):
    np.save(tmp_path / "x.npy", small[0])
    np.savez(tmp_path / "y.npz", vectors=small[1])
    asked = [tmp_path / "x.npy", tmp_path / "y.npz", "--metrics", "cka,svcca", "--null", "3", "--no-interval"]
    whole, bounded = cli(*asked), cli(*asked, "--memory", "400kB")
    assert whole.exit_code == bounded.exit_code == 0, bounded.output
    assert whole.stdout == bounded.stdout
    refused = cli(*asked[:2], "--metrics", "cka,rsa", "--memory", "400kB")
    assert refused.exit_code == 1 and "rsa of 400 stimuli" in refused.output and "cka " not in refused.stdout
    assert "memory is a number of bytes" in cli(*asked, "--memory", "much").output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metrics", "megabytes"), [(SPECTRA, 512), (LISTS, 512), (FOLDED, 1500)], ids=["spectra", "lists", "folds"]
)
def test_fifty_thousand_stimuli_stay_within_the_memory(tmp_path, metrics, megabytes):
    saved(tmp_path, 50_000, 1024)
    memory = megabytes * 10**6
    files = tmp_path / "x.npy", tmp_path / ("z.npy" if metrics is FOLDED else "y.npy")
    names, values = values_of(scored_within(files, {name: {} for name in metrics}, memory, memory))
    assert set(names) == set(metrics) and np.isfinite(values).all()
