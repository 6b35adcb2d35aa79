"""The canonical parameters of the jobs that score all pairs of representations."""

from types import SimpleNamespace
from typing import Any

from whyalike.designs.registry import design
from whyalike.grid import all_pairs, partial, views
from whyalike.grid.metric_facts import counting
from whyalike.grid.runs import digest
from whyalike.provenance import fingerprint
from whyalike.similarity.all_pairs_parameters import AllPairsParameters
from whyalike.similarity.engine_registry import ENGINES
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.parameters import ScoreParameters
from whyalike.similarity.protocols import metric_of


def of_job(flow: Any, wildcards: Any) -> str:
    """Parameters of the scores of one comparison on one stimulus set by the metrics of one job.

    Parameters
    ----------
    flow : `whyalike.grid.parameters.Parameters`.
    """
    similarity, known = flow.config.similarity, _known(flow, wildcards)
    comparison = flow.comparisons(wildcards.study)[wildcards.comparison]
    scorings = {name: similarity.metrics[name] for name in flow.family_jobs()[wildcards.job]}
    metrics = {metric: METRICS[metric] for metric in (metric_of(*one) for one in scorings.items())}
    return AllPairsParameters(
        **known,
        representations=all_pairs.representations(flow.grid, wildcards.study, comparison, wildcards.stimuli),
        same_layers=comparison.same_layers,
        permutations=similarity.permutations if comparison.nulls else None,
        metrics=scorings,
        facts={name: counting(entry.facts) for name, entry in metrics.items()},
        code=fingerprint(
            "whyalike.similarity.all_pairs_job:score_all_pairs",
            *sorted({entry.target for entry in metrics.values()}),
            *sorted({ENGINES[name].target for name in metrics if name in ENGINES}),
        ),
    ).text()


def joined(flow: Any, wildcards: Any) -> str:
    """Parameters of the score table of all jobs: it holds what each of them is made from."""
    similarity, known = flow.config.similarity, _known(flow, wildcards)
    comparison = flow.comparisons(wildcards.study)[wildcards.comparison]
    of = {name: known[name] for name in ("study", "comparison", "stimuli")}
    jobs = [of_job(flow, SimpleNamespace(**of, job=job)) for job in flow.family_jobs()]
    return ScoreParameters(
        **known,
        **design(known["factor"]).scored(),
        setting=comparison.a,
        layers=(),
        fixed_classes=(),
        pairs=(),
        seeds_asked=partial.seeds(flow.asked, wildcards.study, comparison),
        protocols=("exact",),
        permutations=similarity.permutations if comparison.nulls else 0,
        metrics=similarity.metrics,
        facts={},
        code=digest([*jobs, fingerprint("whyalike.similarity.joining:join_scores")]),
    ).text()


def _known(flow: Any, wildcards: Any) -> dict[str, Any]:
    """What the two have in common."""
    comparison = flow.comparisons(wildcards.study)[wildcards.comparison]
    in_distribution, labelling = views.seen(flow.config, wildcards.study, wildcards.stimuli, comparison)
    return {
        "study": wildcards.study,
        "comparison": wildcards.comparison,
        "stimuli": wildcards.stimuli,
        "factor": flow.config.studies[wildcards.study].factor,
        "labelling": labelling,
        "in_distribution": in_distribution,
        "seed": flow.config.similarity.seed,
    }
