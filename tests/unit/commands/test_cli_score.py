"""`whyalike score`: which files make pairs, the table, the Parquet file, and messages instead of tracebacks."""

import io
import os
import shutil
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import torch
from tqdm import tqdm
from typer.testing import CliRunner

from whyalike.activations.table import write_activations
from whyalike.commands.cli import main
from whyalike.files import file_sha256, made_by
from whyalike.randomness import keyed
from whyalike.similarity.api import score
from whyalike.similarity.intervals import interval
from whyalike.similarity.metrics.registry import METRICS, OTHER_METRICS
from whyalike.similarity.nulls import p_value, row_orders
from whyalike.similarity.score_files import parse_metrics

N = 60


@pytest.fixture
def arrays():
    """Three representations of 60 stimuli that share a signal."""
    g = np.random.default_rng(0)
    signal = g.normal(size=(N, 3))
    return {name: signal @ g.normal(size=(3, d)) + g.normal(size=(N, d)) for name, d in (("a", 4), ("b", 4), ("c", 6))}


@pytest.fixture
def folder(tmp_path, arrays):
    for name, x in arrays.items():
        np.save(tmp_path / f"{name}.npy", x)
    return tmp_path


def whyalike(*arguments):
    return CliRunner().invoke(main, ["score", *map(str, arguments)])


def rows(answer):
    """The lines of the table: the last line below it says how it was made."""
    *table, made = answer.stdout.splitlines()
    assert made.startswith("made by: whyalike ")
    return table


def test_two_files_give_value_interval_null_and_p(folder, arrays):
    out = folder / "made" / "scores.parquet"
    options = ("--metrics", "cka,mutual_knn:k=5,procrustes_distance", "--null", 19, "--out", out)
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options)
    assert answer.exit_code == 0, answer.output
    found = pd.read_parquet(out)
    assert found.metric.tolist() == ["cka", "mutual_knn", "procrustes_distance"]
    assert (found[["a", "b"]] == ["a", "b"]).all(axis=None)
    x, y = arrays["a"], arrays["b"]
    for row, parameters in zip(found.itertuples(), ({}, {"k": 5}, {}), strict=True):
        assert row.value == score(row.metric, x, y, **parameters)
        over_stimuli = interval(row.metric, x, y, **parameters)
        assert (row.ci_low, row.ci_high, row.interval) == (over_stimuli.low, over_stimuli.high, over_stimuli.method)
        null = [score(row.metric, x, y[order], **parameters) for order in row_orders(keyed("rows", 0, N), N, 19)]
        assert row.null_mean == pytest.approx(np.mean(null), abs=1e-12)
        kind = "distance" if row.metric == "procrustes_distance" else "similarity"
        assert row.p_value == p_value(row.value, null, kind) == 1 / 20
        assert f"{row.value:.3f}" in answer.stdout
        assert f"[{row.ci_low:.3f}, {row.ci_high:.3f}]" in answer.stdout
    assert found.null_within_class.isna().all()
    assert "within-class" not in answer.stdout
    # the end towards likeness, said which
    ends = found.null_p95.round(3)
    assert f"{ends[0]:.3f} (95 %)" in answer.stdout
    assert f"{ends[2]:.3f} (5 %)" in answer.stdout
    made = made_by(out)
    files = [{"file": f"{name}.npy", "sha256": file_sha256(folder / f"{name}.npy")} for name in "ab"]
    assert made.pop("inputs") == files
    assert made.pop("versions").keys() == {"python", "whyalike", "numpy", "scipy"}
    assert made.pop("n") == [N, N]
    scorings = made.pop("scorings")
    assert scorings["mutual_knn"] == {
        "metric": "mutual_knn",
        "version": METRICS["mutual_knn"].facts.version,
        "parameters": {"k": 5, "eps": 0.0},
        "preprocessing": "l2",
        "estimator": "overlap",
    }
    assert list(scorings) == found.metric.tolist()
    assert made == {
        "device": "cpu",
        "intervals": True,
        "kinds": ["features", "features"],
        "metrics": {"cka": {}, "mutual_knn": {"k": 5}, "procrustes_distance": {}},
        "permutations": 19,
        "protocol": "exact",
        "seed": 0,
    }


@pytest.mark.parametrize(
    ("out", "words"),
    [
        (".", "--out must name a file, .parquet or .csv; . is a folder. Add a file name."),
        ("more", "--out must name a file, .parquet or .csv; more is a folder"),
        ("pipe", "--out must name a file, .parquet or .csv; pipe is a device, pipe or socket"),
        ("more/../b.npy", "--out would overwrite more/../b.npy, which is read. Give another name."),
        ("labels.txt", "--out would overwrite labels.txt, which is read"),
        ("c.npy/s.parquet", "c.npy is no folder: give --out another folder"),
        ("/sys/kernel/s.parquet", "/sys/kernel cannot be written (a read-only file system, or its permissions): give"),
    ],
)
def test_where_scores_cannot_be_written_is_said_before_any_is_made(folder, monkeypatch, out, words):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("os.access", lambda path, mode: "sys" not in path.parts)  # root may write anywhere
    monkeypatch.setattr("whyalike.similarity.score_files.score_pairs_of_files", lambda *_, **__: pytest.fail("scored"))
    (folder / "more").mkdir()
    os.mkfifo("pipe")
    (folder / "labels.txt").write_text("cat\n" * N, encoding="utf-8")
    answer = whyalike("a.npy", "b.npy", "--labels", "labels.txt", "--out", out)
    assert answer.exit_code == 1
    assert words in answer.stderr


