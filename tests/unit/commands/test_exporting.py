"""The archive of a study: what is in it, equal bytes for equal content, and what it refuses."""

import csv
import io
import json
import os
import tarfile
import zipfile
from types import SimpleNamespace

import pyarrow as pa
import pytest
import yaml
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from whyalike.commands import exporting
from whyalike.commands.exporting import export
from whyalike.config.reading import check
from whyalike.files import write_table, write_text
from whyalike.grid.runs import Grid
from whyalike.grid.workflow import Workflow

PAGES = ("findings.md", "claims.md")


@pytest.fixture
def config(demo, tmp_path):
    """The label study of the demo with one figure and one seed; results in a folder of the test."""
    demo["results"] = str(tmp_path / "results")
    demo["studies"] = {"label_overlap": {**demo["studies"]["label_overlap"], "seeds": [0]}}
    demo["figures"] = {"label_overlap": demo["figures"]["label_overlap"]}
    return check(demo)


def table(path, work):
    write_table(path, pa.table({"x": [1.0]}), {"work": json.loads(work)})


@pytest.fixture
def study(config):
    """Every file of the finished study, made from the right parameters, with other content."""
    flow = Workflow(config)
    for name in config.datasets:
        write_text(f"{flow.root}/data/{name}/checksums.json", "{}")
    for cell, path in zip(flow.grid.cells, flow.all_manifests(), strict=True):
        table(path, flow.training_work(cell))
    for stimuli, path in zip(config.studies["label_overlap"].stimuli, flow.settings_scores(), strict=True):
        names = {"study": "label_overlap", "comparison": "colorshapedigit", "stimuli": stimuli}
        table(path, flow.similarity_work(SimpleNamespace(**names)))
    table(f"{flow.root}/models/models.parquet", flow.models_work(None))
    table(f"{flow.root}/similarity/views.parquet", flow.views_work(None))
    table(flow.all_statistics()[0], flow.statistics_work(SimpleNamespace(study="label_overlap")))
    texts = [f"statistics/{name}.{suffix}" for name in ("mutual_information", "accuracy") for suffix in ("csv", "md")]
    for name in (*texts, *(f"figures/label_overlap.{suffix}" for suffix in ("svg", "pdf", "csv")), *PAGES):
        write_text(f"{flow.root}/{name}", name)
    draw(flow, flow.figure_work(SimpleNamespace(figure="label_overlap")))
    return flow


def draw(flow, work):
    info = PngInfo()
    info.add_text("whyalike", work)
    Image.new("L", (1, 1)).save(f"{flow.root}/figures/label_overlap.png", pnginfo=info)


