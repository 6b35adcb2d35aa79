"""Eidolons by partially coherent disarray: every band of scale of a grey image displaced at random.

Definition (after Koenderink et al. 2017; the published images have reach 1 to 128, grain 10 px and coherence 1, .3, 0):
the image is a sum of bands D_0 = I - G_1 * I, D_k = G_k * I - G_(k+1) * I, and what is left, G_K * I. G_k is a Gaussian
of σ_k = 2^((k - 1) / 2) pixels; K is the largest for which σ_K is an eighth of the side at most. The pixel of band k at
place x is taken from x + reach (c A_k + (1 - c) B_k), rounded to whole pixels. B_k are random fields of their own,
blurred by the grain. A_k is the sum of random fields over the bands from k on, that of band j blurred by σ_j and of
standard deviation σ_j over a quarter of the side: what is coarse carries along what is fine. Each field has mean 0 and,
before this weight, standard deviation 1; the two directions are drawn apart. Beyond the border the image is mirrored.

Reach and grain are in pixels of an image of 224 px. This is written from the description, not from the authors' port to
Python, of which the published images were made with a correction that was never merged (gestaltrevision/Eidolon, pull
request 1): there the band D_0 is blurred by σ_0, places are cut to whole pixels, and fields are not brought to standard
deviation 1. Theirs works on 256 px with 12 bands; here 224 px have 11. If their files were scaled to 224 px, a reach of
8 there is 7 px of 224. So levels are ordered as theirs, and are not the same to the pixel.
"""

import math
from collections.abc import Sequence

import numpy as np
import scipy.fft

from whyalike.data.shifts.application import Images

VERSION = 1  # raised when pixels change

GRAIN = 10.0  # px of 224
COARSEST = 1 / 8  # of the side: the last band


def coherent(images: Images, level: float) -> np.ndarray:
    """Eidolon I: coherence 1, of grey (n, h, w)."""
    return disarrayed(images, level, 1.0)


def partly_coherent(images: Images, level: float) -> np.ndarray:
    """Eidolon II: coherence .3, of grey (n, h, w)."""
    return disarrayed(images, level, 0.3)


def incoherent(images: Images, level: float) -> np.ndarray:
    """Eidolon III: coherence 0, of grey (n, h, w)."""
    return disarrayed(images, level, 0.0)


def disarrayed(images: Images, reach: float, coherence: float) -> np.ndarray:
    """Grey (n, h, w) with its bands displaced.

    Parameters
    ----------
    reach : px of 224.
    coherence : 0 to 1.
    """
    pixels, side = images.pixels, min(images.pixels.shape[1:])
    sigmas, randoms = band_sigmas(side), list(images.generators())
    spectrum = scipy.fft.dctn(pixels, axes=(1, 2), norm="ortho")
    coarser, out = np.zeros_like(pixels), np.zeros_like(pixels)
    carried: np.ndarray | float = 0.0
    for k in reversed(range(len(sigmas))):
        moved: np.ndarray | float = 0.0
        if coherence > 0:
            carried = carried + _field(randoms, pixels.shape[1:], sigmas[k]) * (4 * sigmas[k] / side)
            moved = coherence * carried
        if coherence < 1:
            moved = moved + (1 - coherence) * _field(randoms, pixels.shape[1:], GRAIN * images.scale)
        finer = _blurred(spectrum, sigmas[k]) if k else pixels  # I = D_0 + G_1 * I
        out += _taken(finer - coarser, reach * images.scale * moved)
        coarser = finer
    return out


def band_sigmas(side: int) -> list[float]:
    """σ of each band, pixels, from fine to coarse; that of the first only weighs its field."""
    bands = 1 + max(0, math.floor(2 * math.log2(side * COARSEST) + 1))
    return [2 ** ((k - 1) / 2) for k in range(bands)]


def _blurred(spectrum: np.ndarray, sigma: float) -> np.ndarray:
    """An image of its cosine spectrum (..., h, w), blurred; mirrored beyond the border."""
    h, w = spectrum.shape[-2:]
    down, across = (np.exp(-0.5 * (sigma * np.pi * np.arange(edge) / edge) ** 2) for edge in (h, w))
    return scipy.fft.idctn(spectrum * (down[:, None] * across).astype(spectrum.dtype), axes=(-2, -1), norm="ortho")


def _field(randoms: Sequence[np.random.Generator], edges: tuple[int, ...], sigma: float) -> np.ndarray:
    """Displacements down and across (2, n, h, w), each field of mean 0 and standard deviation 1.

    White noise is white in the cosine plane too, where it is drawn. It ends as whole pixels: float32 will do.
    """
    noise = np.stack([random.standard_normal((2, *edges), np.float32) for random in randoms], axis=1)
    field = _blurred(noise, sigma)
    field -= field.mean(axis=(-2, -1), keepdims=True)
    deviation = field.std(axis=(-2, -1), keepdims=True)
    return field / (deviation + (deviation == 0))  # 0 for an image of one pixel, which has nowhere to go


def _taken(band: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """The pixel of a band (n, h, w) that lies ``moved`` (2, n, h, w) pixels down and to the right of each."""
    n, h, w = band.shape
    down = _mirrored(np.rint(np.arange(h)[:, None] + moved[0]).astype(np.int64), h)
    across = _mirrored(np.rint(np.arange(w) + moved[1]).astype(np.int64), w)
    return band[np.arange(n)[:, None, None], down, across]


def _mirrored(place: np.ndarray, edge: int) -> np.ndarray:
    """A place beyond the border as that of its mirror image."""
    place = place % (2 * edge)
    return np.minimum(place, 2 * edge - 1 - place)
