"""How a table of scores was made: whole in its metadata, and as one line to read below it.

A Parquet table has it in its own metadata; a CSV, which has no place for it, in a file `{stem}.made_by.json` beside it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from whyalike.file_faults import readable
from whyalike.files import made_by as metadata
from whyalike.similarity.metrics.registry import METRICS
from whyalike.similarity.protocols import Scoring

MOST_NAMED = 8  # inputs
DIGITS = 12  # of a SHA-256: enough to tell files apart by eye
_PLACED = ("metrics", "scorings", "n", "versions", "inputs")  # what the line has at a place of its own


def of_scorings(scorings: Sequence[Scoring], rows: Sequence[int]) -> dict[str, Any]:
    """What metadata say of metrics and stimuli.

    Parameters
    ----------
    scorings : what was scored.
    rows : the numbers of stimuli of the pairs.

    Returns
    -------
    ``scorings``: name -> metric, its version, all parameters, preprocessing, estimator; ``n``: fewest and most stimuli.

    Example
    -------
    >>> from whyalike.similarity.protocols import scoring
    >>> of_scorings([scoring("mutual_knn", "exact", {"k": 5})], [60, 60])["n"]
    [60, 60]
    """
    named = {
        one.name: {
            "metric": one.metric,
            "version": METRICS[one.metric].facts.version,
            "parameters": dict(one.parameters),
            "preprocessing": one.preprocessing,
            "estimator": one.estimator,
        }
        for one in scorings
    }
    return {"scorings": named, "n": [min(rows), max(rows)]}


def line(made_by: Mapping[str, Any]) -> str:
    """The metadata of a table in one line: version, metrics, stimuli, options, and each input with its SHA-256.

    Example
    -------
    >>> inputs = [{"file": "a.npy", "sha256": "0123456789abcdef"}]
    >>> line({"versions": {"whyalike": "0.1.0"}, "seed": 0, "inputs": inputs})
    'made by: whyalike 0.1.0; seed 0; inputs a.npy 0123456789ab'
    """
    return f"made by: {'; '.join(_parts(made_by))}"


def beside(path: Path) -> Path:
    """Where it stands how a CSV was made."""
    return path.with_suffix(".made_by.json")


def of_table(path: Path) -> dict[str, Any]:
    """How a table was made, as far as it says so; {} of one from elsewhere.

    Raises
    ------
    ValueError : what says so cannot be read.
    """
    if path.suffix.lower() == ".parquet":
        found = metadata(path)
    elif beside(path).is_file():
        with readable(beside(path), f"how {path.name} was made, as JSON", "Remove it, or write the table again."):
            found = json.loads(beside(path).read_text(encoding="utf-8"))
    else:
        return {}
    return found if isinstance(found, dict) and found.keys() >= {"versions", "inputs"} else {}


def _parts(made_by: Mapping[str, Any]) -> Iterator[str]:
    yield f"whyalike {made_by['versions']['whyalike']}"
    for name, one in made_by.get("scorings", {}).items():
        given = (f"{key} {value}" for key, value in one["parameters"].items() if key != "eps" or value)
        details = ", ".join([*given, f"preprocessing {one['preprocessing']}", one["estimator"]])
        metric = name if name == one["metric"] else f"{name} = {one['metric']}"
        yield f"{metric} version {one['version']} ({details})"
    if "n" in made_by:
        yield "n " + " to ".join(map(str, dict.fromkeys(made_by["n"])))
    for key in sorted(made_by.keys() - set(_PLACED)):
        value = made_by[key]
        if not isinstance(value, Mapping):
            yield f"{key} {', '.join(map(str, value)) if isinstance(value, list) else value}"
    inputs = made_by["inputs"]
    if len(inputs) > MOST_NAMED:
        together = hashlib.sha256("\n".join(str(one["sha256"]) for one in inputs).encode()).hexdigest()
        yield f"inputs {len(inputs)} files, hash of their hashes {together[:DIGITS]}"
    else:
        yield "inputs " + ", ".join(f"{one['file']} {(one['sha256'] or 'no hash')[:DIGITS]}" for one in inputs)
