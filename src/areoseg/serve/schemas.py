"""The JSON objects of the interface, from which OpenAPI is made."""

from typing import Literal

from pydantic import BaseModel, Field

Share = float | None


class Model(BaseModel):
    """A model that is served."""

    name: str
    default: bool = Field(description="Whether it answers requests that name no model.")
    names: list[str] = Field(description="Class names; the index is the value in masks.")
    colors: list[str] = Field(description="Color of each class, #rrggbb.")
    background_index: int
    outlined: list[int] = Field(description="Classes that have an outline in overlays.")
    predicts_background: bool
    background_threshold: float | None
    card: str | None = Field(description="The model card, as Markdown.")


class Segmentation(BaseModel):
    """The numbers about one segmented image."""

    name: str = Field(description="File name without suffix.")
    model: str
    width: int
    height: int
    names: list[str] = Field(description="Class names; the index is the value in masks.")
    colors: list[str] = Field(description="Color of each class, #rrggbb.")
    background_index: int
    shares: dict[str, Share] = Field(
        description="Share of the ground by terrain class; null without ground."
    )
    ground: float = Field(description="Share of all pixels that are ground.")
    background: float = Field(description="Share of all pixels that are background.")
    nodata: float = Field(description="Share of all pixels without data.")
    mean_confidence: Share = Field(description="Mean probability of the classes on the ground.")
    scale: float = Field(description="Factor by which the image was resized for the model.")
    warnings: list[str] = Field(description="Why the result cannot be trusted; usually empty.")
    mission: str | None
    camera: str | None
    sol: int | None
    site: int | str | None
    drive: int | str | None
    time: str | None
    seconds: float = Field(description="Time from the end of the upload to the answer.")


class Bundle(Segmentation):
    """The numbers and the pictures of one image; pictures are PNG files in base64."""

    image: str = Field(description="The gray image in 8 bits.")
    mask: str = Field(description="Class indices with a palette.")
    confidence: str = Field(description="Probability of the class, 0 to 255.")


class Sample(BaseModel):
    """A synthetic image to try the service with."""

    name: str
    title: str
    url: str


class Batch(BaseModel):
    """A job that segments many images."""

    id: str
    state: Literal["waiting", "running", "done", "failed"]
    model: str
    total: int = Field(description="Number of images.")
    done: int = Field(description="Number of images that are done or in progress.")
    failed: int = Field(description="Number of images that could not be segmented.")
    ignored: list[str] = Field(description="Uploaded files that are neither images nor labels.")
    error: str | None
    result: str | None = Field(description="Address of the zip file, once the batch is done.")


class Correction(BaseModel):
    """A corrected mask that was saved."""

    name: str = Field(description="Name of the image, without suffix.")
    mask: str = Field(description="The mask below the dataset folder.")
    saved: int = Field(description="Number of images with a mask in the dataset folder.")


class SuggestedImage(BaseModel):
    """An image whose label would help."""

    name: str = Field(description="File name.")
    url: str = Field(description="Address of the file.")
    score: float = Field(description="Uncertainty times distance.")
    uncertainty: float
    distance: float
    corrected: bool = Field(description="Whether a corrected mask was saved already.")
