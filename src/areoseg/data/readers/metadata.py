"""What is known of an image beside its pixels: when, where and by which camera it was taken."""

from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace


@dataclass(frozen=True)
class Metadata:
    """Facts from a label or a file name; None where neither tells.

    Attributes:
        mission: Such as `MARS SCIENCE LABORATORY`.
        camera: Such as `NAV_LEFT_B`.
        sol: Martian days since landing.
        site: The rover's site index; text where the name writes it with letters.
        drive: The rover's drive index within the site, likewise.
        clock: Spacecraft clock at the start of the exposure, in seconds.
        time: Start of the exposure, UTC, ISO 8601.
    """

    mission: str | None = None
    camera: str | None = None
    sol: int | None = None
    site: int | str | None = None
    drive: int | str | None = None
    clock: str | None = None
    time: str | None = None

    def otherwise(self, other: "Metadata") -> "Metadata":
        """These info, with those of `other` where one is missing."""
        known = {name: value for name in FIELDS if (value := getattr(self, name)) is not None}
        return replace(other, **known)


FIELDS = tuple(field.name for field in fields(Metadata))
"""The names of the info, in the order of the columns of a table."""


@dataclass(frozen=True)
class Georeference:
    """Where pixels lie on a map.

    Attributes:
        crs: The coordinate reference system as WKT; None where the file gives a transform only.
        authority: Its short name, such as `EPSG:32633` or `IAU_2015:49900`, if it has one.
        transform: (a, b, c, d, e, f): the pixel corner in column x and row y, counted from the
            upper left, lies at (a x + b y + c, d x + e y + f).
    """

    crs: str | None
    authority: str | None
    transform: tuple[float, float, float, float, float, float]
