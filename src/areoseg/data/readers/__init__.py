"""Readers: from files on disk to samples."""

from areoseg.data.readers.ai4mars_names import site_and_drive
from areoseg.data.readers.listing import list_images
from areoseg.data.readers.open import FORMATS
from areoseg.data.readers.open import read_data
from areoseg.data.readers.open import recognize_format
from areoseg.data.readers.rover_image import RoverImage
from areoseg.data.readers.rover_image import read_rover_image

__all__ = [
    "FORMATS",
    "RoverImage",
    "list_images",
    "read_data",
    "read_rover_image",
    "recognize_format",
    "site_and_drive",
]
