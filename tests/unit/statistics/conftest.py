"""One maker of small synthetic score tables for the tests of this room; makes `published_tables` importable."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent))

CONDITIONS = {"1": (0.0, 0.0), "2A": (0.5, 0.475), "2B": (0.5, 0.513), "2C": (0.5, 0.513), "3": (1.0, 1.0)}
LEVELS = {"dataset": (0.0, 0.5, 1.0), "task": (0.0, 0.5, 1.0)}


def make_scores(
    factor="dataset",
    *,
    seeds=4,
    levels=None,
    slope=0.5,
    noise=0.02,
    study="s",
    comparison="resnet18-cifar10",
    stimuli="cifar10",
    kind="in_distribution",
    metric="cka",
    score_protocol="exact",
    key=0,
):
    """Scores of one panel: value = 0.2 + slope * overlap + a seed effect + noise, one row a (seed, condition)."""
    generator = np.random.default_rng(key)
    named = {f"{level:g}": (level, None) for level in levels or LEVELS.get(factor, ())}
    rows = []
    for seed in range(seeds):
        effect = noise * generator.standard_normal()
        for condition, (overlap, information) in (CONDITIONS if factor == "label" else named).items():
            value = 0.2 + slope * overlap + effect + noise * generator.standard_normal()
            rows.append((seed, condition, overlap, information, value))
    frame = pd.DataFrame(rows, columns=["seed", "condition", "overlap", "label_information", "value"])
    given = {"study": study, "comparison": comparison, "setting": comparison, "factor": factor, "stimuli": stimuli}
    given |= {"stimuli_kind": kind, "metric": metric, "score_protocol": score_protocol, "layer_a": "a", "layer_b": "a"}
    frame = frame.assign(**given, run_a=[f"{seed:016x}" for seed in frame["seed"]])
    frame["run_b"] = [f"{seed:08x}{i:08x}" for i, seed in enumerate(frame["seed"])]
    frame["data_overlap"] = frame["overlap"] if factor != "label" else np.nan
    frame["label_overlap"] = frame["overlap"] if factor != "dataset" else np.nan
    return frame.drop(columns="overlap").astype({"label_information": "float64"})


@pytest.fixture
def scores():
    """The maker `make_scores`."""
    return make_scores


@pytest.fixture
def both(scores):
    """A maker of panels under both score protocols."""
    return lambda *args, **named: pd.concat(
        [scores(*args, **named, score_protocol=protocol) for protocol in ("exact", "as_published")], ignore_index=True
    )


@pytest.fixture
def number():
    """A reader of one row of a statistics table by its estimator and other columns; fails unless there is one."""

    def read(statistics, estimator, **where):
        rows = statistics[statistics["estimator"] == estimator]
        for name, value in where.items():
            rows = rows[rows[name] == value]
        assert len(rows) == 1, f"{len(rows)} rows of {estimator} {where}"
        return rows.iloc[0]

    return read
