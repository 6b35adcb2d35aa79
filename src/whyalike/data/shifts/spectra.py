"""Phases disturbed, and amplitudes made equal, in the Fourier plane of a grey image.

Source: Geirhos et al. (2018), experiments "phase noise" and "power equalisation". Theirs leaves the first row and
column of the centred plane (the highest frequencies of an even side) as they are; here every frequency is disturbed but
those that are their own opposites, whose phase is 0 or 180 degrees in any image.
"""

import numpy as np
import scipy.fft

from whyalike.data.shifts.application import Images

VERSION = 1  # raised when pixels change


def phase_noise(images: Images, level: float) -> np.ndarray:
    """Grey (n, h, w) with U(-w, w) added to each phase, w = ``level`` degrees; amplitudes stay, until it is clipped."""
    edges = images.pixels.shape[1:]
    drawn = np.stack([random.uniform(-1, 1, edges) for random in images.generators()])  # (n, h, w)
    turned = np.exp(1j * np.radians(level) * _odd(drawn))
    return scipy.fft.ifft2(scipy.fft.fft2(images.pixels) * turned).real


def power_equalisation(images: Images, level: float) -> np.ndarray:
    """Grey (n, h, w) with its own phases and the mean amplitudes of all images of the set."""
    spectrum = scipy.fft.fft2(images.pixels)
    return scipy.fft.ifft2(images.mean(_amplitudes) * np.exp(1j * np.angle(spectrum))).real


def _amplitudes(pixels: np.ndarray) -> np.ndarray:
    return abs(scipy.fft.fft2(pixels))


def _odd(drawn: np.ndarray) -> np.ndarray:
    """Of each pair of opposite frequencies one draw, and for the opposite one its negative; 0 where they are one."""
    h, w = drawn.shape[1:]
    place = np.arange(h * w).reshape(h, w)
    opposite = place[-np.arange(h)][:, -np.arange(w)]
    flat = drawn.reshape(len(drawn), -1)
    return np.where(place < opposite, drawn, np.where(place > opposite, -flat[:, opposite], 0))
