"""Readers of dataset formats and of single images."""

from areoseg.data.readers.files import list_images
from areoseg.data.readers.rover_image import RoverImage, read_rover_image

__all__ = ["RoverImage", "list_images", "read_rover_image"]
