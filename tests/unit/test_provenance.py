"""Fingerprints follow code and nothing else, through all that a module imports."""

import shutil

import pytest

from whyalike import provenance
from whyalike.provenance import closure, fingerprint, version
from whyalike.training.registry import OBJECTIVES

MODULE = '"""A module."""\n\nLIMIT = 3\n\n\ndef scale(x):\n    """Scale x."""\n    return x * LIMIT\n'


def forget():
    """Drop what was read of the sources."""
    for read in vars(provenance).values():
        if hasattr(read, "cache_clear"):
            read.cache_clear()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in the place of whyalike: top imports middle (in a function), middle imports base."""
    root = tmp_path / "whyalike"
    (root / "room").mkdir(parents=True)
    (root / "__init__.py").write_text('"""The package."""\n')
    (root / "room" / "__init__.py").write_text('"""A room."""\n')
    (root / "base.py").write_text(MODULE)
    (root / "room" / "middle.py").write_text("import json\n\nfrom whyalike.base import LIMIT, scale\n")
    (root / "top.py").write_text("def f():\n    from whyalike.room import middle\n    return middle.scale(2)\n")
    (root / "alone.py").write_text("import numpy as np\n\nVERSION = 7\n")
    monkeypatch.setattr(provenance, "_ROOT", root)
    forget()
    yield root
    forget()


def changed(package, text, module="base.py", of="whyalike.top"):
    """Whether the fingerprint of a module changes when a file gets a new text."""
    before = fingerprint(of)
    (package / module).write_text(text)
    forget()
    return fingerprint(of) != before


def test_closure_is_every_first_party_module_that_is_reached(package):
    assert closure(["whyalike.top"]) == ["whyalike.base", "whyalike.room.middle", "whyalike.top"]
    assert closure(["whyalike.alone"]) == ["whyalike.alone"]


def test_closure_survives_modules_that_import_each_other(package):
    (package / "base.py").write_text(MODULE + "import whyalike.top\n")
    forget()
    assert "whyalike.top" in closure(["whyalike.base"])


@pytest.mark.parametrize(
    "text",
    [
        MODULE + "# a comment at the end\n",
        MODULE.replace("LIMIT = 3", "LIMIT = 3  # why three"),
        MODULE.replace('"""A module."""', '"""Another text."""'),
        MODULE.replace('    """Scale x."""\n', '    """Scale x by a limit.\n\n    At length.\n    """\n'),
        MODULE.replace('    """Scale x."""\n', ""),
        MODULE.replace("x * LIMIT", "(x*LIMIT)").replace("\n\n\n", "\n\n"),
        MODULE + "\n\ndef other():\n    return 1\n",
        MODULE.replace("LIMIT = 3", "import json\n\nLIMIT = 3"),
    ],
    ids=["comment", "comment on a line", "module docstring", "docstring", "no docstring", "layout", "new", "unused"],
)
def test_words_about_the_code_change_nothing(package, text):
    assert not changed(package, text)


@pytest.mark.parametrize(
    "text",
    [
        MODULE.replace("LIMIT = 3", "LIMIT = 4"),
        MODULE.replace("x * LIMIT", "x + LIMIT"),
        MODULE.replace("LIMIT = 3", 'LIMIT = "3"'),
        MODULE.replace("scale(x)", "scale(x, *more)"),
        MODULE + "\nLIMIT += 1\n",
        MODULE + "\nprint(LIMIT)\n",
        MODULE + "\nif True:\n    LIMIT = 4\n",
        MODULE.replace("LIMIT = 3", "from math import pi as LIMIT"),
    ],
    ids=["constant", "operator", "type", "argument", "bound again", "run on import", "bound in a branch", "import"],
)
def test_changed_code_changes_what_reaches_it(package, text):
    assert changed(package, text)


def test_changed_code_leaves_what_does_not_reach_it(package):
    assert not changed(package, MODULE.replace("3", "4"), of="whyalike.alone")


def test_a_definition_reaches_just_what_it_uses(package):
    (package / "base.py").write_text(MODULE + "\n\ndef other(x):\n    return x\n")
    (package / "user.py").write_text("from whyalike import base\n\n\ndef f(x):\n    return base.scale(x)\n")
    forget()
    assert not changed(package, MODULE + "\n\ndef other(x):\n    return -x\n", of="whyalike.user:f")
    assert changed(package, MODULE.replace("3", "4"), of="whyalike.user:f")
    assert closure(["whyalike.alone:VERSION"]) == ["whyalike.alone"]


def test_names_are_followed_through_modules_that_import_them(package):
    (package / "user.py").write_text("from whyalike.room.middle import scale\n\n\ndef f(x):\n    return scale(x)\n")
    forget()
    assert changed(package, MODULE.replace("3", "4"), of="whyalike.user:f")


def test_a_module_that_is_imported_whole_counts_whole(package):
    (package / "user.py").write_text("import whyalike.base\n\n\ndef f(x):\n    return whyalike.base.scale(x)\n")
    forget()
    assert changed(package, MODULE + "\nOTHER = 1\n", of="whyalike.user:f")


def test_a_line_more_in_a_table_of_names_changes_nothing(package):
    table = 'from whyalike.registry import Registry\n\nTABLE: Registry[int] = Registry("thing", {"a": 1})\n'
    user = 'from whyalike.table import TABLE\n\n\ndef f():\n    return TABLE["a"]\n'
    for name, text in {"registry": "class Registry:\n    pass\n", "table": table, "user": user}.items():
        (package / f"{name}.py").write_text(text)
    forget()
    assert not changed(package, table.replace("1}", '1, "b": 2}'), module="table.py", of="whyalike.user:f")


def test_a_file_that_moves_changes_nothing(package):
    (package / "user.py").write_text("def f(x):\n    from whyalike.base import scale\n    return scale(x)\n")
    forget()
    before = [fingerprint(entry) for entry in ("whyalike.top", "whyalike.user:f", "whyalike.base:scale")]
    (package / "base.py").rename(package / "room" / "ground.py")
    for name in ("user.py", "room/middle.py"):
        text = (package / name).read_text()
        (package / name).write_text(text.replace("whyalike.base", "whyalike.room.ground"))
    forget()
    moved = ("whyalike.top", "whyalike.user:f", "whyalike.room.ground:scale")
    assert [fingerprint(entry) for entry in moved] == before
    assert changed(package, MODULE.replace("3", "4"), module="room/ground.py", of="whyalike.user:f")


def test_a_definition_that_moves_to_another_file_changes_nothing(package):
    (package / "user.py").write_text("from whyalike.base import scale\n\n\ndef f(x):\n    return scale(x)\n")
    forget()
    before = fingerprint("whyalike.user:f")
    (package / "alone.py").write_text(MODULE.replace('"""A module."""', "import numpy as np"))
    (package / "base.py").write_text("")
    (package / "user.py").write_text("from whyalike.alone import scale\n\n\ndef f(x):\n    return scale(x)\n")
    (package / "room" / "middle.py").write_text("")
    forget()
    assert fingerprint("whyalike.user:f") == before


def test_a_docstring_alone_in_a_function_may_change(package):
    (package / "base.py").write_text(MODULE + 'def g():\n    """Nothing yet."""\n')
    forget()
    assert not changed(package, MODULE + 'def g():\n    """Something else."""\n')


def test_a_text_that_is_no_docstring_counts(package):
    assert changed(package, MODULE + '"""A text in the middle."""\n')


def test_a_fingerprint_has_16_hex_digits_and_no_order(package):
    assert len(bytes.fromhex(fingerprint("whyalike.top"))) == 8
    assert fingerprint("whyalike.top", "whyalike.alone") == fingerprint("whyalike.alone", "whyalike.top")
    assert fingerprint("whyalike.alone") != fingerprint("whyalike.base")


def test_version_is_read_without_importing(package):
    (package / "alone.py").write_text("import no_such_package\n\nVERSION = 9\n")
    forget()
    assert version("whyalike.alone") == 9


def test_a_module_without_version_is_named(package):
    with pytest.raises(LookupError, match=r"whyalike\.base has no constant VERSION"):
        version("whyalike.base")


def test_an_unknown_definition_is_named(package):
    with pytest.raises(LookupError, match=r"whyalike\.base defines no shrink"):
        fingerprint("whyalike.base:shrink")


@pytest.mark.parametrize("module", ["whyalike.nowhere", "numpy", "whyalike.base.scale"])
@pytest.mark.parametrize("function", [fingerprint, version, lambda module: closure([module])])
def test_an_unknown_module_is_named(package, function, module):
    with pytest.raises(ModuleNotFoundError, match=rf"{module} is not a module of whyalike"):
        function(module)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of the package itself in its place."""
    copy = tmp_path / "whyalike"
    shutil.copytree(provenance._ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "_ROOT", copy)
    forget()
    yield copy
    forget()


