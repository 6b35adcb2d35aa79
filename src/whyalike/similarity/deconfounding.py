"""Scores from which a confound is taken: what is proportional to the matrix of their inputs (Cui et al. 2022).

Some metrics are the cosine of two matrices over stimuli, kernels or dissimilarities, each of which depends on one
representation alone. The matrix of a third array, such as the stimuli's pixels, is regressed out of both (least
squares, one coefficient a matrix), and the score is the cosine of the residuals. From the three cosines s that is

    (s_xy - s_xz s_zy) / sqrt((1 - s_xz^2) (1 - s_zy^2)),

the partial correlation of the matrices. Centred matrices are regressed, so there is no intercept, and residuals with
negative eigenvalues stay as they are.
"""

from whyalike.similarity.checks import UndefinedScore
from whyalike.similarity.metrics.registry import METRICS

CONFOUND = "the confound"  # the name of its representation on a workbench
DECONFOUNDED = "_deconfounded"  # what the name of an estimator then ends in
RANGE = (-1.0, 1.0)  # of a score that is taken from
NOTHING = 1e-12  # share of a matrix beside the confound's that is rounding


def check_deconfoundable(metric: str, protocol: str) -> None:
    """Raise a ValueError unless a confound can be taken from the metric."""
    if protocol != "exact" or not METRICS[metric].facts.deconfoundable:
        having = ", ".join(name for name, entry in METRICS.items() if entry.facts.deconfoundable)
        raise ValueError(
            f"a confound can be taken from exact scores of {having}, not from {metric} ({protocol}). Use one of these, "
            "or leave the confound out."
        )


def without_confound(xy: float, xz: float, zy: float) -> float:
    """The cosine of two matrices from which a third, z, is regressed out, of their three cosines; in [-1, 1].

    Raises
    ------
    UndefinedScore : nothing is left of one of the two.

    Example
    -------
    >>> round(without_confound(0.5, 0.5, 0.5), 6)
    0.333333
    """
    left = (1 - xz * xz) * (1 - zy * zy)
    if left <= NOTHING:
        raise UndefinedScore(
            "nothing is left beside the confound: it explains the similarities of a representation. "
            "Leave the confound out, or compare other layers."
        )
    return min(max((xy - xz * zy) / left**0.5, RANGE[0]), RANGE[1])
