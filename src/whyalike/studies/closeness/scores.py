"""All pairs among the models of a group: closeness of their distributions, and every metric of their embeddings.

A score table has one row a number: the core columns, then group, classes, width, dimensions (M), trained, a and b.
Where (a, b) and (b, a) differ, both stand. A score that is undefined for a pair is absent.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from whyalike.files import write_table
from whyalike.job import note
from whyalike.similarity.api import pairwise
from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.distributions import Model
from whyalike.similarity.metrics.divergences import kl_divergence, logit_distance
from whyalike.similarity.metrics.llv import llv_parts
from whyalike.similarity.metrics.m_svd import m_cca, m_svd_unembeddings, max_d_svd
from whyalike.studies.closeness.activations import read_embeddings
from whyalike.studies.closeness.parameters import GroupScores
from whyalike.studies.closeness.rows import (
    EACH_PAIR,
    GROUP_FIELDS,
    Row,
    of_distributions,
    of_embeddings,
    run_of,
    to_table,
)


def score_group(parameters: GroupScores, activations: Path, output: Path) -> None:
    """Write the score table of a group.

    Parameters
    ----------
    parameters : what is scored.
    activations : the table of the group's embeddings.
    output : path of the score table.
    """
    models = read_embeddings(activations)
    group = parameters.group
    shared = parameters.model_dump(exclude={"num_samples", "metrics", "code"})
    rows: list[Row] = []
    for trained in (True, False):
        own = {seed: model for (is_trained, seed), model in models.items() if is_trained is trained}
        for row in _scores(own, parameters):
            runs = {f"run_{side}": run_of(group, row[side], trained) for side in "ab"}
            rows.append({**shared, "comparison": group, "trained": trained, **runs, **row})
    write_table(output, to_table(rows, GROUP_FIELDS), {"work": parameters.plain()})
    note(f"similarity {group} · {len(rows)} scores")


def _scores(models: Mapping[int, Model], parameters: GroupScores) -> Iterator[Row]:
    for a, b in combinations(models, 2):
        yield from closeness_of_pair(a, b, models, parameters.num_samples)
    for name, given in parameters.metrics.items():
        told = of_embeddings(name, given)
        scores = _embedding_scores(name, given, {str(seed): f for seed, (f, _) in models.items()})
        yield from ({**row, **told} for row in scores)


def closeness_of_pair(a: int, b: int, models: Mapping[int, Model], num_samples: int) -> Iterator[Row]:
    """The scores of two models that take f and g; the tuples of llv_distance are keyed by both seeds."""
    p, q = models[a], models[b]
    n = len(p[0])

    def row(metric: str, value: float, turned: bool = False, **given: Any) -> Row:
        first, second = (b, a) if turned else (a, b)
        return {"a": first, "b": second, "value": value, "n": n, **of_distributions(metric, **given)}

    yield row("kl_divergence", kl_divergence(p, q))
    yield row("kl_divergence", kl_divergence(q, p), turned=True)
    yield row("logit_distance", logit_distance(p, q))
    yield row("m_cca", m_cca(p, q))
    try:
        parts = llv_parts(p, q, num_samples=num_samples, seed=pair_key(a, b))
    except UndefinedScore as error:
        note(f"seeds {a} and {b}: {error}")
        return
    yield row("llv_distance", parts.distance, num_samples=num_samples, seed=EACH_PAIR)
    yield row("max_d_svd", max_d_svd(p, q, pivot=parts.pivot, left_out=parts.left_out))
    yield row("d_svd_unembeddings", 1 - m_svd_unembeddings(p, q, pivot=parts.pivot_input, inputs=parts.inputs))


def pair_key(a: int, b: int) -> int:
    """A key of its own for every unordered pair of seeds."""
    low, high = sorted((a, b))
    return high * (high - 1) // 2 + low


def _embedding_scores(name: str, given: Mapping[str, Any], f: Mapping[str, Any]) -> Iterator[Row]:
    """The scores of all pairs that have one."""
    table = pairwise({name: given}, f).astype({"a": int, "b": int})
    if undefined := table.attrs["undefined"]:
        note(f"{name}: {undefined[0]['reason']}")
    yield from table.dropna(subset="value")[["a", "b", "value", "n"]].to_dict("records")
