"""Planted tables of groups, factors, gaps and sizes: what each cell and contrast is to be is said in one place."""

import itertools

import numpy as np
import pandas as pd

METRICS = ("cka_unbiased", "cka_rbf_unbiased", "rsa")
LEVELS = {
    "objective": ("image_text", "self_supervised", "supervised"),
    "architecture": ("convolutional", "transformer"),
    "data": ("imagenet_1k", "large"),
    "size": ("small", "large"),
}
COUNTS = {"models": 24, "pairs": 276, "sets": 8, "sources": 6, "pairs_of_sets": 25}
SURE, UNSURE = 0.001, 0.6  # p
Z = ("pearson", "pearson_at_common_spread")


def contrasts_of(category, levels):
    """The contrasts that the table has of a category, as (theta, phi, theta_2, phi_2)."""
    yield from ((a, a, b, b) for a, b in itertools.combinations(levels, 2))
    yield "same", "same", "different", "different"
    if category == "objective":
        for a, b in itertools.combinations(levels, 2):
            yield from ((a, b, "others", "others"), (a, b, a, a), (a, b, b, b))


def groups_table(
    contrasts=None, means=None, families=None, curves=None, levels=LEVELS, analyses=("corrected", "as_published"),
    half=0.03, metrics=METRICS,
):  # fmt: skip
    """The table of groups.

    ``contrasts`` : (theta, phi, theta_2, phi_2, measure) -> (value, p), or by metric; 0, unsure where not said.
    ``means`` : (category, theta, phi, measure) -> value, ``families`` : (theta, phi, family) -> R without it.
    ``curves`` : measure -> value. ``half`` : of each interval.
    """
    contrasts, means, rows = contrasts or {}, means or {}, []
    curves = {"quadratic_plain": -0.3, "quadratic_logit": -0.2} | (curves or {})

    def add(shared, value, interval=True, **more):
        ends = {"ci_low": value - half, "ci_high": value + half} if interval else {}
        rows.append({**shared, "value": value, **ends, **COUNTS, **more})

    for analysis, metric in itertools.product(analyses, metrics):
        own = {"metric": metric, "analysis": analysis, "scoring": metric}
        for category, of in {"all": ("all",), **levels}.items():
            for theta, phi in itertools.combinations_with_replacement(of, 2):
                values = {"pearson": 0.7, "pearson_within": 0.6, "residual_sd": 0.08, "pearson_at_common_spread": 0.75,
                          "ceiling": 0.97, "pearson_of_ceiling": 0.72}  # fmt: skip
                for measure, value in values.items():
                    value = means.get((category, theta, phi, measure), value)
                    place = {"category": category, "theta": theta, "phi": phi, "measure": measure}
                    add({**own, "kind": "mean", **place}, value)
                for family in ("resnet", "vit_large"):
                    place = {"category": category, "theta": theta, "phi": phi, "measure": "pearson", "without": family}
                    add(
                        {**own, "kind": "without_family", **place},
                        (families or {}).get((theta, phi, family), 0.7 - 0.1 * (family == "vit_large")),
                        False,
                    )
            for cells in contrasts_of(category, of) if category != "all" else ():
                place = {"category": category, **dict(zip(("theta", "phi", "theta_2", "phi_2"), cells, strict=True))}
                for measure in (*Z, "residual_sd", "similarity"):
                    said = contrasts.get((*cells, measure), (0.0, UNSURE))
                    value, p = said[metric] if isinstance(said, dict) else said
                    null = {"p": p, "p_holm": p, "p_naive": 0.0001, "null_low": -0.2, "null_high": 0.2}
                    add({**own, "kind": "contrast", **place, "measure": measure}, value, **null)
                add({**own, "kind": "false_alarms", **place, "measure": "pearson"}, 0.6, False)
        for measure, value in curves.items():
            add({**own, "kind": "inverse_u", "category": None, "measure": measure}, value)
    table = pd.DataFrame(rows)
    for name in ("theta_2", "phi_2", "without", "stratum"):
        table[name] = table.get(name, pd.Series(None, index=table.index, dtype=object))
    return table


def factorial_table(shares, metrics=METRICS, half=0.05, p=SURE):
    """``shares`` : factor -> share, the same of all quantities."""
    return pd.DataFrame([
        {"metric": metric, "analysis": analysis, "scoring": metric, "quantity": quantity, "factor": factor,
         "share": share, "ci_low": share - half, "ci_high": share + half, "p": p, "models": 24, "sets": 8,
         "sources": 6, "levels": {"objective": 3, "data": 2}.get(factor)}
        for analysis in ("corrected", "as_published") for metric in metrics
        for quantity in ("similarity", "similarity_by_set", "consistency") for factor, share in shares.items()
    ])  # fmt: skip


def gap_table(single, multi, count=5):
    """Correlations of similarity with the gap: ``count`` sets of each kind, each of its own source."""
    return pd.DataFrame([
        {"stimuli": f"{category}_{n}", "source": f"{category}_{n}", "category": category, "metric": metric,
         "analysis": "corrected", "scoring": metric, "scale": "accuracy", "pearson": r + 0.02 * np.cos(n), "models": 24}
        for metric in METRICS for category, r in (("single_domain", single), ("multi_domain", multi))
        for n in range(count)
    ])  # fmt: skip


def sizes_table(changes):
    """``changes`` : scoring -> largest change from 10 to 20 stimuli of each class."""
    shared = {
        "metric": "cka_unbiased",
        "analysis": "as_published",
        "models": 24,
        "pairs": 276,
        "ci_low": 0.0,
        "ci_high": 0.1,
        "n": 200,
    }
    return pd.DataFrame([
        {**shared, "scoring": scoring, "per_class": 20, "previous": 10, "measure": "largest_change", "value": value}
        for scoring, value in changes.items()
    ])  # fmt: skip


def consistency_table(same, different, sets):
    """R of all models on every two sets; ``sets`` : name -> category, each of its own source."""
    rows = []
    for n, (a, b) in enumerate(itertools.combinations(sets, 2)):
        value = (same if sets[a] == sets[b] else different) + 0.01 * np.sin(n)
        rows += [{"metric": metric, "analysis": "corrected", "scoring": metric, "category": "all", "theta": "all",
                  "phi": "all", "set_a": a, "set_b": b, "same_source": False, "pearson": value,
                  "pearson_of_ceiling": value / 0.98} for metric in METRICS]  # fmt: skip
    return pd.DataFrame(rows)
