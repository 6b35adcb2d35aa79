"""Score tables of constructed models: what closeness in distribution implies of representations, and what not.

`circle` scores the two models of each radius (Nielsen et al. 2025: the divergence vanishes, the rest stays), `copies`
a model and its noisy copies (max d_SVD <= 2 M d_LLV). A table has one row a number: the core columns, then x (radius,
or SD of the noise) and width (M).
"""

from collections.abc import Iterator
from pathlib import Path

from whyalike.files import write_table
from whyalike.job import note
from whyalike.similarity.api import score
from whyalike.similarity.metrics.distributions import Model
from whyalike.similarity.metrics.divergences import kl_divergence, logit_distance
from whyalike.similarity.metrics.llv import llv_parts
from whyalike.similarity.metrics.m_svd import m_cca, m_svd_unembeddings, max_d_svd
from whyalike.studies.closeness.constructed import noisy_copies, permuted_circle
from whyalike.studies.closeness.parameters import CircleScores, CopiesScores
from whyalike.studies.closeness.rows import (
    CONSTRUCTED_FIELDS,
    Row,
    of_distributions,
    of_embeddings,
    to_table,
)

Numbers = Iterator[tuple[Row, float]]


def circle(parameters: CircleScores) -> list[Row]:
    """The scores of both models of every radius."""
    rows = []
    for rho in parameters.radii:
        p, q = permuted_circle(rho, seed=parameters.seed, per_class=parameters.per_class)
        numbers = [
            *_of_distributions(p, q, parameters),
            (of_distributions("m_cca"), m_cca(p, q)),
            (of_embeddings("cka", {}), score("cka", p[0], q[0])),
        ]
        rows += [_row(rho, p, *number) for number in numbers]
    return rows


def copies(parameters: CopiesScores) -> list[Row]:
    """The scores of a model and each of its copies."""
    rows = []
    sizes = {name: getattr(parameters, name) for name in ("n", "labels", "levels", "seed")}
    for level, p, q in noisy_copies(**sizes):
        rows += [_row(level, p, *number) for number in _of_distributions(p, q, parameters)]
    return rows


CONSTRUCTIONS = {"circle": circle, "copies": copies}


def score_constructed(construction: str, parameters: CircleScores | CopiesScores, output: Path) -> None:
    """Write the score table of one construction, a name in `CONSTRUCTIONS`."""
    shared = {"study": parameters.study, "comparison": construction, "stimuli": construction}
    rows = [{**shared, **row} for row in CONSTRUCTIONS[construction](parameters)]
    write_table(output, to_table(rows, CONSTRUCTED_FIELDS), {"work": parameters.plain()})
    note(f"similarity {construction} · {len(rows)} scores")


def _of_distributions(p: Model, q: Model, parameters: CircleScores | CopiesScores) -> Numbers:
    tuples = {"num_samples": parameters.num_samples, "seed": parameters.seed}
    parts = llv_parts(p, q, **tuples)
    yield of_distributions("kl_divergence"), kl_divergence(p, q)
    yield of_distributions("logit_distance"), logit_distance(p, q)
    yield of_distributions("llv_distance", **tuples), parts.distance
    yield of_distributions("max_d_svd"), max_d_svd(p, q, pivot=parts.pivot, left_out=parts.left_out)
    yield (
        of_distributions("d_svd_unembeddings"),
        1 - m_svd_unembeddings(p, q, pivot=parts.pivot_input, inputs=parts.inputs),
    )


def _row(x: float, p: Model, told: Row, value: float) -> Row:
    runs = {"run_a": f"{x:g}_a", "run_b": f"{x:g}_b"}
    return {**runs, **told, "x": float(x), "value": value, "n": len(p[0]), "width": p[0].shape[1]}
