"""A sheet of what an augmentation does: a row a transform, a column a sample."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from torch import Tensor

from areoseg.report.pictures import stretched
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import replacing
from areoseg.utils.images import VOID_COLOR
from areoseg.utils.images import overlay


def draw_augmentation(
    rows: Mapping[str, tuple[Tensor, Tensor]], path: Path, *, taxonomy: Taxonomy, title: str
) -> None:
    """Draw images with their masks laid over them.

    All images of a column are stretched like the one in its first row, so that changes of
    brightness and contrast show.

    Args:
        rows: Images (N, 1, H, W) float in 0..1 and masks (N, H, W) int64 by what was done to them,
            as `augmentation_sheet` gives them.
        path: The PNG file to write.
        taxonomy: The classes.
        title: What stands above.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    columns = max(len(images) for images, _ in rows.values())
    height, width = next(iter(rows.values()))[0].shape[2:]
    figure = Figure(
        figsize=(2.2 * columns + 1.6, (2.2 * height / width + 0.12) * len(rows) + 0.6),
        layout="constrained",
    )
    figure.suptitle(title)
    originals, _ = next(iter(rows.values()))
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