STAGES = ("whyalike.similarity.scoring", "whyalike.splits.of_designs:some_images")


def test_a_changed_split_reaches_the_splits_and_not_the_scores(request):
    before = [fingerprint(stage) for stage in STAGES]
    copy = request.getfixturevalue("copy")
    assert [fingerprint(stage) for stage in STAGES] == before  # where the package lies does not count
    source = copy / "splits" / "overlap.py"
    source.write_text(source.read_text().replace("half = len(items) // 2", "half = len(items) // 3"))
    forget()
    after = [fingerprint(stage) for stage in STAGES]
    assert after[0] == before[0]
    assert after[1] != before[1]


def test_a_metric_and_a_split_that_move_re_run_nothing(copy):
    metric = "whyalike.similarity.metrics.cka:LINEAR"
    before = [fingerprint(entry) for entry in (*STAGES, metric)]
    (copy / "ground").mkdir()
    for old, new in (("similarity.metrics.cka", "ground.kernels"), ("splits.overlap", "ground.halves")):
        places = [copy.joinpath(*name.split(".")).with_suffix(".py") for name in (old, new)]
        places[0].rename(places[1])
        for path in copy.rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if f"whyalike.{old}" in text:
                path.write_text(text.replace(f"whyalike.{old}", f"whyalike.{new}"), encoding="utf-8")
    forget()
    assert [fingerprint(entry) for entry in (*STAGES, "whyalike.ground.kernels:LINEAR")] == before