def test_a_table_among_the_vectors_of_a_folder_is_refused(folder, tmp_path):
    (own := tmp_path / "own").mkdir()
    for name in ("a.npy", "b.npy"):
        shutil.copy(folder / name, own)
    options = ("--metrics", "cka", "--null", 0, "--no-interval", "--out")
    answer = whyalike(own, *options, own / "s.parquet")
    assert answer.exit_code == 1
    assert f"--out {own / 's.parquet'} would lie in {own}, whose files are read as vectors" in answer.stderr
    for _ in range(2):  # a CSV is not read
        assert whyalike(own, *options, own / "s.csv").exit_code == 0


def test_scores_that_cannot_be_written_after_all_are_printed(folder, monkeypatch):
    def full_disk(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("whyalike.similarity.score_files.write_table", full_disk)
    options = ("--metrics", "cka", "--null", 0, "--no-interval", "--out", folder / "s.parquet")
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options)
    assert answer.exit_code == 1
    assert [line.split()[0] for line in rows(answer)] == ["metric", "cka"]
    assert answer.stderr.endswith("No space left on device\n")


def test_what_is_finished_is_shown_and_written_when_a_later_metric_fails(folder, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.metrics.rsa.average_ranks", lambda values: np.empty(1 << 50))
    out = folder / "s.parquet"
    options = ("--metrics", "cka,mutual_knn,rsa,cca", "--null", 0, "--no-interval", "--out", out)
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options)
    assert answer.exit_code == 1
    assert [line.split()[0] for line in answer.stdout.splitlines()] == ["metric", "cka", "mutual_knn"]
    assert pd.read_parquet(out).metric.tolist() == ["cka", "mutual_knn"]
    assert answer.stderr.startswith("rsa of layer 'x' of a, 60 stimuli, needs more memory than there is")


