"""Big rocks: faceted boulders that stand on the ground."""

from dataclasses import dataclass

import numpy as np

from areoseg.synthetic.noise import Field
from areoseg.synthetic.noise import sample_texture
from areoseg.synthetic.textures import library


@dataclass(frozen=True)
class Rock:
    """One boulder.

    Attributes:
        row: Of its middle, in pixels.
        column: Likewise.
        radius: About half its width, in pixels.
        albedo: Its brightness.
        seed: Its shape.
    """

    row: float
    column: float
    radius: float
    albedo: float
    seed: int


def rock_height(rock: Rock, shape: tuple[int, int]) -> tuple[tuple[slice, slice], Field, Field]:
    """The part of a sample that a rock may cover, its height there and its albedo.

    A boulder is the space below a dozen random planes: steep ones around it, a gentle one on top.

    Returns:
        The window (rows, columns); the height in pixels, 0 or less beside the rock; the albedo.
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
