"""The wheel in a clean environment: scores without what studies need, on every Python that the machine has."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from whyalike.similarity.api import score

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
NO_NETWORK = re.compile(r"(?i)failed to fetch|error sending request|dns error|connection|network|timed out")
CODE = """
import importlib.util, numpy as np, whyalike as wa
assert not any(map(importlib.util.find_spec, ("torch", "snakemake", "matplotlib")))
print(repr(wa.score("cka", np.load("a.npy"), np.load("b.npy"))))
print(len(wa.pairwise(["rsa", "procrustes", "soft_matching"], {"a": np.load("a.npy"), "b": np.load("b.npy")})))
try:
    wa.compare
except ImportError as error:
    print(error)
"""


def call(*command, cwd=None):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=cwd, env=env)


def interpreter(version):
    """A Python of this version on this machine, or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for found in (shutil.which(f"python{version}"), *pyenv.glob(f"versions/{version}.*/bin/python")):
        code = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
        if found and call(found, "-I", "-c", code).stdout.strip() == version:
            return found
    return None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from what git has and from what is new, as `python -m build` would."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    options = ("--no-build-isolation", "--python", sys.executable, "--out-dir", out)
    built = call(UV, "build", "--wheel", *options, source)
    assert built.returncode == 0, built.stderr
    [found] = out.glob("*.whl")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_wheel_scores_without_what_studies_need(wheel, tmp_path, version):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on this machine")
    here = tmp_path / "env" / "bin"
    assert call(UV, "venv", "--python", python, here.parent).returncode == 0
    pins = ("--constraints", ROOT / "envs" / "requirements.txt", "--no-verify-hashes")
    done = call(UV, "pip", "install", "--python", here / "python", *pins, wheel)
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip(f"no package index can be reached from here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr

    g = np.random.default_rng(0)
    a, b = g.normal(size=(40, 4)), g.normal(size=(40, 4))
    np.save(tmp_path / "a.npy", a)
    np.save(tmp_path / "b.npy", b)
    told = call(here / "python", "-c", CODE, cwd=tmp_path)
    value, rows, needs = told.stdout.splitlines() or [told.stderr] * 3
    assert float(value) == pytest.approx(score("cka", a, b), abs=1e-12), told.stderr
    assert rows == "3"
    assert needs == 'whyalike.compare needs PyTorch: pip install torch, or "whyalike[workflow]".'
    told = call(here / "whyalike", "score", "a.npy", "b.npy", "--metrics", "cka", cwd=tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[1].split()[:3] == ["cka", "a", "b"]
    told = call(here / "whyalike", "run", "study.yaml", cwd=tmp_path)
    assert told.returncode == 1
    assert told.stderr.startswith('snakemake is missing, which this needs: pip install "whyalike[workflow]"')