def test_columns_stay_where_they_are_from_metric_to_metric(folder):
    (folder / "a.npy").rename(folder / "a_long_name.npy")
    options = ("--metrics", "mutual_knn,cka,procrustes_distance", "--null", 9, "--labels", folder / "l.txt")
    (folder / "l.txt").write_text("cat\ndog\n" * (N // 2))
    lines = rows(whyalike(folder / "a_long_name.npy", folder / "b.npy", *options))
    assert len(lines) == 4
    ends = [lines[0].index(name) + len(name) for name in ("value", "over stimuli", "null end", "-class mean")]
    for line in lines[1:]:
        assert line[: len("procrustes_distance")].strip() in METRICS
        assert [line[end - 1] != " " == line[end] for end in ends] == [True] * 4


def test_logs_hold_no_bar(folder):
    assert whyalike(folder / "a.npy", folder / "b.npy").stderr == ""


def test_the_bar_counts_scores_those_of_nulls_and_intervals_too(folder, monkeypatch):
    bars = []

    class Bar(tqdm):
        def __init__(self, *given, **options):
            super().__init__(*given, **{**options, "disable": False, "file": io.StringIO()})
            bars.append(self)

    monkeypatch.setattr("whyalike.similarity.score_files.tqdm", Bar)
    (folder / "l.txt").write_text("cat\ndog\n" * (N // 2))
    options = ("--metrics", "cka,mutual_knn,permutation", "--null", 9, "--labels", folder / "l.txt")
    assert whyalike(folder / "a.npy", folder / "c.npy", *options).exit_code == 0
    [bar] = bars
    # a score, two nulls, and that of all stimuli with those without each, or 100 of a part; permutation is undefined
    assert bar.n == bar.total == 3 * (1 + 2 * 9 + 1) + N + 100 + 100


@pytest.mark.parametrize("name", ["s.csv", "S.CSV"])
def test_scores_are_written_as_csv_by_their_suffix(folder, name):
    options = ("--metrics", "cka,mutual_knn", "--null", 9)
    for out in (folder / "out" / name, folder / "out" / "s.parquet"):
        assert whyalike(folder / "a.npy", folder / "b.npy", *options, "--out", out).exit_code == 0
    found, expected = pd.read_csv(folder / "out" / name), pd.read_parquet(folder / "out" / "s.parquet")
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=0, atol=0)


def test_dissimilarities_and_kernels_are_read_as_what_they_are_said_to_be(folder, arrays):
    a, b = arrays["a"], arrays["b"]
    order = np.random.default_rng(0).permutation(N)
    np.save(folder / "rdm.npy", 1 - np.corrcoef(a))
    np.savez(folder / "k.npz", vectors=(b @ b.T)[np.ix_(order, order)], stimulus_id=order)
    np.savez(folder / "ids.npz", vectors=a, stimulus_id=np.arange(N))
    small, out = ("--null", 5, "--no-interval"), folder / "o.parquet"
    answer = whyalike(folder / "rdm.npy", folder / "b.npy", "--metrics", "rsa", "--a-is", "rdm", *small, "--out", out)
    assert answer.exit_code == 0, answer.output
    assert pd.read_parquet(out).value.item() == pytest.approx(score("rsa", a, b), abs=1e-12)
    answer = whyalike(
        folder / "ids.npz", folder / "k.npz", "--metrics", "cka", "--b-is", "kernel", *small, "--out", out
    )
    assert answer.exit_code == 0, answer.output
    assert pd.read_parquet(out).value.item() == pytest.approx(score("cka", a, b), abs=1e-12)
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--a-is", "rdm", *small)
    assert f"{folder / 'a.npy'} must be n x n to be dissimilarities; it has shape (60, 4)" in answer.stderr
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--a-is", "rdms", *small)
    assert "a file holds features, rdm or kernel; got 'rdms'. Give one of them." in answer.stderr


def test_a_metric_is_described_and_all_are_listed():
    answer = CliRunner().invoke(main, ["describe", "kl_divergence"])
    assert answer.stdout.startswith("name          kl_divergence\nformula ")
    lines = CliRunner().invoke(main, ["describe"]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [*METRICS, *OTHER_METRICS]
    answer = CliRunner().invoke(main, ["describe", "ckaa"])
    assert (answer.exit_code, "Did you mean 'cka'" in answer.stderr) == (1, True)


def test_too_little_memory_is_one_message(folder, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.metrics.rsa.average_ranks", lambda values: np.empty(1 << 50))
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--metrics", "rsa")
    assert answer.exit_code == 1
    assert "rsa of layer 'x' of a, 60 stimuli, needs more memory than there is (Unable to allocate" in answer.output


def test_a_gpu_that_is_not_there_is_one_message(folder):
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--device", "cuda:99")
    assert answer.exit_code == 1
    assert "PyTorch sees no device 'cuda:99' here. Use one of: cpu" in answer.output


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_table(folder):
    tables = []
    torch.cuda.reset_peak_memory_stats()
    for device in ("cpu", "cuda"):
        out = folder / "out" / f"{device}.parquet"
        options = ("--metrics", "cka,mutual_knn:k=5,rsa", "--device", device, "--out", out)
        assert whyalike(folder / "a.npy", folder / "b.npy", *options).exit_code == 0
        tables.append(pd.read_parquet(out))
    assert torch.cuda.max_memory_allocated() > 0
    pd.testing.assert_frame_equal(*tables, rtol=0, atol=1e-6)


def test_the_same_call_writes_the_same_bytes(folder):
    outputs = [folder / "out" / name for name in ("one.parquet", "two.parquet")]
    for out in outputs:
        whyalike(folder / "a.npy", folder / "c.npy", "--metrics", "cka,procrustes", "--null", 5, "--out", out)
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


def test_a_folder_gives_all_pairs_and_an_asymmetric_metric_both_directions(folder):
    answer = whyalike(
        folder, "--metrics", "cka,pwcca", "--null", 0, "--no-interval", "--out", folder / "out" / "s.parquet"
    )
    found = pd.read_parquet(folder / "out" / "s.parquet")
    assert answer.exit_code == 0
    pairs = found.groupby("metric").apply(lambda rows: "".join(rows.a + rows.b + " "), include_groups=False)
    assert pairs.to_dict() == {"cka": "ab ac bc ", "pwcca": "ab ba ac ca bc cb "}
    assert found[["ci_low", "interval"]].isna().all(axis=None)
    assert (found["p_value"].notna() == (found["metric"] == "cka")).all()  # in closed form
    assert answer.stdout.split("\n")[0].replace(" ", "") == "metricabvaluenullmeannullendpn"


def test_two_folders_pair_files_of_equal_names(folder, arrays):
    for name, x in (("left/one", "a"), ("left/two", "b"), ("right/two", "c"), ("right/three", "a")):
        (folder / name).parent.mkdir(exist_ok=True)
        np.save(folder / f"{name}.npy", arrays[x])
    answer = whyalike(folder / "left", folder / "right", "--null", 0, "--no-interval", "--metrics", "cka")
    assert [line.split()[:3] for line in rows(answer)[1:]] == [["cka", "left/two", "right/two"]]


@pytest.fixture
def activations(folder, arrays):
    """An activation file of the workflow with three runs; widths differ."""
    path = folder / "digits_test.avgpool.parquet"
    runs = [(f"{name * 16}", x.astype(np.float32)) for name, x in arrays.items()]
    write_activations(path, np.arange(N), iter(runs), None, {})
    return path


def test_an_activation_file_of_a_study_gives_all_pairs_of_its_runs(folder, activations, arrays):
    answer = whyalike(activations, "--metrics", "cka", "--no-interval", "--null", 0, "--out", folder / "s.parquet")
    assert answer.exit_code == 0, answer.output
    found = pd.read_parquet(folder / "s.parquet")
    assert found[["a", "b"]].values.tolist() == [[16 * one, 16 * other] for one, other in ("ab", "ac", "bc")]
    assert found.value[1] == score("cka", arrays["a"].astype(np.float32), arrays["c"].astype(np.float32))


def test_an_activation_file_and_a_file_of_vectors_give_each_run_with_it(folder, activations):
    answer = whyalike(activations, folder / "a.npy", "--metrics", "cka", "--no-interval", "--null", 0)
    assert answer.exit_code == 1  # one holds ids of its stimuli
    assert f"run {'a' * 16} of {activations} holds stimulus_id and {folder / 'a.npy'} does not" in answer.output
    np.savez(folder / "v.npz", vectors=np.load(folder / "a.npy"), stimulus_id=np.arange(N))
    answer = whyalike(activations, folder / "v.npz", "--metrics", "cka", "--no-interval", "--null", 0)
    assert answer.exit_code == 0, answer.output
    assert [line.split()[1:3] for line in answer.stdout.splitlines()[1:4]] == [
        [f"{activations.stem}:{name * 16}", "v"] for name in "abc"
    ]


def test_activation_files_of_two_layers_pair_their_common_runs(folder, activations, arrays):
    other, alone = folder / "digits_test.conv.parquet", folder / "other.parquet"
    for path, names in ((other, "bz"), (alone, "y")):
        runs = [(name * 16, arrays["c"].astype(np.float32)) for name in names]
        write_activations(path, np.arange(N), iter(runs), 6, {})
    answer = whyalike(activations, other, "--metrics", "cka", "--no-interval", "--null", 0)
    assert answer.exit_code == 0, answer.output
    assert [line.split()[1:3] for line in rows(answer)[1:]] == [
        [f"{path.stem}:{'b' * 16}" for path in (activations, other)]
    ]
    answer = whyalike(activations, alone)
    assert "have no run in common" in answer.output


def test_all_are_the_metrics_of_the_protocol(folder):
    small = ("--no-interval", "--null", 0, "--out", folder / "s.parquet")
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--metrics", "all", "--protocol", "as_published", *small)
    assert answer.exit_code == 0, answer.output
    published = {name for name, metric in METRICS.items() if "as_published" in metric.facts.protocols}
    undefined = {line.split()[1] for line in answer.output.splitlines() if line.startswith("no ")}
    assert undefined == {"svcca"}  # too few stimuli for it
    assert set(pd.read_parquet(folder / "s.parquet").metric) | undefined == published < set(METRICS)


def test_the_version_is_that_of_the_package():
    assert CliRunner().invoke(main, ["--version"]).stdout == f"whyalike {version('whyalike')}\n"


def test_stimuli_are_matched_by_their_ids(folder, arrays):
    order = np.random.default_rng(1).permutation(N)
    ids = np.arange(100, 100 + N)
    np.savez(folder / "a.npz", vectors=arrays["a"], stimulus_id=ids)
    shuffled = {"vectors": np.ascontiguousarray(arrays["b"][order]), "stimulus_id": ids[order]}
    safetensors.numpy.save_file(shuffled, folder / "b.safetensors")
    whyalike(folder / "a.npz", folder / "b.safetensors", "--metrics", "cka", "--null", 0, "--out", folder / "o.parquet")
    assert pd.read_parquet(folder / "o.parquet").value.item() == score("cka", arrays["a"], arrays["b"])


def test_large_ids_of_two_widths_are_matched_exactly(folder, arrays):
    ids = 2**53 + np.arange(N)
    np.savez(folder / "a.npz", vectors=arrays["a"], stimulus_id=ids.astype(np.uint64))
    np.savez(folder / "b.npz", vectors=arrays["b"][::-1], stimulus_id=ids[::-1])
    options = ("--metrics", "cka", "--null", 0, "--no-interval")
    whyalike(folder / "a.npz", folder / "b.npz", *options, "--out", folder / "o.parquet")
    assert pd.read_parquet(folder / "o.parquet").value.item() == score("cka", arrays["a"], arrays["b"])
    np.savez(folder / "b.npz", vectors=arrays["b"], stimulus_id=ids + 1)
    assert "59 are in both and 2 in one alone" in whyalike(folder / "a.npz", folder / "b.npz", *options).stderr


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (np.arange(N).astype(str), "need stimulus_id of one type; the first has numbers (int64), the second text (<U2"),
        (np.arange(N).astype("S"), "need stimulus_id of one type; the first has numbers (int64), the second bytes"),
        (
            np.arange(N - 10),
            "y.npz needs one stimulus_id a row, a number or text; it has 60 rows and ids of shape (50,)",
        ),
        (np.arange(N + 20), "it has 60 rows and ids of shape (80,) and type int64, 0 of them missing. Give each row"),
        (np.arange(N)[:, None], "it has 60 rows and ids of shape (60, 1)"),
        (np.array(3), "it has 60 rows and ids of shape ()"),
        (np.where(np.arange(N) == 4, np.nan, np.arange(N)), "ids of shape (60,) and type float64, 1 of them missing"),
        (np.arange(N) + 1j, "ids of shape (60,) and type complex128"),
    ],
)
def test_ids_that_do_not_fit_the_rows_are_refused(folder, arrays, ids, words):
    np.savez(folder / "x.npz", vectors=arrays["a"], stimulus_id=np.arange(N))
    np.savez(folder / "y.npz", vectors=arrays["b"], stimulus_id=ids)
    answer = whyalike(folder / "x.npz", folder / "y.npz", "--null", 0)
    assert answer.exit_code == 1
    assert words in answer.stderr


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([None, *range(1, N)], "type float64, 1 of them missing"),
        ([None, *map(str, range(1, N))], "type object, 1 of them missing"),
        ([[i] for i in range(N)], "type object, 0 of them missing"),
    ],
)
def test_ids_of_a_parquet_that_are_null_or_no_text_are_refused(folder, arrays, ids, words):
    pq.write_table(pa.table({"vector": list(arrays["a"]), "stimulus_id": ids}), folder / "x.parquet")
    answer = whyalike(folder / "x.parquet", folder / "x.parquet", "--null", 0)
    assert answer.exit_code == 1
    assert (
        f"x.parquet needs one stimulus_id a row, a number or text; it has 60 rows and ids of shape (60,) and {words}"
        in (answer.stderr)
    )


@pytest.mark.parametrize("kind", ["npy", "txt", "parquet"])
def test_labels_give_the_null_within_class(folder, kind):
    labels, path = np.repeat(["cat", "dog"], N // 2), folder / f"labels.{kind}"
    if kind == "npy":
        np.save(path, labels)
    elif kind == "txt":
        path.write_text("\n".join(labels) + "\n", encoding="utf-8")
    else:
        pd.DataFrame({"label": labels}).to_parquet(path)
    out = folder / "out" / "s.parquet"
    options = ("--labels", path, "--metrics", "cka", "--null", 9, "--out", out, "--no-interval")
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options)
    assert "within-class mean" in answer.stdout and "p within" in answer.stdout
    row = pd.read_parquet(out).iloc[0]
    assert 0 < row.null_within_class < row.null_within_class_p95 < 1
    assert 1 / 10 <= row.p_within_class <= 1
    assert made_by(out)["labels"] is True and made_by(out)["intervals"] is False


@pytest.mark.parametrize("ceiling", ["0.9", "split-halves"])
def test_a_ceiling_gives_the_excess_with_its_interval(folder, arrays, ceiling):
    labels, out = np.arange(N) % 3, folder / "out" / "s.parquet"
    np.save(folder / "labels.npy", labels)
    options = ("--labels", folder / "labels.npy", "--metrics", "cka,procrustes_distance", "--null", 9, "--out", out)
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options, "--ceiling", ceiling)
    given = 0.9 if ceiling == "0.9" else "split_halves"
    assert made_by(out)["ceiling"] == given
    assert "within-class mean  p within  ceiling  excess    95 % of excess" in answer.stdout
    found = pd.read_parquet(out)
    for row in found.itertuples():
        expected = score(row.metric, arrays["a"], arrays["b"], labels=labels, ceiling=given, permutations=9)
        columns = ("ceiling", "excess", "null_within_class", "p_within_class", "p_value")
        assert [getattr(row, name) for name in columns] == pytest.approx([getattr(expected, name) for name in columns])
        mean = row.null_within_class
        ends = [(end - mean) / (row.ceiling - mean) for end in (row.ci_low, row.ci_high)]
        assert (row.excess_low, row.excess_high) == pytest.approx((min(ends), max(ends)))
        assert row.excess_low < row.excess < row.excess_high  # of a distance too
        shown = next(line for line in answer.stdout.splitlines() if line.startswith(f"{row.metric} "))
        assert f"{row.ceiling:.3f}   {row.excess:.3f}    [{row.excess_low:.3f}, {row.excess_high:.3f}]" in shown


