"""The story of a calibration: fit offsets and temperature, and see whether they help."""

import math
from dataclasses import dataclass
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from areoseg.calibration.halves import halves
from areoseg.calibration.offsets import Score
from areoseg.calibration.offsets import fit_background_offset
from areoseg.calibration.offsets import fit_offsets
from areoseg.calibration.pixels import LabeledPixels
from areoseg.calibration.temperature import fit_temperature
from areoseg.errors import AreosegError
from areoseg.metrics.calibration_error import Reliability
from areoseg.metrics.calibration_error import expected_calibration_error
from areoseg.metrics.calibration_error import reliability
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import mean_scores
from areoseg.models.segmenter import MASKED_LOGIT
from areoseg.runs.info import CalibrationInfo
from areoseg.runs.info import ErrorChange
from areoseg.runs.info import ReliabilityChange
from areoseg.runs.info import ReliabilityCurve
from areoseg.runs.info import ScoreChange
from areoseg.taxonomy import Taxonomy

REPEATS = 5
"""How often the groups are halved; every half is fitted to once."""

Offsets = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What a calibration found, on samples that were not trained on.

    Attributes:
        temperature: What logits are divided by.
        offsets: (C,) what is added after that; all 0 where offsets did not help.
        protocol: The definition of the scores.
        score_before: Without offsets.
        score_out_of_fold: Of offsets fitted to one half of the groups, on the other half.
        score_after: On the pixels that were fitted to, and so too high; the first score again
            where offsets did not help.
        before: Reliability without calibration.
        after: Of offsets and temperature fitted to one half of the groups, on the other half.
        groups: Number of groups.
        pixels: Number of pixels that were looked at.
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
        """Whether offsets raised the score of groups that they were not fitted to."""
        return self.score_out_of_fold > self.score_before

    def info(self, taxonomy: Taxonomy) -> CalibrationInfo:
        """Describe the calibration for `run.json`."""
        before, after = (expected_calibration_error(counts) for counts in (self.before, self.after))
        return CalibrationInfo(
            temperature=self.temperature,
            offsets=dict(zip(taxonomy.names, self.offsets.tolist(), strict=True)),
            offsets_help=self.offsets_help,
            protocol=self.protocol,
            score=ScoreChange(
                before=_plain(self.score_before),
                out_of_fold=_plain(self.score_out_of_fold),
                after=_plain(self.score_after),
            ),
            calibration_error=ErrorChange(before=_plain(before), after=_plain(after)),
            reliability=ReliabilityChange(before=_curve(self.before), after=_curve(self.after)),
            groups=self.groups,
            pixels=self.pixels,
        )


def calibrate(
    pixels: LabeledPixels, taxonomy: Taxonomy, *, protocol: str = "terrain"
) -> Calibration:
    """Fit offsets to a score and then a temperature to the cross-entropy.

    Offsets are kept only if they raise the score out of fold: fitted to half of the groups, tried
    on the other half, `REPEATS` times over. Those that are kept are the mean of what the halves
    gave. The temperature leaves the answers as they are, so it needs no such test.

    A protocol that leaves background out leaves its pixels out of all this. Where background is
    learned none the less, it is held out until it takes next to nothing from the score.

    Args:
        pixels: Logits and truth of samples that were not trained on.
        taxonomy: The C classes.
        protocol: The score to raise, a name in `PROTOCOLS`.

    Raises:
        AreosegError: The pixels come from fewer than two groups.
    """
    background = taxonomy.background
    hold_back = PROTOCOLS[protocol].drops_background and (pixels.targets == background).any()
    if hold_back:
        pixels = pixels.select(pixels.targets != background)
    totals = np.bincount(pixels.targets, minlength=len(taxonomy)) * pixels.class_weights
    score: Score = partial(mean_scores, protocol=protocol, taxonomy=taxonomy)
    present = sorted(
        (index for index in taxonomy.terrain if totals[index]), key=lambda index: totals[index]
    )
    if not present:
        raise AreosegError("no pixel of any terrain class to calibrate on: is this the right data?")
    groups = len(np.unique(pixels.units))
    if groups < 2:
        raise AreosegError(
            f"{groups} labeled samples to calibrate on: it takes two at least; raise split.val"
        )
    rare, movable = present[0], present[:-1]

    nothing = np.zeros(len(taxonomy))
    fits = []
    with_offsets, without = _Trial.empty(len(taxonomy)), _Trial.empty(len(taxonomy))
    for fitted, tested in halves(pixels, rare, repeats=REPEATS):
        fit, test = pixels.select(fitted), pixels.select(tested)
        if hold_back:
            offsets = fit_offsets(_without(background, fit), score, movable)
            offsets[background] = fit_background_offset(fit, score, offsets, background)
        else:
            offsets = fit_offsets(fit, score, movable)
        fits.append(offsets)
        with_offsets += _Trial.of(test, offsets, fit_temperature(fit, offsets))
        without += _Trial.of(test, nothing, fit_temperature(fit, nothing))

    before = _Trial.of(pixels, nothing, 1.0)
    score_before = float(score(before.confusion))
    score_out_of_fold = float(score(with_offsets.confusion))
    helpful = score_out_of_fold > score_before
    offsets = np.mean(fits, axis=0) if helpful else nothing
    temperature = fit_temperature(pixels, offsets)
    return Calibration(
        temperature=temperature,
        offsets=offsets / temperature,  # the segmenter adds them after the division
        protocol=protocol,
        score_before=score_before,
        score_out_of_fold=score_out_of_fold,
        score_after=float(score(_Trial.of(pixels, offsets, temperature).confusion)),
        before=before.reliability,
        after=(with_offsets if helpful else without).reliability,
        groups=groups,
        pixels=len(pixels.targets),
    )


def _without(background: int, pixels: LabeledPixels) -> LabeledPixels:
    """The pixels as if background were never answered."""
    logits = pixels.logits.copy()
    logits[:, background] = MASKED_LOGIT
    return replace(pixels, logits=logits)


@dataclass(frozen=True)
class _Trial:
    """What offsets and a temperature give on some pixels."""

    confusion: NDArray[np.float64]
    reliability: Reliability

    @classmethod
    def empty(cls, classes: int) -> "_Trial":
        """Of no pixels."""
        nothing = reliability(np.zeros(0), np.zeros(0, dtype=bool))
        return cls(np.zeros((classes, classes)), nothing)

    @classmethod
    def of(cls, pixels: LabeledPixels, offsets: Offsets, temperature: float) -> "_Trial":
        """Of softmax((logits + offsets) / temperature)."""
        probabilities = softmax((pixels.logits + offsets) / temperature, axis=1)
        answers = probabilities.argmax(axis=1)
        classes = probabilities.shape[1]
        counts = np.bincount(pixels.targets * classes + answers, minlength=classes**2)
        return cls(
            counts.reshape(classes, classes) * pixels.class_weights[:, np.newaxis],
            reliability(
                probabilities.max(axis=1), answers == pixels.targets, weights=pixels.weights
            ),
        )

    def __add__(self, other: "_Trial") -> "_Trial":
        return _Trial(self.confusion + other.confusion, self.reliability + other.reliability)


def _curve(counts: Reliability) -> ReliabilityCurve:
    shares = counts.pixels / counts.pixels.sum()
    return ReliabilityCurve(
        share=[_plain(value) for value in shares],
        confidence=[_plain(value) for value in counts.mean_confidence],
        accuracy=[_plain(value) for value in counts.accuracy],
    )


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else round(float(value), 6)
