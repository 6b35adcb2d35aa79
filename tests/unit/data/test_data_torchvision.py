"""The sets that torchvision reads: the pixels of its readers, official sums, one message for what is wrong."""

import json
import os
import subprocess
import sys
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from published_sets import CIFAR10_NAMES, MAKERS, READERS, accept, md5
from torchvision import datasets

from whyalike.data import layouts, torchvision_sets
from whyalike.data.prepared import open_prepared
from whyalike.data.registry import SOURCES

SETS = list(MAKERS)
UNPACKED = set(layouts.MNIST.files)


def silent(line):
    del line


def prepared(source, root, folder):
    SOURCES[source].load()({"folder": str(root)}, folder, 1, silent)
    return open_prepared(folder, verify=True)


@pytest.fixture(params=SETS)
def source(request):
    return request.param


@pytest.fixture
def root(source, tmp_path, monkeypatch):
    """A small set of the source, whose sums stand in the tables of official ones."""
    MAKERS[source](tmp_path / "published")
    accept(monkeypatch, source, tmp_path / "published")
    return tmp_path / "published"


def test_images_are_the_pixels_of_torchvisions_reader_in_its_order(source, root, tmp_path):
    own = prepared(source, root, tmp_path / "out")
    attribute = own.attributes[0]
    for part in ("train", "test"):
        reader, rows = READERS[source](root, part), own.rows(part)
        assert len(reader) == len(rows) > 0
        for row, (image, target) in zip(rows, reader, strict=True):
            expected = np.asarray(image)
            np.testing.assert_array_equal(own.images[row], expected[..., None] if expected.ndim == 2 else expected)
            name = reader.classes[target] if source.startswith("cifar") else str(target)
            assert own.labels[attribute][row] == name


def test_size_channels_and_attribute_are_those_of_the_facts(source, root, tmp_path):
    own, facts = prepared(source, root, tmp_path / "out"), SOURCES[source].facts
    assert own.images.shape[1:] == (facts.size, facts.size, facts.channels)
    assert own.attributes == facts.attributes


def test_red_green_and_blue_are_in_that_order(tmp_path, monkeypatch):
    MAKERS["cifar10"](tmp_path / "published")
    accept(monkeypatch, "cifar10", tmp_path / "published")
    own = prepared("cifar10", tmp_path / "published", tmp_path / "out")
    # as documented: 1024 red bytes, then green, then blue, each by row; the fixture's bytes of data_batch_1
    planes = np.random.default_rng(0).integers(0, 256, (5, 3072), dtype=np.uint8)
    assert own.images[0, 1, 2].tolist() == [planes[0, 34], planes[0, 1024 + 34], planes[0, 2048 + 34]]


def test_class_names_come_from_the_official_tables(tmp_path, monkeypatch):
    for name in ("cifar10", "cifar100", "svhn"):
        MAKERS[name](tmp_path / name)
        accept(monkeypatch, name, tmp_path / name)
    ten = prepared("cifar10", tmp_path / "cifar10", tmp_path / "a")
    assert ten.labelling("class")[1] == CIFAR10_NAMES  # the official order is the alphabet's
    assert ten.labels["class"][0] == "airplane"
    hundred = prepared("cifar100", tmp_path / "cifar100", tmp_path / "b")
    assert hundred.labels["class"].tolist() == [f"class {i}" for i in range(99, 93, -1)] * 2
    assert prepared("svhn", tmp_path / "svhn", tmp_path / "c").labels["digit"][0] == "0"  # 10 in the file


