"""Synthetic Mars: procedural Navcam samples with exact masks, and injected issues for audits."""

from areoseg.synthetic.composition import draw_sample, draw_set
from areoseg.synthetic.issues import (
    add_aliens,
    add_duplicates,
    mirror_masks,
    shift_masks,
    swap_masks,
)
from areoseg.synthetic.settings import SyntheticMars

__all__ = [
    "SyntheticMars",
    "add_aliens",
    "add_duplicates",
    "draw_sample",
    "draw_set",
    "mirror_masks",
    "shift_masks",
    "swap_masks",
]
