"""Score tables of constructed models: what closeness in distribution implies of representations, and what not.

`circle` scores the two models of each radius (Nielsen et al. 2025: the divergence vanishes, the rest stays), `copies`
a model and its noisy copies (max d_SVD <= 2 M d_LLV). A table has one row a number: x (radius, or SD of the noise),
metric, value, n (inputs), width (M).
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from whyalike.files import write_table
from whyalike.jobs import note
from whyalike.similarity.api import score
from whyalike.similarity.closeness import kl_divergence, logit_distance
from whyalike.similarity.distributions import Model
from whyalike.similarity.llv import llv_parts
from whyalike.similarity.m_svd import m_cca, m_svd_unembeddings, max_d_svd
from whyalike.studies.closeness.constructed import noisy_copies, permuted_circle

Numbers = Iterator[tuple[str, float]]


def circle(work: Mapping[str, Any]) -> pd.DataFrame:
    """The scores of both models of every radius of ``work`` (radii, per_class, num_samples, seed)."""
    rows = []
    for rho in work["radii"]:
        p, q = permuted_circle(rho, seed=work["seed"], per_class=work["per_class"])
        numbers = [*_of_distributions(p, q, work), ("m_cca", m_cca(p, q)), ("cka", score("cka", p[0], q[0]))]
        rows += [_row(rho, p, *number) for number in numbers]
    return pd.DataFrame(rows)


def copies(work: Mapping[str, Any]) -> pd.DataFrame:
    """The scores of a model and each of its copies, of ``work`` (n, labels, levels, num_samples, seed)."""
    rows = []
    sizes = {name: work[name] for name in ("n", "labels", "levels", "seed")}
    for level, p, q in noisy_copies(**sizes):
        rows += [_row(level, p, *number) for number in _of_distributions(p, q, work)]
    return pd.DataFrame(rows)


CONSTRUCTIONS: dict[str, Callable[[Mapping[str, Any]], pd.DataFrame]] = {"circle": circle, "copies": copies}


def score_constructed(construction: str, work: Mapping[str, Any], output: Path) -> None:
    """Write the score table of one construction, a name in `CONSTRUCTIONS`."""
    table = CONSTRUCTIONS[construction](work)
    write_table(output, pa.Table.from_pandas(table, preserve_index=False), {"work": dict(work)})
    note(f"similarity {construction} · {len(table)} scores")


def _of_distributions(p: Model, q: Model, work: Mapping[str, Any]) -> Numbers:
    parts = llv_parts(p, q, num_samples=work["num_samples"], seed=work["seed"])
    yield "kl_divergence", kl_divergence(p, q)
    yield "logit_distance", logit_distance(p, q)
    yield "llv_distance", parts.distance
    yield "max_d_svd", max_d_svd(p, q, pivot=parts.pivot, left_out=parts.left_out)
    yield "d_svd_unembeddings", 1 - m_svd_unembeddings(p, q, pivot=parts.pivot_input, inputs=parts.inputs)


def _row(x: float, p: Model, metric: str, value: float) -> dict[str, Any]:
    return {"x": float(x), "metric": metric, "value": value, "n": len(p[0]), "width": p[0].shape[1]}
