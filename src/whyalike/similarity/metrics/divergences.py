"""Closeness of two models in distribution and in logits: Kullback-Leibler divergence, logit distance.

Both compare pairs (f, g) as `whyalike.similarity.metrics.distributions` defines them. A small Kullback-Leibler
divergence does not imply similar representations (Nielsen et al. 2025, theorem 3.1); see
`whyalike.similarity.metrics.llv` for what does.
"""

from typing import Any

import numpy as np

from whyalike.similarity.metrics.distributions import check_models, log_probabilities


def kl_divergence(p: Any, q: Any) -> float:
    """The mean over inputs of KL(p(.|x) || q(.|x)), in nats.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings; the widths of the two models may differ.

    Returns
    -------
    At least 0; 0 for equal distributions.

    Raises
    ------
    ValueError : wrong shapes, NaN or infinity.

    Notes
    -----
    Not symmetric. Summed as q - p + p (ln p - ln q), whose terms are never negative: confident models with a divergence
    far below the rounding error of ln p (1e-16) still get its value.

    Example
    -------
    >>> import numpy as np
    >>> labels = np.log([[3.0], [1.0]])
    >>> round(kl_divergence((np.ones((1, 1)), labels), (np.zeros((1, 1)), labels)), 4)  # (.75, .25) and (.5, .5)
    0.1308
    """
    p, q = check_models(p, q, same_width=False)
    terms = (np.exp(b) - np.exp(a) + np.exp(a) * (a - b) for a, b in log_probabilities(p, q))
    return float(sum(np.maximum(term, 0).sum() for term in terms) / len(p[0]))


def logit_distance(p: Any, q: Any) -> float:
    """The root mean square over inputs of |c(x) - c'(x)|, c the logits f(x)'g(y) centred over labels.

    Parameters
    ----------
    p, q : pairs (f, g) of n x M embeddings and K x M unembeddings; the widths of the two models may differ.

    Returns
    -------
    At least 0; 0 for equal distributions.

    Raises
    ------
    ValueError : wrong shapes, NaN or infinity.

    Notes
    -----
    Symmetric. This is our reading of the logit distance of the sequel to Nielsen et al. 2025: the Euclidean norm over
    labels, the mean square over inputs. Centring takes away what the distribution does not determine.

    Example
    -------
    >>> import numpy as np
    >>> labels = np.array([[1.0], [-1.0]])
    >>> round(logit_distance((np.ones((3, 1)), labels), (np.zeros((3, 1)), labels)), 4)  # logits (1, -1) and (0, 0)
    1.4142
    """
    (f, g), (f2, g2) = check_models(p, q, same_width=False)
    centred = np.concatenate([g - g.mean(axis=0), g2 - g2.mean(axis=0)], axis=1)  # (K, M + M')
    r = np.linalg.qr(centred, mode="r")  # |centred v| = |r v|: the logits themselves (n x K) are not needed
    return float(np.linalg.norm(np.concatenate([f, -f2], axis=1) @ r.T) / np.sqrt(len(f)))
