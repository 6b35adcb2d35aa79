"""What is written about the project: generated pages are up to date, links lead somewhere, named commands exist."""

import difflib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from whyalike.config.config import Config
from whyalike.data.registry import SOURCES
from whyalike.data.shifts.registry import SHIFTS
from whyalike.documentation import rooms
from whyalike.documentation.reference import documents, key_tables, schema
from whyalike.figures.registry import CONFIG_FIGURES
from whyalike.models.registry import MODELS
from whyalike.similarity.metrics.registry import METRICS
from whyalike.statistics.claims_table import CLAIMS
from whyalike.training.registry import OBJECTIVES

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(path for folder in ("config", "docs", "envs") for path in (ROOT / folder).rglob("*.md"))]
)
CONFIGURATIONS = [
    ROOT / "config" / "config.yaml",
    ROOT / "config" / "demo.yaml",
    ROOT / "config" / "demo_full.yaml",
    ROOT / "tests" / "workflow" / "tiny.yaml",
]
LINK = re.compile(r"\]\(([^)\s]+)\)")
MAKE = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
LARGEST_PICTURE = 200_000  # bytes: the repository is cloned to every node


def name(path):
    return str(path.relative_to(ROOT))


# ---- generated files ----


@pytest.mark.parametrize("path", documents())
def test_a_generated_file_is_what_the_code_says(path):
    old, new = (ROOT / path).read_text(encoding="utf-8"), documents()[path]
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), path, "from the code", lineterm="", n=0)
    assert old == new, "\n".join([f"{path} is out of date: run `make reference`", *lines])


def test_every_key_has_a_description():
    def keys(section, path):
        for key, value in section["properties"].items():
            yield f"{path}.{key}", value

    whole = schema()
    found = [keys(whole, "top level"), *(keys(part, title) for title, part in whole["$defs"].items())]
    without = [path for section in found for path, value in section if not value.get("description")]
    assert not without, f"fields need a description, it is their only documentation: {without}"


def test_the_key_tables_name_every_section_and_all_that_the_rooms_offer():
    text = key_tables()
    for key in Config.model_fields:
        assert f"| `{key}` |" in text
    for heading in (
        "`recipes.{name}.augmentation`, objective `cross_entropy`",
        "`datasets.{name}`, source `digits`",
        "`statistics`",
    ):
        assert f"## {heading}\n" in text
    # every part that the schema defines has its table
    assert text.count("| key | type | default | meaning |") >= 1 + len(schema()["$defs"])
    for table in (SOURCES, METRICS, MODELS, OBJECTIVES, SHIFTS, CONFIG_FIGURES):
        assert not [entry for entry in table if f"\n| `{entry}` |" not in text]
    assert "| `lr` | number > 0, ≤ 1000 | **required** |" in text
    assert "`sigma_median: 1.0`, or `sigma` instead of `sigma_median`" in text


@pytest.mark.parametrize("path", CONFIGURATIONS, ids=name)
def test_the_schema_accepts_the_configurations(path):
    faults = Draft202012Validator(schema()).iter_errors(yaml.safe_load(path.read_text(encoding="utf-8")))
    assert not [fault.message for fault in faults]


def test_the_schema_knows_names_and_bounds(demo):
    validator = Draft202012Validator(schema())
    demo["similarity"]["metrics"]["ckaa"] = {}
    demo["similarity"]["permutations"] = -1
    demo["recipes"]["digits"]["lrr"] = 1
    assert {"/".join(map(str, fault.path)) for fault in validator.iter_errors(demo)} == {
        "similarity/metrics/ckaa", "similarity/permutations", "recipes/digits",
    }  # fmt: skip


def test_the_claims_page_has_the_claims_of_the_code_each_with_a_verdict():
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert [line.split(" | ")[:2] for line in lines] == [
        [f"| `{claim.key}`", f"{claim.sentence} (§{claim.section})"] for claim in CLAIMS
    ], "docs/claims.md is out of date: run `make claims`"
    assert all(line.endswith("** |") for line in lines)


# ---- the pictures of the units ----


def test_arrows_that_a_chain_implies_are_left_out_and_those_of_a_circle_are_not():
    graph = {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": {"c", "a", "e"}, "e": {"d"}}
    text = rooms.chart(graph)
    assert [line.strip() for line in text.splitlines() if "-->" in line] == [
        "a --> b", "b --> c", "c --> d", "e --> d", "d --> e"
    ]  # fmt: skip
    assert text.startswith("```mermaid\nflowchart LR\n  a\n  b\n")


def test_every_package_and_module_is_a_unit_and_the_architecture_page_has_its_row():
    graph = rooms.units()
    assert set(graph) > {*rooms.ROOMS, "files", "registry", "randomness"}
    assert graph["splits"] >= {"data", "files"} and graph["randomness"] == {"files"}
    lines = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines()
    assert [unit for unit in graph if not any(line.startswith(f"| `{unit}` | ") for line in lines)] == []


def test_every_room_has_a_door_and_every_door_is_there():
    doors = {unit: rooms.described(unit)[1] for unit in rooms.units()}
    assert [room for room in rooms.ROOMS if doors[room] == "–"] == []
    assert [
        door for unit, door in doors.items() if door != "–" and not rooms.door_is_there(unit, door.strip("`"))
    ] == []
    assert not rooms.door_is_there("data", "registry.NO_SUCH_DOOR")


def test_a_package_that_does_not_say_its_role_is_named(tmp_path, monkeypatch):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "__init__.py").write_text('"""Odd things."""')
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    with pytest.raises(ValueError, match=r"odd/__init__\.py must say `Role: \.\.\.`"):
        rooms.described("odd")


