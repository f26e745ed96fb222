"""Images that show nothing: one grey level throughout."""

from areoseg.audit.findings import Finding
from areoseg.audit.material import Material


def find_constant_images(material: Material) -> list[Finding]:
    """Flag the images of one grey level; the score is always 1."""
    scenes = material.scenes
    return [
        Finding(
            index=index,
            name=scenes.names[index],
            fault="constant-image",
            score=1.0,
            reason=f"every pixel has the grey level {image.flat[0]:g}",
            action="flag",
        )
        for index, image in enumerate(scenes.images)
        if image.min() == image.max()
    ]
