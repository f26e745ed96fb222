"""The registry of transforms.

A transform is a function, registered by a decorator. Its keyword-only parameters are its options in
a recipe, except those that `compose` fills in: `generator`, `rare_class` and `rare_bank`. The name
of its first parameter distinguishes the two kinds:

- `function(images, masks, *, generator, ...)` maps images (N, 1, H, W) and masks (N, H, W) to new
  ones of the same shapes.
- `function(positions, *, generator, ...)` is a warp. It maps sampling positions (N, H, W, 2) to new
  ones; consecutive warps are composed and the tile is sampled once.
"""

from areoseg.utils.options import Options, Share
from areoseg.utils.registry import Component, Registry


class TransformOptions(Options):
    """The options that every transform has."""

    probability: Share = 0.5
    """Probability that a sample is changed."""


TRANSFORMS = Registry("transform", TransformOptions, ("generator", "rare_class", "rare_bank"))
"""The transforms by name. `order_of_application` sorts them."""


def is_warp(transform: Component) -> bool:
    """Whether a transform maps sampling positions instead of images and masks."""
    return "positions" in transform.parameters


def order_of_application() -> list[Component]:
    """List the transforms in the order of application, regardless of their order in a recipe.

    This is the order of registration, except that all warps are adjacent, so that a tile is
    interpolated only once even if plugins add warps.
    """
    transforms = list(TRANSFORMS.values())
    first_warp = next((i for i, each in enumerate(transforms) if is_warp(each)), 0)
    places = {each.name: first_warp if is_warp(each) else i for i, each in enumerate(transforms)}
    return sorted(transforms, key=lambda each: places[each.name])