# ---- links, pictures, commands ----


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings_that_exist(page):
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            broken.append(link)
    assert not broken


def test_every_page_is_linked_from_another():
    linked = set()
    for page in PAGES:
        links = (link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")))
        linked |= {(page.parent / link).resolve() for link in links if link}
    assert not [name(page) for page in PAGES if page.resolve() not in linked | {ROOT / "README.md"}]


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "images").iterdir()), ids=name)
def test_a_picture_is_small_and_shown(path):
    assert path.stat().st_size < LARGEST_PICTURE
    assert [page for page in PAGES if f"images/{path.name}" in page.read_text(encoding="utf-8")]


def test_the_gallery_shows_every_figure_of_the_demo(demo):
    text = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert not [figure for figure in demo["figures"] if f"images/{figure}.png" not in text]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_of_a_page_are_targets_of_make(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert named <= set(MAKE.findall((ROOT / "Makefile").read_text(encoding="utf-8")))


def test_messages_name_targets_of_make_and_extras_that_exist():
    sources = [path.read_text(encoding="utf-8") for path in [*(ROOT / "src").rglob("*.py"), *PAGES]]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    targets = {target for text in sources for target in re.findall(r"`make ([a-z][a-z-]*)`", text)}
    extras = {
        extra for text in sources for names in re.findall(r"\.\[([a-z,-]+)\]['\"]", text) for extra in names.split(",")
    }
    assert {"setup-zoo", "setup-ffcv"} <= targets <= set(MAKE.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    assert {"workflow", "zoo"} <= extras <= set(project["optional-dependencies"])


def test_files_that_the_readme_names_exist():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:config|profiles|envs|docs|workflow)/[\w./-]*\w", text))
    assert named
    assert not [path for path in named if not (ROOT / path).exists()]


def test_unreleased_changes_stand_on_top():
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heads[0] == "Unreleased"


# ---- the environments ----


def test_the_mirrors_point_to_the_lock():
    environment = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text(encoding="utf-8"))
    assert environment["dependencies"][-1] == {"pip": ["-r requirements.txt"]}
    image = (ROOT / "envs" / "apptainer.def").read_text(encoding="utf-8")
    copied = dict(line.split() for line in image.partition("%files\n")[2].partition("\n\n")[0].splitlines())
    assert all((ROOT / source).is_file() for source in copied)
    # what is installed is what was copied, and nothing without a hash
    assert set(re.findall(r"/opt/\S+\.txt", image.partition("%post")[2])) == set(copied.values())
    assert image.count("--require-hashes") == 2


def test_the_mirrors_have_a_python_that_the_package_takes():
    least = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert least == ">=3.11"
    environment = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text(encoding="utf-8"))
    assert environment["dependencies"][0] == "python=3.11"
    assert "\nFrom: python:3.11\n" in (ROOT / "envs" / "apptainer.def").read_text(encoding="utf-8")


def test_the_snakefile_names_the_image_that_the_page_builds():
    [image] = re.findall(
        r'^container: "(.+)"$', (ROOT / "workflow" / "Snakefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    for page in ("README.md", "apptainer.def"):
        assert f"apptainer build {image} envs/apptainer.def" in (ROOT / "envs" / page).read_text(encoding="utf-8")


def test_uv_has_the_options_of_the_install_without_cuda():
    text = (ROOT / "envs" / "README.md").read_text(encoding="utf-8")
    [command] = re.findall(r"^\.venv/bin/(uv pip install .*)$", text, re.MULTILINE)
    program = Path(sys.executable).with_name("uv")
    told = subprocess.run([program, "pip", "install", "--help"], capture_output=True, text=True, check=True).stdout
    options = [word.partition("=")[0] for word in command.split() if word.startswith("--")]
    assert "--torch-backend" in options
    assert not [option for option in options if not re.search(rf"{option}\b", told)]


@pytest.mark.parametrize("path", sorted([*(ROOT / "envs").glob("*.[!s]*"), ROOT / "Makefile"]), ids=name)
def test_no_environment_file_names_a_host(path):
    # where packages come from is each site's own setting
    assert not re.findall(r"(?:https?|ftp)://\S+|--(?:extra-)?index-url", path.read_text(encoding="utf-8"))


def test_the_catalogue_entry_has_the_keys_that_the_catalogue_reads():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text(encoding="utf-8"))["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    assert usage["report"] is True
    flags = usage["mandatory-flags"]["flags"].split()
    assert (ROOT / flags[flags.index("--profile") + 1] / "config.yaml").is_file()
