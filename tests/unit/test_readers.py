"""Every reader turns whatever a parser raises into one message of ours: the file, the fault and what to do.

`FORMATS` has a line for each kind of file that is read: what writes a small one, and what reads it. Each is damaged
1,000 times, and put in the place of what people have in place of a file.
"""

import faulthandler
import gzip
import json
import os
import random
import re
import resource
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.numpy
import safetensors.torch
import torch
import yaml
from PIL import Image, PngImagePlugin

from whyalike.activations.imported import read_vectors
from whyalike.activations.table import write_activations
from whyalike.cluster import site
from whyalike.config.reading import read as read_config
from whyalike.config.yaml_file import keys_of
from whyalike.data import own_arrays, tinyimagenet
from whyalike.data.documents import texts
from whyalike.data.folders import read_mask
from whyalike.data.own_images import read_image
from whyalike.data.prepared import open_prepared, write_prepared
from whyalike.data.resumable_array import JOURNAL, filled
from whyalike.data.tokenization import load as load_tokenizer
from whyalike.data.tokenization import train as train_tokenizer
from whyalike.job import EXPECTED
from whyalike.planning import costs
from whyalike.planning.spending import benchmark_seconds, spans
from whyalike.similarity.read_files import read_labels, read_pairs
from whyalike.statistics.analysis import read_scores
from whyalike.statistics.published import Imported, read_published, write_published
from whyalike.statistics.published_format import Description
from whyalike.statistics.study import PROTOCOLS
from whyalike.statistics.tables import from_csv
from whyalike.status import failures
from whyalike.studies.traces import made_from
from whyalike.training.checkpoint import load_checkpoint
from whyalike.training.store import StoredRun

MUTATIONS = 1000
MEMORY = 4 << 30  # bytes beside those of the process that reading a small file may ask for
PATIENCE = 600  # s, for all mutations of a format on a busy machine; then the test ends with a traceback of the reader
ROOT = Path(__file__).parents[2]
# what a message tells to do; a reader with another verb adds it
REMEDY = re.compile(
    r"(?i)([.:;,)?]\s+|\n)(add|check|convert|copy|correct|delete|divide|download|drop|fetch|flatten|give|import|is it|"
    r"known|leave|let|make|name|put|read|remove|rename|repair|save|say|see|set|start|take|unpack|use|write)\b"
    r"|\n\s*- .+: "  # a key of the configuration, and what must hold of it
)
X = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
IDS = np.arange(6)
NAMES = ["cat", "dog", "owl"] * 2
TEXT = "".join(f"Line {i} of a text that is to be read, naïve.\n" for i in range(6))
SCORES = "seed,metric,frac_overlap,mnist\n" + "".join(f"{i},cka,0.5,0.2{i}\n" for i in range(6))
GIVEN = Description(setting="x", factor="dataset")
LEDGER = [{"event": "start", "run": "a", "time": 1.0, "step": 0}, {"event": "end", "run": "a", "time": 9.5, "step": 4}]
COSTS = yaml.safe_load((ROOT / "config" / "costs.yaml").read_text(encoding="utf-8")) | {"rates": []}


@dataclass(frozen=True)
class Format:
    """A kind of file: its name, what writes a valid one, and what reads it.

    ``text``: a byte-order mark and Windows' line ends change nothing. ``ours``: the workflow writes it, so nobody has
    something else in its place. ``slow``: milliseconds of a read; `make test-slow` does all mutations, `make test` 100.
    """

    name: str
    write: Callable[[Path], Any]
    read: Callable[[Path], Any]
    text: bool = False
    ours: bool = False
    slow: bool = False


def text(content: str) -> Callable[[Path], Any]:
    return lambda path: path.write_text(content, encoding="utf-8")


def packed(content: str) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(gzip.compress(content.encode(), mtime=0))


def columns(**values: Any) -> Callable[[Path], Any]:
    return lambda path: pq.write_table(pa.table(values), path)


def both_doors(path: Path) -> None:
    """Score and import; the fault of the second, if any, is that of the first or another of the same file."""
    try:
        read_pairs(path, path, lambda line: None)
    finally:
        read_vectors(path, IDS)


