"""Which scorings are scored by one job: those whose metrics prepare the same of each representation, from equal values.

A job is named by the family of its metrics and by the parameters that the preparation reads, where these are not the
defaults: ``neighbours``, ``neighbours_k5``. So one scoring more, or another k, is a job of its own, or changes that of
its own family alone; the tables of the jobs are then put together.
"""

import re
from collections.abc import Mapping
from typing import Any

from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import metric_of

Scorings = Mapping[str, Mapping[str, Any]]
IN_NAMES = str.maketrans({".": "p", "-": "m"})  # of numbers: 0.5 is 0p5


def family_jobs(scorings: Scorings) -> dict[str, list[str]]:
    """Name of each job -> its scorings.

    Parameters
    ----------
    scorings : name -> parameters, and `metric` where the name is the user's own.
    """
    jobs: dict[str, list[str]] = {}
    for name, given in scorings.items():
        jobs.setdefault(_job(name, given), []).append(name)
    return jobs


def _job(name: str, given: Mapping[str, Any]) -> str:
    metric = metric_of(name, given)
    facts = METRICS[metric].facts
    other = [key for key in facts.prepared_by if key in given and given[key] != facts.parameters.get(key)]
    return "_".join([facts.family or metric, *(f"{key}{_word(given[key])}" for key in other)])


def _word(value: Any) -> str:
    return re.sub(r"\W", "", str(value).translate(IN_NAMES))
