"""After a finished run: what is computed again when code or configuration change, and what when the store is damaged.

Most tests are dry-runs over one finished tree, beside a copy of the repository whose code they change. Jobs are told
apart by their message, such as "Training: digits, dataset overlap, seed 0"; the tables name them by its beginning, in
which * stands for anything.
"""

import ast
import copy
import os
import re
import shutil
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from pathlib import Path

import pandas as pd
import pytest
import yaml
from workflow_folder import REPOSITORY, TINY, Folder

COPIED = ("Snakefile", "config", "profiles", "src", "workflow")
CELL = "digits/dataset/seed0"
MANIFEST = f"results/tiny/models/{CELL}.parquet"
ACTIVATIONS = f"results/tiny/activations/{CELL}/digits_test.avgpool.parquet"

# what follows from a stage, by the beginnings of the jobs' messages
OVERLAP_FIGURES = ("Figures: dataset_overlap", "Figures: label_overlap")
FROM_STATISTICS = ("Statistics", *OVERLAP_FIGURES)
FROM_SIMILARITY = ("Similarity", *FROM_STATISTICS)
FROM_ACTIVATIONS = ("Activations", *FROM_SIMILARITY)
FROM_MANIFESTS = ("Models: table of all", "Figures: accuracy")
FROM_TRAINING = ("Training", *FROM_ACTIVATIONS, *FROM_MANIFESTS)
FROM_SPLITS = ("Splits", *FROM_TRAINING)
FROM_INFORMATION = ("Statistics: tables", "Statistics: the findings")
VIEWS = "Similarity: table of all views"  # of whatever scores
SUMMARIES = (VIEWS, *FROM_INFORMATION, "Statistics: verdicts")
DATASET_STUDY = ("Statistics: dataset_overlap", *SUMMARIES, "Figures: dataset_overlap")
FROM_DIGITS = (
    *("Data: prepare digits", "Splits: dataset", "Splits: task", "Training: digits", "Activations: digits"),
    *("Similarity: dataset_overlap", "Similarity: task_overlap", "Statistics: task_overlap", *DATASET_STUDY),
    *FROM_MANIFESTS,
)
FROM_COLORSHAPEDIGIT = (
    *("Data: prepare colorshapedigit", "Splits: label", "Training: colorshapedigit", "Activations: colorshapedigit"),
    *(f"Activations: digits, dataset overlap, seed {seed}, on colorshapedigit_test" for seed in (0, 1)),
    *("Similarity: dataset_overlap, digits, on colorshapedigit_test", "Similarity: label_overlap"),
    *("Statistics: label_overlap", *DATASET_STUDY, "Figures: label_overlap", *FROM_MANIFESTS, "Figures: classes"),
)


def scored(job: str) -> tuple[str, ...]:
    """What runs when the metrics of one job are to be scored: that job, the join, and what follows."""
    return (f"Similarity: *: {job}", "Similarity: *: all metrics", VIEWS, *FROM_STATISTICS)


# module, constant, its new value -> what runs
CONSTANTS = [
    # stored runs or GPU time hang on these rooms: only their VERSION counts
    ("data/digits", "VERSION", 1000, FROM_DIGITS),
    ("data/colorshapedigit", "VERSION", 1000, FROM_COLORSHAPEDIGIT),
    ("data/photographs", "VERSION", 1000, ()),
    ("splits/overlap", "VERSION", 1000, FROM_SPLITS),
    ("models/resnet", "VERSION", 1000, FROM_TRAINING),
    ("training/trainer", "VERSION", 1000, FROM_TRAINING),
    ("training/classification", "VERSION", 1000, FROM_TRAINING),
    ("activations/extraction", "VERSION", 1000, FROM_ACTIVATIONS),
    # the rooms after them follow their code
    ("similarity/metrics/cka", "KERNEL_PAYS", 65, scored("kernels")),
    ("similarity/metrics/nearest", "BLOCK", 256, scored("neighbours_k5")),
    ("similarity/metrics/svcca", "POWER_ITERATIONS", 3, ()),  # of a metric that the study does not ask for
    ("similarity/scoring", "ALL_PAIRS_OF_LAYERS", "all", FROM_SIMILARITY),
    ("similarity/preprocessing", "QUANTILE", 0.9, FROM_SIMILARITY),
    ("statistics/inference", "CONFIDENCE", 0.9, FROM_STATISTICS),
    ("statistics/mutual_information", "_REPEATED_KINDS", "fixed", FROM_INFORMATION),
    ("statistics/power", "LEVEL", 0.01, ("Statistics: the findings", "Statistics: verdicts")),
    ("figures/overlap", "LEGEND_HEIGHT", 0.6, OVERLAP_FIGURES),
    ("figures/accuracy", "TOP", 140, ("Figures: accuracy",)),
    ("figures/contact_sheet", "GAP", 2, ("Figures: classes",)),
    ("figures/metrics_grid", "ROW_HEIGHT", 1.1, ()),  # of a kind that no figure of the study is
    ("figures/saving", "PNG_DPI", 150, ("Figures",)),
]
# results may depend on these constants: tests/unit/test_versions.py asks whether to raise a VERSION
UNDER_A_VERSION = {
    "data/digits": ("LARGEST_VALUE", 15),
    "data/drawings": ("WOBBLE", 0.02),
    "models/inputs": ("CHUNK", 2048),
    "training/images": ("EVALUATION_BATCH", 256),
    "models/recording": ("BATCH", 256),
}

