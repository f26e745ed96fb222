"""Drawing what an augmentation does."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from areoseg.api.reading import find_source
from areoseg.data.load import read_with_progress
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe
from areoseg.recipes import load_recipe
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike


def draw_augmentation(
    recipe: Recipe | PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    samples: int = 6,
    seed: int = 0,
    format: str = "auto",
    console: Console | None = None,
) -> list[str]:
    """Draw what the augmentation of a recipe does to a few labeled samples.

    Where it favors a rare class, half of the samples hold that class.

    Returns:
        The names of the transforms, in the order in which they are applied.

    Raises:
        AreosegError: Recipe or data cannot be used, or there are no labeled samples, or none with
            the rare class that the augmentation needs.
    """
    import numpy as np

    from areoseg.report.augmentation import draw_augmentation as draw
    from areoseg.taxonomy import MARS
    from areoseg.training.batches import Tensors
    from areoseg.transforms.build import augmentation_sheet
    from areoseg.transforms.rare_objects import rare_object_bank

    if samples < 1:
        raise AreosegError(f"--samples {samples}: a sheet takes one sample at least")
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    console = console or standard_error()
    source = find_source(data, None, format, console)
    source = replace(source, tile=recipe.data.tile, scale=recipe.data.scale)
    labeled = read_with_progress(source, console).labeled
    if not len(labeled):
        raise AreosegError(f"{data}: no labeled samples to show an augmentation on")
    tensors = Tensors.of(labeled)
    settings = recipe.augment
    bank = None
    if settings.needs_rare_bank:
        bank = rare_object_bank(tensors.images.numpy(), tensors.masks.numpy(), settings.rare_class)
    order = np.random.default_rng(seed).permutation(len(labeled))
    if {"rare_paste", "rare_cutmix"} & settings.transforms.keys():
        holds = (tensors.masks == settings.rare_class).flatten(1).any(dim=1).numpy()[order]
        if not holds.any() or (bank is not None and not bank):
            raise AreosegError(
                f"{data}: no object of class {settings.rare_class} large enough to paste or to mix:"
                " set augment.rare_class"
            )
        half = np.flatnonzero(holds)[: (samples + 1) // 2]
        order = np.concatenate([order[half], np.delete(order, half)])
    images, masks = tensors.batch(order[:samples], void=None)
    rows = augmentation_sheet(images, masks, settings, seed=seed, rare_bank=bank)
    draw(rows, Path(out), taxonomy=MARS, title=f"augment: {settings.policy}")
    return list(settings.transforms)
