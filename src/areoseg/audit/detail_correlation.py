"""How well the detail of two pictures agrees when one is laid on the other."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy import ndimage

from areoseg.audit.thumbnails import Floats

ZOOMS = (1.0, 1 / 0.95, 1 / 0.9)
"""How much closer one of two pictures may be."""

COMBINATIONS = np.array([(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)])
"""Which zoom is tried for the first picture with which for the second."""

FARTHEST = 4
"""Largest shift in pixels."""

PLACES = 4
"""Pictures are compared in 4 x 4 places."""

NOISE = 0.15
"""Detail weaker than this, in gray levels, is rounding and correlates with nothing."""

Shifts = NDArray[np.int64]
"""(P, 2) rows down and columns right."""


def detail_correlations(
    pictures: NDArray[np.uint8], pairs: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Mean correlation over all places of pairs of pictures, at the best shift and zoom.

    Args:
        pictures: (N, side, side) thumbnails of N images.
        pairs: (P, 2) positions of pictures.

    Returns:
        (P,), each at most 1.
    """
    some, where = np.unique(pairs, return_inverse=True)
    first, second = where.reshape(pairs.shape).T
    details = np.stack([zoomed_detail(pictures[some], zoom) for zoom in ZOOMS])
    tried = [_best_shift(details[one, first], details[two, second]) for one, two in COMBINATIONS]
    best = np.stack([height for height, _ in tried]).argmax(axis=0)
    shifts = np.stack([shift for _, shift in tried])[best, np.arange(len(pairs))]
    one, two = COMBINATIONS[best].T
    places = _place_correlations(details[one, first], details[two, second], shifts)
    return np.asarray(places.mean(axis=1))


def zoomed_detail(pictures: NDArray[np.uint8], zoom: float) -> Floats:
    """What is between 1 and 4 pixels large in the middle of pictures, seen closer.

    Zoom and filters are linear and treat rows and columns alike, so each is one matrix.

    Args:
        pictures: (N, side, side) gray levels.
        zoom: From 1; the middle 1 / zoom of each side is shown.

    Returns:
        (N, side, side), a difference of two Gaussians.
    """
    levels = pictures.astype(np.float32)
    fine, coarse = (_blurred_zoom(pictures.shape[1], zoom, sigma) for sigma in (1.0, 4.0))
    return np.asarray(fine @ levels @ fine.T - coarse @ levels @ coarse.T, dtype=np.float32)


@cache
def _blurred_zoom(side: int, zoom: float, sigma: float) -> Floats:
    """The matrix (side, side) that zooms a column by linear interpolation, then blurs it."""
    middle = (side - 1) / 2
    places = middle + (np.arange(side) - middle) / zoom
    weights = np.maximum(0, 1 - np.abs(places[:, None] - np.arange(side)))
    return np.asarray(ndimage.gaussian_filter1d(weights, sigma, axis=0), dtype=np.float32)


def _best_shift(first: Floats, second: Floats) -> tuple[Floats, Shifts]:
    """The shift of the first pictures (P, side, side) at which they agree best with the second.

    Found as the peak of their cross-correlation, computed by Fourier transform.

    Returns:
        Height (P,) of the peak, at most 1; and the shifts (P, 2).
    """
    spectra = fft.rfft2(_windowed(first)) * np.conj(fft.rfft2(_windowed(second)))
    correlation = fft.irfft2(spectra, s=first.shape[1:])
    reach = np.arange(-FARTHEST, FARTHEST + 1)
    near = correlation[:, reach][:, :, reach].reshape(len(first), -1)
    peak = near.argmax(axis=1)
    shifts = np.stack(np.divmod(peak, len(reach)), axis=1) - FARTHEST
    return near[np.arange(len(first)), peak], shifts


def _windowed(pictures: Floats) -> Floats:
    """Pictures (P, side, side) faded out towards the border, each of length 1."""
    fade = np.sqrt(np.hanning(pictures.shape[1] + 2)[1:-1]).astype(np.float32)
    faded = pictures * fade[:, None] * fade
    lengths = np.sqrt((faded**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(faded / np.maximum(lengths, np.float32(1e-6)))


def _place_correlations(first: Floats, second: Floats, shifts: Shifts) -> NDArray[np.float32]:
    """Correlation (P, 16) of shifted first pictures with second ones, in 4 x 4 places."""
    inner = np.arange(FARTHEST, first.shape[1] - FARTHEST)
    rows, columns = inner + shifts[:, :1], inner + shifts[:, 1:]
    which = np.arange(len(first))[:, None, None]
    one = _in_places(first[which, rows[:, :, None], columns[:, None, :]])
    other = _in_places(second[:, inner][:, :, inner])
    strength = np.sqrt((one**2).mean(axis=2) * (other**2).mean(axis=2))
    return np.asarray((one * other).mean(axis=2) / (strength + NOISE**2), dtype=np.float32)


def _in_places(pictures: Floats) -> Floats:
    """Pictures (P, S, S) cut into 4 x 4 places (P, 16, pixels), each of mean 0."""
    count, side, _ = pictures.shape
    size = side // PLACES
    cut = pictures.reshape(count, PLACES, size, PLACES, size).swapaxes(2, 3)
    flat = cut.reshape(count, PLACES * PLACES, size * size)
    return np.asarray(flat - flat.mean(axis=2, keepdims=True))