def pairs(path: Path) -> None:
    read_pairs(path, None, lambda line: None)


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["vectors"], file["stimulus_id"] = X, IDS


def picture(path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(path)


def both_images(path: Path) -> None:
    try:
        read_image(path, 4)
    finally:
        read_mask(path)


def arrays(path: Path) -> None:
    own_arrays.prepare({"images": str(path), "title": "x"}, path.parent / "out", 1, lambda line: None)


def documents(path: Path) -> None:
    for _ in texts([path], ["text"]):
        pass


def tokenizer(path: Path) -> None:
    train_tokenizer([TEXT], 270).save(str(path))


def net() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def checkpoint(path: Path) -> None:
    load_checkpoint(net(), path)


def sharded(path: Path) -> None:
    safetensors.torch.save_file(net().state_dict(), path.parent / "w.safetensors")
    path.write_text(json.dumps({"weight_map": dict.fromkeys(net().state_dict(), "w.safetensors")}))


def figure(path: Path) -> None:
    information = PngImagePlugin.PngInfo()
    information.add_text("whyalike", '{"kind":"overlap"}')
    Image.new("RGB", (8, 8)).save(path, pnginfo=information)


def read_scores_of(path: Path) -> Imported:
    """Imported scores, of a table beside a path."""
    path.with_suffix(".csv").write_text(SCORES)
    return read_published([path.with_suffix(".csv")], GIVEN)


def prepared(path: Path) -> None:
    labels = pd.DataFrame({"part": ["train", "test"] * 3, "class": NAMES})
    write_prepared(path.parent, np.zeros((6, 4, 4, 1), np.uint8), labels, ["class"], {})


def run_of(path: Path) -> StoredRun:
    return StoredRun(path.parent.parent, path.parent.name)


def result(path: Path) -> None:
    run_of(path).finish({"sha256": {}, "steps": 4})


def unfinished(path: Path) -> None:
    """A preparation that was killed after its first block."""
    with suppress(KeyboardInterrupt), filled(path.parent, np.dtype("<u2"), (), "work", print) as blocks:
        blocks.fill(0, "first", lambda: (np.arange(5, dtype="<u2"), None))
        raise KeyboardInterrupt


def prepared_again(path: Path) -> None:
    with filled(path.parent, np.dtype("<u2"), (), "work", lambda line: None) as blocks:
        blocks.fill(0, "first", lambda: (np.arange(5, dtype="<u2"), None))
    found = np.load(path.parent / "array.npy")
    assert np.array_equal(found, np.arange(5)), found


def published_words(path: Path) -> None:
    tinyimagenet._fields(path.parent.parent, path.name)


def fault(path: Path) -> None:
    path.write_text(json.dumps({"message": "a full disk", "target": "none", "runs": ["a"]}))


FORMATS = [
    Format("own.yaml", text("name: x\nseeds: [0, 1]\nlr: {a: 1e-3, b: 0.5}\nwords: 'naïve'\n"),
           lambda path: keys_of(path, "config/demo.yaml"), text=True),
    Format("demo.yaml", lambda path: path.write_bytes((ROOT / "config" / "demo.yaml").read_bytes()), read_config,
           text=True, slow=True),
    Format("site.yaml", text("account: lab\ngpus: 8\nprice_per_gpu_hour: 2.5\nscratch: /scratch\n"), site.read,
           text=True),
    Format("costs.yaml", lambda path: path.write_text(yaml.safe_dump(COSTS)),
           lambda path: costs.read(path, path.parent / "none"), text=True, slow=True),
    Format("x.npy", lambda path: np.save(path, X), both_doors),
    Format("x.npz", lambda path: np.savez(path, vectors=X, stimulus_id=IDS), both_doors),
    Format("packed.npz", lambda path: np.savez_compressed(path, vectors=X, stimulus_id=IDS), both_doors),
    Format("x.safetensors", lambda path: safetensors.numpy.save_file({"vectors": X, "stimulus_id": IDS}, path),
           both_doors),
    Format("x.parquet", columns(vector=X.tolist(), stimulus_id=IDS), both_doors),
    Format("wide.parquet", columns(a=X[:, 0], b=X[:, 1], stimulus_id=IDS), both_doors),
    Format("x.h5", hdf5, both_doors),
    Format("x.pt", lambda path: torch.save({"vectors": torch.tensor(X), "stimulus_id": torch.tensor(IDS)}, path),
           both_doors),
    Format("runs.parquet", lambda path: write_activations(path, IDS, [("a", X), ("b", X)], 3, {}), pairs),
    Format("labels.txt", text("\n".join(NAMES)), read_labels, text=True),
    Format("labels.npy", lambda path: np.save(path, np.array(NAMES)), read_labels),
    Format("labels.parquet", columns(label=NAMES), read_labels),
    *(Format(f"x.{suffix}", picture, both_images) for suffix in ("bmp", "gif", "jpg", "png", "tif", "webp")),
    Format("images.npz", lambda path: np.savez(path, images=np.zeros((6, 4, 4), np.uint8), labels=np.array(NAMES)),
           arrays, slow=True),
    Format("x.txt", text(TEXT), documents, text=True),
    Format("x.txt.gz", packed(TEXT), documents),
    Format("x.jsonl", text("".join(json.dumps({"text": line}) + "\n" for line in TEXT.splitlines())), documents,
           text=True),
    Format("x.json.gz", packed(json.dumps({"text": TEXT})), documents),
    Format("text.parquet", columns(text=TEXT.splitlines()), documents),
    Format("tokenizer.json", tokenizer, lambda path: load_tokenizer(path.parent)),
    Format("tiny-imagenet-200/words.txt", text("n01\ttench, Tinca\nn02\tgoldfish\n"), published_words, text=True),
    Format("w.safetensors", lambda path: safetensors.torch.save_file(net().state_dict(), path), checkpoint),
    Format("w.pt", lambda path: torch.save(net().state_dict(), path), checkpoint),
    Format("old.pt", lambda path: torch.save({"model": net().state_dict()}, path,
                                             _use_new_zipfile_serialization=False), checkpoint),
    Format("model.safetensors.index.json", sharded, lambda path: load_checkpoint(net(), path.parent)),
    Format("scores.csv", text(SCORES), lambda path: read_published([path], GIVEN),
           text=True),
    Format("rows.parquet", lambda path: write_published(path, read_scores_of(path), GIVEN),
           lambda path: [read_scores([path], one) for one in PROTOCOLS]),
    *(Format(f"data/{name}", prepared, lambda path: open_prepared(path.parent, verify=True), ours=True)
      for name in ("array.npy", "labels.parquet", "checksums.json")),
    Format("0123456789abcdef/result.json", result, lambda path: run_of(path).finished(), ours=True),
    Format("0123456789abcdef/ledger.jsonl", text("".join(json.dumps(line) + "\n" for line in LEDGER)),
           lambda path: spans(run_of(path)), ours=True),
    Format("train.tsv", text("s\th:m:s\tmax_rss\n12.5\t0:00:12\t100.5\n"), benchmark_seconds, ours=True),
    Format("job.log.fault.json", fault, lambda path: failures.read(path.parent), ours=True),
    Format("table3.csv", text("study,metric,value\noverlap,cka,0.5\noverlap,rsa,0.25\n"), from_csv, ours=True),
    Format("figure.png", figure, made_from, ours=True),
    Format(JOURNAL, unfinished, prepared_again, ours=True, slow=True),
]  # fmt: skip


def mutated(content: bytes, key: str) -> bytes:
    """A file after one or several of the faults that disks, transfers and editors make."""
    chance, changed = random.Random(key), bytearray(content)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        start = chance.randrange(len(changed) + 1)
        length = min(chance.choice((1, 2, 4, 16, 200)), len(changed) - start)
        stretch = changed[start : start + length]
        kind = chance.randrange(7)
        if kind == 0 and length:
            changed[start] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del changed[start : start + length]
        elif kind == 2:
            changed[start:start] = chance.randbytes(length)
        elif kind == 3:
            del changed[start:]
        elif kind == 4:
            changed[start:start] = stretch * chance.choice((1, 1, 40))
        elif kind == 5:
            changed[start : start + length] = chance.randbytes(length)
        else:
            changed[start : start + length] = chance.choice((b"\0", b"\xff")) * length
    return bytes(changed)


def written(folder: Path, kind: Format) -> Path:
    path = folder / "here" / kind.name
    path.parent.mkdir(parents=True)
    kind.write(path)
    return path


def message_of(kind: Format, path: Path) -> str | None:
    """What a reader says of a file that it cannot read, after a look at the message; None of one that it can read."""
    try:
        kind.read(path)
        return None
    except EXPECTED as error:
        message = str(error.args[0] if isinstance(error, KeyError) else error)
    named = path.parent if kind.ours else path  # of files that do not fit each other one is named
    assert named.name in message, f"{message} does not name the file"
    assert REMEDY.search(message), f"{message} does not say what to do"
    message.encode()
    return message


@pytest.fixture
def bounds():
    """Little memory, a time after which a reader that hangs is shown, and no warning that is not seen."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, before[1]))
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    faulthandler.cancel_dump_traceback_later()
    resource.setrlimit(resource.RLIMIT_AS, before)
    # of an odd file that they read; numpy evaluates headers, whose escapes Python warns programmers of
    theirs = re.compile("/(PIL|torch)/|<unknown>")
    seen = [one for one in said if not theirs.search(one.filename)]
    assert not seen, [str(one) for one in seen]


def fuzz(kind: Format, folder: Path, keys: range) -> int:
    """Read a format after each of many mutations; returns how many were refused."""
    path = written(folder, kind)
    message_of(kind, path)  # what a library prepares at its first use is not measured
    path.unlink(missing_ok=True)
    kind.write(path)
    content, refused = path.read_bytes(), 0
    for key in keys:
        changed = mutated(content, f"{kind.name} {key}")
        path.write_bytes(changed)
        try:
            refused += message_of(kind, path) is not None
        except BaseException as error:
            error.add_note(f"{kind.name} with mutation {key}: {changed[:200]!r}")
            raise
    return refused


@pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
@pytest.mark.usefixtures("bounds")
def test_whatever_damage_does_to_a_file_is_read_or_told_with_file_and_remedy(tmp_path, kind, capfd):
    refused = fuzz(kind, tmp_path, range(MUTATIONS // 10 if kind.slow else MUTATIONS))
    assert capfd.readouterr() == ("", "")
    assert refused or kind.name.endswith(("ledger.jsonl", JOURNAL))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in FORMATS if kind.slow], ids=lambda kind: kind.name)
@pytest.mark.usefixtures("bounds")
def test_the_same_of_formats_that_are_slow_to_read(tmp_path, kind):
    fuzz(kind, tmp_path, range(MUTATIONS // 10, MUTATIONS))


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>" + b"<p>Not here.</p>" * 99 + b"</html>\n"
OF_USERS = [kind for kind in FORMATS if not kind.ours]
BY_NAME = {kind.name: kind for kind in FORMATS}
every_format = pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)
every_format_of_users = pytest.mark.parametrize("kind", OF_USERS, ids=lambda kind: kind.name)


@pytest.fixture
def path(tmp_path, kind):
    """A valid file of a format; what reads it can be read beside it."""
    return written(tmp_path, kind)


@every_format
def test_the_file_that_the_others_are_made_of_is_read(path, kind):
    assert message_of(kind, path) is None


@every_format_of_users
def test_an_empty_file_is_told(path, kind):
    path.write_bytes(b"")
    may_be = {"own.yaml", "site.yaml", "x.txt", "x.jsonl", "tiny-imagenet-200/words.txt"}
    assert message_of(kind, path) or kind.name in may_be, "only what is counted later, or may have no key, may be empty"


@every_format_of_users
def test_a_truncated_download_is_told(path, kind):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert message_of(kind, path) or kind.text, "of text nobody sees that more of it was meant"


@every_format_of_users
def test_a_git_lfs_pointer_is_told_by_its_name(path, kind):
    path.write_bytes(LFS)
    assert re.search(r"a Git LFS pointer in place of the data.* git lfs pull", message_of(kind, path))


@every_format_of_users
def test_a_web_page_in_place_of_a_file_is_told(path, kind):
    path.write_bytes(PAGE)
    message = message_of(kind, path)
    assert kind.text or "a web page" in message, "to a reader of text a page is text"


@every_format_of_users
def test_a_folder_in_place_of_a_file_is_told(path, kind):
    path.unlink()
    path.mkdir()
    assert message_of(kind, path) or kind.name == "site.yaml", "there need be no site"


@every_format_of_users
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")], ids=["pipe", "device"])
@pytest.mark.usefixtures("bounds")
def test_a_pipe_or_device_is_refused_before_a_reader_waits_for_it(path, kind, make):
    path.unlink()
    make(path)
    assert message_of(kind, path) or kind.name == "site.yaml"


@every_format_of_users
def test_a_file_that_may_not_be_read_is_told(tmp_path, path, kind, monkeypatch):
    path.parent.chmod(0o755)
    path.chmod(0)
    monkeypatch.chdir(tmp_path / "here")  # the folders above belong to this user alone
    Path().absolute().chmod(0o755)
    user = os.geteuid()
    os.seteuid(user or 65534)  # to root no file is closed
    try:
        message = message_of(kind, Path(kind.name))
    finally:
        os.seteuid(user)
    assert re.search(r"Permission denied.*chmod u\+r", message)


@pytest.mark.parametrize("kind", [kind for kind in OF_USERS if kind.text], ids=lambda kind: kind.name)
def test_a_mark_and_the_line_ends_of_windows_are_no_damage(path, kind):
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert message_of(kind, path) is None


def npy(dtype: str, *shape: int) -> bytes:
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\0v\0" + header.ljust(117).encode() + b"\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.npy", npy("<f8", 10**6, 10**9)),
        ("x.npy", npy("<f8", 2**32, 2**32)),
        ("labels.npy", npy("<U3", 10**15)),
        ("x.safetensors", (1 << 60).to_bytes(8, "little") + b"{}"),
        ("w.safetensors", (1 << 60).to_bytes(8, "little") + b"{}"),
    ],
    ids=["npy of 1e15 numbers", "npy beyond 64 bits", "labels", "safetensors of 2**60 bytes", "the same of weights"],
)
@pytest.mark.usefixtures("bounds")
def test_a_header_that_claims_more_than_the_file_holds_takes_no_memory(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert message_of(BY_NAME[name], tmp_path / name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kB


@pytest.mark.usefixtures("bounds")
def test_an_archive_whose_array_claims_more_than_it_holds_takes_no_memory(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as file:
        file.writestr("vectors.npy", npy("<f4", 10**5, 10**6))
    message = message_of(BY_NAME["x.npz"], tmp_path / "x.npz")
    assert "array vectors: it is cut off: (100000, 1000000) float32 take 400,000,000,000 bytes" in message


@pytest.mark.usefixtures("bounds")
def test_a_bomb_of_a_png_is_refused_by_its_header(tmp_path):
    picture(tmp_path / "x.png")
    content = bytearray((tmp_path / "x.png").read_bytes())
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    (tmp_path / "x.png").write_bytes(content)
    assert "could be decompression bomb" in message_of(BY_NAME["x.png"], tmp_path / "x.png")


def test_a_folder_of_weights_whose_shard_is_missing_is_told_by_its_index(tmp_path):
    kind = BY_NAME["model.safetensors.index.json"]
    path = written(tmp_path, kind)
    (path.parent / "w.safetensors").unlink()
    assert "it names w.safetensors, which does not lie beside it" in message_of(kind, path)


def test_an_alias_bomb_of_yaml_is_not_written_out(tmp_path):
    values = ["&a0 [lol, lol]", *(f"&a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 40))]
    (tmp_path / "own.yaml").write_text("".join(f"- {value}\n" for value in values))
    assert len(message_of(BY_NAME["own.yaml"], tmp_path / "own.yaml")) < 1000
