"""`areoseg gather`."""

import areoseg
from areoseg.cli.predict import show_outcome


def gather(out: str) -> None:
    """Join the parts of a prediction: write the tables and the gallery of all images.

    It checks first that no image and no output is missing, and changes nothing if one is.

    Exit codes: 0 all images are done; 2 something is missing, or the folder cannot be written; 3
    some images failed, which errors.csv lists.

    Example: `areoseg gather masks`, after `areoseg predict photos/ --part 1/2 --out masks` and
    `--part 2/2`

    Args:
        out: The folder or URL that the parts were written to.
    """
    show_outcome(areoseg.gather(out))
