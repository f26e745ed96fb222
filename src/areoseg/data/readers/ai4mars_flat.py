"""AI4Mars frames in a flat folder: `images/` and `masks/` with AI4Mars names and values."""

from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from areoseg.data.missions.ai4mars import AI4MARS_VALUES, check_mars_taxonomy
from areoseg.data.missions.metadata import site_and_drive
from areoseg.data.readers.decode import decode_indices
from areoseg.data.readers.files import list_images
from areoseg.data.readers.folder import paired_files
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.masks import read_ai4mars_mask
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

# Number of masks to check, at least one of which must have unlabeled pixels (255).
_MASKS_TO_CHECK = 64


def recognize_ai4mars_flat(path: Path) -> bool:
    """Return whether the masks have AI4Mars names and values, including 255.

    Values 0 to 3 alone could be classes, but nearly every AI4Mars mask has unlabeled pixels.
    """
    if not ((path / "images").is_dir() and (path / "masks").is_dir()):
        return False
    for mask in islice(list_images(path / "masks"), _MASKS_TO_CHECK):
        if site_and_drive(mask.name) is None:
            return False
        try:
            values = np.unique(decode_indices(mask))
        except AreosegError:
            return False
        if not np.isin(values, AI4MARS_VALUES).all():
            return False
        if 255 in values:
            return True
    return False


def find_in_ai4mars_flat(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the pairs of `images/` and `masks/`, sorted by name.

    Raises:
        AreosegError: A folder is missing or empty, or files have no counterpart.
    """
    check_mars_taxonomy(taxonomy)
    pairs, warnings = paired_files(path)
    return Listing(
        labeled=[
            LazyFrame(
                name=name,
                where=str(image),
                read_image=partial(read_raster, image),
                read_mask=partial(read_ai4mars_mask, mask),
            )
            for name, (image, mask) in pairs.items()
        ],
        warnings=warnings,
    )


AI4MARS_FLAT = DatasetFormat(
    name="ai4mars-flat",
    summary="AI4Mars frames and labels in images/ and masks/",
    recognize=recognize_ai4mars_flat,
    find=find_in_ai4mars_flat,
)
