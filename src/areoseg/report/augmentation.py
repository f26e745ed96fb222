"""A picture of an augmentation: one row per transform, one column per sample."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from areoseg.data.load import read
from areoseg.data.options import DataFormat, LabelSet
from areoseg.errors import AreosegError
from areoseg.recipes import Recipe, load_recipe
from areoseg.report.pictures import stretched
from areoseg.taxonomy import Taxonomy
from areoseg.transforms import AugmentSettings, RareBank, build_augmentation, rare_object_bank
from areoseg.utils.files import PathLike, check_not_input, replacing
from areoseg.utils.images import VOID_COLOR, overlay

Sheet = Mapping[str, tuple[Tensor, Tensor]]
"""Images (N, 1, H, W) float in 0..1 and masks (N, H, W) int64 of each row of the picture."""


def augment(
    recipe: Recipe | PathLike,
    data: PathLike,
    out: PathLike,
    *,
    overrides: Sequence[str] = (),
    samples: int = 6,
    seed: int = 0,
    groups: PathLike | None = None,
    data_format: DataFormat = "auto",
    label_set: LabelSet = "crowd",
    missions: str | None = None,
    classes: str | None = None,
    console: Console | None = None,
) -> list[str]:
    """Draw what the augmentation of a recipe does to a few labeled samples.

    If it favors a rare class, half of the samples hold that class.

    Args:
        recipe: A recipe, its name, or a YAML file.
        data: The dataset, as for `areoseg.data.load.read`.
        out: The PNG file to write.
        overrides: Values of the recipe to change, as `key=value`.
        samples: Number of samples.
        seed: Seeds the choice of samples and the augmentation.
        groups: See `DataOptions`, also for the next four.
        data_format: See `DataOptions`.
        label_set: See `DataOptions`.
        missions: See `DataOptions`.
        classes: See `DataOptions`.
        console: Console for progress and warnings; None: standard error.

    Returns:
        The names of the transforms, in the order of application.

    Raises:
        AreosegError: Recipe or data cannot be used, or there are no labeled samples, or none with
            the rare class that the augmentation needs.

    Examples:
        >>> augment("unet", "mars.npz", "sheet.png")  # doctest: +SKIP
        ['horizontal_flip']
    """
    if samples < 1:
        raise AreosegError(f"--samples {samples}: a picture needs at least one sample")
    check_not_input(out, data)
    if not isinstance(recipe, Recipe):
        recipe = load_recipe(recipe, overrides)
    settings = recipe.augment
    loaded = read(
        data,
        groups=groups,
        data_format=data_format,
        label_set=label_set,
        missions=missions,
        classes=classes,
        tile=recipe.data.tile,
        scale=recipe.data.scale,
        console=console,
    )
    if not len(loaded.labeled):
        raise AreosegError(f"{data}: no labeled samples to show an augmentation on")
    pixels, truth = loaded.labeled.stacked()
    assert truth is not None  # they are labeled
    bank = None
    if settings.needs_rare_bank:
        bank = rare_object_bank(pixels, truth, settings.rare_class)
    order = np.random.default_rng(seed).permutation(len(pixels))
    if {"rare_paste", "rare_cutmix"} & settings.transforms.keys():
        has_rare = (truth == settings.rare_class).any(axis=(1, 2))[order]
        if not has_rare.any() or (bank is not None and not bank):
            raise AreosegError(
                f"{data}: no object of class {settings.rare_class} large enough to paste or to mix:"
                " set augment.rare_class"
            )
        first = np.flatnonzero(has_rare)[: (samples + 1) // 2]
        order = np.concatenate([order[first], np.delete(order, first)])
    shown = order[:samples]
    scale = 255 if pixels.dtype == np.uint8 else 1
    images = torch.from_numpy(pixels[shown].astype(np.float32) / np.float32(scale))[:, None]
    masks = torch.from_numpy(truth[shown].astype(np.int64))
    draw_sheet(
        augmentation_sheet(images, masks, settings, seed=seed, rare_bank=bank),
        Path(out),
        taxonomy=loaded.taxonomy,
        title=f"augment: {settings.policy}",
    )
    return list(settings.transforms)


def augmentation_sheet(
    images: Tensor,
    masks: Tensor,
    settings: AugmentSettings,
    *,
    seed: int = 0,
    rare_bank: RareBank | None = None,
) -> Sheet:
    """Apply each transform alone, and all together, to a batch.

    Args:
        images: (N, 1, H, W) float in 0..1.
        masks: (N, H, W) int64.
        settings: The augmentation.
        seed: Seeds the generator of each row.
        rare_bank: As for `build_augmentation`.

    Returns:
        The rows `"original"`; each transform alone, applied to every sample; `"together"`, as in
        training but with no sample left unmodified.
    """
    rows = {
        name: AugmentSettings.model_validate(
            {
                "rare_class": settings.rare_class,
                name: options.model_copy(update={"probability": 1.0}),
            }
        )
        for name, options in settings.transforms.items()
    }
    rows["together"] = settings.model_copy(update={"original": 0.0})
    sheet = {"original": (images, masks)}
    for name, row in rows.items():
        generator = torch.Generator().manual_seed(seed)
        sheet[name] = build_augmentation(row, rare_bank=rare_bank)(images, masks, generator)
    return sheet


def draw_sheet(rows: Sheet, path: Path, *, taxonomy: Taxonomy, title: str) -> None:
    """Draw images with their masks as overlays.

    All images of a column share the contrast stretch of the first row, so that changes of
    brightness and contrast are visible.

    Args:
        rows: Images and masks by name, as `augmentation_sheet` returns them.
        path: The PNG file to write.
        taxonomy: The classes.
        title: The title of the picture.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    originals, _ = next(iter(rows.values()))
    columns = max(len(images) for images, _ in rows.values())
    height, width = originals.shape[2:]
    figure = Figure(
        figsize=(2.2 * columns + 1.6, (2.2 * height / width + 0.12) * len(rows) + 0.6),
        layout="constrained",
    )
    figure.suptitle(title)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for (name, (images, masks)), line in zip(rows.items(), grid, strict=True):
        for axes, image, mask, original in zip(line, images, masks, originals, strict=True):
            picture = stretched(image[0].numpy(), like=original[0].numpy())
            axes.imshow(overlay(picture, mask.numpy().astype(np.uint8), taxonomy, opacity=0.35))
            axes.set(xticks=[], yticks=[])
        label = name.replace("_", " ")
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    colors = zip((*taxonomy.names, "void"), (*taxonomy.colors, VOID_COLOR), strict=True)
    figure.legend(
        handles=[Patch(color=f"#{bytes(color).hex()}", label=name) for name, color in colors],
        loc="outside lower center",
        ncols=len(taxonomy) + 1,
        fontsize=9,
        frameon=False,
    )
    with replacing(path) as beside:
        figure.savefig(beside, format="png", dpi=110)
