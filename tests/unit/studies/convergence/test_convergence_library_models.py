"""Models of another library at checkpoints: each file is one, and untrained ones have the architecture alone."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from whyalike.activations.parameters import PretrainedExtractionParameters
from whyalike.activations.pretrained import extract_pretrained
from whyalike.activations.table import read_activations
from whyalike.data.prepared import write_prepared
from whyalike.files import file_sha256
from whyalike.models.libraries.parameters import Architecture, Look
from whyalike.studies.convergence.accuracy import Measured, layers_and_measure, probe_of
from whyalike.studies.convergence.parameters import Group, Member
from whyalike.studies.convergence.representations import Models
from whyalike.training.parameters import Operation

CPU = Operation(device="cpu")
NAMES = ("a", "a_step7", "b", "b_step7")
STIMULI = {"dataset": "photos", "part": "test", "n": None, "seed": 0}


def test_layers_are_those_of_the_main_line_at_each_checkpoint(tmp_path):
    timm = pytest.importorskip("timm", reason="timm is missing: make setup-zoo")
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    labels = pd.DataFrame({"part": ["train"] * 2 + ["test"] * 6, "class": list("abababab")})
    data = tmp_path / "data" / "photos"
    write_prepared(data, random.integers(0, 256, (8, 8, 8, 3), dtype=np.uint8), labels, ["class"], {})
    weights = {}
    for seed, name in enumerate(NAMES):
        torch.manual_seed(seed)
        weights[name] = tmp_path / f"{name}.safetensors"
        save_file(timm.create_model("test_vit", pretrained=False).state_dict(), weights[name])
    rule = {"resize": 160, "mean": [120, 120, 120], "std": [60, 60, 60]}
    look = Look(architecture=Architecture(library="timm", name="test_vit", tag="mine"), layers=("pooled",), rule=rule)
    runs, starts = ({name: f"{what}{name}" for name in NAMES} for what in ("run_", "start_"))
    cell = PretrainedExtractionParameters(
        seed=0, look=look, runs=runs, sha256={name: file_sha256(path) for name, path in weights.items()},
        untrained={start: start for start in starts.values()}, stimuli=STIMULI, version=1,
    )  # fmt: skip
    members = [
        Member(model=name[0], seed=0, start=name, order=name, run=runs[name], name=name, untrained=starts[name],
               checkpoint=name[2:])
        for name in NAMES
    ]  # fmt: skip
    group = Group(group="vit", setting="vit", cells=[{**cell.plain(), "stimuli": {}}], members=members,
                  stimuli=STIMULI, stimuli_name="photos", labelling="class", layers=["pooled"])  # fmt: skip
    extract_pretrained(cell, CPU, 1, data, weights, {"pooled": tmp_path / "pooled.parquet"})
    models = Models(group, tmp_path, CPU, 1, data, weights)
    given = models.given(data)
    expected = {"final": runs, "step7": {"a": "run_a_step7", "b": "run_b_step7"}, "start": starts}
    for checkpoint, own in expected.items():
        seen = list(models.at(checkpoint))
        assert [one.member.model for one in seen] == ["a", "b"]
        assert {one.step for one in seen} == {{"final": None, "step7": 7, "start": 0}[checkpoint]}
        for one in seen:
            vectors = read_activations(tmp_path / "pooled.parquet", own[one.member.model])
            assert np.array_equal(one.layers(given)["pooled"], vectors)
            assert layers_and_measure(models, one, given, probe_of(models, one))[1] == Measured()
