"""By which factor an image is reduced, or enlarged, before a model sees it."""

from dataclasses import dataclass
from typing import Literal

from areoseg.data.missions.navcam import common_navcam_scale
from areoseg.data.missions.navcam import navcam_scale
from areoseg.errors import AreosegError
from areoseg.runs.run import Run

ScaleOption = float | Literal["auto"]
"""A factor for all images, or `"auto"`: each image is brought to the model's training scale."""

LARGEST = 8.0
"""An image is never enlarged more than this, each way."""


@dataclass(frozen=True)
class ScaleChoice:
    """What was chosen for one image and one model.

    Attributes:
        factor: What the sides of the image are multiplied by.
        reason: Half a line for people, such as "unknown image".
    """

    factor: float
    reason: str


def choose_scale(
    option: ScaleOption, trained: float | None, size: tuple[int, ...], name: str | None = None
) -> ScaleChoice:
    """The factor for an image.

    Args:
        option: As given by the user.
        trained: Scale of the model's training images relative to a full Navcam frame, or None.
        size: Height and width of the image.
        name: Its file or product name, if it has one.

    Raises:
        AreosegError: The option is no usable number.
    """
    if option != "auto":
        return ScaleChoice(checked_scale(option), "as asked for")
    if trained is None:
        return ScaleChoice(1.0, "the model's training scale is not known")
    own = navcam_scale(size, name)
    if own is None:
        return ScaleChoice(1.0, "neither name nor size tell the image's scale; give it by --scale")
    return ScaleChoice(
        trained / own, f"an image at {own:g} of a full Navcam frame, a model trained at {trained:g}"
    )


def checked_scale(factor: float) -> float:
    """The factor, if it is one.

    Raises:
        AreosegError: It is not above 0 and at most `LARGEST`.
    """
    if not 0 < factor <= LARGEST:
        raise AreosegError(
            f"scale {factor}: give a number above 0 and at most {LARGEST:g}, or auto"
        )
    return float(factor)


def trained_scale(run: Run) -> float | None:
    """The scale of a run's training images relative to a full Navcam frame, or None.

    Runs of earlier versions did not note it; the names and the size of their samples tell.
    """
    if "navcam_scale" in run.info.data.model_fields_set:
        return run.info.data.navcam_scale
    names = [name for part in run.split.values() for name in part]
    return common_navcam_scale(names, [run.info.model.size] * len(names))
