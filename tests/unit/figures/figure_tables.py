"""Score tables of three small studies, made from a line with keyed noise, and their statistics."""

import numpy as np
import pandas as pd

from whyalike.activations.table import write_activations
from whyalike.designs.factorial import CONDITIONS, overlaps
from whyalike.statistics.study import study_statistics

INFORMATION = {"1": 0.0, "2A": 0.475, "2B": 0.513, "2C": 0.513, "3": 1.0}
LABEL_OVERLAP = {"1": 0.0, "2A": 0.5, "2B": 0.5, "2C": 0.5, "3": 1.0}
METRICS = (
    "cka",
    "cka_rbf",
    "cka_unbiased",
    "mutual_knn",
    "cycle_knn",
    "lcs_knn",
    "edit_distance_knn",
    "cknna",
    "svcca",
)
SHAPES = ("circle", "kite", "parallelogram", "rectangle", "rhombus", "square", "trapezoid", "triangle")
COLORS = ("blue", "brown", "cyan", "green", "magenta", "orange", "pink", "purple", "red", "yellow")
GRAM = {"1": 0.0, "2": 0.1, "3": 1.0}
TASK_KINDS = (("common", 0.5, 0.4), ("ood_one", 0.4, 0.2), ("ood_both", 0.3, 0.3), ("fixed_classes_1", 0.35, 0.02))
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


def dataset_study(seeds=5, metrics=("cka",), levels=LEVELS, comparisons=("digits",), sets=3):
    """Dataset overlap: one set in and two out of distribution, or the first of these."""
    stimuli = [
        ("digits_test", "in_distribution", 0.6, 0.15, 637),
        ("glyphs_test", "out_of_distribution", 0.35, 0.2, 800),
        ("photographs", "out_of_distribution", 0.4, 0.03, 512),
    ]
    rows = [
        _row("dataset", comparison, *panel[:2], seed, f"{level:g}", metric, panel[2] + panel[3] * level, n=panel[4],
             data_overlap=level, classes=10 if panel[1] == "in_distribution" else None)
        for comparison in comparisons for panel in stimuli[:sets] for metric in metrics
        for seed in range(seeds) for level in levels
    ]  # fmt: skip
    return pd.DataFrame(rows)


def crossed_study(seeds=5, comparisons=("small",), kinds=("in_distribution",), slope=0.1, bridge=(), **given):
    """Scores 0.3 + slope p + 0.4 l with seed noise, conditions of the paper's labels too, and their statistics."""
    random = np.random.default_rng(0)
    rows = []
    for comparison in comparisons:
        for kind in kinds:
            for seed in range(seeds):
                for condition in (*CONDITIONS, *bridge):
                    p, q = overlaps(condition)
                    value = 0.3 + slope * p + 0.4 * q + 0.02 * random.standard_normal()
                    rows.append({"comparison": comparison, "stimuli": f"{kind}_set", "stimuli_kind": kind, "seed": seed,
                                 "condition": condition, "data_overlap": p, "label_overlap": q, "value": value,
                                 "run_b": f"{seed}{condition}"})  # fmt: skip
    columns = {"study": "f", "setting": "s", "factor": "factorial", "metric": "cka", "score_protocol": "exact",
               "n": 256, "run_a": "a", "layer_a": "l", "layer_b": "l", "label_information": np.nan, "untrained": 0.1,
               "label_gram": 0.5, "seeds_asked": seeds}  # fmt: skip
    scores = pd.DataFrame(rows).assign(**{**columns, **given})
    return scores, study_statistics(scores)


def task_study(seeds=3):
    """Task overlap: a set that does not exist at a level is absent; n and classes grow with p."""
    rows = []
    for kind, base, slope in TASK_KINDS:
        for seed in range(seeds):
            for level in (0, 0.2, 0.4, 0.6, 0.8, 1.0):
                classes = {
                    "common": round(5 * level), "ood_one": round(10 * (1 - level)), "ood_both": round(5 * level),
                    "fixed_classes_1": int(level > 0),
                }[kind]  # fmt: skip
                if classes:
                    rows.append(
                        _row("task", "digits", "digits_test", kind, seed, f"{level:g}", "cka", base + slope * level,
                             n=64 * classes, classes=classes, data_overlap=level, label_overlap=level)
                    )  # fmt: skip
    return pd.DataFrame(rows)


def label_study(seeds=3):
    """Label overlap at levels 1, 2 (three conditions) and 3."""
    heights = {"1": 0.12, "2A": 0.45, "2B": 0.39, "2C": 0.2, "3": 0.7}
    rows = [
        _row("label", "colorshapedigit", stimuli, kind, seed, condition, "cka", scale * heights[condition], n=1600,
             label_overlap=LABEL_OVERLAP[condition], label_information=INFORMATION[condition],
             label_gram=GRAM[condition[0]] if kind == "in_distribution" else None)
        for stimuli, kind, scale in (("csd_test", "in_distribution", 1.0), ("digits_test", "out_of_distribution", 0.8))
        for seed in range(seeds) for condition in heights
    ]  # fmt: skip
    return pd.DataFrame(rows)


def statistics_of(scores):
    """The statistics of a study's scores, with few draws."""
    return study_statistics(scores, permutations=50, information_permutations=2, information_metrics=())


