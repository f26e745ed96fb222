"""Which terrain lies where, and how one ends against another."""

from dataclasses import dataclass

import numpy as np

from areoseg.synthetic.frames import Frame
from areoseg.synthetic.noise import Field
from areoseg.synthetic.terrain import Surface
from areoseg.synthetic.terrain import draw_bedrock
from areoseg.synthetic.terrain import draw_sand
from areoseg.synthetic.terrain import draw_soil
from areoseg.synthetic.terrain import read
from areoseg.synthetic.textures import library
from areoseg.synthetic.view import View
from areoseg.taxonomy import MARS
from areoseg.utils.images import Mask

SOIL, BEDROCK, SAND = (MARS.names.index(name) for name in ("soil", "bedrock", "sand"))


@dataclass(frozen=True)
class Layer:
    """A terrain that lies on those before it.

    Attributes:
        label: Its class.
        share: Of the pixels, 0 to 1, before later layers cover it.
        surface: Its height and albedo.
        height_softness: Width of the slope at its border, in stds of the border noise.
        tone_softness: Width of the change in brightness there.
    """

    label: int
    share: float
    surface: Surface
    height_softness: float
    tone_softness: float


def lay_ground(view: View, frame: Frame, rng: np.random.Generator) -> tuple[Surface, Mask]:
    """Soil, bedrock and sand with natural borders.

    Args:
        view: The ground to cover.
        frame: What the terrains look like, and how much there is of each.
        rng: The source of chance.

    Returns:
        Height and albedo, and the class of each pixel (H, W) uint8.
    """
    first, *others = _layers(view, frame, _tile_shares(frame, rng))
    surface = first.surface
    mask = np.full(view.shape, first.label, dtype=np.uint8)
    scale, angle = rng.uniform(0.7, 1.3), rng.uniform(0, 2 * np.pi)
    for layer in others:
        border = _border(view, scale, angle + layer.label)
        if layer.label == BEDROCK:  # it ends at slabs rather than across them
            border = border + 0.08 * layer.surface.height / frame.bedrock.relief
        inside = border - _level(border, layer.share)
        surface = Surface(
            _mix(surface.height, layer.surface.height, _ramp(inside, layer.height_softness)),
            _mix(surface.albedo, layer.surface.albedo, _ramp(inside, layer.tone_softness)),
        )
        mask[inside > 0] = layer.label
    return surface, mask


def _tile_shares(frame: Frame, rng: np.random.Generator) -> tuple[float, float, float]:
    """The shares of soil, bedrock and sand in one tile of a frame: near its mean, never slight."""
    mean = np.array(frame.shares)
    stray = np.maximum(rng.normal(-0.12, 0.12, 3), 0)  # a little of what the frame lacks
    shares = np.where(mean > 0, mean * np.exp(rng.normal(0, 0.6, 3)), stray)
    shares = np.where(shares < 0.06 * shares.sum(), 0, shares)
    soil, bedrock, sand = (float(share) for share in shares / shares.sum())
    return soil, bedrock, sand


def _layers(view: View, frame: Frame, shares: tuple[float, float, float]) -> list[Layer]:
    """The terrains of a tile from the lowest up: soil, then sand, then bedrock."""
    soil, bedrock, sand = shares
    layers = []
    if soil:
        layers.append(Layer(SOIL, 1.0, draw_soil(view, frame.soil), 0, 0))
    if sand:  # it thins out without a step
        surface = draw_sand(view, frame.sand)
        layers.append(Layer(SAND, sand / (soil + sand), surface, 0.6, frame.drift))
    if bedrock:  # it stands above what laps onto it
        surface = draw_bedrock(view, frame.bedrock)
        lift = np.float32(0.25 * frame.bedrock.relief)
        raised = Surface(surface.height + lift, surface.albedo)
        layers.append(Layer(BEDROCK, bedrock, raised, 0.07, 0.07))
    return layers


def _border(view: View, scale: float, angle: float) -> Field:
    """Noise whose contours are natural borders: wide, with some raggedness."""
    maps = library()
    ragged = read(view, maps.smooth, 0.6 * scale, angle)
    return read(view, maps.broad, scale, angle) + np.float32(0.13) * ragged


def _level(field: Field, share: float) -> float:
    """The value that a share of a field exceeds."""
    return float(np.quantile(field[::3, ::3], 1 - share))


def _ramp(inside: Field, width: float) -> Field:
    """0 outside, 1 inside, and 1/2 on the border."""
    ramp = inside / np.float32(width) + np.float32(0.5)
    return np.asarray(np.clip(ramp, 0, 1), dtype=np.float32)


def _mix(below: Field, above: Field, weight: Field) -> Field:
    """`above` where the weight is 1, `below` where it is 0."""
    return below + weight * (above - below)
