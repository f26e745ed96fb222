"""Images that show nothing: one gray level throughout."""

from areoseg.audit.context import AuditContext
from areoseg.audit.findings import Finding


def find_constant_images(context: AuditContext) -> list[Finding]:
    """Flag the images of one gray level; the score is always 1."""
    samples = context.samples
    return [
        Finding(
            index=index,
            name=samples.names[index],
            issue="constant-image",
            score=1.0,
            reason=f"every pixel has the gray level {image.flat[0]:g}",
            action="flag",
        )
        for index, image in enumerate(samples.images)
        if image.min() == image.max()
    ]