def test_no_excess_is_said_and_the_score_stands(folder):
    np.save(folder / "labels.npy", np.arange(N) % 3)
    options = ("--labels", folder / "labels.npy", "--metrics", "procrustes_distance", "--null", 9)
    out = folder / "s.parquet"
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options, "--ceiling", "1.4", "--out", out)
    assert answer.exit_code == 0
    assert "no excess of procrustes_distance of a and b: the ceiling, 1.4, is not below the mean" in answer.stderr
    row = pd.read_parquet(out).iloc[0]
    assert row.ceiling == 1.4 and row.isna()[["excess", "excess_low", "excess_high"]].all()
    assert np.isfinite(row[["value", "ci_low", "p_within_class"]].astype(float)).all()


@pytest.mark.parametrize("kind", ["npy", "txt", "parquet"])
def test_groups_move_and_leave_out_whole_blocks(folder, arrays, kind):
    groups, path, out = np.repeat([f"video {i}" for i in range(12)], 5), folder / f"g.{kind}", folder / "s.parquet"
    if kind == "npy":
        np.save(path, groups)
    elif kind == "txt":
        path.write_text("\n".join(groups) + "\n", encoding="utf-8")
    else:
        pd.DataFrame({"group": groups}).to_parquet(path)
    options = ("--metrics", "cka", "--null", 19, "--groups", path, "--out", out)
    assert whyalike(folder / "a.npy", folder / "b.npy", *options).exit_code == 0
    row = pd.read_parquet(out).iloc[0]
    a, b = arrays["a"], arrays["b"]
    expected, over = score("cka", a, b, groups=groups, permutations=19), interval("cka", a, b, groups=groups)
    assert (row.null_mean, row.p_value) == pytest.approx((expected.null_mean, expected.p_value), abs=1e-12)
    assert (row.ci_low, row.ci_high) == (over.low, over.high)
    assert made_by(out)["groups"] is True and made_by(out)["inputs"][2]["file"] == path.name


