"""Code on which stored runs or GPU time depend does not change unnoticed: versions.json pins it beside its VERSION.

A change of this code re-computes nothing by itself; raising VERSION does. After either, `make pins` (or this file, run
as a program) pins the state anew.
"""

import json
import re
import shutil
from pathlib import Path

import pytest

from whyalike import provenance
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import SHIFTS
from whyalike.designs.registry import design, designs
from whyalike.files import write_text
from whyalike.models.registry import MODELS
from whyalike.provenance import PACKAGE, closure, fingerprint, version
from whyalike.training.registry import OBJECTIVES

PINS = Path(__file__).with_name("versions.json")
REMEDY = "`make pins` (or `.venv/bin/python tests/unit/test_versions.py`)"
# where a VERSION stands for more than its own module: the entry of the job
ENTRIES = {
    "whyalike.splits.overlap": [
        "whyalike.splits.stage:make_splits",
        *(design(name).split for name in designs(trained=True) if design(name).version_of == "whyalike.splits.overlap"),
    ],
    "whyalike.training.trainer": ["whyalike.training.cell:train_cell"],
    "whyalike.activations.extraction": ["whyalike.activations.extraction:extract_cell"],
}


def versioned() -> list[str]:
    """Every module with a constant VERSION."""
    root = provenance._ROOT
    paths = [path for path in sorted(root.rglob("*.py")) if re.search(r"^VERSION = ", path.read_text(), re.MULTILINE)]
    return [".".join((PACKAGE, *path.relative_to(root).with_suffix("").parts)) for path in paths]


def entries(module: str) -> list[str]:
    """The definitions whose code a VERSION stands for: what a table of names points at, or the job's entry."""
    targets = [
        entry.target
        for table in (SOURCES, MODELS, OBJECTIVES, SHIFTS)
        for entry in table.values()
        if entry.module == module
    ]
    return ENTRIES.get(module) or sorted(set(targets)) or [module]


def state(module: str) -> dict[str, object]:
    return {"version": version(module), "code": fingerprint(*entries(module))}


def fault(module: str, pinned: dict[str, object] | None) -> str | None:
    """What is wrong with the pin of a module, and what to do."""
    now = state(module)
    if pinned is None:
        return f"{module} has a VERSION and no pin: run {REMEDY}."
    if now["version"] != pinned["version"]:
        return f"VERSION in {module} was raised from {pinned['version']} to {now['version']}: run {REMEDY} to pin it."
    if now["code"] != pinned["code"]:
        return (
            f"code that {module} depends on moved, and its VERSION is still {now['version']}. If results can change, "
            f"raise VERSION in {module}: what it made is then made again. In either case run {REMEDY} to pin anew. "
            f"The code lies in: {', '.join(closure(entries(module)))}."
        )
    return None


def pin() -> None:
    """Write the present state of every module with a VERSION."""
    write_text(PINS, json.dumps({module: state(module) for module in versioned()}, indent=1) + "\n")


