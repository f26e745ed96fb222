"""`areoseg augment`."""

from pathlib import Path

from areoseg.cli.options import Data
from areoseg.cli.options import Format
from areoseg.cli.show import output


def augment(
    recipe: str,
    /,
    *overrides: str,
    data: Data,
    out: Path = Path("augment.png"),
    samples: int = 6,
    seed: int = 0,
    format: Format = "auto",
) -> None:
    """Draw what the augmentation of a recipe does, transform by transform.

    Where it favors a rare class, half of the samples hold that class.

    Example: `areoseg augment unet augment=complex --data mars.npz --out complex.png`.

    Args:
        recipe: The name of a recipe, or a YAML file.
        overrides: Values of the recipe to change, as key=value.
        data: An npz file, a folder of images and masks, a folder of AI4Mars, or `synthetic`.
        out: The PNG file to write.
        samples: How many samples are shown.
        seed: Decides which samples, and what happens to them.
        format: The format of the data: npz, folder, ai4mars, ai4mars-flat or images; auto finds out
            by looking.
    """
    from areoseg.data.options import DataOptions
    from areoseg.report.augmentation import draw_augmentation

    transforms = draw_augmentation(
        recipe,
        data,
        out,
        overrides=overrides,
        samples=samples,
        seed=seed,
        options=DataOptions(data_format=format),
    )
    output.print(f"{', '.join(transforms) or 'no transform'}: {out}")
