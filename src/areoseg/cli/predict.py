"""`areoseg predict`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import Device
from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.errors import AreosegError

if TYPE_CHECKING:
    from areoseg.inference.resampling import ScaleOption

SOME_FAILED = 3
"""The exit code where images failed and the others were done."""


def predict(
    *paths: Path,
    out: Out,
    write: Annotated[str, Parameter(name="--write")] = "masks,overlays,shares",
    flips: Annotated[bool, Parameter(name="--flips", negative="")] = False,
    scales: Annotated[str, Parameter(name="--scales")] = "1",
    scale: Annotated[str, Parameter(name="--scale")] = "auto",
    resume: Annotated[bool, Parameter(name="--resume", negative="")] = False,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Segment images: masks, overlays, and a table of terrain shares.

    The leading run folders, bundled models and exported files are the models, the rest are the
    images. Several models are averaged; where none is named, the bundled `flagship-256` predicts.
    Images may be of any size: PNG, JPEG, TIFF, and with the extra `planetary`
    PDS3, PDS4, VICAR and GeoTIFF.

    Exit codes: 0 all done, 2 a mistake or a folder that cannot be written, 3 some images failed;
    errors.csv lists them.

    Example: `areoseg predict runs/first runs/second photos/ frame.png --out masks`.

    Args:
        paths: Run folders, names of bundled models or exported files; then image files, folders of
            images, or npz files.
        out: The folder to write to.
        write: What to write, with commas between: masks, overlays, probabilities, confidence,
            entropy, polygons, shares.
        flips: Show each image mirrored as well, and average.
        scales: Show each image at several scales, such as 0.75,1,1.25, and average.
        scale: What the sides of images are multiplied by first; auto brings them to the scale that
            the model was trained at, where both are known.
        resume: Skip images whose outputs an earlier call with the same models wrote.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api
    from areoseg.errors import plural
    from areoseg.inference.factory import default_model
    from areoseg.inference.factory import is_model

    first_input = next((i for i, path in enumerate(paths) if not is_model(path)), len(paths))
    models, inputs = paths[:first_input], paths[first_input:]
    if not models:
        models = (default_model(),)
        notes.print(f"model: {models[0].name}, which comes with areoseg")
    if not inputs:
        raise AreosegError("predict: no images: name files or folders after the run")
    found = api.predict(
        inputs,
        out,
        model=models,
        outputs=_words(write),
        tta_flip=flips,
        tta_scales=[_number("--scales", word) for word in _words(scales)],
        scale=_scale(scale),
        resume=resume,
        device=device,
        threads=threads,
    )
    skipped = f", {found.skipped} skipped" if found.skipped else ""
    failed = f", {found.failed} failed: see {out}/errors.csv" if found.failed else ""
    output.print(f"{plural(found.done, 'image')}: {out}{skipped}{failed}", markup=False)
    if found.failed:
        sys.exit(SOME_FAILED)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _scale(text: str) -> "ScaleOption":
    return "auto" if text == "auto" else _number("--scale", text)


def _number(option: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise AreosegError(f"{option} {text}: give a number, such as 0.5") from None
