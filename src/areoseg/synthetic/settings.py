"""Settings of a synthetic dataset, and the parameters drawn for each of its frames."""

from dataclasses import dataclass

import numpy as np

from areoseg.errors import AreosegError

N_TILES = 4
"""Number of consecutive samples that share a frame."""

LANDSCAPES: tuple[tuple[float, tuple[float, float, float]], ...] = (
    (0.270, (1.00, 0.00, 0.00)),  # plains
    (0.150, (0.55, 0.45, 0.00)),  # outcrops in soil
    (0.125, (0.00, 1.00, 0.00)),  # pavement
    (0.170, (0.00, 0.52, 0.48)),  # outcrops in sand
    (0.085, (0.00, 0.00, 1.00)),  # dunes
    (0.110, (0.50, 0.00, 0.50)),  # drifts on soil
    (0.090, (0.40, 0.30, 0.30)),  # all three
)
"""Fraction of the frames of each kind, and their mean fractions of soil, bedrock and sand."""

MIN_SIDE = 16
"""Smallest height and width, in pixels."""

MAX_SIDE = 4096
"""Largest height and width, in pixels."""


@dataclass(frozen=True)
class SyntheticMars:
    """Settings of a synthetic dataset.

    Attributes:
        height: Rows of each sample.
        width: Columns of each sample.
        seed: Seed of the random numbers, 0 or more.
        rock_tiles: Fraction of samples with at least one big rock, 0 to 1. It is about 0.025 for
            real tiles, which is too little for a short demonstration.
    """

    height: int = 64
    width: int = 128
    seed: int = 0
    rock_tiles: float = 0.025

    def __post_init__(self) -> None:
        for field, side in (("height", self.height), ("width", self.width)):
            if not MIN_SIDE <= side <= MAX_SIDE:
                raise AreosegError(
                    f"synthetic {field} {side}: choose one from {MIN_SIDE} to {MAX_SIDE} pixels"
                )
        if self.seed < 0:
            raise AreosegError(f"synthetic seed {self.seed}: choose 0 or more")
        if not 0 <= self.rock_tiles <= 1:
            raise AreosegError(
                f"synthetic rock_tiles {self.rock_tiles}: give a value from 0 to 1, such as 0.025"
            )


@dataclass(frozen=True)
class Light:
    """The sun and the sky.

    Attributes:
        azimuth: Direction of the sun in the image, in radians: 0 is right, pi / 2 is up.
        elevation: Elevation of the sun, in radians.
        ambient: Fraction of the light that comes from the sky and also reaches shadows, 0 to 1.
    """

    azimuth: float
    elevation: float
    ambient: float


@dataclass(frozen=True)
class Sensor:
    """The camera.

    Attributes:
        exposure: Gray level, 0 to 255, of a flat white surface in full light.
        vignetting: Darkening of the corners, 0 to 1.
        blur: Standard deviation of the point spread, in pixels.
        noise: Standard deviation of the read noise, in gray levels.
    """

    exposure: float
    vignetting: float
    blur: float
    noise: float


@dataclass(frozen=True)
class Soil:
    """Appearance of soil.

    Attributes:
        albedo: Mean brightness.
        gravel: Height of the small pebbles, about 0.2 to 1.
        stones: Height of the larger stones, 0 to 1.
        scale: Size of pebbles and stones, 1 for a radius of 1 to 4 pixels.
        roughness: Height of the lumps between them.
        stone_tone: Brightness of the stones relative to the ground; negative is darker.
    """

    albedo: float
    gravel: float
    stones: float
    scale: float
    roughness: float
    stone_tone: float


@dataclass(frozen=True)
class Bedrock:
    """Appearance of bedrock.

    Attributes:
        albedo: Mean brightness of a slab.
        cracks: Albedo of the filling of cracks.
        relief: Height of the slabs.
        scale: Size of the slabs, 1 for about 30 pixels.
        stretch: Ratio of length to width of slabs and layers.
        layering: Height of the strata, 0 for massive rock.
        angle: Direction of the layers, in radians from the horizontal.
        roughness: Height of the fine pits.
        rubble: Height of the pebbles in the gaps.
    """

    albedo: float
    cracks: float
    relief: float
    scale: float
    stretch: float
    layering: float
    angle: float
    roughness: float
    rubble: float


@dataclass(frozen=True)
class Sand:
    """Appearance of sand.

    Attributes:
        albedo: Mean brightness.
        ripples: Height of the ripples, 0 for smooth sand.
        wavelength: Wavelength of the ripples, in ground units.
        angle: Direction of the crests, in radians from the horizontal.
        dunes: Height of the large swells.
        stones: Height of single stones.
    """

    albedo: float
    ripples: float
    wavelength: float
    angle: float
    dunes: float
    stones: float


@dataclass(frozen=True)
class FrameParameters:
    """Parameters that all tiles of a frame share.

    Attributes:
        light: The sun.
        sensor: The camera, with the exposure of this frame.
        soil: Appearance of soil.
        bedrock: Appearance of bedrock.
        sand: Appearance of sand.
        shares: Shares of soil, bedrock and sand, 0 to 1.
        steepness: Foreshortening of the ground along the line of sight.
        haze: Fraction of the contrast lost at the horizon, 0 to 1.
        sky: Radiance of the sky.
        drift: Softness of the border of sand, in standard deviations of the border noise.
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
    """Return a number from 0 to 1 that is evenly distributed over consecutive indices.

    It is a Weyl sequence with steps of the golden ratio: any range of indices approximates the
    intended fractions, and each number is independent of how many others are drawn.
    """
    start = float(np.random.default_rng([seed, salt]).random())
    return (start + index * 0.6180339887498949) % 1.0


def draw_frame(seed: int, number: int) -> FrameParameters:
    """Draw the parameters of the frame `number` of the seed `seed`."""
    rng = np.random.default_rng([seed, number, 1])
    position = np.searchsorted(
        np.cumsum([weight for weight, _ in LANDSCAPES]), spread(seed, number, salt=2)
    )
    landscape = LANDSCAPES[min(int(position), len(LANDSCAPES) - 1)]
    soil_albedo = 0.5 * rng.uniform(0.85, 1.15)
    sand_albedo = 0.5 * rng.uniform(0.68, 1.12)
    return FrameParameters(
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
    """Draw a sun at one side or beyond the scene, rarely behind the camera."""
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
