"""Augmentation: random changes of a batch of images and, together with them, their masks.

A *transform* is one change with a probability and options. A *policy* is a named table of
transforms. The *settings* are the section `augment` of a recipe: a policy with changes. The
*augmentation* is the function that the training loop calls.

Every transform follows these rules:

* Masks are never interpolated: every label of the result is a label of the input (of the tile, or
  of a tile or object mixed or pasted into it) or `VOID`.
* A pixel that a warp samples outside the tile is `VOID` in the mask and a reflection of the tile in
  the image.
* Every random number comes from the caller's `torch.Generator` on the CPU, and the number of draws
  does not depend on the pixels. The same generator state gives the same batch.
* Inputs are not changed in place.

The transforms of kornia are not used, because they draw from the global generator, interpolate once
per geometric transform, and label the pixels vacated by a warp as class 0. `benchmarks/augment.py`
measures the cost of these transforms relative to a training step.
"""

# The order of these imports is the order of registration, and therefore of application: pasting of
# rare objects, so that they are transformed like the rest; flips, which are exact; all warps,
# composed into one interpolation; mixing, so that boxes keep their straight borders; light and
# sensor, on the whole mixed tile; erasing, so that hidden parts stay hidden.
# isort: off
from areoseg.transforms import paste as paste
from areoseg.transforms import warp as warp
from areoseg.transforms import mixing as mixing
from areoseg.transforms import photometric as photometric
from areoseg.transforms import erasing as erasing
# isort: on

from areoseg.transforms.compose import Augmentation, build_augmentation
from areoseg.transforms.paste import RareBank, rare_object_bank
from areoseg.transforms.policies import POLICIES, AugmentSettings, Policy, parse_augment
from areoseg.transforms.registry import TRANSFORMS, TransformOptions

__all__ = [
    "POLICIES",
    "TRANSFORMS",
    "AugmentSettings",
    "Augmentation",
    "Policy",
    "RareBank",
    "TransformOptions",
    "build_augmentation",
    "parse_augment",
    "rare_object_bank",
]
