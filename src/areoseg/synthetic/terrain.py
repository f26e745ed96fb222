"""The terrain: soil, bedrock and sand, the borders between them, and big rocks."""

from dataclasses import dataclass

import numpy as np

from areoseg.synthetic.camera import View
from areoseg.synthetic.noise import Field, Texture, library, sample_texture
from areoseg.synthetic.settings import Bedrock, FrameParameters, Sand, Soil
from areoseg.taxonomy import MARS
from areoseg.utils.images import Mask

SOIL, BEDROCK, SAND = (MARS.names.index(name) for name in ("soil", "bedrock", "sand"))


@dataclass(frozen=True)
class Surface:
    """Height and albedo of the ground.

    Attributes:
        height: (H, W) in ground units.
        albedo: (H, W) share of the light that is reflected, about 1 at most.
    """

    height: Field
    albedo: Field


def read_texture(view: View, texture: Texture, scale: float = 1.0, angle: float = 0.0) -> Field:
    """Return a texture on the ground (H, W), enlarged by `scale` and rotated by `angle`."""
    x, y = view.x, view.y
    if angle:
        x, y = (
            x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)),
            y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle)),
        )
    zoom = np.float32(1 / scale)
    return sample_texture(texture, x * zoom, y * zoom, view.footprint * zoom)


def fine_relief(view: View, texture: Texture, scale: float) -> Field:
    """Return a texture at `scale` plus smaller copies down to the resolution of the sample."""
    relief = read_texture(view, texture, scale)
    for octave in range(1, 1 + int(np.log2(view.detail))):
        relief += 0.5**octave * read_texture(
            view, texture, scale * 0.45**octave, angle=1.1 * octave
        )
    return relief


def draw_soil(view: View, soil: Soil) -> Surface:
    """Draw pebbles of all sizes on lumpy ground, in patches."""
    maps = library()
    patches = read_texture(view, maps.smooth, 0.8, angle=0.7)
    cover = np.clip(0.75 + 0.35 * patches, 0.15, 1.3)
    gravel = fine_relief(view, maps.gravel, soil.scale)
    stones = read_texture(view, maps.stones, soil.scale * 1.25, angle=0.4)
    lumps = fine_relief(view, maps.rugged, 1.2)
    height = (
        soil.scale * (soil.gravel * cover * gravel + soil.stones * stones)
        + soil.roughness * lumps
        + 0.7 * read_texture(view, maps.broad, 1.1, angle=0.2)
    )
    stony = np.minimum(0.6 * gravel * cover * min(1.0, 2 * soil.gravel) + stones * soil.stones, 1.0)
    albedo = soil.albedo * (1 + 0.05 * patches + 0.03 * lumps + soil.stone_tone * stony)
    return Surface(height, albedo)


def draw_bedrock(view: View, bedrock: Bedrock) -> Surface:
    """Draw cracked slabs or ledges with pits, and dust and sand in the gaps."""
    maps = library()
    stretched = View(
        x=view.x * np.float32(bedrock.stretch**-0.5),
        y=view.y * np.float32(bedrock.stretch**0.5),
        footprint=view.footprint,
        horizon=view.horizon,
        detail=view.detail,
    )
    slabs = read_texture(stretched, maps.slabs, bedrock.scale, bedrock.angle)
    tone = read_texture(stretched, maps.slab_tone, bedrock.scale, bedrock.angle)
    pits = fine_relief(view, maps.rugged, 1.0)
    bare = np.minimum(slabs * 2.5, 1.0)  # 0 in a crack
    rubble = read_texture(view, maps.gravel, 1.1, angle=0.5)
    height = bedrock.relief * slabs + bedrock.roughness * pits * bare
    height += bedrock.rubble * rubble * (1 - 0.7 * bare)
    albedo = bedrock.cracks + bare * (
        bedrock.albedo * (1 + 0.07 * tone + 0.05 * pits) - bedrock.cracks
    )
    if bedrock.layering:
        strata = read_texture(view, maps.strata, 0.55 * bedrock.scale, bedrock.angle)
        height += bedrock.layering * strata * (0.35 + 0.65 * bare)
        albedo = albedo * (1 + 0.05 * strata)
    return Surface(height, albedo)


