"""Synthetic Mars: procedural Navcam scenes with exact masks, and faults to test an audit on."""

from areoseg.data.synthetic.composition import draw_scene, draw_set
from areoseg.data.synthetic.faults import (
    add_aliens,
    add_duplicates,
    mirror_masks,
    shift_masks,
    swap_masks,
)
from areoseg.data.synthetic.settings import SyntheticMars

__all__ = [
    "SyntheticMars",
    "add_aliens",
    "add_duplicates",
    "draw_scene",
    "draw_set",
    "mirror_masks",
    "shift_masks",
    "swap_masks",
]