@pytest.fixture
def pins():
    return json.loads(PINS.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", versioned())
def test_code_moves_only_with_a_look_at_its_version(pins, module):
    assert fault(module, pins.get(module)) is None


def test_every_pin_is_of_a_module_with_a_version(pins):
    assert set(pins) <= set(versioned()), f"pins of modules that are gone: run {REMEDY}"


def test_every_stage_that_stored_runs_depend_on_has_a_version():
    jobs = {"whyalike.splits.overlap", "whyalike.training.trainer", "whyalike.activations.extraction"}
    named = {entry.module for table in (SOURCES, MODELS, OBJECTIVES, SHIFTS) for entry in table.values()}
    assert jobs | named <= set(versioned())


@pytest.fixture(scope="module")
def unchanged():
    """The state of every module with a VERSION before any change."""
    return {module: state(module) for module in versioned()}


@pytest.fixture
def package(unchanged, tmp_path, monkeypatch):
    """A copy of the package in the place of whyalike, and the states in it before any change."""
    copy = tmp_path / "whyalike"
    shutil.copytree(provenance._ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_ROOT", copy)
    forget()
    yield copy, unchanged
    forget()


def forget():
    for read in vars(provenance).values():
        if hasattr(read, "cache_clear"):
            read.cache_clear()


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has '{old}' {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf-8")
    forget()


@pytest.mark.parametrize(
    ("path", "old", "new", "moved"),
    [
        ("data/digits.py", "LARGEST_VALUE = 16", "LARGEST_VALUE = 15", "data.digits"),
        (
            "data/drawings.py",
            "WOBBLE = 0.012",
            "WOBBLE = 0.02",
            "data.colorshapedigit data.colorshapedigit_cues data.colorshapedigit_groups data.shapes_and_numerals",
        ),
        ("splits/overlap.py", "half = len(items) // 2", "half = len(items) // 3", "splits.overlap"),
        ("models/resnet.py", 'mode="fan_out"', 'mode="fan_in"', "models.likelihood_model models.resnet"),
        (
            "training/augmentation.py",
            "mean + factor",
            "mean - factor",
            "training.adam_classification training.adamw_classification training.captions training.classification",
        ),
        (
            "training/probe.py",
            "PENALTY = 1.0",
            "PENALTY = 2.0",
            "training.moco training.reconstruction training.simclr",
        ),
        (
            "training/encoding.py",
            "BETAS = (0.9",
            "BETAS = (0.8",
            "training.captions training.moco training.reconstruction training.simclr",
        ),
        ("training/autoencoding.py", "0.5 * (1 + logvar", "0.6 * (1 + logvar", "training.autoencoding"),
        ("training/windows.py", "context: int) -> np.ndarray", "context: float) -> np.ndarray", "training.language"),
        ("training/trainer.py", "set_to_none=True", "set_to_none=False", "training.trainer"),
        (
            "models/pooling.py",
            "output.mean(dim=1)",
            "output.amax(dim=1)",
            "activations.extraction activations.pretrained studies.consistency.extraction training.pretrained",
        ),
        (
            "data/stimuli.py",
            "replace=False",
            "replace=True",
            "activations.extraction activations.pretrained studies.consistency.extraction",
        ),
        (
            "models/libraries/images.py",
            '"antialias": True',
            '"antialias": False',
            "activations.pretrained studies.consistency.extraction training.pretrained",
        ),
        # both the training images and the stimuli pass through it
        (
            "models/inputs.py",
            "antialias=True",
            "antialias=False",
            "activations.extraction studies.consistency.extraction training.adam_classification "
            "training.adamw_classification training.autoencoding training.captions training.classification "
            "training.moco training.reconstruction training.simclr",
        ),
        # how files are written and runs are held changes no number
        ("files.py", "temporary.replace(path)", "os.replace(temporary, path)", ""),
        ("table_sums.py", "CHUNK = 2**24", "CHUNK = 2**25", ""),
        ("data/array_sums.py", "BLOCK = 2**20", "BLOCK = 2**21", ""),
        ("training/store.py", 'self.folder / "lock"', 'self.folder / "a_lock"', ""),
        ("similarity/metrics/cka.py", "KERNEL_PAYS = 64", "KERNEL_PAYS = 65", ""),
        ("statistics/inference.py", "CONFIDENCE = 0.95", "CONFIDENCE = 0.9", ""),
    ],
)
def test_a_changed_line_moves_just_what_depends_on_it(package, path, old, new, moved):
    copy, before = package
    change(copy / path, old, new)
    found = {module.removeprefix("whyalike.") for module in versioned() if fault(module, before[module])}
    assert found == set(moved.split())


def test_a_parameter_of_one_source_leaves_the_others(package):
    copy, before = package
    change(copy / "data/parameters.py", "n: Images = Field(500", "n: Images = Field(501")
    found = {module for module in versioned() if fault(module, before[module])}
    assert found == {"whyalike.data.photographs"}


def test_the_fault_names_the_module_the_file_and_the_command(package):
    copy, before = package
    change(copy / "training/augmentation.py", "mean + factor", "mean - factor")
    text = fault("whyalike.training.classification", before["whyalike.training.classification"])
    assert "raise VERSION in whyalike.training.classification" in text
    assert "whyalike.training.augmentation" in text
    assert "tests/unit/test_versions.py" in text


def test_a_raised_version_asks_for_a_new_pin_only(package):
    copy, before = package
    now = before["whyalike.training.trainer"]["version"]
    change(copy / "training/trainer.py", f"VERSION = {now} ", f"VERSION = {now + 1} ")
    text = fault("whyalike.training.trainer", before["whyalike.training.trainer"])
    assert text.startswith(f"VERSION in whyalike.training.trainer was raised from {now} to {now + 1}")
    assert "has a VERSION and no pin" in fault("whyalike.training.trainer", None)


if __name__ == "__main__":
    pin()
    print(f"pinned: {PINS}")
