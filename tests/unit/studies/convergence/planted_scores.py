"""Tables of scores and accuracies with planted curves, as the jobs of the study of convergence write them."""

import itertools

import pandas as pd
import pyarrow as pa

from whyalike.files import read_table, write_table
from whyalike.studies.convergence.parameters import ConvergenceStatistics, Scored
from whyalike.studies.convergence.statistics.reading import place_of

METRICS = ("linear", "procrustes")


def parameters(*groups, **changes):
    """Of groups of one stimuli, followed by Procrustes."""
    given = {
        "groups": {one: one for one in groups},
        "kinds": dict.fromkeys(groups, "cnn"),
        "stimuli": dict.fromkeys(groups, "test_images"),
        "scored": [Scored(scoring=one, metric=one) for one in METRICS],
        "over_time": ["procrustes"],
        "draws": 99,
        "seed": 0,
    }
    return ConvergenceStatistics(**{**given, **changes})


def seeds(count):
    return [f"seed{at}" for at in range(count)]


def grid(starts, orders, seed="seed0"):
    """Names of a grid, as the design of zoos gives them."""
    ends = itertools.product(range(starts), range(orders))
    return [seed + (f".start{i}" if i else "") + (f".order{j}" if j else "") for i, j in ends]


def relation_of(a, b):
    (seed_a, start_a, order_a), (seed_b, start_b, order_b) = place_of(a), place_of(b)
    if seed_a != seed_b or (start_a != start_b and order_a != order_b):
        return "independent"
    return "same_start" if start_a == start_b else "same_order"


def score_rows(value, models, checkpoints, layers=3, group="resnet", analysis="corrected", metric="procrustes", **more):
    """Rows of all pairs; ``value(checkpoint, depth, a, b)``, None: no row. ``checkpoints`` : name -> step."""
    for name, step in checkpoints.items():
        for at, (a, b) in itertools.product(range(layers), itertools.combinations(models, 2)):
            depth = at / (layers - 1) if layers > 1 else 0.0
            if (score := value(name, depth, a, b)) is not None:
                yield {
                    **{"group": group, "setting": group, "analysis": analysis, "checkpoint": name, "step": step},
                    **{"relation": relation_of(a, b), "a": a, "b": b, "layer": f"conv{at}", "index": at},
                    **{"depth": depth, "width": 16, "field": None, "n": 600, "metric": metric, "scoring": metric},
                    **{"comparison": "pearson", "value": score, "value_ab": score, "value_ba": score},
                    **{"fold_sd": 0.01, "matched": None, **more},
                }


def accuracy_rows(accuracy, loss, models, checkpoints, group="resnet", analysis="corrected", batch=64, rate=0.1):
    """Rows of all models; ``accuracy(step, model)``, ``loss(step, model)``; a learning rate that stays."""
    for (name, step), model in itertools.product(checkpoints.items(), models):
        place = {"step": step, "epoch": None, "samples": None, "lr_sum": None}
        if step is not None:
            place |= {"epoch": step / 10, "samples": step * batch, "lr_sum": step * rate}
        yield {
            **{"group": group, "setting": group, "analysis": analysis, "checkpoint": name, "model": model, **place},
            **{"accuracy": accuracy(step, model), "loss": loss(step, model), "n": 600, "accuracy_kind": "labels"},
        }


def written(path, rows):
    """A table of rows."""
    write_table(path, pa.Table.from_pandas(pd.DataFrame(list(rows)), preserve_index=False), {"work": {}})
    return path


def analysed(module, folder, given, scores, accuracy=None):
    """The table that a module's `analyse` writes."""
    inputs = {"scores": [written(folder / "scores.parquet", scores)]}
    if accuracy is not None:
        inputs["accuracy"] = [written(folder / "accuracy.parquet", accuracy)]
    module.analyse(given, **inputs, output=folder / "statistics.parquet")
    return read_table(folder / "statistics.parquet").to_pandas()


def one(table, quantity, **where):
    """The one row of a quantity."""
    rows = table[table["quantity"] == quantity]
    for key, value in where.items():
        rows = rows[rows[key].isna()] if value is None else rows[rows[key] == value]
    assert len(rows) == 1, f"{len(rows)} rows of {quantity}, {where}"
    return rows.iloc[0]
