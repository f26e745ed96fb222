"""What the tiles of one frame share: light, camera, the look of each terrain, the way it lies."""

from dataclasses import dataclass

import numpy as np

from areoseg.synthetic.light import Light
from areoseg.synthetic.light import Sensor
from areoseg.synthetic.terrain import Bedrock
from areoseg.synthetic.terrain import Sand
from areoseg.synthetic.terrain import Soil

TILES = 4
"""Consecutive samples that share a frame."""

LANDSCAPES: tuple[tuple[float, tuple[float, float, float]], ...] = (
    (0.270, (1.00, 0.00, 0.00)),  # plains
    (0.150, (0.55, 0.45, 0.00)),  # outcrops in soil
    (0.125, (0.00, 1.00, 0.00)),  # pavement
    (0.170, (0.00, 0.52, 0.48)),  # outcrops in sand
    (0.085, (0.00, 0.00, 1.00)),  # dunes
    (0.110, (0.50, 0.00, 0.50)),  # drifts on soil
    (0.090, (0.40, 0.30, 0.30)),  # all of it
)
"""The share of frames, and the shares of soil, bedrock and sand that they show on average."""


@dataclass(frozen=True)
class Frame:
    """What the tiles of a frame share.

    Attributes:
        light: The sun.
        sensor: The camera; its exposure is that of this frame.
        soil: The look of the soil.
        bedrock: The look of the bedrock.
        sand: The look of the sand.
        shares: Of soil, bedrock and sand, 0 to 1.
        steepness: How much shorter the ground looks along the line of sight.
        haze: Contrast lost at the horizon, 0 to 1.
        sky: Radiance of the sky.
        drift: How softly sand ends, in stds of the border noise.
    """

    light: Light
    sensor: Sensor
    soil: Soil
    bedrock: Bedrock
    sand: Sand
    shares: tuple[float, float, float]
    steepness: float
    haze: float
    sky: float
    drift: float


def spread(seed: int, index: int, salt: int) -> float:
    """A number from 0 to 1 that is spread evenly over consecutive indices.

    Steps of the golden ratio (Weyl sequence): any run of indices comes near to the intended shares,
    and no number depends on how many others are drawn.
    """
    start = float(np.random.default_rng([seed, salt]).random())
    return (start + index * 0.6180339887498949) % 1.0


def draw_frame(seed: int, number: int) -> Frame:
    """The frame `number` of the world `seed`."""
    rng = np.random.default_rng([seed, number, 1])
    chosen = np.searchsorted(
        np.cumsum([weight for weight, _ in LANDSCAPES]), spread(seed, number, salt=2)
    )
    landscape = LANDSCAPES[min(int(chosen), len(LANDSCAPES) - 1)]
    soil_albedo = 0.5 * rng.uniform(0.85, 1.15)
    sand_albedo = 0.5 * rng.uniform(0.68, 1.12)
    return Frame(
        light=_draw_light(rng),
        sensor=Sensor(
            exposure=130 * float(np.clip(rng.lognormal(0.0, 0.32), 0.35, 1.75)),
            vignetting=rng.uniform(0.1, 0.35),
            blur=rng.uniform(0.45, 0.7),
            noise=rng.uniform(0.5, 1.6),
        ),
        soil=_draw_soil(rng, soil_albedo),
        bedrock=_draw_bedrock(rng, soil_albedo, sand_albedo),
        sand=_draw_sand(rng, sand_albedo),
        shares=landscape[1],
        steepness=rng.uniform(0.95, 1.35),
        haze=rng.uniform(0.1, 0.5),
        sky=rng.uniform(0.45, 0.9),
        drift=rng.uniform(0.04, 0.16),
    )


def _draw_light(rng: np.random.Generator) -> Light:
    """A sun from one side, or from behind the sample; seldom from behind the camera."""
    side = rng.choice([0.0, np.pi])
    return Light(
        azimuth=float(side + (1 if side == 0 else -1) * rng.uniform(-0.5, 0.95)),
        elevation=float(np.radians(rng.uniform(26, 58))),
        ambient=rng.uniform(0.22, 0.42),
    )


def _draw_soil(rng: np.random.Generator, albedo: float) -> Soil:
    return Soil(
        albedo=albedo,
        gravel=rng.uniform(0.5, 1.2),
        stones=rng.uniform(0.3, 1.1) * rng.choice([0.3, 1.0], p=[0.25, 0.75]),
        scale=rng.uniform(0.75, 1.35),
        roughness=rng.uniform(0.05, 0.2),
        stone_tone=rng.uniform(-0.22, 0.3),
    )


def _draw_bedrock(rng: np.random.Generator, soil_albedo: float, sand_albedo: float) -> Bedrock:
    layered = rng.random() < 0.45
    return Bedrock(
        albedo=0.5 * rng.uniform(0.95, 1.6),
        cracks=rng.choice([soil_albedo, sand_albedo]) * rng.uniform(0.8, 1.0),
        relief=rng.uniform(0.9, 2.5),
        scale=rng.uniform(0.55, 1.5),
        stretch=rng.uniform(1.5, 3.5) if layered else rng.uniform(1.0, 1.6),
        layering=rng.uniform(0.2, 0.7) if layered else 0.0,
        angle=rng.normal(0, 0.2),
        roughness=rng.uniform(0.12, 0.32),
        rubble=rng.uniform(0.1, 0.6),
    )


def _draw_sand(rng: np.random.Generator, albedo: float) -> Sand:
    rippled = rng.random() < 0.6
    return Sand(
        albedo=albedo,
        ripples=rng.uniform(0.15, 0.7) if rippled else 0.0,
        wavelength=rng.uniform(4.5, 11.0),
        angle=rng.normal(0, 0.6),
        dunes=rng.uniform(0.8, 4.5),
        stones=rng.uniform(0.2, 0.5) if rng.random() < 0.35 else 0.0,
    )
