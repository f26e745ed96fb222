"""`areoseg augment`."""

from pathlib import Path

import areoseg
from areoseg.cli.options import DEFAULT_DATA, Data, DataFlags, Overrides, Recipe
from areoseg.cli.show import output


def augment(
    recipe: Recipe,
    /,
    *overrides: Overrides,
    data: Data,
    out: Path = Path("augment.png"),
    samples: int = 6,
    seed: int = 0,
    dataset: DataFlags = DEFAULT_DATA,
) -> None:
    """Draw what the augmentation of a recipe does to samples, one transform per row.

    If the recipe oversamples a rare class, half of the samples contain that class.

    Example: `areoseg augment flagship augment=complex --data mars.npz --out complex.png`

    Args:
        out: The PNG file to write.
        samples: Number of samples to draw.
        seed: Seed of the sample selection and of the augmentation.
    """
    transforms = areoseg.augment(
        recipe,
        data,
        out,
        overrides=overrides,
        samples=samples,
        seed=seed,
        **vars(dataset),
    )
    output.print(f"{', '.join(transforms) or 'no transform'}: {out}")
