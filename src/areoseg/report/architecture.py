"""Draw an architecture: layers from left to right, coarser resolutions further down."""

import math
from collections.abc import Sequence
from pathlib import Path

from areoseg.models.inspect import LayerInfo
from areoseg.utils.files import replacing

KINDS = {
    "Conv2d": ("convolution", "#b5522b"),
    "ConvTranspose2d": ("transposed convolution", "#d9a441"),
    "Linear": ("linear", "#5d7f9e"),
}
"""Drawn layer types with their legend label and color."""


def draw_architecture(layers: Sequence[LayerInfo], path: Path, *, title: str, height: int) -> None:
    """Draw the convolutions and linear layers of a model.

    The x axis is the order of use, the y axis the resolution, and the size of a mark tells the
    number of channels, which is written above it where it changes.

    Args:
        layers: From `list_layers`.
        path: The PNG file to write.
        title: What stands above.
        height: Height of the image that the layers were listed for, in pixels.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    drawn = [layer for layer in layers if layer.kind in KINDS]
    figure = Figure(figsize=(max(8.0, 0.16 * len(drawn)), 4.5), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="layer, in order of use", ylabel="output stride")
    level = 0.0
    levels = []
    for layer in drawn:
        # A layer on tokens has no spatial height: use that of its neighbors.
        level = math.log2(height / layer.height) if layer.height else level
        levels.append(level)
    axes.plot(levels, color="#cccccc", linewidth=1, zorder=1)
    for kind, (label, color) in KINDS.items():
        chosen = [index for index, layer in enumerate(drawn) if layer.kind == kind]
        if chosen:
            axes.scatter(
                chosen,
                [levels[index] for index in chosen],
                s=[12 + 14 * math.log2(drawn[index].channels + 1) for index in chosen],
                color=color,
                label=label,
                zorder=2,
            )
    for index, layer in enumerate(drawn):
        if index == 0 or layer.channels != drawn[index - 1].channels:
            axes.annotate(
                str(layer.channels),
                (index, levels[index]),
                textcoords="offset points",
                xytext=(0, 8),
                ha="center",
                fontsize=7,
            )
    lowest = math.ceil(max(levels, default=0.0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks(range(lowest + 1), [f"1/{2**power}" for power in range(lowest + 1)])
    axes.set_ylim(lowest + 0.6, -0.8)
    axes.legend(loc="lower right", frameon=False, fontsize=8)
    with replacing(path) as beside:
        figure.savefig(beside, format="png", dpi=150)
