"""The transforms by name, in the order in which they are applied.

The order is fixed, whatever the order in a recipe:

1. Rare objects are pasted, so that the later transforms change them like the rest.
2. Flips, which are exact.
3. All warps, composed into one sampling of the tile: one interpolation, least blur.
4. CutMix, so that a box keeps the straight borders that no warp has bent.
5. Light and sensor: brightness and contrast, gamma, blur, noise. They come after mixing and so act
   on the whole tile.
6. Erasing, so that what is hidden stays hidden.
"""

from dataclasses import dataclass
from dataclasses import field
from importlib import import_module
from typing import Any

from areoseg.transforms import options
from areoseg.transforms.options import TransformOptions


@dataclass(frozen=True)
class TransformRecord:
    """What the registry knows of a transform.

    Attributes:
        name: What a recipe calls it.
        function: Where it is, as `module:name` within this package. It is looked up only when an
            augmentation is built, because it imports torch.
        options: The model of its probability and strengths.
        summary: One line on what it does.
        is_warp: Whether it maps sampling positions (N, H, W, 2), and not images and masks.
        needs: What it takes beside its options: `"rare_class"` or `"rare_bank"`.
    """

    name: str
    function: str
    options: type[TransformOptions]
    summary: str
    is_warp: bool = field(default=False, kw_only=True)
    needs: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def defaults(self) -> dict[str, float]:
        """Each option's default."""
        return self.options().model_dump()

    def load(self) -> Any:
        """The transform's function; imports torch."""
        module, name = self.function.split(":")
        return getattr(import_module(f"areoseg.transforms.{module}"), name)


TRANSFORMS: tuple[TransformRecord, ...] = (
    TransformRecord(
        "rare_paste",
        "pasting:rare_paste",
        options.RarePaste,
        "paste objects of the rare class, cut from training tiles, with blended edges",
        needs=("rare_bank",),
    ),
    TransformRecord(
        "horizontal_flip",
        "flips:horizontal_flip",
        options.HorizontalFlip,
        "mirror left and right; sky stays above ground",
    ),
    TransformRecord(
        "vertical_flip",
        "flips:vertical_flip",
        options.VerticalFlip,
        "mirror top and bottom; a rover never sees this",
    ),
    TransformRecord(
        "quarter_turn",
        "warps:quarter_turn",
        options.QuarterTurn,
        "turn by 90, 180 or 270 degrees, stretched back to the tile's shape",
        is_warp=True,
    ),
    TransformRecord(
        "random_crop",
        "warps:random_crop",
        options.RandomCrop,
        "zoom into a random part of the tile",
        is_warp=True,
    ),
    TransformRecord(
        "shift_scale_rotate",
        "warps:shift_scale_rotate",
        options.ShiftScaleRotate,
        "shift, zoom and rotate about the tile's center",
        is_warp=True,
    ),
    TransformRecord(
        "elastic",
        "warps:elastic",
        options.Elastic,
        "displace each pixel by a smooth random field",
        is_warp=True,
    ),
    TransformRecord(
        "grid_distortion",
        "warps:grid_distortion",
        options.GridDistortion,
        "stretch and squeeze the columns and rows of a grid",
        is_warp=True,
    ),
    TransformRecord(
        "optical_distortion",
        "warps:optical_distortion",
        options.OpticalDistortion,
        "barrel or pincushion distortion, as of a lens",
        is_warp=True,
    ),
    TransformRecord(
        "cutmix",
        "mixing:cutmix",
        options.CutMix,
        "replace a box by the same box of another tile of the batch",
    ),
    TransformRecord(
        "rare_cutmix",
        "mixing:rare_cutmix",
        options.RareCutMix,
        "replace a box by one around the rare class in another tile of the batch",
        needs=("rare_class",),
    ),
    TransformRecord(
        "brightness_contrast",
        "photometric:brightness_contrast",
        options.BrightnessContrast,
        "shift the gray values and stretch them about their mean",
    ),
    TransformRecord(
        "gamma",
        "photometric:gamma",
        options.Gamma,
        "raise the gray values to a power near one",
    ),
    TransformRecord(
        "blur",
        "photometric:blur",
        options.Blur,
        "smooth by a Gaussian",
    ),
    TransformRecord(
        "sensor_noise",
        "photometric:sensor_noise",
        options.SensorNoise,
        "add read noise and brightness-dependent shot noise",
    ),
    TransformRecord(
        "coarse_dropout",
        "erasing:coarse_dropout",
        options.CoarseDropout,
        "hide square holes of the image; labels stay",
    ),
    TransformRecord(
        "grid_mask",
        "erasing:grid_mask",
        options.GridMask,
        "hide a regular grid of squares of the image; labels stay",
    ),
)
"""All transforms, in the order in which they are applied."""
