"""Three synthetic images to try the service with."""

from dataclasses import dataclass
from pathlib import Path

from areoseg.data.samples import Sample
from areoseg.synthetic import SyntheticMars, draw_sample

FOLDER = Path(__file__).with_name("sample_images")
"""The images as PNG files: drawing the first one takes seconds."""


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

    def draw(self) -> Sample:
        """Draw the image anew, with its mask."""
        settings = SyntheticMars(height=self.height, width=self.width, rock_tiles=1.0)
        return draw_sample(settings, self.index)


SAMPLES = {
    sample.name: sample
    for sample in (
        SampleImage("outcrop", "A bedrock outcrop in soil", 384, 512, 8),
        SampleImage("boulders", "Big rocks on soil, bedrock and sand", 384, 512, 14),
        SampleImage("dunes", "Sand dunes below the horizon", 384, 512, 26),
    )
}
"""The images by name."""


def sample_png(name: str) -> bytes:
    """Return a sample as a PNG file."""
    return (FOLDER / f"{name}.png").read_bytes()
