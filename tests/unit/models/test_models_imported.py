"""Architectures from the user's own code."""

import sys

import pytest
import torch
from pydantic import ValidationError

from whyalike.models.imported import build
from whyalike.models.parameters import ImportParameters

CODE = """
from torch import nn
from collections import OrderedDict

def net(classes, width=4):
    return nn.Sequential(OrderedDict(
        flat=nn.Flatten(), hidden=nn.Linear(12, width), relu=nn.ReLU(), head=nn.Linear(width, classes)))

def number(classes):
    return classes

table = 3
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A working directory with a package `mynets_{unique}` in it; returns its name."""
    name = f"mynets_{tmp_path.name}"
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / name / "nets.py").write_text(CODE)
    (tmp_path / name / "broken.py").write_text("import no_such_package_anywhere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def parameters(path, **arguments):
    return {"family": "import", "path": path, "arguments": arguments, "version": 1}


def test_the_factory_gets_the_classes_and_its_arguments(package):
    model = build(parameters(f"{package}.nets:net", width=7), 5, 0, "0")
    assert model.hidden.out_features == 7
    assert model(torch.zeros(2, 3, 2, 2)).shape == (2, 5)


def test_initial_weights_are_keyed_by_seed_and_replica_and_leave_the_global_generator_alone(package):
    own = parameters(f"{package}.nets:net")
    before = torch.get_rng_state()
    first, again = build(own, 5, 0, "0"), build(own, 5, 0, "0")
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first.hidden.weight, again.hidden.weight)
    for seed, replica in ((1, "0"), (0, "1")):
        assert not torch.equal(first.hidden.weight, build(own, 5, seed, replica).hidden.weight)


def test_a_head_made_last_leaves_the_backbone_as_it_is(package):
    own = parameters(f"{package}.nets:net")
    assert torch.equal(build(own, 3, 0, "0").hidden.weight, build(own, 9, 0, "0").hidden.weight)


def test_a_module_that_cannot_be_imported_is_named_with_the_folder_searched(package, tmp_path):
    with pytest.raises(LookupError, match=rf"'nowhere_x:net' cannot be imported.*Searched: {tmp_path} \(the working"):
        build(parameters("nowhere_x:net"), 2, 0, "0")
    with pytest.raises(LookupError, match="No module named 'no_such_package_anywhere'"):
        build(parameters(f"{package}.broken:net"), 2, 0, "0")


@pytest.mark.parametrize("name", ["nett", "table"])
def test_a_function_that_is_not_there_is_named_with_those_that_are(package, name):
    with pytest.raises(LookupError, match=rf"nets\.py has no function {name}\. It has: .*net, number"):
        build(parameters(f"{package}.nets:{name}"), 2, 0, "0")


def test_other_arguments_and_results_are_refused(package):
    with pytest.raises(ValueError, match=r"nets:net must take the arguments classes, depth: .*'depth'"):
        build(parameters(f"{package}.nets:net", depth=2), 2, 0, "0")
    with pytest.raises(ValueError, match=r"must return a torch\.nn\.Module, it returned int"):
        build(parameters(f"{package}.nets:number"), 2, 0, "0")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"path": "nets.net"}, "path"),
        ({"path": "nets:net()"}, "path"),
        ({"path": "nets:net", "arguments": {"classes": 3}}, "the factory gets 'classes' from each run's labels"),
    ],
)
def test_paths_and_arguments_are_checked_without_an_import(values, words):
    with pytest.raises(ValidationError, match=words):
        ImportParameters.model_validate(values)
