"""AI4Mars frames in a flat folder: `images/` and `masks/` with AI4Mars names and values."""

from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from areoseg.data.readers.ai4mars_labels import AI4MARS_VALUES
from areoseg.data.readers.ai4mars_labels import check_mars_taxonomy
from areoseg.data.readers.ai4mars_labels import read_ai4mars_mask
from areoseg.data.readers.ai4mars_names import site_and_drive
from areoseg.data.readers.decode import decode_image
from areoseg.data.readers.decode import decode_indices
from areoseg.data.readers.folder import paired_files
from areoseg.data.readers.format import Format
from areoseg.data.readers.format import Found
from areoseg.data.readers.frames import Frame
from areoseg.data.readers.listing import list_images
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

# How many masks may go by before one with "no label" (255) must have turned up.
_MASKS_TO_LOOK_AT = 64


def recognize_ai4mars_flat(path: Path) -> bool:
    """Whether masks have AI4Mars names and values, 255 among them.

    Values 0 to 3 alone do not tell AI4Mars labels from classes; practically every AI4Mars mask
    has unlabeled pixels.
    """
    if not ((path / "images").is_dir() and (path / "masks").is_dir()):
        return False
    for mask in islice(list_images(path / "masks"), _MASKS_TO_LOOK_AT):
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


def find_in_ai4mars_flat(path: Path, labels: str, taxonomy: Taxonomy) -> Found:
    """The pairs of `images/` and `masks/`, sorted by name.

    Raises:
        AreosegError: A folder is missing or empty, or files are without counterpart.
    """
    check_mars_taxonomy(taxonomy)
    return Found(
        labeled=[
            Frame(
                name=name,
                where=str(image),
                read_image=partial(decode_image, image),
                read_mask=partial(read_ai4mars_mask, mask),
            )
            for name, (image, mask) in paired_files(path).items()
        ]
    )


AI4MARS_FLAT = Format(
    name="ai4mars-flat",
    summary="AI4Mars frames and labels in images/ and masks/",
    recognize=recognize_ai4mars_flat,
    find=find_in_ai4mars_flat,
)
