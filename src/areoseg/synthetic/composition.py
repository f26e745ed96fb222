"""Draw samples: ground, rocks, sky, rover, light and mask."""

import numpy as np

from areoseg.data.samples import Sample, SegmentationDataset
from areoseg.errors import AreosegError
from areoseg.synthetic.background import Region, draw_rover, draw_skyline, grid, unlabeled_ground
from areoseg.synthetic.camera import FRAME, View, expose, look, shade
from areoseg.synthetic.noise import Field
from areoseg.synthetic.settings import N_TILES, FrameParameters, SyntheticMars, draw_frame, spread
from areoseg.synthetic.terrain import Rock, Surface, lay_ground, rock_height
from areoseg.taxonomy import MARS

BACKGROUND, BIG_ROCK = MARS.background, MARS.names.index("big rock")


def draw_set(
    settings: SyntheticMars, count: int, *, first: int = 0, labeled: bool = True
) -> SegmentationDataset:
    """Draw `count` samples with consecutive indices.

    Args:
        settings: Size, seed and share of big rocks.
        count: Number of samples, 1 or more.
        first: Index of the first sample; disjoint ranges have no sample in common.
        labeled: Whether the dataset has masks.

    Returns:
        Images (N, H, W) uint8 with masks (N, H, W) uint8 or None.

    Raises:
        AreosegError: `count` is below 1 or `first` is negative.
    """
    if count < 1:
        raise AreosegError(f"{count} synthetic samples: ask for 1 or more")
    samples = [draw_sample(settings, first + index) for index in range(count)]
    images = np.stack([sample.image for sample in samples]).astype(np.uint8, copy=False)
    return SegmentationDataset(
        images=images,
        masks=np.stack([sample.mask for sample in samples if sample.mask is not None])
        if labeled
        else None,
        names=tuple(sample.name for sample in samples),
        groups=tuple(str(sample.group) for sample in samples),
    )


def draw_sample(settings: SyntheticMars, index: int) -> Sample:
    """Draw one sample; the same settings and index give the same sample to the bit.

    Args:
        settings: Size, seed and share of big rocks.
        index: Index of the sample, 0 or more; four consecutive ones share light and albedo.

    Returns:
        A sample with image (H, W) uint8, mask (H, W) uint8, and its frame as group.

    Raises:
        AreosegError: `index` is negative.
    """
    if index < 0:
        raise AreosegError(f"synthetic sample {index}: indices start at 0")
    frame = draw_frame(settings.seed, index // N_TILES)
    rng = np.random.default_rng([settings.seed, index, 3])
    has_rock = spread(settings.seed, index, salt=4) < settings.rock_tiles
    view = _draw_view(settings, frame, rng, has_rock)
    surface, mask = lay_ground(view, frame, rng)
    void = unlabeled_ground(view, mask, rng)
    if has_rock:
        surface, rocks = _place_rocks(view, surface, frame, rng)
        void &= ~rocks
        mask[rocks] = BIG_ROCK
    radiance = surface.albedo * shade(surface.height / view.footprint, frame.light)
    radiance, hidden = _add_background(view, frame, radiance, rng, has_rock)
    mask[void | hidden] = BACKGROUND
    corner = (rng.uniform(0, 1), rng.uniform(0, 1)) if view.detail == 1 else (0.5, 0.5)
    return Sample(
        image=expose(radiance, frame.sensor, rng, corner=corner),
        mask=mask,
        name=f"synthetic-{index:06d}",
        group=f"frame-{index // N_TILES:04d}",
    )


def _draw_view(
    settings: SyntheticMars, frame: FrameParameters, rng: np.random.Generator, has_rock: bool
) -> View:
    """Draw a near or far view of ground that no other tile shows."""
    longest = max(settings.height, settings.width)
    rows = settings.height * min(1.0, FRAME / longest)  # in frame pixels
    if longest >= 0.75 * FRAME:  # a whole frame: the horizon is in it or not far above
        horizon = rng.uniform(-0.3, 0.25) * rows
    elif rng.random() < 0.1 and not has_rock:  # a tile from the top of a frame
        horizon = rng.uniform(0.08, 0.3) * rows
    else:  # a tile from below it
        horizon = -64 * float(np.exp(rng.uniform(np.log(0.25), np.log(4.0))))
    offset = rng.uniform(0, 512, 2)
    return look(
        settings.height,
        settings.width,
        horizon=horizon,
        steepness=frame.steepness,
        offset=(float(offset[0]), float(offset[1])),
    )


def _place_rocks(
    view: View, surface: Surface, frame: FrameParameters, rng: np.random.Generator
) -> tuple[Surface, Region]:
    """Put one or more boulders on the ground; also return their pixels."""
    rows, columns = view.shape
    footprint = view.footprint
    height, albedo = surface.height / footprint, surface.albedo.copy()
    covered = np.zeros(view.shape, dtype=bool)
    area = rows * columns / view.detail**2 / (64 * 128)
    for _ in range(1 + rng.poisson(0.2 + 0.6 * max(0.0, area - 1))):
        row = rng.uniform(max(0.12 * rows, view.horizon + 0.1 * rows), 0.92 * rows)
        nearness = 1 / float(footprint[int(row), 0] * view.detail)
        radius = view.detail * float(np.clip(nearness**0.5, 0.7, 1.4) * rng.uniform(9, 14.5))
        radius = min(radius, 0.45 * min(rows, columns))
        rock = Rock(
            row=row,
            column=rng.uniform(0.06, 0.94) * columns,
            radius=radius,
            albedo=0.5 * rng.uniform(0.9, 1.55),
            seed=int(rng.integers(2**31)),
        )
        window, top, tone = rock_height(rock, view.shape)
        ground = float(height[int(row), min(int(rock.column), columns - 1)])
        inside = top > 0
        height[window] = np.where(inside, ground + top, height[window])
        albedo[window] = np.where(inside, tone, albedo[window])
        covered[window] |= inside
    return Surface(height * footprint, albedo), covered


def _add_background(
    view: View, frame: FrameParameters, radiance: Field, rng: np.random.Generator, has_rock: bool
) -> tuple[Field, Region]:
    """Add haze, sky and rover; also return the pixels of sky and rover."""
    hidden = np.zeros(view.shape, dtype=bool)
    depth = np.minimum(view.footprint * view.detail, 6.0)
    veil = frame.haze * np.clip((depth - 1.2) / 5, 0, 1)
    air = 0.75 * frame.sky
    radiance = radiance + veil * (air - radiance)
    if view.horizon > -8 * view.detail:
        sky, hills, folds = draw_skyline(rng, view.shape, max(view.horizon, 1.0), view.detail)
        glow = frame.sky * (0.85 + 0.15 * grid(view.shape)[0] / view.shape[0])
        radiance = np.where(hills, 0.45 * air * folds + 0.12, radiance)
        radiance = np.where(sky, glow, radiance)
        hidden |= sky | hills
    if not has_rock and rng.random() < 0.11:
        part = draw_rover(rng, view.shape, view.detail)
        radiance = np.where(part.covers, part.radiance, radiance)
        hidden |= part.covers
    return radiance.astype(np.float32), hidden