def draw_sand(view: View, sand: Sand) -> Surface:
    """Draw smooth swells with ripples and a few stones."""
    maps = library()
    swell = read_texture(view, maps.broad, 1.0, angle=2.1)
    height = sand.dunes * swell
    albedo = sand.albedo * (1 + 0.05 * swell)
    if sand.ripples:
        bends = read_texture(view, maps.smooth, 0.9, angle=1.3)
        across = view.y * np.float32(np.cos(sand.angle)) + view.x * np.float32(np.sin(sand.angle))
        phase = np.float32(2 * np.pi) * (across / sand.wavelength + 0.55 * bends)
        wave = np.sin(phase) + 0.3 * np.sin(2 * phase + 0.6)  # steeper on the lee side
        strength = np.clip(0.75 + 0.6 * swell, 0.1, 1.4)
        # Ripples finer than three pixels are faded out to avoid aliasing.
        visible = np.clip(sand.wavelength / (3 * view.footprint) - 1, 0, 1)
        height += sand.ripples * wave * strength * visible
        albedo = albedo * (1 + 0.04 * wave * visible)
    if sand.stones:
        height += sand.stones * read_texture(view, maps.stones, 0.8, angle=0.9)
    return Surface(height, albedo)


@dataclass(frozen=True)
class TerrainLayer:
    """A terrain that covers the layers before it.

    Attributes:
        label: Class index.
        share: Fraction of the pixels, 0 to 1, before later layers cover it.
        surface: Height and albedo.
        height_softness: Width of the slope at its border, in standard deviations of the border
            noise.
        tone_softness: Width of the change in brightness at its border, in the same unit.
    """

    label: int
    share: float
    surface: Surface
    height_softness: float
    tone_softness: float


def lay_ground(
    view: View, frame: FrameParameters, rng: np.random.Generator
) -> tuple[Surface, Mask]:
    """Draw soil, bedrock and sand with natural borders.

    Args:
        view: The ground to cover.
        frame: Appearance and shares of the terrains.
        rng: Random generator.

    Returns:
        Height and albedo, and the class of each pixel (H, W) uint8.
    """
    first, *others = _layers(view, frame, _tile_shares(frame, rng))
    surface = first.surface
    mask = np.full(view.shape, first.label, dtype=np.uint8)
    scale, angle = rng.uniform(0.7, 1.3), rng.uniform(0, 2 * np.pi)
    for layer in others:
        border = _border(view, scale, angle + layer.label)
        if layer.label == BEDROCK:  # bedrock ends at the edges of slabs
            border = border + 0.08 * layer.surface.height / frame.bedrock.relief
        inside = border - _level(border, layer.share)
        surface = Surface(
            _mix(surface.height, layer.surface.height, _ramp(inside, layer.height_softness)),
            _mix(surface.albedo, layer.surface.albedo, _ramp(inside, layer.tone_softness)),
        )
        mask[inside > 0] = layer.label
    return surface, mask