def test_the_bar_counts_blocks_and_halves(folder, monkeypatch):
    bars = []

    class Bar(tqdm):
        def __init__(self, *given, **options):
            super().__init__(*given, **{**options, "disable": False, "file": io.StringIO()})
            bars.append(self)

    monkeypatch.setattr("whyalike.similarity.score_files.tqdm", Bar)
    np.save(folder / "g.npy", np.arange(N) // 5)
    np.save(folder / "l.npy", np.arange(N) % 5)
    options = ("--metrics", "cka", "--null", 9, "--groups", folder / "g.npy", "--labels", folder / "l.npy")
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options, "--ceiling", "split-halves")
    assert answer.exit_code == 0, answer.output
    # a score, two nulls, two models' halves; that of all stimuli with those without each of twelve blocks
    assert bars[0].n == bars[0].total == 1 + 2 * 9 + 2 * 20 + 1 + 12


def test_what_is_undefined_is_said_and_the_rest_stands(folder):
    answer = whyalike(folder / "a.npy", folder / "c.npy", "--metrics", "permutation,cka", "--null", 0, "--no-interval")
    assert answer.exit_code == 0
    assert (
        "no permutation of a and c: permutation needs equally many units that vary; there are 4 and 6" in answer.stderr
    )
    assert [line.split()[0] for line in rows(answer)] == ["metric", "cka"]
    answer = whyalike(folder / "a.npy", folder / "c.npy", "--metrics", "permutation", "--null", 0)
    assert answer.exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("a.npy", "nowhere.npy"), "there is no file or folder"),
        (("a.npy",), "is one file: give a second one, or a folder"),
        (("a.npy", "."), "must be two files or two folders"),
        (("empty",), "needs two files or more of .npy, .npz, .safetensors, .parquet, .h5, .hdf5, .pt, .pth; it has 0"),
        (("empty", "."), "need files of equal names; they hold none and a.npy, b.npy, c.npy"),
        (("a.npy", "short.npy"), "a.npy has 60 rows"),
        (("a.npy", "hole.npy"), "hole.npy must be finite; 1 of 60 rows hold NaN or infinity, the first is row 7"),
        (("a.npy", "ids.npz"), "ids.npz holds stimulus_id and"),
        (("ids.npz", "other.npz"), "need the same stimuli; 59 are in both and 2 in one alone"),
        (("ids.npz", "twice.npz"), "twice.npz needs one stimulus_id a row, each once; 60 rows hold 59"),
        (("a.npy", "b.npy", "--metrics", "ckaa"), "unknown metric 'ckaa'. Did you mean 'cka'?"),
        (("a.npy", "b.npy", "--metrics", ""), "scores need at least one metric; got none"),
        (("a.npy", "b.npy", "--metrics", "mutual_knn:5"), "written name=value behind a colon; got '5'"),
        (
            ("a.npy", "b.npy", "--metrics", "mutual_knn:k=[5"),
            "is a number, word or truth; got '[5' in 'mutual_knn:k=[5'",
        ),
        (("a.npy", "b.npy", "--metrics", "cka_rbf:sigma=2001-13-45"), "is a number, word or truth; got '2001-13-45'"),
        (("a.npy", "b.npy", "--metrics", "mutual_knn:k=5,cka,mutual_knn"), "scored once; 'mutual_knn' is given twice"),
        (("a.npy", "b.npy", "--metrics", "mutual_knn:k=0"), "mutual_knn needs a whole number k >= 1; got 0"),
        (("a.npy", "b.npy", "--metrics", "cca", "--protocol", "as_published"), "cca has no form as_published"),
        (("a.npy", "b.npy", "--null", "-1"), "the draws of the null must be at least 0; got -1"),
        (("a.npy", "b.npy", "--null", "99999999999999"), "must be at most 1,000,000; got 99999999999999"),
        (("a.npy", "b.npy", "--labels", "few.txt"), "labels must be one a stimulus: a has 60 rows, there are 2 labels"),
        (("a.npy", "b.npy", "--labels", "a.npy"), "must hold one label a stimulus; it has shape (60, 4)"),
        (("a.npy", "b.npy", "--groups", "few.txt"), "groups must be one a stimulus: a has 60 rows, there are 2 groups"),
        (("a.npy", "b.npy", "--groups", "a.npy"), "must hold one group a stimulus; it has shape (60, 4)"),
        (("a.npy", "b.npy", "--groups", "no.parquet"), "needs a column 'group'; it has class. Rename it."),
        (("a.npy", "b.npy", "--groups", "ids.txt"), "must hold blocks; its 60 groups all differ, as ids do. Give the"),
        (
            ("a.npy", "b.npy", "--groups", "uneven.txt"),
            "need blocks of equal size, which change places whole; 2 blocks",
        ),
        (("a.npy", "b.npy", "--groups", "half.txt", "--null", "0"), "groups need draws of the null"),
        (("a.npy", "b.npy", "--ceiling", "0.9"), "ceiling needs labels: excess begins at the mean within class"),
        (("a.npy", "b.npy", "--labels", "half.txt", "--ceiling", "nan"), "ceiling must be a number or 'split_halves'"),
        (("a.npy", "b.npy", "--ceiling", "halves"), "a ceiling is a number or split-halves; got 'halves'"),
        (
            ("a.npy", "b.npy", "--labels", "half.txt", "--ceiling", "90"),
            "ceiling must be a score of cka, from 0 to 1; got 90.0",
        ),
        (("a.npy", "b.npy", "--labels", "no.parquet"), "needs a column 'label'; it has class. Rename it."),
    ],
)
def test_a_fault_is_a_message(folder, arrays, monkeypatch, arguments, words):
    monkeypatch.chdir(folder)
    (folder / "few.txt").write_text("cat\ndog\n", encoding="utf-8")
    (folder / "ids.txt").write_text("".join(f"{i}\n" for i in range(N)), encoding="utf-8")
    (folder / "uneven.txt").write_text("u\n" * 20 + "v\n" * 40, encoding="utf-8")
    (folder / "half.txt").write_text("u\n" * 30 + "v\n" * 30, encoding="utf-8")
    pd.DataFrame({"class": [1]}).to_parquet("no.parquet")
    for name in ("short", "hole", "ids", "other", "twice"):
        (folder / "more").mkdir(exist_ok=True)
        x, ids = arrays["a"].copy(), np.arange(N)
        x = x[:50] if name == "short" else x
        if name == "hole":
            x[7, 1] = np.nan
        ids[-1] += {"other": 1, "twice": -1}.get(name, 0)
        if name in ("short", "hole"):
            np.save(folder / "more" / name, x)
        else:
            np.savez(folder / "more" / name, vectors=x, stimulus_id=ids)
    (folder / "empty").mkdir()
    (folder / "no.parquet").rename(folder / "more" / "no.parquet")
    given = [f"more/{word}" if (folder / "more" / word).is_file() else word for word in arguments]
    answer = whyalike(*given)
    assert answer.exit_code == 1
    assert words in answer.stderr
    assert "Traceback" not in answer.output


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        (
            "l.npy",
            np.array(["a", 1], object),
            "l.npy must be a .npy, .parquet or text of labels, it cannot be read (Obj",
        ),
        ("l.npy", b"", "l.npy must be a .npy, .parquet or text of labels, it cannot be read"),
        ("l.txt", bytes(range(256)), "l.txt must be a .npy, .parquet or text of labels, it cannot be read ('utf-8'"),
        ("l.npz", b"x", "l.npz must be a .npy, .parquet or text of labels, it cannot be read (a .npz holds vectors)"),
        ("l.npy", np.array([1, np.nan]), "l.npy must hold one label a stimulus; 1 of 2 are missing. Add them."),
        ("l.parquet", ["a", None], "l.parquet must hold one label a stimulus; 1 of 2 are missing. Add them."),
        ("l.parquet", [1, None], "l.parquet must hold one label a stimulus; 1 of 2 are missing. Add them."),
        ("l.parquet", [[1], [1, 2]], "l.parquet must hold labels that are numbers or text; it has others. Write them"),
    ],
)
def test_what_holds_no_labels_is_named(folder, name, labels, words):
    path = folder / name
    if isinstance(labels, bytes):
        path.write_bytes(labels)
    elif isinstance(labels, list):
        pq.write_table(pa.table({"label": labels}), path)
    else:
        np.save(path, labels, allow_pickle=True)
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--labels", path)
    assert answer.exit_code == 1
    assert words in answer.stderr