# a change of the configuration: path of the key, its new value -> what runs
CHOICES = {
    "a level more": ("studies.dataset_overlap.levels", ["0", "0.5", "1"], (
        "Splits: dataset", "Training: digits, dataset", "Activations: digits, dataset", "Similarity: dataset_overlap",
        *DATASET_STUDY, *FROM_MANIFESTS,
    )),
    "a level less": ("studies.task_overlap.levels", ["1"], (
        "Splits: task", "Training: digits, task", "Activations: digits, task", "Similarity: task_overlap",
        "Statistics: task_overlap", *SUMMARIES, *FROM_MANIFESTS,
    )),
    "a metric more": ("similarity.metrics.svcca", {"dims": 2}, scored("svcca_dims2")),
    "another k beside": ("similarity.metrics.near", {"metric": "mutual_knn", "k": 3}, scored("neighbours_k3")),
    "a seed more": ("studies.dataset_overlap.seeds", [0, 1, 2], (
        "Splits: dataset overlap of digits, seed 2", "Training: digits, dataset overlap, seed 2",
        "Activations: digits, dataset overlap, seed 2, on digits_test",
        "Activations: digits, dataset overlap, seed 2, on colorshapedigit_test", "Similarity: dataset_overlap",
        *DATASET_STUDY, *FROM_MANIFESTS,
    )),
    "stimuli more": ("studies.task_overlap.stimuli", ["digits_test", "colorshapedigit_test"], (
        "Activations: digits, task overlap, seed 0, on colorshapedigit_test",
        "Similarity: task_overlap, digits, on colorshapedigit_test", "Statistics: task_overlap", *SUMMARIES,
    )),
    "a figure more": ("figures.more", {"kind": "overlap", "study": "task_overlap", "caption": "More."},
                      ("Figures: more",)),
    "a figure less": ("figures.classes", None, ()),
    "a caption": ("figures.accuracy.caption", "Another sentence.", ()),
    "operation": ("operation", {"checkpoint_every": 3, "heartbeat_seconds": 1, "device": "cpu"}, ()),
    "a data set that nobody uses": ("datasets.photographs", {"source": "photographs"}, ()),
}  # fmt: skip


@pytest.fixture(scope="module")
def study(finished, tmp_path_factory) -> Folder:
    """A copy of the finished study, beside a copy of the repository from which it is run."""
    path = tmp_path_factory.mktemp("changed")
    for name in COPIED:
        source, target = REPOSITORY / name, path / "repository" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(exist_ok=True)
            shutil.copy2(source, target)
    shutil.copytree(finished.path, path / "work")
    return Folder(path / "work", path / "repository")


@pytest.fixture
def own(study, tmp_path) -> Folder:
    """A finished study for one test, in which it may train and break things."""
    shutil.copytree(study.path, tmp_path / "work")
    return Folder(tmp_path / "work", study.repository)


