"""The options of each transform: probability and strengths, with defaults and ranges.

Lengths are in pixels and angles in degrees unless a field says otherwise. This module imports no
torch, so that a recipe can be checked quickly.
"""

from pydantic import Field

from areoseg.utils.options import Options


class TransformOptions(Options):
    """What every transform has: how often it is applied."""

    probability: float = Field(0.5, ge=0, le=1, description="share of samples that are changed")


class RarePaste(TransformOptions):
    """Options of `pasting.rare_paste`."""

    objects: int = Field(2, ge=1, le=16, description="most objects pasted into one tile")


class HorizontalFlip(TransformOptions):
    """Options of `flips.horizontal_flip`."""


class VerticalFlip(TransformOptions):
    """Options of `flips.vertical_flip`."""


class QuarterTurn(TransformOptions):
    """Options of `warps.quarter_turn`."""


class RandomCrop(TransformOptions):
    """Options of `warps.random_crop`."""

    smallest: float = Field(0.6, gt=0, le=1, description="least side of the crop, share of tile")


class ShiftScaleRotate(TransformOptions):
    """Options of `warps.shift_scale_rotate`."""

    shift: float = Field(0.1, ge=0, le=1, description="most shift, share of the tile's side")
    scale: float = Field(0.1, ge=0, le=0.9, description="most change of scale, 0.1 is 10 %")
    rotation: float = Field(15, ge=0, le=180, description="most rotation either way, degrees")


class Elastic(TransformOptions):
    """Options of `warps.elastic`."""

    alpha: float = Field(2, ge=0, le=50, description="displacement, root mean square, pixels")
    sigma: float = Field(8, gt=0, le=100, description="smoothness: std of the Gaussian, pixels")


class GridDistortion(TransformOptions):
    """Options of `warps.grid_distortion`."""

    steps: int = Field(5, ge=1, le=64, description="cells along each side")
    limit: float = Field(0.3, ge=0, le=0.9, description="most change of a cell's width, share")


class OpticalDistortion(TransformOptions):
    """Options of `warps.optical_distortion`."""

    limit: float = Field(0.1, ge=0, le=0.5, description="most radial coefficient, at the corner")


class CutMix(TransformOptions):
    """Options of `mixing.cutmix`."""

    largest: float = Field(0.5, gt=0, le=1, description="largest box, share of the tile's area")


class RareCutMix(TransformOptions):
    """Options of `mixing.rare_cutmix`."""

    largest: float = Field(0.25, gt=0, le=1, description="largest box, share of the tile's area")


class BrightnessContrast(TransformOptions):
    """Options of `photometric.brightness_contrast`."""

    brightness: float = Field(0.2, ge=0, le=1, description="most shift of the gray values")
    contrast: float = Field(0.2, ge=0, le=1, description="most change of contrast, 0.2 is 20 %")


class Gamma(TransformOptions):
    """Options of `photometric.gamma`."""

    limit: float = Field(0.3, ge=0, le=2, description="most |log| of the exponent")


class Blur(TransformOptions):
    """Options of `photometric.blur`."""

    sigma: float = Field(0.8, gt=0, le=20, description="widest Gaussian, pixels")


class SensorNoise(TransformOptions):
    """Options of `photometric.sensor_noise`."""

    read: float = Field(0.01, ge=0, le=0.5, description="most read noise, std in gray values")
    shot: float = Field(0.001, ge=0, le=0.1, description="most shot noise, variance at white")


class CoarseDropout(TransformOptions):
    """Options of `erasing.coarse_dropout`."""

    holes: int = Field(4, ge=1, le=64, description="holes in a tile")
    size: int = Field(16, ge=1, le=1024, description="side of a hole, pixels")


class GridMask(TransformOptions):
    """Options of `erasing.grid_mask`."""

    period: int = Field(24, ge=2, le=1024, description="distance of the squares, pixels")
    ratio: float = Field(0.4, gt=0, lt=1, description="side of a square, share of the period")