def _tile_shares(frame: FrameParameters, rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw the fractions of soil, bedrock and sand in one tile: near the frame's, 0 or >= 0.06."""
    mean = np.array(frame.shares)
    stray = np.maximum(rng.normal(-0.12, 0.12, 3), 0)  # a little of missing terrains
    shares = np.where(mean > 0, mean * np.exp(rng.normal(0, 0.6, 3)), stray)
    shares = np.where(shares < 0.06 * shares.sum(), 0, shares)
    soil, bedrock, sand = (float(share) for share in shares / shares.sum())
    return soil, bedrock, sand


def _layers(
    view: View, frame: FrameParameters, shares: tuple[float, float, float]
) -> list[TerrainLayer]:
    """Return the terrains of a tile from the lowest to the highest: soil, sand, bedrock."""
    soil, bedrock, sand = shares
    layers = []
    if soil:
        layers.append(TerrainLayer(SOIL, 1.0, draw_soil(view, frame.soil), 0, 0))
    if sand:  # sand thins out without a step
        surface = draw_sand(view, frame.sand)
        layers.append(TerrainLayer(SAND, sand / (soil + sand), surface, 0.6, frame.drift))
    if bedrock:  # bedrock rises above the others
        surface = draw_bedrock(view, frame.bedrock)
        lift = np.float32(0.25 * frame.bedrock.relief)
        raised = Surface(surface.height + lift, surface.albedo)
        layers.append(TerrainLayer(BEDROCK, bedrock, raised, 0.07, 0.07))
    return layers


def _border(view: View, scale: float, angle: float) -> Field:
    """Return noise whose contours resemble natural borders: wide and slightly ragged."""
    maps = library()
    ragged = read_texture(view, maps.smooth, 0.6 * scale, angle)
    return read_texture(view, maps.broad, scale, angle) + np.float32(0.13) * ragged


def _level(field: Field, share: float) -> float:
    """Return the value that a fraction `share` of a field exceeds."""
    return float(np.quantile(field[::3, ::3], 1 - share))


def _ramp(inside: Field, width: float) -> Field:
    """Return a ramp: 0 outside, 1 inside, and 1/2 on the border."""
    ramp = inside / np.float32(width) + np.float32(0.5)
    return np.asarray(np.clip(ramp, 0, 1), dtype=np.float32)


def _mix(below: Field, above: Field, weight: Field) -> Field:
    """Blend two fields: `above` where the weight is 1, `below` where it is 0."""
    return below + weight * (above - below)


@dataclass(frozen=True)
class Rock:
    """A boulder.

    Attributes:
        row: Row of its center, in pixels.
        column: Column of its center, in pixels.
        radius: About half its width, in pixels.
        albedo: Brightness.
        seed: Seed of its shape.
    """

    row: float
    column: float
    radius: float
    albedo: float
    seed: int


def rock_height(rock: Rock, shape: tuple[int, int]) -> tuple[tuple[slice, slice], Field, Field]:
    """Return the window of a sample that a rock may cover, with its height and albedo there.

    A boulder is the space below ten random planes: nine steep ones around it and a gentle one on
    top.

    Returns:
        The window (rows, columns); the height in pixels, at most 0 outside the rock; the albedo.
    """
    rng = np.random.default_rng(rock.seed)
    reach = 1.7 * rock.radius
    rows = slice(max(0, int(rock.row - reach)), min(shape[0], int(rock.row + reach) + 1))
    columns = slice(max(0, int(rock.column - reach)), min(shape[1], int(rock.column + reach) + 1))
    y, x = np.mgrid[rows, columns].astype(np.float32)
    y, x = (y + 0.5 - rock.row) / rock.radius, (x + 0.5 - rock.column) / rock.radius
    x = x * rng.uniform(0.75, 1.0)
    y = y * rng.uniform(1.05, 1.5)
    texel = np.full((x.shape[0], 1), 24 / rock.radius, dtype=np.float32)
    corner = rng.uniform(0, 512, 2)
    rough = sample_texture(library().rugged, x * 24 + corner[0], y * 24 + corner[1], texel)
    height = rng.uniform(0.95, 1.3) + 0.42 * (x * rng.normal(0, 1) + y * rng.normal(-0.6, 0.7))
    turn = rng.uniform(0, np.pi)
    for side in range(9):
        angle = turn + 2 * np.pi * (side + rng.uniform(-0.35, 0.35)) / 9
        distance, slope = rng.uniform(0.8, 1.1), rng.uniform(1.2, 3.2)
        plane = slope * (distance - x * np.cos(angle) - y * np.sin(angle))
        height = np.minimum(height, plane)
    height = height + 0.035 * rough
    albedo = rock.albedo * (1 + 0.06 * rough)
    window = (rows, columns)
    return window, (height * rock.radius).astype(np.float32), albedo.astype(np.float32)