@pytest.fixture(scope="module")
def every_job(study) -> set[str]:
    """The messages of all jobs of the tiny study."""
    jobs = planned(study, "--forceall")
    assert {job.partition(":")[0] for job in jobs} == {
        "Data", "Splits", "Training", "Models", "Activations", "Similarity", "Statistics", "Figures",
    }  # fmt: skip
    return jobs


@pytest.fixture
def edit(study):
    """Change files of the copied repository for one test: ``edit(path, function of its text)``."""
    before: dict[Path, str] = {}

    def change(path: Path, function: Callable[[str], str]) -> None:
        text = before.setdefault(path, path.read_text(encoding="utf-8"))
        changed = function(path.read_text(encoding="utf-8"))
        assert changed != text
        path.write_text(changed, encoding="utf-8")

    yield change
    for path, text in before.items():
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def configure(tmp_path):
    """Write the tiny configuration with one key changed; None removes it."""

    def write(key: str, value: object) -> Path:
        inner = values = copy.deepcopy(yaml.safe_load(TINY.read_text(encoding="utf-8")))
        *sections, last = key.split(".")
        for section in sections:
            inner = inner[section]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
        path = tmp_path / "changed.yaml"
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
        return path

    return write


def planned(study: Folder, *arguments: str, config: Path = TINY) -> set[str]:
    """The messages of the jobs that would run."""
    plan = study.call(study.snakemake_command("--dry-run", *arguments, config=config))
    assert plan.returncode == 0, plan.stdout
    jobs = set(re.findall(r"^ *Job \d+: (.*)$", plan.stdout, re.MULTILINE))
    assert jobs or "Nothing to be done" in plan.stdout, plan.stdout
    return jobs


def check(jobs: set[str], beginnings: Iterable[str], every_job: set[str]) -> None:
    """Just the jobs with these beginnings are planned, and each beginning names some."""
    expected = {job for job in jobs | every_job if any(fnmatch(job, f"{one}*") for one in beginnings)}
    assert jobs == expected
    assert [beginning for beginning in beginnings if not any(fnmatch(job, f"{beginning}*") for job in jobs)] == []


def with_value(name: str, value: object) -> Callable[[str], str]:
    """A function that gives a constant of a module another value and leaves the rest of its text alone."""

    def change(source: str) -> str:
        (node,) = (
            statement.value
            for statement in ast.parse(source).body
            if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == name
        )
        lines = source.encode().splitlines(keepends=True)  # columns are counted in bytes
        head, tail = lines[node.lineno - 1][: node.col_offset], lines[node.end_lineno - 1][node.end_col_offset :]
        lines[node.lineno - 1 : node.end_lineno] = [head + repr(value).encode() + tail]
        return b"".join(lines).decode()

    return change


def reworded(source: str) -> str:
    """The source with other words in every docstring, and a comment more."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            text = node.body[0]
            line = lines[text.lineno - 1]
            assert line[text.col_offset :].startswith('"""')
            lines[text.lineno - 1] = line.replace('"""', '"""In other words: ', 1)
    return "".join([*lines, "# a comment at the end\n"])


@pytest.mark.parametrize(
    ("module", "name", "value", "runs"), CONSTANTS, ids=[f"{module}.{name}" for module, name, *_ in CONSTANTS]
)
def test_a_changed_constant_runs_what_depends_on_it(study, every_job, edit, module, name, value, runs):
    edit(study.repository / "src" / "whyalike" / f"{module}.py", with_value(name, value))
    check(planned(study), runs, every_job)


def test_code_under_a_version_runs_nothing_until_the_version_is_raised(study, edit):
    for module, (name, value) in UNDER_A_VERSION.items():
        edit(study.repository / "src" / "whyalike" / f"{module}.py", with_value(name, value))
    assert planned(study) == set()


def test_words_about_the_code_run_nothing(study, edit):
    for path in sorted((study.repository / "src").rglob("*.py")):
        edit(path, reworded)
    for path in [*sorted((study.repository / "workflow").rglob("*.smk")), study.repository / "workflow" / "Snakefile"]:
        edit(path, lambda text: text + "\n# a comment at the end\n")
    assert planned(study) == set()


def test_newer_sources_run_nothing(study):
    for path in study.repository.rglob("*"):
        os.utime(path)
    assert planned(study) == set()