@pytest.mark.parametrize("entry", sorted(provenance._WITHOUT_EFFECT))
def test_what_no_fingerprint_counts_is_there(entry):
    assert closure([entry])[0].startswith("whyalike.")


@pytest.mark.parametrize("scored", ["similarity.comparison:score_comparison", "studies.closeness.scores:score_group"])
def test_what_scores_a_study_reaches_no_metric_through_the_forms_of_a_gpu(scored):
    reached = provenance._reached([f"whyalike.{scored}"], provenance._WITHOUT_EFFECT)
    rooms = {module.removeprefix("whyalike.similarity.") for module, _ in reached}
    assert "workbench" in rooms
    assert not {"on_device", "metrics.rsa", "metrics.cknna"} & rooms


def test_no_metric_or_figure_is_reachable_from_training():
    reached = closure(["whyalike.training.cell", *(entry.module for entry in OBJECTIVES.values())])
    assert "whyalike.splits.stage" in reached
    assert "whyalike.training.trainer" in reached
    rooms = {module.split(".")[1] for module in reached if module.count(".")}
    assert not rooms & {"activations", "similarity", "statistics", "figures", "config", "grid"}


def test_every_stage_that_stored_runs_depend_on_has_a_version():
    modules = ("splits.overlap", "models.resnet", "training.trainer", "activations.extraction", "data.digits")
    assert all(version(f"whyalike.{module}") >= 1 for module in modules)
