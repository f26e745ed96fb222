"""Soil, bedrock and sand: a height and an albedo for each pixel."""

from dataclasses import dataclass

import numpy as np

from areoseg.synthetic.noise import Field
from areoseg.synthetic.noise import Texture
from areoseg.synthetic.noise import sample_texture
from areoseg.synthetic.textures import library
from areoseg.synthetic.view import View


@dataclass(frozen=True)
class Surface:
    """What covers a part of the sample.

    Attributes:
        height: (H, W) in ground units.
        albedo: (H, W) share of light that it returns, about 1 at most.
    """

    height: Field
    albedo: Field


@dataclass(frozen=True)
class Soil:
    """How the soil of a frame looks.

    Attributes:
        albedo: Mean brightness.
        gravel: Height of the small pebbles, about 0.2 to 1.
        stones: Height of the larger stones, 0 to 1.
        scale: Size of pebbles and stones, 1 for a radius of 1 to 4 pixels.
        roughness: Height of the lumps between them.
        stone_tone: How much brighter than the ground the stones are; negative is darker.
    """

    albedo: float
    gravel: float
    stones: float
    scale: float
    roughness: float
    stone_tone: float


@dataclass(frozen=True)
class Bedrock:
    """How the bedrock of a frame looks.

    Attributes:
        albedo: Mean brightness of a slab.
        cracks: The albedo of what fills the cracks.
        relief: Height of the slabs.
        scale: Size of the slabs, 1 for about 30 pixels.
        stretch: How much longer than wide slabs and layers are.
        layering: Height of the strata, 0 for massive rock.
        angle: How the layers run, in radians off the horizontal.
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
    """How the sand of a frame looks.

    Attributes:
        albedo: Mean brightness.
        ripples: Height of the ripples, 0 for smooth sand.
        wavelength: Of the ripples, in ground units.
        angle: How the crests run, in radians off the horizontal.
        dunes: Height of the large swells.
        stones: Height of the odd stone on it.
    """

    albedo: float
    ripples: float
    wavelength: float
    angle: float
    dunes: float
    stones: float


def read(view: View, texture: Texture, scale: float = 1.0, angle: float = 0.0) -> Field:
    """A texture on the ground, enlarged by `scale` and turned by `angle`: (H, W)."""
    x, y = view.x, view.y
    if angle:
        x, y = (
            x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle)),
            y * np.float32(np.cos(angle)) - x * np.float32(np.sin(angle)),
        )
    zoom = np.float32(1 / scale)
    return sample_texture(texture, x * zoom, y * zoom, view.footprint * zoom)


def fine_relief(view: View, texture: Texture, scale: float) -> Field:
    """A texture at `scale`, and smaller copies where the sample is fine enough to show them."""
    relief = read(view, texture, scale)
    for octave in range(1, 1 + int(np.log2(view.detail))):
        relief += 0.5**octave * read(view, texture, scale * 0.45**octave, angle=1.1 * octave)
    return relief


def draw_soil(view: View, soil: Soil) -> Surface:
    """Pebbles of all sizes on lumpy ground, in patches."""
    maps = library()
    patches = read(view, maps.smooth, 0.8, angle=0.7)
    cover = np.clip(0.75 + 0.35 * patches, 0.15, 1.3)
    gravel = fine_relief(view, maps.gravel, soil.scale)
    stones = read(view, maps.stones, soil.scale * 1.25, angle=0.4)
    lumps = fine_relief(view, maps.rugged, 1.2)
    height = (
        soil.scale * (soil.gravel * cover * gravel + soil.stones * stones)
        + soil.roughness * lumps
        + 0.7 * read(view, maps.broad, 1.1, angle=0.2)
    )
    stony = np.minimum(0.6 * gravel * cover * min(1.0, 2 * soil.gravel) + stones * soil.stones, 1.0)
    albedo = soil.albedo * (1 + 0.05 * patches + 0.03 * lumps + soil.stone_tone * stony)
    return Surface(height, albedo)


def draw_bedrock(view: View, bedrock: Bedrock) -> Surface:
    """Cracked slabs or ledges, pitted, with dust and sand in the gaps."""
    maps = library()
    stretched = View(
        x=view.x * np.float32(bedrock.stretch**-0.5),
        y=view.y * np.float32(bedrock.stretch**0.5),
        footprint=view.footprint,
        horizon=view.horizon,
        detail=view.detail,
    )
    slabs = read(stretched, maps.slabs, bedrock.scale, bedrock.angle)
    tone = read(stretched, maps.slab_tone, bedrock.scale, bedrock.angle)
    pits = fine_relief(view, maps.rugged, 1.0)
    bare = np.minimum(slabs * 2.5, 1.0)  # 0 in a crack
    rubble = read(view, maps.gravel, 1.1, angle=0.5)
    height = bedrock.relief * slabs + bedrock.roughness * pits * bare
    height += bedrock.rubble * rubble * (1 - 0.7 * bare)
    albedo = bedrock.cracks + bare * (
        bedrock.albedo * (1 + 0.07 * tone + 0.05 * pits) - bedrock.cracks
    )
    if bedrock.layering:
        strata = read(view, maps.strata, 0.55 * bedrock.scale, bedrock.angle)
        height += bedrock.layering * strata * (0.35 + 0.65 * bare)
        albedo = albedo * (1 + 0.05 * strata)
    return Surface(height, albedo)


def draw_sand(view: View, sand: Sand) -> Surface:
    """Smooth swells with ripples on them, and now and then a stone."""
    maps = library()
    swell = read(view, maps.broad, 1.0, angle=2.1)
    height = sand.dunes * swell
    albedo = sand.albedo * (1 + 0.05 * swell)
    if sand.ripples:
        bends = read(view, maps.smooth, 0.9, angle=1.3)
        across = view.y * np.float32(np.cos(sand.angle)) + view.x * np.float32(np.sin(sand.angle))
        phase = np.float32(2 * np.pi) * (across / sand.wavelength + 0.55 * bends)
        wave = np.sin(phase) + 0.3 * np.sin(2 * phase + 0.6)  # steeper on the lee side
        strength = np.clip(0.75 + 0.6 * swell, 0.1, 1.4)
        # Ripples finer than three pixels cannot be seen: fade them rather than alias.
        visible = np.clip(sand.wavelength / (3 * view.footprint) - 1, 0, 1)
        height += sand.ripples * wave * strength * visible
        albedo = albedo * (1 + 0.04 * wave * visible)
    if sand.stones:
        height += sand.stones * read(view, maps.stones, 0.8, angle=0.9)
    return Surface(height, albedo)
