"""`areoseg predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

import areoseg
from areoseg import weights
from areoseg.cli.options import DEFAULT_COMPUTE, ComputeFlags, compute_keywords
from areoseg.cli.show import notes, output
from areoseg.errors import plural

if TYPE_CHECKING:  # its import would load PyTorch, also for `--help`
    from areoseg.inference.folder import Predictions

SOME_FAILED = 3
"""Exit code if some images failed while the others were segmented."""

Output = Literal[
    "masks", "overlays", "probabilities", "confidence", "entropy", "polygons", "shares", "gallery"
]

Camera = Literal[
    "navcam", "hazcam", "mastcam-34", "mastcam-100", "pancam", "m2020-navcam", "m2020-hazcam"
]


def predict(
    *inputs: str,
    model: list[Path] | None = None,
    out: str,
    outputs: Annotated[tuple[Output, ...], Parameter(consume_multiple=True)] = (
        "masks",
        "overlays",
        "shares",
        "gallery",
    ),
    tta_flip: bool = False,
    tta_scales: Annotated[tuple[float, ...], Parameter(consume_multiple=True)] = (1.0,),
    scale: Literal["auto"] | float = "auto",
    camera: Camera | None = None,
    background: Annotated[bool, Parameter(negative="--no-background")] = True,
    background_threshold: float | None = None,
    ignore_mask: Path | None = None,
    resume: bool = False,
    workers: int | None = None,
    part: str | None = None,
    accelerate: Annotated[bool, Parameter(negative="--no-accelerate")] = True,
    compute: ComputeFlags = DEFAULT_COMPUTE,
) -> None:
    """Segment images: write masks, overlays, and a table of terrain shares.

    Images may have any size. PNG, JPEG, TIFF, PDS3, PDS4 and VICAR can be read; georeferences and
    compressed products need `pip install 'areoseg[planetary]'`.

    Exit codes: 0 all images are done; 2 invalid input, or the folder cannot be written; 3 some
    images failed, which errors.csv lists.

    Example: `areoseg predict photos/ frame.png --model flagship-256 --out masks`

    Args:
        inputs: Image files, folders of images, npz files, or URLs such as s3://bucket/photos.
        model: A run folder, the name of a bundled model, or an exported file; repeat the option to
            average the probabilities of several. Default: the bundled flagship-256.
        out: The folder to write to, or its URL in an object store.
        outputs: What to write.
        tta_flip: Average over each image and its mirror image (test-time augmentation).
        tta_scales: Average over each image at these scales, e.g. 0.75 1 1.25.
        scale: Factor by which images are resized first. auto: bring each image to the training
            scale of the model; its longer side is taken to span a Navcam frame, unless --camera is
            given.
        camera: Camera of all images, for scale auto.
        background: Predict background where the model has learned it. With --no-background, every
            pixel is assigned a terrain class.
        background_threshold: Probability above which a pixel is background. Default: chosen on the
            validation split of the model so that it keeps 99 % of the labeled ground.
        ignore_mask: A mask, or a folder of masks with the names of their images, whose nonzero
            pixels are background. Default: rover and range masks (MXY, RNG) beside Navcam frames.
        resume: Skip images that an earlier call with the same models and options has completed.
        workers: Number of processes on this machine that share the images. The results are exactly
            those of one process with --no-accelerate.
        part: Predict only this part of the images, e.g. 3/16, as one of several jobs; afterwards
            `areoseg gather` joins the parts.
        accelerate: Let one process switch to OpenVINO in a long job, which rounds differently.
            Workers and parts do not switch; for its speed, give them an exported OpenVINO file.
    """
    if not model:
        notes.print(f"note: using the bundled model {weights.DEFAULT}; --model chooses another")
    done = areoseg.predict(
        inputs,
        out,
        model=model,
        outputs=outputs,
        tta_flip=tta_flip,
        tta_scales=tta_scales,
        scale=scale,
        camera=camera,
        background=background,
        background_threshold=background_threshold,
        ignore_mask=ignore_mask,
        resume=resume,
        workers=workers,
        part=part,
        accelerate=accelerate,
        **compute_keywords(compute),
    )
    if part is not None:
        notes.print(f"note: when all parts are done, join them: areoseg gather {out}")
    show_outcome(done)


def show_outcome(done: "Predictions") -> None:
    """Print the numbers of images; exit with `SOME_FAILED` if some failed."""
    skipped = f", {done.skipped} skipped" if done.skipped else ""
    failed = f", {done.failed} failed: see {done.out}/errors.csv" if done.failed else ""
    output.print(f"{plural(done.done, 'image')}: {done.out}{skipped}{failed}", markup=False)
    if done.failed:
        sys.exit(SOME_FAILED)
