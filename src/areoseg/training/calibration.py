"""Calibration of a trained model: a temperature and class offsets fitted to held-out samples."""

import math
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from areoseg.data.samples import SegmentationDataset
from areoseg.data.split import class_pixels
from areoseg.errors import AreosegError
from areoseg.metrics.calibration_error import Reliability, expected_calibration_error, reliability
from areoseg.metrics.protocols import PROTOCOLS
from areoseg.metrics.rates import mean_scores
from areoseg.models.layers.normalization import fold_standardization
from areoseg.models.segmenter import MASKED_LOGIT, Segmenter
from areoseg.runs.info import (
    CalibrationInfo,
    ErrorChange,
    ReliabilityChange,
    ReliabilityCurve,
    ScoreChange,
)
from areoseg.runs.run import RUN_INFO, WEIGHTS, Run, write_weights
from areoseg.taxonomy import Taxonomy
from areoseg.training.calibration_fits import (
    LabeledPixels,
    Offsets,
    Score,
    fit_background_offset,
    fit_offsets,
    fit_temperature,
    half_splits,
)
from areoseg.training.gate_calibration import calibrate_gate
from areoseg.utils.device import Precision, choose_device, precision_of_training
from areoseg.utils.images import as_tensor

MAX_CLASS_PIXELS = 250_000
"""Maximum number of pixels per class; more frequent classes are randomly subsampled."""

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


def calibrate_segmenter(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    protocol: str = "terrain",
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> Calibration:
    """Fit the temperature and offsets of a model in memory, and set them.

    An earlier calibration is discarded first, so calibrating twice gives the same result.

    Args:
        segmenter: The model; its buffers `temperature` and `offsets` are modified.
        samples: Labeled samples that it was not trained on; their sizes may differ.
        taxonomy: The classes.
        protocol: The score to maximize, a name in `PROTOCOLS`.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.

    Raises:
        AreosegError: The samples have fewer than two groups, or no terrain.

    Examples:
        >>> found = calibrate_segmenter(model, validation, MARS)  # doctest: +SKIP
        >>> found.temperature, found.offsets  # doctest: +SKIP
        (1.21, array([ 0., -0.07, 0., -0.2, -2.13]))
    """
    segmenter.uncalibrate()
    folded = deepcopy(segmenter)
    folded.gated_class = None  # only the terrain classes are calibrated
    fold_standardization(folded)  # the network in evaluation mode
    pixels = labeled_pixels(folded, samples, taxonomy, device=device, precision=precision)
    found = fit_calibration(pixels, taxonomy, protocol=protocol)
    masked = segmenter.masked_classes
    segmenter.temperature.fill_(found.temperature)
    segmenter.offsets.copy_(torch.tensor(found.offsets)).masked_fill_(masked, MASKED_LOGIT)
    return found


def calibrate_run(run: Run, samples: SegmentationDataset, *, device: str = "cpu") -> Run:
    """Fit the temperature and offsets of a run, and store them in its weights and its info.

    Args:
        run: A run with weights; its folder is modified.
        samples: Its validation split.
        device: `cpu`, `cuda` or `auto`.

    Raises:
        AreosegError: There are too few samples, or the folder cannot be written.
    """
    where = choose_device(device)
    segmenter = run.segmenter(fold=False)
    found = calibrate_segmenter(
        segmenter,
        samples,
        run.taxonomy,
        protocol=run.recipe.protocol,
        device=where,
        precision=precision_of_training(run.info.precision, where),
    )
    results: dict[str, Any] = {"calibration": found.info(run.taxonomy)}
    if segmenter.gated_class is not None:
        results["background"] = calibrate_gate(
            segmenter,
            samples,
            run.taxonomy,
            device=where,
            precision=precision_of_training(run.info.precision, where),
        )
    write_weights(run.path / WEIGHTS, segmenter.state_dict())
    info = run.info.model_copy(update=results)
    info.write(run.path / RUN_INFO)
    return Run(run.path, run.recipe, info)


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
            "cannot calibrate: the samples have no pixel of any terrain class. Check the data."
        )
    n_groups = len(np.unique(pixels.groups))
    if n_groups < 2:
        raise AreosegError(
            f"cannot calibrate on {n_groups} group of labeled samples: two are needed. Raise"
            " split.val."
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


@torch.inference_mode()
def labeled_pixels(
    segmenter: Segmenter,
    samples: SegmentationDataset,
    taxonomy: Taxonomy,
    *,
    device: torch.device | None = None,
    precision: Precision = "float32",
) -> LabeledPixels:
    """Compute the logits of labeled samples, for at most `MAX_CLASS_PIXELS` pixels per class.

    Void pixels and those of masked classes are excluded.

    Args:
        segmenter: The model, not calibrated.
        samples: Labeled samples; their sizes may differ.
        taxonomy: The C classes.
        device: Where to compute; None: on the CPU.
        precision: Precision of the network.
    """
    device = device or torch.device("cpu")
    segmenter = segmenter.to(device).eval()
    totals = class_pixels(samples, taxonomy).sum(axis=0)
    totals[segmenter.masked_classes.cpu().numpy()] = 0
    shares = np.zeros(256)
    shares[: len(taxonomy)] = np.minimum(1.0, MAX_CLASS_PIXELS / np.maximum(totals, 1)) * (
        totals > 0
    )
    group_of_sample = sample_groups(samples)

    logits, targets, groups = [], [], []
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        for index in range(len(samples)):
            mask = samples[index].mask
            assert mask is not None
            drawn = np.random.default_rng(index).random(mask.shape) < shares[mask]
            output = segmenter(as_tensor([samples.images[index]]).to(device))[0]
            logits.append(output.float().cpu().numpy()[:, drawn].T)
            targets.append(mask[drawn].astype(np.intp))
            groups.append(np.full(int(drawn.sum()), group_of_sample[index]))
    all_targets = np.concatenate(targets)
    counts = np.bincount(all_targets, minlength=len(taxonomy))
    return LabeledPixels(
        logits=np.concatenate(logits),
        targets=all_targets,
        groups=np.concatenate(groups),
        class_weights=totals / np.maximum(counts, 1),
    )


def sample_groups(samples: SegmentationDataset) -> NDArray[np.intp]:
    """Return the group index of each sample (N,).

    Fitting and testing need at least two groups; with fewer, each sample is its own group.
    """
    names = samples.groups if samples.groups and len(set(samples.groups)) > 1 else samples.names
    indices: NDArray[np.intp] = np.unique(names, return_inverse=True)[1]
    return indices


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
