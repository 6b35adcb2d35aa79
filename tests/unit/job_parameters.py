"""Parameters of jobs for tests: what a test does not give has a value that it does not care about."""

from whyalike.similarity.parameters import ScoreParameters
from whyalike.splits.parameters import SplitParameters, SplitRun

CODE = "of a test"


def score_parameters(**given):
    """Of one comparison on stimuli of its training data, by exact scores without nulls."""
    values = {
        "study": "s",
        "comparison": "c",
        "stimuli": "own",
        "setting": "c",
        "layers": ["l"],
        "factor": "dataset",
        "shares": "images",
        "other_labels": False,
        "labelling": "class",
        "in_distribution": True,
        "fixed_classes": [],
        "pairs": [],
        "seeds_asked": 1,
        "metrics": {},
        "protocols": ["exact"],
        "permutations": 0,
        "seed": 0,
        "facts": {},
        "code": CODE,
    }
    return ScoreParameters(**{**values, **given})


def split_parameters(factor, runs, seed=0):
    """Of runs given as mappings, whatever else these hold."""
    runs = [{name: run[name] for name in SplitRun.model_fields} for run in runs]
    return SplitParameters(factor=factor, seed=seed, runs=runs, version=1)