def test_labels_of_other_stimuli_are_refused_before_scoring(folder, monkeypatch):
    monkeypatch.setattr("whyalike.similarity.score_files.Workbench", lambda *_, **__: pytest.fail("scoring began"))
    (folder / "few.txt").write_text("cat\ndog\n", encoding="utf-8")
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--labels", folder / "few.txt")
    assert "labels must be one a stimulus: a has 60 rows, there are 2 labels" in answer.stderr


def test_names_that_look_like_markup_are_printed_whole(folder):
    for old, new in (("a", "resnet[layer]"), ("b", "x[red]")):
        (folder / f"{old}.npy").rename(folder / f"{new}.npy")
    (folder / "d.npy").mkdir()  # no file of vectors
    answer = whyalike(folder, "--metrics", "cka", "--null", 0, "--no-interval")
    assert answer.exit_code == 0
    assert [line.split()[1:3] for line in rows(answer)[1:]] == [
        ["c", "resnet[layer]"], ["c", "x[red]"], ["resnet[layer]", "x[red]"]
    ]  # fmt: skip


def test_parameters_that_are_joined_by_commas_are_refused_with_the_right_form():
    with pytest.raises(ValueError, match=r"'k=10' is no metric: several parameters of one are joined by colons"):
        parse_metrics("mutual_knn:k=5,k=10")


