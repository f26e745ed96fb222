"""Temperature and class offsets fitted to held-out pixels, with the scores before and after."""

import math
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from areoseg.errors import AreosegError
from areoseg.metrics.calibration_error import Reliability, expected_calibration_error, reliability
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import mean_scores
from areoseg.models.segmenter import MASKED_LOGIT
from areoseg.runs.info import (
    CalibrationInfo,
    ErrorChange,
    ReliabilityChange,
    ReliabilityCurve,
    ScoreChange,
)
from areoseg.taxonomy import Taxonomy
from areoseg.training.calibration.fits import (
    LabeledPixels,
    Offsets,
    Score,
    fit_background_offset,
    fit_offsets,
    fit_temperature,
    half_splits,
)

N_REPEATS = 5
"""Number of random splits of the groups into halves; each half is used for fitting once."""


@dataclass(frozen=True)
class Calibration:
    """The result of a calibration.

    Attributes:
        temperature: Logits are divided by it.
        offsets: (C,) added after that; all 0 if offsets did not help.
        protocol: The definition of the scores.
        score_before: Score without offsets.
        score_out_of_fold: Score with offsets fitted to one half of the groups, on the other half.
        score_after: Score on the pixels used for fitting, hence optimistic; equal to
            `score_before` if offsets did not help.
        before: Reliability without calibration.
        after: Reliability out of fold.
        groups: Number of groups.
        pixels: Number of pixels that were used.
    """

    temperature: float
    offsets: Offsets
    protocol: str
    score_before: float
    score_out_of_fold: float
    score_after: float
    before: Reliability
    after: Reliability
    groups: int
    pixels: int

    @property
    def offsets_help(self) -> bool:
        """Return whether offsets raised the score of groups that they were not fitted to."""
        return self.score_out_of_fold > self.score_before

    def info(self, taxonomy: Taxonomy) -> CalibrationInfo:
        """Describe the calibration for `run.json`."""
        before, after = map(expected_calibration_error, (self.before, self.after))
        return CalibrationInfo(
            temperature=self.temperature,
            offsets=dict(zip(taxonomy.names, self.offsets.tolist(), strict=True)),
            offsets_help=self.offsets_help,
            protocol=self.protocol,
            score=ScoreChange(
                before=_rounded(self.score_before),
                out_of_fold=_rounded(self.score_out_of_fold),
                after=_rounded(self.score_after),
            ),
            calibration_error=ErrorChange(before=_rounded(before), after=_rounded(after)),
            reliability=ReliabilityChange(before=_curve(self.before), after=_curve(self.after)),
            groups=self.groups,
            pixels=self.pixels,
        )


def fit_calibration(
    pixels: LabeledPixels, taxonomy: Taxonomy, *, protocol: str = "terrain"
) -> Calibration:
    """Fit offsets that maximize a score, then a temperature that minimizes the cross-entropy.

    Offsets are kept only if they raise the score out of fold: fitted to half of the groups and
    tested on the other half, `N_REPEATS` times. The mean over all halves is kept. The temperature
    does not change the predicted classes, so it needs no such test.

    If the protocol ignores background, so do the fits. If the model predicts background
    nevertheless, its offset is lowered until these predictions hardly reduce the score.

    Args:
        pixels: Pixels of samples that were not trained on.
        taxonomy: The C classes.
        protocol: The score to maximize, a name in `PROTOCOLS`.

    Raises:
        AreosegError: The pixels have fewer than two groups, or no terrain.
    """
    background = taxonomy.background
    lowers_background = (
        PROTOCOLS[protocol].drops_background and (pixels.targets == background).any()
    )
    if lowers_background:
        pixels = pixels.select(pixels.targets != background)
    totals = np.bincount(pixels.targets, minlength=len(taxonomy)) * pixels.class_weights
    score: Score = partial(mean_scores, protocol=protocol, taxonomy=taxonomy)
    present = sorted((i for i in taxonomy.terrain if totals[i]), key=lambda index: totals[index])
    if not present:
        raise AreosegError(
            "cannot calibrate: the samples have no pixel of any terrain class; check the data"
        )
    n_groups = len(np.unique(pixels.groups))
    if n_groups < 2:
        raise AreosegError(
            f"cannot calibrate on {n_groups} group of labeled samples: two are needed; raise"
            " split.val"
        )
    rarest, movable = present[0], present[:-1]

    zeros = np.zeros(len(taxonomy))
    fits = []
    with_offsets, without = _Outcome.empty(len(taxonomy)), _Outcome.empty(len(taxonomy))
    for fit_mask, test_mask in half_splits(pixels, rarest, repeats=N_REPEATS):
        fit, test = pixels.select(fit_mask), pixels.select(test_mask)
        if lowers_background:
            logits = fit.logits.copy()
            logits[:, background] = MASKED_LOGIT
            offsets = fit_offsets(replace(fit, logits=logits), score, movable)
            offsets[background] = fit_background_offset(fit, score, offsets, background)
        else:
            offsets = fit_offsets(fit, score, movable)
        fits.append(offsets)
        with_offsets += _Outcome.of(test, offsets, fit_temperature(fit, offsets))
        without += _Outcome.of(test, zeros, fit_temperature(fit, zeros))

    before = _Outcome.of(pixels, zeros, 1.0)
    score_before = float(score(before.confusion))
    score_out_of_fold = float(score(with_offsets.confusion))
    offsets_help = score_out_of_fold > score_before
    offsets = np.mean(fits, axis=0) if offsets_help else zeros
    temperature = fit_temperature(pixels, offsets)
    return Calibration(
        temperature=temperature,
        offsets=offsets / temperature,  # the segmenter adds them after the division
        protocol=protocol,
        score_before=score_before,
        score_out_of_fold=score_out_of_fold,
        score_after=float(score(_Outcome.of(pixels, offsets, temperature).confusion)),
        before=before.reliability,
        after=(with_offsets if offsets_help else without).reliability,
        groups=n_groups,
        pixels=len(pixels.targets),
    )


@dataclass(frozen=True)
class _Outcome:
    """Confusion matrix and reliability of pixels, for given offsets and temperature."""

    confusion: NDArray[np.float64]
    reliability: Reliability

    @classmethod
    def empty(cls, classes: int) -> "_Outcome":
        nothing = reliability(np.zeros(0), np.zeros(0, dtype=bool))
        return cls(np.zeros((classes, classes)), nothing)

    @classmethod
    def of(cls, pixels: LabeledPixels, offsets: Offsets, temperature: float) -> "_Outcome":
        """Compute them for softmax((logits + offsets) / temperature)."""
        probabilities = softmax((pixels.logits + offsets) / temperature, axis=1)
        predictions = probabilities.argmax(axis=1)
        classes = probabilities.shape[1]
        counts = np.bincount(pixels.targets * classes + predictions, minlength=classes**2)
        return cls(
            counts.reshape(classes, classes) * pixels.class_weights[:, np.newaxis],
            reliability(
                probabilities.max(axis=1), predictions == pixels.targets, weights=pixels.weights
            ),
        )

    def __add__(self, other: "_Outcome") -> "_Outcome":
        return _Outcome(self.confusion + other.confusion, self.reliability + other.reliability)


def _curve(counts: Reliability) -> ReliabilityCurve:
    return ReliabilityCurve(
        share=[_rounded(value) for value in counts.pixels / counts.pixels.sum()],
        confidence=[_rounded(value) for value in counts.mean_confidence],
        accuracy=[_rounded(value) for value in counts.accuracy],
    )


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