def test_a_new_metric_source_or_figure_kind_in_the_tables_runs_nothing(study, edit):
    tables = {
        "similarity/metrics": (
            '        "cka": Entry(',
            '        "mine": Entry("whyalike.similarity.metrics.cka:LINEAR", None),\n',
        ),
        "figures": (
            '        "overlap": Entry(',
            '        "mine": Entry("whyalike.figures.overlap:draw", FigureFacts((), (), "Mine")),\n',
        ),
    }
    for room, (line, more) in tables.items():
        path = study.repository / "src" / "whyalike" / room / "registry.py"
        edit(path, lambda text, line=line, more=more: text.replace(line, more + line, 1))
    assert planned(study) == set()


def test_other_facts_of_a_metric_in_use_score_again_and_a_new_source_of_it_does_not(study, every_job, edit):
    path = study.repository / "src" / "whyalike" / "similarity" / "metrics" / "registry.py"
    edit(path, with_value("KORNBLITH", "Another citation"))
    assert planned(study) == set()
    edit(path, lambda text: text.replace("published_eps=1e-6", "published_eps=1e-5", 1))  # cka is the first metric
    check(planned(study), scored("kernels"), every_job)


@pytest.mark.parametrize(("key", "value", "runs"), CHOICES.values(), ids=list(CHOICES))
def test_a_changed_choice_runs_what_depends_on_it(study, every_job, configure, key, value, runs):
    check(planned(study, config=configure(key, value)), runs, every_job)


def ledgers(study: Folder) -> dict[str, bytes]:
    """Run -> who trained which of its steps, when."""
    return {path.parent.name: path.read_bytes() for path in study.path.glob("results/runs/*/ledger.jsonl")}


def make(study: Folder, *targets: str, config: Path = TINY) -> None:
    done = study.call(study.snakemake_command(*targets, config=config))
    assert done.returncode == 0, done.stdout


def test_a_level_trains_its_own_run_only_and_leaves_without_a_trace(own, configure):
    before, files = ledgers(own), {name: (own.path / name).read_bytes() for name in (MANIFEST, ACTIVATIONS)}
    make(own, ACTIVATIONS, config=configure("studies.dataset_overlap.levels", ["0", "0.5", "1"]))
    manifest = pd.read_parquet(own.path / MANIFEST).set_index("name")
    after = ledgers(own)
    assert set(after) - set(before) == {manifest.loc["B@0.5", "run"]}
    assert {run: after[run] for run in before} == before
    assert manifest.loc["B@0.5", "run"] in set(pd.read_parquet(own.path / ACTIVATIONS)["run"])
    # removed: nothing is trained, the files are as if it had never been, and the store keeps its run for the next time
    make(own, ACTIVATIONS)
    assert {name: (own.path / name).read_bytes() for name in files} == files
    assert ledgers(own) == after


def flip_a_byte(folder: Path) -> None:
    path = folder / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("reader", "damage", "words"),
    [
        ("training", flip_a_byte, "is not the file that was written"),
        ("activations", shutil.rmtree, "no finished run"),
    ],
    ids=["weights, training", "folder"],
)
def test_damage_in_the_store_is_reported_when_it_is_read_and_the_remedy_works(own, reader, damage, words):
    before, extracted = ledgers(own), (own.path / ACTIVATIONS).read_bytes()
    run = pd.read_parquet(own.path / MANIFEST).set_index("name").loc["B@1", "run"]
    damage(own.path / "results" / "runs" / run)
    (own.path / ACTIVATIONS).unlink()
    if reader == "training":
        (own.path / MANIFEST).unlink()
    read = own.call(own.snakemake_command(ACTIVATIONS))
    assert read.returncode == 1, read.stdout
    assert words in read.stdout
    assert "Traceback" not in read.stdout
    (remedy,) = set(re.findall(r"`whyalike (.*?)`", read.stdout))
    assert run in remedy
    done = own.call(own.whyalike_command(*remedy.replace("CONFIG", str(TINY)).split(), "--yes"))
    assert done.returncode == 0, done.stdout
    make(own, ACTIVATIONS)
    assert (own.path / ACTIVATIONS).read_bytes() == extracted
    after = ledgers(own)
    assert after.pop(run) != before.pop(run)
    assert after == before
