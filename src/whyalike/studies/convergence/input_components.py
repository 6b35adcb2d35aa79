"""What of responses the input explains: principal components of pixels, and what a ridge on them predicts and leaves.

Everything is fitted on the training stimuli of a fold: the components, their means, and the ridge, whose penalty is the
one with the smallest generalised cross-validation error (Golub, Heath and Wahba 1979) there. So no held-out stimulus
has a part in what is taken off it, and scores of what is left are held out as others are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import scipy
import torch
from torch.nn import functional

from whyalike.data.shifts.stimuli import shown
from whyalike.similarity.folds import CONSTANT, over
from whyalike.studies.convergence.parameters import Group
from whyalike.studies.convergence.representations import Given

LARGEST = 32  # side, pixels, to which larger images are averaged: dozens of components of images have no finer detail
AT_ONCE = 256  # images that are made float32: at 224 pixels 150 MB
SAME = 1e-10  # variance of a component, relative to the first one's, that is rounding
NOTHING = 1e-5  # SD of what is left, relative to that of a unit, that is rounding of responses in float32
PENALTIES = (0.0, *np.logspace(-6, 2, 17))  # relative to the mean sum of squares of the components


@dataclass(frozen=True)
class Explained:
    """Responses of all stimuli in one fold, centred on its training stimuli: predicted by the input, and what is left.

    Attributes
    ----------
    predicted, left : n x d; where the input explains all of a unit, 0 is left.
    """

    predicted: np.ndarray
    left: np.ndarray


class Input:
    """The components of what layers of a group see, over the folds; those of one receptive field are made once.

    Parameters
    ----------
    images : (n, h, w, c).
    fold : the fold that holds out each image, n.
    components : how many, at most.
    """

    def __init__(self, images: torch.Tensor, fold: np.ndarray, components: int):
        self._images, self.fold, self._most = images, fold, components
        self.of_field = cache(partial(self._of_field))

    @property
    def side(self) -> int:
        """Of the images, pixels, the longer one."""
        return max(self._images.shape[1:3])

    def _of_field(self, field: int | None) -> list[np.ndarray]:
        """The components of a square about the centre (of the whole image: None), of each fold: n x k."""
        x = pixels(self._images, field)
        return [principal_components(x, self.fold != i, self._most) for i in range(self.fold.max() + 1)]


def images_of(given: Given) -> torch.Tensor | None:
    """What a group's models see (n, h, w, c), on the CPU; None of text. Of another library's models stored images."""
    if given.data.array.ndim == 1:
        return None
    if given.samples is not None:
        return given.samples.cpu()
    data, rows = shown(given.data, given.ids, given.stimuli)
    return torch.from_numpy(np.array(data.images[rows]))


def field_of(group: Group, layer: str, side: int) -> int | None:
    """Side of what a layer sees about the centre, pixels; None of all of the image.

    Known of the position in the middle of a map alone, and where the receptive field is known and no larger.
    """
    pooling = group.cells[0].get("pooling", "mean")  # the default is left out
    field = group.fields.get(layer)
    return int(field) if pooling == "center" and field is not None and field < side else None


def pixels(images: torch.Tensor, field: int | None) -> np.ndarray:
    """The pixels of a square about the centre (h // 2, w // 2), or of all, of images (n, h, w, c): n x p, float64.

    Example
    -------
    >>> pixels(torch.arange(16.0).reshape(1, 4, 4, 1), 3).tolist()
    [[5.0, 6.0, 7.0, 9.0, 10.0, 11.0, 13.0, 14.0, 15.0]]
    """
    if field is not None:
        for axis in (1, 2):
            middle, side = images.shape[axis] // 2, images.shape[axis]
            first = middle - (field - 1) // 2  # strided and pooled maps see up to half a stride more behind it
            last = min(side, first + field)
            images = images.narrow(axis, max(0, first), last - max(0, first))
    return torch.cat([_averaged(some) for some in images.split(AT_ONCE)]).numpy()


def _averaged(images: torch.Tensor) -> torch.Tensor:
    """Pixels of some images, a row each, those of large ones averaged."""
    planes = images.permute(0, 3, 1, 2).float()
    if max(planes.shape[2:]) > LARGEST:
        planes = functional.adaptive_avg_pool2d(planes, [min(side, LARGEST) for side in planes.shape[2:]])
    return planes.flatten(1).double()


def principal_components(x: np.ndarray, is_training: np.ndarray, most: int) -> np.ndarray:
    """All rows of x (n x p) in the first components of the training rows: n x k, 0 on average there.

    Parameters
    ----------
    most : k, at most; components without variance are left out.
    """
    x = x - x[is_training].mean(axis=0)
    training = x[is_training]
    is_wide = x.shape[1] > len(training)
    products = training @ training.T if is_wide else training.T @ training
    first = max(0, len(products) - most)
    squares, vectors = scipy.linalg.eigh(products, subset_by_index=(first, len(products) - 1))
    kept = np.flatnonzero(squares > SAME * max(squares[-1], 0))[::-1]
    directions = vectors[:, kept]
    if is_wide:
        directions = training.T @ directions / np.sqrt(squares[kept])
    return x @ directions


def explained(responses: np.ndarray, components: np.ndarray, is_training: np.ndarray) -> Explained:
    """What a ridge on components (n x k) predicts of responses (n x d), both fitted on the training rows.

    The penalty is one for all units, each divided by its standard deviation, so that no unit decides it.
    """
    own = responses - responses[is_training].mean(axis=0)
    z, y = components[is_training], own[is_training]
    squares, products = (z**2).sum(axis=0), z.T @ y  # components are uncorrelated on the training rows
    totals = (y**2).sum(axis=0)
    weights = products / (squares + penalty(squares, products, totals, len(y)))[:, None]
    predicted = components @ weights
    left = own - predicted
    is_something = (left[is_training] ** 2).sum(axis=0) > NOTHING**2 * totals
    return Explained(predicted, np.where(is_something, left, 0))


def penalty(squares: np.ndarray, products: np.ndarray, totals: np.ndarray, n: int) -> float:
    """The ridge's penalty with the least generalised cross-validation error.

    Parameters
    ----------
    squares, products, totals : sums of squares of uncorrelated components (k), their products with responses (k x d),
        sums of squares of these (d). n : of which stimuli.
    """
    if not len(squares):
        return 0.0
    shares = over(products**2, squares[:, None] * totals).sum(axis=1)  # of the responses' variance, summed over units
    units, errors = np.count_nonzero(totals), []
    given = np.array(PENALTIES) * squares.mean()
    for one in given:
        kept = squares / (squares + one)
        errors.append((units - (2 * kept - kept**2) @ shares) / max(n - 1 - kept.sum(), CONSTANT) ** 2)
    return float(given[np.argmin(errors)])


def varying(responses: np.ndarray) -> np.ndarray:
    """The units that vary, as the metrics that fit a map keep them: n x d, float64."""
    responses = np.asarray(responses, np.float64)
    return responses[:, responses.std(axis=0) > CONSTANT * np.abs(responses.mean(axis=0))]


def fewest(components: Sequence[np.ndarray]) -> int:
    """The number of components that every fold has."""
    return min(one.shape[1] for one in components)
