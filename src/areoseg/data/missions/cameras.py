"""Angular resolution of rover cameras, and the scale of an image relative to a Navcam frame.

The scale of an image is the number of its pixels per pixel of a full frame of the Mars Science
Laboratory's Navcam, which has 1024x1024 pixels: 1 for such a frame, 0.25 if it was reduced to
256x256. It is given by the camera, or assumed from the size. File names have no influence, so that
an image is segmented in the same way whatever it is called.
"""

from dataclasses import dataclass

from areoseg.data.missions.navcam import HOMEWORK_TILE, SCALES
from areoseg.errors import AreosegError, did_you_mean

NAVCAM_SIDE = max(SCALES)
"""Width and height of a full Navcam frame in pixels."""

MOSAIC_ASPECT = 2
"""Ratio of the sides from which a large image is assumed to be a mosaic of several frames."""


@dataclass(frozen=True)
class Camera:
    """A rover camera.

    Attributes:
        width: Width of a full frame in pixels.
        resolution: Angle of a pixel at the center of a full frame, in milliradians.
    """

    width: int
    resolution: float


CAMERAS = {
    "navcam": Camera(1024, 0.82),
    "hazcam": Camera(1024, 2.1),
    "mastcam-34": Camera(1648, 0.218),
    "mastcam-100": Camera(1648, 0.074),
    "pancam": Camera(1024, 0.27),
    "m2020-navcam": Camera(5120, 0.33),
    "m2020-hazcam": Camera(5120, 0.46),
}
"""Cameras by name. Navcam and Hazcam are those of Spirit, Opportunity and Curiosity (Maki et al.
2003, 2012), Mastcam those of Curiosity (Malin et al. 2017), Pancam those of Spirit and Opportunity
(Bell et al. 2003), and the last two those of Perseverance (Maki et al. 2020)."""


@dataclass(frozen=True)
class ImageScale:
    """The scale of an image relative to a full Navcam frame.

    Attributes:
        value: The scale.
        reason: Short explanation for messages.
        assumed: Whether it was assumed from the size.
    """

    value: float
    reason: str
    assumed: bool = True


def camera_scale(camera: str, size: tuple[int, ...]) -> ImageScale:
    """Return the scale of an image of a known camera.

    An image smaller than a full frame is taken as a reduced frame, a larger one as a mosaic.

    Args:
        camera: A name in `CAMERAS`.
        size: Height and width of the image in pixels.

    Raises:
        AreosegError: The camera is unknown.

    Examples:
        >>> camera_scale("navcam", (512, 512)).value
        0.5
    """
    if camera not in CAMERAS:
        raise AreosegError(f"no camera {camera!r}: {did_you_mean(camera, CAMERAS)}")
    known = CAMERAS[camera]
    finer = CAMERAS["navcam"].resolution / known.resolution
    return ImageScale(finer * min(1.0, max(size) / known.width), f"camera {camera}", assumed=False)


def assumed_scale(size: tuple[int, ...]) -> ImageScale:
    """Return the scale of an image of which only the size is known.

    It is taken as a single Navcam frame, which its longer side spans; a large image whose sides
    have a ratio of 2 or more as a mosaic of frames at full resolution, or of frames as high as its
    shorter side.

    Args:
        size: Height and width of the image in pixels.

    Examples:
        >>> assumed_scale((1024, 1024)).value, assumed_scale((480, 640)).value
        (1.0, 0.625)
        >>> assumed_scale((1500, 9000)).value  # a panorama
        1.0
    """
    if tuple(size) == HOMEWORK_TILE:
        return ImageScale(SCALES[256], "the size of a homework tile", assumed=False)
    longer, shorter = max(size), min(size)
    if longer <= NAVCAM_SIDE or longer < MOSAIC_ASPECT * shorter:
        return ImageScale(longer / NAVCAM_SIDE, "taken as a single Navcam frame")
    return ImageScale(min(1.0, shorter / NAVCAM_SIDE), "taken as a mosaic of Navcam frames")
