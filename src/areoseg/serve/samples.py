"""Three synthetic images to try the service with."""

import io
from dataclasses import dataclass
from functools import cache

import PIL.Image

from areoseg.synthetic import SyntheticMars, draw_sample


@dataclass(frozen=True)
class SampleImage:
    """A synthetic image.

    Attributes:
        name: Its name in addresses.
        title: One line about it.
        height: Height in pixels.
        width: Width in pixels.
        index: Index of the synthetic sample.
    """

    name: str
    title: str
    height: int
    width: int
    index: int

    @property
    def settings(self) -> SyntheticMars:
        """The settings that it is drawn with."""
        return SyntheticMars(height=self.height, width=self.width, rock_tiles=1.0)


SAMPLES = {
    sample.name: sample
    for sample in (
        SampleImage("outcrop", "A bedrock outcrop in soil", 384, 512, 8),
        SampleImage("boulders", "Big rocks on soil, bedrock and sand", 384, 512, 14),
        SampleImage("dunes", "Sand dunes below the horizon", 384, 512, 26),
    )
}
"""The images by name."""


@cache
def sample_png(name: str) -> bytes:
    """Return a sample as a PNG file; it is drawn by the first call."""
    sample = SAMPLES[name]
    drawn = draw_sample(sample.settings, sample.index)
    buffer = io.BytesIO()
    PIL.Image.fromarray(drawn.image).save(buffer, "PNG")
    return buffer.getvalue()
