"""Scores of a control ladder with keyed noise, and of pairs across seeds near the line of data overlap."""

import itertools

import numpy as np
import pandas as pd

from whyalike.designs.controls import RUNGS

HEIGHTS = dict(zip(RUNGS, (1.0, 0.95, 0.9, 0.8, 0.7, 0.3), strict=True))


def controls_scores(seeds=5, untrained=0.2, noise=0.01, across=0.0):
    """Scores of each rung and seed, and of pairs across seeds at ``across`` above the line of data overlap."""
    random = np.random.default_rng(1)
    value = {(seed, name): height + noise * random.standard_normal()
             for seed in range(seeds) for name, height in HEIGHTS.items()}  # fmt: skip
    rows = [{"seed": seed, "condition": name, "value": score, "run_a": f"a{seed}", "run_b": f"{name}{seed}",
             "data_overlap": RUNGS[name].data_overlap} for (seed, name), score in value.items()]  # fmt: skip
    for i, j in itertools.combinations(range(seeds), 2):
        overlap = 0.5 + 0.02 * random.standard_normal()
        lines = [value[s, "disjoint_data"] * (1 - overlap) + value[s, "same_data"] * overlap for s in (i, j)]
        rows.append({"seed": i, "condition": "across_seeds", "value": sum(lines) / 2 + across, "run_a": f"a{i}",
                     "run_b": f"a{j}", "data_overlap": overlap})  # fmt: skip
    given = {"study": "k", "comparison": "c", "setting": "c", "factor": "controls", "stimuli": "s", "metric": "cka",
             "stimuli_kind": "in_distribution", "score_protocol": "exact", "layer_a": "l", "layer_b": "l", "n": 10,
             "label_information": np.nan, "label_overlap": 1.0, "untrained": untrained}  # fmt: skip
    return pd.DataFrame(rows).assign(**given)
