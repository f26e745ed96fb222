"""The named policies: which transforms, how often, how strong.

`mild` and `complex` follow the homework report. Two things differ. The displacement of its elastic
transform cannot be told from its numbers (alpha 10 to 50, sigma 50; libraries scale them
differently), so `mild` says it in pixels. And where its rotations brought in pixels from outside
the tile, ours are void.
"""

from collections.abc import Mapping
from dataclasses import dataclass

TransformUse = tuple[str, float, Mapping[str, float]]
"""A transform's name, its probability, and the strengths that differ from its defaults."""


@dataclass(frozen=True)
class Policy:
    """A named augmentation policy.

    Attributes:
        summary: One line on what it is.
        transforms: What it uses.
        original: The share of each batch that it leaves unmodified, 0 to 1.
    """

    summary: str
    transforms: tuple[TransformUse, ...]
    original: float = 0.0


_MILD: tuple[TransformUse, ...] = (
    ("horizontal_flip", 0.5, {}),
    ("vertical_flip", 0.5, {}),
    ("quarter_turn", 0.5, {}),
    ("elastic", 0.5, {"alpha": 2, "sigma": 8}),
    ("grid_distortion", 0.5, {"steps": 5, "limit": 0.3}),
)

_ADDED_BY_COMPLEX: tuple[TransformUse, ...] = (
    ("shift_scale_rotate", 0.5, {"shift": 0.1, "scale": 0.1, "rotation": 45}),
    ("optical_distortion", 0.5, {"limit": 0.1}),
    ("brightness_contrast", 0.5, {"brightness": 0.2, "contrast": 0.2}),
    ("blur", 0.5, {"sigma": 0.8}),
    ("coarse_dropout", 0.5, {"holes": 4, "size": 16}),
)

POLICIES: dict[str, Policy] = {
    "none": Policy("no augmentation", ()),
    "flips": Policy(
        "left-right flips alone, which keep gravity and sky where they are",
        (("horizontal_flip", 0.5, {}),),
    ),
    "mild": Policy(
        "the report's best: flips, quarter turns, elastic and grid distortion, beside originals",
        _MILD,
        original=0.5,
    ),
    "rigid": Policy(
        "flips, rotations and shifts that bend nothing, beside originals",
        (
            ("horizontal_flip", 0.5, {}),
            ("vertical_flip", 0.5, {}),
            ("shift_scale_rotate", 0.8, {"shift": 0.1, "scale": 0, "rotation": 15}),
        ),
        original=0.5,
    ),
    "complex": Policy(
        "everything the report tried, beside originals",
        (*_MILD, *_ADDED_BY_COMPLEX),
        original=0.5,
    ),
}
"""The policies by name."""
