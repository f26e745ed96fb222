"""`areoseg predict`."""

from pathlib import Path

from areoseg.cli.options import Device, Out, Threads
from areoseg.cli.show import output
from areoseg.errors import AreosegError


def predict(
    *paths: Path,
    out: Out,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Segment images: masks, overlays, and a table of terrain shares.

    The leading run folders are the models, the rest are the images. Several models are averaged.

    Example: `areoseg predict runs/first runs/second photos/ frame.png --out masks`.

    Args:
        paths: Run folders, then image files, folders of images, or npz files.
        out: The folder to write masks/, overlays/ and shares.csv to.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api
    from areoseg.data.readers.listing import plural
    from areoseg.run import is_run

    first_input = next((i for i, path in enumerate(paths) if not is_run(path)), len(paths))
    models, inputs = paths[:first_input], paths[first_input:]
    if not models:
        raise AreosegError(
            f"{paths[0] if paths else 'predict'}: no run folder: name one before the images, such"
            " as `areoseg predict runs/first photos/ --out masks`"
        )
    if not inputs:
        raise AreosegError("predict: no images: name files or folders after the run")
    count = api.predict(models, inputs, out, device=device, threads=threads)
    output.print(f"{plural(count, 'image')}: {out}/masks, {out}/overlays, {out}/shares.csv")
