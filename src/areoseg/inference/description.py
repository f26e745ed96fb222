"""What an exported file says of itself: enough to use it without the run that it came from."""

import json
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

KEY = "areoseg"
"""The name under which a file keeps its description, as JSON."""


@dataclass(frozen=True)
class Description:
    """The metadata of an exported model.

    Attributes:
        areoseg: The version that wrote the file.
        taxonomy: The classes that the model answers.
        size_divisor: Height and width are best multiples of this many pixels.
        scale: Scale of the training images relative to a full Navcam frame; None: unknown.
        recipe: The recipe of the training, as YAML.
        score: `value`, `protocol`, `part` and `images` of the run's own test, or None.
        license: What the weights may be used for, as an SPDX name.
        weights_sha256: Hash of the run's `weights.safetensors`.
        data_fingerprint: Hash of the samples that the run was trained on.
    """

    areoseg: str
    taxonomy: Taxonomy
    size_divisor: int
    scale: float | None
    recipe: str
    score: dict[str, Any] | None
    license: str
    weights_sha256: str
    data_fingerprint: str | None

    def to_json(self) -> str:
        """The description as the text of a JSON object."""
        return json.dumps(asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str, *, where: str) -> "Description":
        """The description that `to_json` gave.

        Args:
            text: The JSON text.
            where: The file, for the error.

        Raises:
            AreosegError: The text says something else.
        """
        try:
            values = json.loads(text)
            classes = values["taxonomy"]
            taxonomy = Taxonomy(
                names=tuple(classes["names"]),
                colors=tuple(tuple(color) for color in classes["colors"]),
                background=classes["background"],
            )
            return cls(**{**values, "taxonomy": taxonomy})
        except (ValueError, KeyError, TypeError) as error:
            raise AreosegError(
                f"{where}: its description cannot be read ({error}): export the run again"
            ) from None


def missing_description(where: str) -> AreosegError:
    """The error for a model file that areoseg did not write."""
    return AreosegError(
        f"{where}: this model has no description by areoseg, so its classes are not known: write it"
        " with `areoseg export`"
    )
