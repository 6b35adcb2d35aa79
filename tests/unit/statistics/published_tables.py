"""A maker of small tables in the published format, and the published analysis written down a second time."""

import numpy as np
from sklearn.feature_selection import mutual_info_regression
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

METRICS = ("cycle_knn", "cka", "unbiased_cka")
DATASET = ("metric_overlap", "metric_ood_all_mnist")
IMAGES = ("metric_overlap", "metric_ood_one", "metric_ood_all_mnist")
CORPORA = ("metric_common", "metric_OOD_for_one", "metric_OOD_for_all")
LABELS = ("cifar10", "partition_metric")
PARTITIONS = (
    "partition1,shape,digit",
    "partition2,shape_digit,shape_color",
    "partition2,shape_digit,digit_color",
    "partition2,shape_color,digit_color",
    "partition3,all0,all1",
)
#: text task overlap, in the order of its files, which is not that of the levels
THIRDS = ("0.3333333333333333", "1.0", "0.6666666666666666", "0.0")
#: score column -> the level at which -1 stands, under task overlap
NONE_AT = {"metric_overlap": "0.0", "metric_ood_one": "1.0", "metric_ood_all_mnist": None,
           "metric_common": "0.0", "metric_OOD_for_one": "1.0", "metric_OOD_for_all": "0.0"}  # fmt: skip


def table(columns, levels, *, seeds=6, digits=2, key=0, header_before=()):
    """Text of a table: a line a (seed, level, metric), header lines again before the given seeds.

    Two digits make ties, so that the noise of mutual information, and with it the order of lines, counts.
    """
    generator = np.random.default_rng(key)
    by = "partition,model0,model1" if levels is PARTITIONS else "frac_overlap"
    header = ",".join(["seed", "metric", by, *columns])
    lines = [header]
    for seed in range(seeds):
        lines += [header] if seed in header_before else []
        for level in levels:
            x = float(level.removeprefix("partition")[0]) / 3 if levels is PARTITIONS else float(level)
            for metric in METRICS:
                scores = 0.3 + 0.2 * x + 0.1 * generator.standard_normal(len(columns))
                fields = [f"{score:.{digits}f}" for score in scores]
                if columns in (IMAGES, CORPORA):
                    fields = ["-1.000000" if NONE_AT[c] == level else f for c, f in zip(columns, fields, strict=True)]
                lines.append(",".join([str(seed), metric, level, *fields]))
    return "\n".join(lines) + "\n"


def published_analysis(text, metric, column, *, task):
    """R2, slope and mutual information of one column, as the published code finds them in the lines of one metric."""
    header, *rows = [line.split(",") for line in text.splitlines()]
    rows = [dict(zip(header, row, strict=True)) for row in rows if row != header and row[1] == metric]
    if "partition" in header:
        x = np.array([{"partition1": 0.0, "partition2": 0.5, "partition3": 1.0}[row["partition"]] for row in rows])
    else:
        x = np.array([float(row["frac_overlap"]) for row in rows])
    y = np.array([float(row[column]) for row in rows])
    if task and column in ("metric_overlap", "metric_ood_one"):
        keep = x != {"metric_overlap": 0.0, "metric_ood_one": 1.0}[column]
        x, y = x[keep], y[keep]
    line = LinearRegression().fit(x[:, None], y)
    return {
        "ols_r2": r2_score(y, line.predict(x[:, None])),
        "ols_slope": line.coef_[0],
        "mi_ksg": mutual_info_regression(x[:, None], y, random_state=42)[0],
        "n": len(y),
    }