def test_metrics_on_the_command_line_have_numbers_words_and_truths():
    given = " cka, linear:ridge=0.5:folds=3 ,procrustes_distance:angular=true,cka_rbf:sigma=1e-3,rsa:rdm=cosine"
    assert parse_metrics(given) == {
        "cka": {},
        "cka_rbf": {"sigma": 1e-3},
        "rsa": {"rdm": "cosine"},
        "linear": {"ridge": 0.5, "folds": 3},
        "procrustes_distance": {"angular": True},
    }


def test_the_command_line_starts_without_pandas_and_scores_without_torch(folder):
    code = (
        "import sys; from whyalike.commands.cli import main; "
        "assert not {'pandas', 'torch', 'scipy'} & set(sys.modules);"
        f"sys.argv = ['whyalike', 'score', r'{folder / 'a.npy'}', r'{folder / 'b.npy'}', '--null', '5'];"
        "\ntry: main()\nexcept SystemExit: pass\nprint('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")


@pytest.mark.parametrize(("out", "words"), [("", "the path is empty"), ("$HOME/s.parquet", "write it out")])
def test_a_path_that_a_shell_would_have_changed_is_refused(folder, monkeypatch, out, words):
    monkeypatch.chdir(folder)
    answer = whyalike("a.npy", "b.npy", f"--out={out}")
    assert answer.exit_code == 2 and words in " ".join(answer.output.split())