def both_protocols(*studies, shift=0.1):
    """Statistics of studies whose scores as published are the exact ones moved by ``shift`` per unit of overlap."""
    tables = []
    for scores in studies:
        overlap = scores["data_overlap"].fillna(scores["label_overlap"]).astype(float)
        published = scores.assign(score_protocol="as_published", value=scores["value"] + shift * overlap)
        both = pd.concat([scores, published], ignore_index=True)
        tables.append(study_statistics(both, permutations=20, information_permutations=10))
    return pd.concat(tables, ignore_index=True)


def _row(factor, comparison, stimuli, kind, seed, condition, metric, mean, n, **columns):
    key = [seed, *f"{comparison} {stimuli} {kind} {condition} {metric}".encode()]
    noise = np.random.Generator(np.random.PCG64(np.random.SeedSequence(key))).normal(0, 0.015)
    absent = dict.fromkeys(("data_overlap", "label_overlap", "label_information", "classes", "label_gram"))
    return {
        "study": f"{factor}_study", "comparison": comparison, "setting": comparison, "factor": factor, "seed": seed,
        "condition": condition, **absent, "run_a": f"{seed:016x}", "run_b": f"{hash_of(condition):016x}",
        "layer_a": "penultimate", "layer_b": "penultimate", "stimuli": stimuli, "stimuli_kind": kind, "n": n,
        "metric": metric, "preprocessing": "none", "estimator": "biased", "eps": 0.0, "score_protocol": "exact",
        "value": mean + noise, "null_mean": 0.03, "null_p95": 0.05 + abs(noise), "untrained": 0.25 + noise, **columns,
    }  # fmt: skip


def hash_of(condition):
    """A number for a condition that does not change between processes."""
    return int.from_bytes(condition.encode(), "big")


def information_table():
    """Table 3 with the published values of three studies and shares of the ceiling."""
    rows = [
        ("dataset_overlap", "as_published", "mi_ksg", 0.360, None, None, 2.20, 660, 10),
        ("task_overlap", "as_published", "mi_ksg", 0.566, None, None, 1.69, 360, 10),
        ("label_overlap", "as_published", "mi_ksg", 0.747, None, None, 0.95, 50, 10),
        ("dataset_overlap", "corrected", "mi_adjusted", 0.21, 0.15, 0.27, 1.10, 90, 10),
        ("task_overlap", "corrected", "mi_adjusted", 0.44, 0.30, 0.58, 1.10, 90, 10),
        ("label_overlap", "corrected", "mi_adjusted", 0.93, 0.80, 1.06, 1.10, 90, 10),
    ]
    names = ("study", "protocol", "estimator", "value", "ci_low", "ci_high", "entropy", "n", "n_seeds")
    return pd.DataFrame(rows, columns=names)


def manifests():
    """Manifests of a dataset study (A shared by all levels), a task study and a label study, three seeds each."""
    rows = []
    for seed in range(3):
        for i, level in enumerate((None, "0", "0.25", "0.5", "0.75", "1")):
            rows.append(_run("resnet18_digits", "dataset", seed, level, "digit", 10, 0.962 + 0.004 * i - 0.003 * seed))
            rows.append(_run("resnet18_digits", "task", seed, level, "digit", 5, 0.975 + 0.002 * i - 0.003 * seed))
        for labelling, classes, accuracy in (
            ("shape", 8, 0.99), ("digit", 10, 0.97), ("shape_digit", 80, 0.95), ("shape_color", 80, 0.96),
            ("digit_color", 100, 0.94), ("shape_digit_color", 800, 0.9),
        ):  # fmt: skip
            rows.append(_run("resnet18_csd", "label", seed, None, labelling, classes, accuracy - 0.01 * seed))
    return pd.DataFrame(rows)


def _run(setting, factor, seed, level, labelling, classes, accuracy):
    name = f"{setting} {factor} {seed} {level} {labelling}"
    return {
        "run": name, "setting": setting, "factor": factor, "seed": seed, "replica": "0", "level": level,
        "labelling": labelling, "classes": classes, "n_train": 500, "n_test": 637, "steps": 100, "accuracy": accuracy,
        "loss": 1 - accuracy, "loss_unit": "nats", "sha256": "0" * 64, "device": "cpu", "torch": "2.13.0",
    }  # fmt: skip


def colorshapedigit(shapes=8, digits=10, colors=10, size=28, copies=2):
    """Images of one grey level a class, and their labels, n = shapes * digits * colors * copies."""
    names = SHAPES[:shapes]
    hues = COLORS[:colors]
    cells = [(s, str(d), c) for s in names for d in range(digits) for c in hues for _ in range(copies)]
    labels = pd.DataFrame(cells, columns=["shape", "digit", "color"])
    levels = (np.arange(len(labels)) // copies % 251).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (len(labels), size, size, 3)).copy(), labels


def representations(path, scores, n, d=5):
    """An activation file of all runs of a score table: n stimuli of noise, keyed by the run."""
    runs = sorted({*scores["run_a"], *scores["run_b"]})
    of_run = {run: np.random.default_rng([int(run, 16) % 2**32, n]).normal(size=(n, d)) for run in runs}
    made = ((run, x.astype(np.float32)) for run, x in of_run.items())
    write_activations(path, np.arange(n), made, d, {})
    return of_run
