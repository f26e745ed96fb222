"""The segmentation of one image, for use in Python and notebooks."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import PIL.Image

from areoseg.data.appearance import Appearance
from areoseg.errors import AreosegError
from areoseg.inference.image_warnings import image_warnings
from areoseg.inference.inputs import InputImage
from areoseg.inference.tiling import RowBlock
from areoseg.inference.writers import OUTPUTS, checked_outputs, open_outputs, output_paths
from areoseg.taxonomy import Taxonomy
from areoseg.utils.images import overlay

_SAVED: dict[Path, str] = {}
"""The files that `Result.save` wrote in this process, and what image they belong to."""


@dataclass(frozen=True, repr=False, eq=False, kw_only=True)
class Result(RowBlock):
    """The segmentation of one image.

    Notebooks show the overlay.

    Attributes:
        image: The gray image, (H, W) uint8, or float32 in 0..1.
        probabilities: (C, H, W) float32, which sum to one over C.
        mask: The most probable class of each pixel, (H, W) uint8.
        confidence: The probability of that class, (H, W) float32.
        valid: (H, W) bool, False where the image has no data; such pixels are background. None: all
            pixels are valid.
        source: The image with its name, metadata and georeference.
        taxonomy: The classes.
        factor: The scale factor at which the model saw the image.
        appearance: Description of the training images of the model, or None.

    Examples:
        >>> result = areoseg.load("flagship-256")("photo.jpg")  # doctest: +SKIP
        >>> result.shares["bedrock"]  # doctest: +SKIP
        0.25
        >>> result.overlay().save("overlay.png")  # doctest: +SKIP
    """

    source: InputImage
    taxonomy: Taxonomy
    factor: float = 1.0
    appearance: Appearance | None = None

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Why the prediction cannot be trusted, for example `black`; usually empty."""
        return image_warnings(self.source, self.factor, self.appearance)

    @property
    def names(self) -> tuple[str, ...]:
        """The class names; `names[index]` is the class `index` of the mask."""
        return self.taxonomy.names

    @property
    def path(self) -> Path | None:
        """The file of the image; None for an array."""
        return self.source.path

    @cached_property
    def shares(self) -> dict[str, float]:
        """The share of all pixels by class name; pixels without data count as background."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.names))
        return {
            name: float(count) / self.mask.size
            for name, count in zip(self.names, counts, strict=True)
        }

    def overlay(self, opacity: float = 0.45) -> PIL.Image.Image:
        """Return the image blended with the colors of the classes.

        Args:
            opacity: Weight of the colors, in 0..1.
        """
        return PIL.Image.fromarray(overlay(self.image, self.mask, self.taxonomy, opacity=opacity))

    def save(
        self,
        folder: str | Path,
        outputs: Sequence[str] = ("masks", "overlays"),
        *,
        name: str | None = None,
    ) -> list[Path]:
        """Write files `folder/OUTPUT/NAME.SUFFIX`, as `areoseg.predict` does.

        Args:
            folder: The folder to write to.
            outputs: Names in `areoseg.inference.writers.OUTPUTS`.
            name: Name of the files, without suffix; None: the name of the image file, or for an
                array `image`, and `image_0` after its position in a list.

        Returns:
            The files.

        Raises:
            AreosegError: An output is unknown, a file cannot be written, or it has the prediction
                of another image that was saved before in this process.
        """
        names = [name for name in checked_outputs(outputs) if name in OUTPUTS]
        paths = output_paths(names, Path(folder), name or self.source.name, self.source)
        for path in paths.values():
            if _SAVED.get(path.absolute(), self._identity) != self._identity:
                raise AreosegError(
                    f"{path}: this file has the prediction of another image: name the files with"
                    " result.save(folder, name=...)"
                )
        with open_outputs(paths, self.source, self.taxonomy) as write:
            write(self)
        _SAVED.update({path.absolute(): self._identity for path in paths.values()})
        return list(paths.values())

    @cached_property
    def _identity(self) -> str:
        """What distinguishes the image from others: its file, or a hash of its pixels."""
        if self.path is not None:
            return str(self.path.absolute())
        return hashlib.sha256(self.image.tobytes()).hexdigest()

    def __repr__(self) -> str:
        height, width = self.mask.shape
        shares = sorted(self.shares.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{name} {share:.1%}" for name, share in shares if share >= 0.0005)
        warnings = f"; do not trust it: {', '.join(self.warnings)}" if self.warnings else ""
        return f"Result({self.path or 'array'}, {height}x{width}: {listed}{warnings})"

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.overlay().save(buffer, "PNG")
        return buffer.getvalue()