def test_what_made_the_data_are_the_sums_and_not_the_folder(source, root, tmp_path):
    prepared(source, root, tmp_path / "out")
    made_by = json.loads((tmp_path / "out" / "checksums.json").read_text())["made_by"]
    assert str(tmp_path) not in json.dumps(made_by)
    assert set(made_by["md5"]) == set(SOURCES[source].facts.parameters.layout.paths())
    moved = tmp_path / "moved"
    root.rename(moved)
    prepared(source, moved, tmp_path / "again")
    for name in ("array.npy", "labels.parquet", "checksums.json"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.parametrize("packed", [UNPACKED, {"train-images-idx3-ubyte"}], ids=["all", "one"])
def test_mnist_may_lie_there_packed_and_nothing_is_written_beside_it(packed, tmp_path, monkeypatch):
    contents = []
    for name, these in (("plain", ()), ("packed", packed)):
        MAKERS["mnist"](tmp_path / name, packed=these)
        accept(monkeypatch, "mnist", tmp_path / name)
        before = sorted(tmp_path.joinpath(name).rglob("*"))
        contents.append(prepared("mnist", tmp_path / name, tmp_path / f"{name}_out").content_sha256)
        assert sorted(tmp_path.joinpath(name).rglob("*")) == before
    assert contents[0] == contents[1]


def test_a_converted_copy_of_mnist_is_not_read(tmp_path, monkeypatch):
    root = tmp_path / "published"
    MAKERS["mnist"](root)
    accept(monkeypatch, "mnist", root)
    (root / "MNIST" / "processed").mkdir()
    for name in ("training.pt", "test.pt"):
        (root / "MNIST" / "processed" / name).write_bytes(b"older torchvision reads these first, unchecked")
    assert len(prepared("mnist", root, tmp_path / "out").images) == 10


# ---- what is wrong is one message ----


def fault(source, root, tmp_path):
    with pytest.raises(ValueError, match="must lie as published") as caught:
        prepared(source, root, tmp_path / "out")
    text = str(caught.value)
    assert "\n" not in text
    assert SOURCES[source].facts.parameters.layout.origin in text
    assert not (tmp_path / "out" / "checksums.json").exists()
    return text


def test_files_that_are_not_the_official_ones_are_refused_by_their_real_sums(source, tmp_path):
    root = tmp_path / "published"
    MAKERS[source](root)  # right layout, other content: the real tables are in force
    text = fault(source, root, tmp_path)
    path = root / SOURCES[source].facts.parameters.layout.paths()[0]
    official = torchvision_sets._SOURCES[source].md5()[path.relative_to(root).as_posix()]
    assert f"{path.name} is damaged or another file (MD5 {md5(path)}, official {official}), delete it" in text


def test_one_damaged_byte_is_found_in_every_file(source, root, tmp_path):
    for path in SOURCES[source].facts.parameters.layout.paths():
        whole = (root / path).read_bytes()
        (root / path).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        text = fault(source, root, tmp_path)
        assert f" {Path(path).name} is damaged" in text
        assert text.count("is damaged") == 1
        (root / path).write_bytes(whole)
    prepared(source, root, tmp_path / "out")


def test_a_damaged_packed_file_is_found(tmp_path, monkeypatch):
    root = tmp_path / "published"
    MAKERS["mnist"](root, packed=UNPACKED)
    accept(monkeypatch, "mnist", root)
    path = root / "MNIST/raw/t10k-labels-idx1-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-3])
    assert f" {path.name} is damaged" in fault("mnist", root, tmp_path)


def test_missing_and_damaged_files_are_named_together(source, root, tmp_path):
    layout = SOURCES[source].facts.parameters.layout
    first, second = layout.paths()[:2]
    (root / first).unlink()
    (root / second).write_bytes(b"cut")
    text = fault(source, root, tmp_path)
    assert f"in {root / layout.inner}: 1 of {len(layout.files)} files are missing ({layout.files[0]}); " in text
    assert f" {layout.files[1]} is damaged" in text


def test_an_absent_folder_is_named_with_its_first_files_and_their_number(tmp_path):
    text = fault("cifar10", tmp_path / "nowhere", tmp_path)
    assert f"in {tmp_path}/nowhere/cifar-10-batches-py: 7 of 7 files are missing (data_batch_1, data_batch_2, " in text
    assert "and 2 more)" in text


def test_a_folder_too_deep_and_an_archive_that_is_not_unpacked_are_told(tmp_path):
    MAKERS["cifar10"](tmp_path)
    deep = tmp_path / "cifar-10-batches-py"
    assert "the folder to set is the one that holds cifar-10-batches-py/" in fault("cifar10", deep, tmp_path)
    (tmp_path / "cifar-100-python.tar.gz").write_bytes(b"")
    assert f"Unpack {tmp_path}/cifar-100-python.tar.gz." in fault("cifar100", tmp_path, tmp_path)


def test_pickles_are_not_opened_before_their_sums_are_right(tmp_path):
    root = tmp_path / "published"
    MAKERS["cifar10"](root)
    mark = tmp_path / "opened"
    hostile = f"cos\nsystem\n(S'touch {mark}'\ntR.".encode()
    (root / "cifar-10-batches-py" / "data_batch_1").write_bytes(hostile)
    fault("cifar10", root, tmp_path)
    assert not mark.exists()


# ---- layouts, facts, download ----


def test_layouts_name_the_files_of_torchvisions_tables(source):
    table = set(torchvision_sets._SOURCES[source].md5())
    layout = SOURCES[source].facts.parameters.layout
    packed = {f"{path}.gz" for path in layout.paths()} if layout.packed else set()
    assert set(layout.paths()) | packed == table


def test_origins_name_the_hosts_that_torchvision_downloads_from():
    for layout, url in (
        (layouts.CIFAR10, datasets.CIFAR10.url),
        (layouts.CIFAR100, datasets.CIFAR100.url),
        (layouts.MNIST, datasets.MNIST.mirrors[0]),
        (layouts.SVHN, datasets.SVHN.split_list["train"][0]),
    ):
        assert url.split("/")[2] in layout.origin
    assert Path(datasets.CIFAR10.url).name == layouts.CIFAR10.archive == datasets.CIFAR10.filename
    assert Path(datasets.CIFAR100.url).name == layouts.CIFAR100.archive == datasets.CIFAR100.filename


def test_the_default_folder_is_named_after_the_source(source):
    assert SOURCES[source].facts.parameters().folder == Path("data", source)


def test_facts_count_the_images_and_so_do_parameters_that_set_them():
    counts = {name: entry.facts.counts(entry.facts.parameters()) for name, entry in SOURCES.items()
              if not any(field.is_required() for field in entry.facts.parameters.model_fields.values())}  # fmt: skip
    # the numbers on the publishers' pages
    assert counts["cifar10"] == counts["cifar100"] == (50_000, 10_000)
    assert counts["mnist"] == (60_000, 10_000)
    assert counts["svhn"] == (73_257, 26_032)
    assert counts["tinyimagenet"] == (100_000, 10_000)
    assert counts["colorshapedigit"] == (800_000, 80_000)
    assert counts["photographs"] == (0, 500)
    assert counts["digits"] == (1160, 637)


def test_looking_for_files_imports_neither_torch_nor_numpy():
    code = (
        "import sys; from whyalike.data.registry import SOURCES; "
        "print(bool(SOURCES['mnist'].facts.parameters(folder='/nowhere').missing()), "
        "{'numpy', 'torch', 'torchvision'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True set()"


def test_importing_the_module_does_not_import_torchvision():
    code = "import sys, whyalike.data.torchvision_sets; print({'torch', 'torchvision'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture
def server(tmp_path):
    """A web server of this machine for the folder `server`; its address."""
    (tmp_path / "server").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "server")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_download_is_torchvisions_and_is_checked(server, tmp_path, monkeypatch):
    MAKERS["cifar10"](tmp_path / "original")
    accept(monkeypatch, "cifar10", tmp_path / "original")
    archive = tmp_path / "server" / datasets.CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(tmp_path / "original" / "cifar-10-batches-py", "cifar-10-batches-py")
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{server}/{archive.name}")
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", md5(archive))
    chosen, lines = SOURCES["cifar10"].facts.parameters(folder=tmp_path / "data" / "cifar10"), []
    torchvision_sets.download("cifar10", chosen, lines.append)
    assert lines[-1].endswith(f"is whole in {chosen.folder}")
    assert chosen.missing() is None
    os.remove(archive)
    torchvision_sets.download("cifar10", chosen, lines.append)  # there already: the server is not asked


def test_a_download_that_fails_says_where_the_data_come_from(server, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.CIFAR10, "url", f"{server}/gone.tar.gz")
    chosen = SOURCES["cifar10"].facts.parameters(folder=tmp_path / "data")
    with pytest.raises(OSError, match=r"CIFAR-10 could not be downloaded \(.*404.*\)\. It comes from www\.cs\.toronto"):
        torchvision_sets.download("cifar10", chosen, silent)