def test_a_tilde_in_an_option_is_the_home_folder(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder / "more"))
    (folder / "more").mkdir()
    assert whyalike("a.npy", "b.npy", "--metrics=cka", "--null=0", "--out=~/s.parquet").exit_code == 0
    assert (folder / "more" / "s.parquet").is_file()


def test_a_confound_is_taken_from_the_scores_in_the_order_of_the_ids(folder, arrays):
    a, b, c = (arrays[name] for name in "abc")
    out, order = folder / "s.parquet", np.random.default_rng(1).permutation(N)
    ids = np.arange(100, 100 + N)
    np.savez(folder / "a.npz", vectors=a, stimulus_id=ids)
    np.savez(folder / "b.npz", vectors=b, stimulus_id=ids)
    np.savez(folder / "pixels.npz", vectors=c[order], stimulus_id=ids[order])
    options = ("--confound", folder / "pixels.npz", "--metrics", "cka,rsa", "--null", 9, "--out", out)
    answer = whyalike(folder / "a.npz", folder / "b.npz", *options)
    assert answer.exit_code == 0, answer.output
    found = pd.read_parquet(out)
    assert found.value.tolist() == [score(metric, a, b, confound=c) for metric in ("cka", "rsa")]
    assert found.estimator.tolist() == ["hsic_biased_deconfounded", "rdm_correlation_deconfounded"]
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options)
    assert answer.exit_code == 1
    assert "pixels.npz holds stimulus_id and" in answer.output
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--confound", folder / "c.npy", "--metrics", "mutual_knn")
    assert "not from mutual_knn" in answer.output


def test_a_confound_is_taken_from_the_usual_metrics_that_can_and_others_are_refused_first(folder, monkeypatch):
    options = ("--confound", folder / "c.npy", "--null", 0, "--no-interval")
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options)
    assert answer.exit_code == 0, answer.output
    # no null of a score without a confound has a closed form: there is no column of it
    assert rows(answer)[0].split() == ["metric", "a", "b", "value", "n"]
    assert [line.split()[0] for line in rows(answer)[1:]] == ["cka", "cka_unbiased"]
    assert answer.stderr == "left out, as no confound can be taken from it: mutual_knn\n"
    answer = whyalike(folder / "a.npy", folder / "b.npy", *options, "--metrics", "all")
    assert answer.exit_code == 0, answer.output
    able = [name for name, entry in METRICS.items() if entry.facts.deconfoundable]
    assert {line.split()[0] for line in rows(answer)[1:]} == set(able)
    monkeypatch.setattr("whyalike.similarity.score_files._row", lambda *_: pytest.fail("scored"))
    answer = whyalike(folder / "a.npy", folder / "b.npy", "--metrics", "cka,mutual_knn", *options)
    assert answer.exit_code == 1
    assert "not from mutual_knn" in answer.stderr


def test_wide_features_have_a_null_within_class_without_draws(folder):
    g = np.random.default_rng(0)
    for name in "xy":
        np.save(folder / f"{name}.npy", g.normal(size=(80, 75)))  # d^2 > 64 n: with draws kernels are kept
    (folder / "labels.txt").write_text("u\nv\n" * 40)
    options = ("--metrics", "cka_unbiased", "--null", 0, "--no-interval", "--out", folder / "s.parquet")
    answer = whyalike(folder / "x.npy", folder / "y.npy", "--labels", folder / "labels.txt", *options)
    assert answer.exit_code == 0, answer.output
    row = pd.read_parquet(folder / "s.parquet").iloc[0]
    assert 0 < row.p_within_class < 1 and np.isfinite(row.null_within_class)
