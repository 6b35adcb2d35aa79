"""Constructed pairs of models (f, g) that show what closeness in distribution does and does not imply.

Source: Nielsen et al. 2025, figures on constructed models. `permuted_circle`: unembeddings on a circle of radius rho
and the same with permuted labels, whose Kullback-Leibler divergence vanishes as rho grows while their representations
stay unlike. `noisy_copies`: a model and copies of growing noise, for d_LLV against max d_SVD with the bound. Our
reading: both models of a circle share the inputs' noise, and both f and g of a copy are noisy.
"""

from collections.abc import Iterator

import numpy as np

from whyalike.randomness import keyed
from whyalike.similarity.metrics.distributions import Model

LABELS = 7
PERMUTATION = (5, 0, 2, 4, 6, 1, 3)  # of the labels in the second model
PER_CLASS = 500  # inputs
ANGLE = np.pi / 64  # largest deviation of an input from its label's direction, radians
LENGTH, LENGTH_SD = 2.0, 0.01  # |f| = 2 + |.01 N(0, 1)|
RADII = tuple(range(1, 21))
NOISE_LEVELS = 250
LARGEST_NOISE = 1.0  # in units of the entries of f and g, which have SD 1


def permuted_circle(rho: float, *, seed: int = 0, per_class: int = PER_CLASS) -> tuple[Model, Model]:
    """Two models that agree on the label of every input, more surely as rho grows, and arrange the labels otherwise.

    Parameters
    ----------
    rho : length of the unembeddings, which are evenly spaced on a circle.
    seed : key of the inputs' noise, which depends neither on rho nor on the model.
    per_class : inputs with each label.

    Returns
    -------
    Two pairs (f, g) of (7 per_class) x 2 embeddings and 7 x 2 unembeddings. An input's embedding lies in the direction
    of its label's unembedding, off by at most pi/64; in the second model label y takes the place of label perm[y].

    Raises
    ------
    ValueError : rho is not positive.
    """
    if not rho > 0:
        raise ValueError(f"the radius of the unembeddings must be above 0; got {rho}.")
    generator = keyed("permuted circle", seed)
    count = LABELS * per_class
    noise = generator.uniform(-ANGLE, ANGLE, count)
    length = LENGTH + np.abs(LENGTH_SD * generator.standard_normal(count))
    labels = np.repeat(np.arange(LABELS), per_class)
    models = []
    for places in (np.arange(LABELS), np.array(PERMUTATION)):
        angles = 2 * np.pi / LABELS * places
        models.append((_polar(length, angles[labels] + noise), _polar(rho, angles)))
    return models[0], models[1]


def noisy_copies(
    *, n: int = 500, labels: int = LABELS, width: int = 2, levels: int = NOISE_LEVELS, seed: int = 0
) -> Iterator[tuple[float, Model, Model]]:
    """A Gaussian model and its copies with Gaussian noise on f and g, the noise growing from copy to copy.

    Parameters
    ----------
    n, labels, width : inputs, labels and M of the models; all entries are drawn from N(0, 1).
    levels : number of copies; SD of the noise evenly spaced from 1 / levels to 1.
    seed : key of all draws.

    Yields
    ------
    SD of the noise, the model, its copy.
    """
    generator = keyed("noisy copies", seed)
    f, g = generator.standard_normal((n, width)), generator.standard_normal((labels, width))
    for level in np.linspace(LARGEST_NOISE / levels, LARGEST_NOISE, levels):
        copy = tuple(z + level * generator.standard_normal(z.shape) for z in (f, g))
        yield float(level), (f, g), copy


def _polar(length: np.ndarray | float, angle: np.ndarray) -> np.ndarray:
    return np.column_stack([length * np.cos(angle), length * np.sin(angle)])