def unpacked(path):
    """Name -> content of an archive."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    with tarfile.open(path) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive.getmembers()}


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_the_archive_holds_what_was_asked_for_what_made_it_and_what_came_out(config, study, tmp_path, suffix):
    said = export(config, tmp_path / f"supplement.{suffix}")
    files = unpacked(tmp_path / f"supplement.{suffix}")
    assert f"supplement.{suffix}: {len(files)} files" in said
    assert set(files) == {
        *(f"demo/{name}" for name in ("config.yaml", "versions.json", "requirements.txt", "runs.csv", *PAGES)),
        *(f"demo/data/{name}/checksums.json" for name in config.datasets),
        "demo/models/colorshapedigit/label/seed0.parquet",
        "demo/models/models.parquet",
        *(f"demo/similarity/label_overlap/colorshapedigit/{name}.parquet"
          for name in ("colorshapedigit_test", "digits_test", "photographs")),
        "demo/similarity/views.parquet",
        "demo/statistics/label_overlap.parquet",
        *(f"demo/statistics/{name}.{end}" for name in ("mutual_information", "accuracy") for end in ("csv", "md")),
        *(f"demo/figures/label_overlap.{end}" for end in ("svg", "pdf", "png", "csv")),
    }  # fmt: skip
    assert list(files) == sorted(files)
    assert files["demo/findings.md"] == b"findings.md"
    assert files["demo/requirements.txt"] == exporting.LOCK.read_bytes()


def test_the_exported_configuration_asks_for_the_same_runs(config, study, tmp_path):
    export(config, tmp_path / "s.zip")
    files = unpacked(tmp_path / "s.zip")
    again = check(yaml.safe_load(files["demo/config.yaml"]))
    assert again == config
    rows = list(csv.DictReader(io.StringIO(files["demo/runs.csv"].decode())))
    grid = Grid(config)
    assert [row["identity"] for row in rows] == [run.identity for cell in grid.cells for run in grid.runs(cell)]
    versions = json.loads(files["demo/versions.json"])
    assert versions["whyalike"] == "0.1.0"


@pytest.mark.parametrize("suffix", ["tar.gz", "zip"])
def test_equal_content_gives_equal_bytes(config, study, tmp_path, suffix):
    first, second = tmp_path / f"first.{suffix}", tmp_path / "elsewhere" / f"second.{suffix}"
    export(config, first)
    for path in (tmp_path / "results").rglob("*"):
        os.utime(path, (0, 0))
        if path.is_file():
            path.chmod(0o600)
    export(config, second)
    assert first.read_bytes() == second.read_bytes()


def test_a_tar_tells_nothing_of_machine_user_and_time(config, study, tmp_path):
    export(config, tmp_path / "s.tar.gz")
    with tarfile.open(tmp_path / "s.tar.gz") as archive:
        told = {(one.mtime, one.uid, one.gid, one.uname, one.gname, one.mode) for one in archive.getmembers()}
    assert told == {(0, 0, 0, "", "", 0o644)}
    assert (tmp_path / "s.tar.gz").read_bytes()[4:8] == b"\0\0\0\0"  # gzip's own time


def missing_manifest(flow):
    os.unlink(flow.all_manifests()[0])


def scores_of_fewer_seeds(flow):
    path = flow.settings_scores()[0]
    table(path, json.dumps({"pairs": []}))


def statistics_of_other_parameters(flow):
    table(flow.all_statistics()[0], json.dumps({"permutations": 1}))


def figure_of_a_partial_result(flow):
    draw(flow, flow.figure_work(SimpleNamespace(figure="label_overlap")).replace('{"', '{"partial":["one"],"', 1))


def figure_without_its_png(flow):
    os.unlink(f"{flow.root}/figures/label_overlap.png")


@pytest.mark.parametrize(
    ("spoil", "line", "count"),
    [
        (missing_manifest, "models/colorshapedigit/label/seed0.parquet: missing", "1 file is"),
        (scores_of_fewer_seeds, "colorshapedigit_test.parquet: made from other parameters or code", "1 file is"),
        (statistics_of_other_parameters, "statistics/label_overlap.parquet: made from other", "1 file is"),
        (figure_of_a_partial_result, "figures/label_overlap.svg: made from other", "4 files are"),
        (figure_without_its_png, "figures/label_overlap.csv: what it was made from is not known", "4 files are"),
    ],
)
def test_what_is_missing_or_outdated_is_refused_or_listed_and_left_out(config, study, tmp_path, spoil, line, count):
    spoil(study)
    output = tmp_path / "s.zip"
    with pytest.raises(ValueError, match=f"{count} missing or outdated") as caught:
        export(config, output)
    assert line in str(caught.value)
    assert "--partial" in str(caught.value)
    assert not output.exists()
    assert export(config, output, partial=True).endswith(f"{count} missing or outdated, see MISSING.txt")
    files = unpacked(output)
    assert line in files["demo/MISSING.txt"].decode()
    assert not [name for name in files if line.split(":")[0].endswith(name.removeprefix("demo/"))]


def test_a_partial_configuration_is_measured_against_the_whole_study(config, study, tmp_path):
    missing_manifest(study)
    with pytest.raises(ValueError, match="missing or outdated"):
        export(config.model_copy(update={"partial": True}), tmp_path / "s.zip")


def test_a_failed_export_leaves_the_old_archive(config, study, tmp_path, monkeypatch):
    output = tmp_path / "s.zip"
    export(config, output)
    before = output.read_bytes()

    def full_disk(path, members):
        path.write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(exporting, "_write_zip", full_disk)
    with pytest.raises(OSError, match="disk full"):
        export(config, output)
    assert output.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []


@pytest.mark.parametrize("name", ["s.tar", "s", "s.gz", "s.tar.xz"])
def test_another_kind_of_archive_is_refused(config, tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.tar\.gz or \.zip"):
        export(config, tmp_path / name)
