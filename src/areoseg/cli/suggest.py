"""`areoseg suggest`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

import areoseg
from areoseg.cli.options import Json
from areoseg.cli.show import notes, output, print_json, print_table
from areoseg.utils.console import progress_bar, standard_error

_SHOWN = 10


def suggest(
    model: Path,
    /,
    *,
    data: Annotated[tuple[Path, ...], Parameter(consume_multiple=True)],
    out: Path | None = None,
    count: int = 100,
    device: Literal["auto", "cpu", "cuda"] = "cpu",
    json: Json = False,
) -> None:
    """Rank unlabeled images by how much their labels would help a model.

    The first image is the one about which the model is most uncertain. Each next one has the
    largest product of uncertainty (mean entropy) and distance to the images before it. `areoseg
    serve --suggestions` opens them on the page in this order.

    Example: `areoseg suggest flagship-256 --data photos/ --out suggestions.json`

    Args:
        model: A run folder, the name of a bundled model, or an exported file.
        data: Images, or folders of images.
        out: JSON file to write.
        count: Maximum number of images to suggest.
        device: Device to compute on.
    """
    with progress_bar(standard_error()) as progress:
        found = areoseg.suggest(
            model,
            data,
            out=out,
            count=count,
            device=device,
            log=partial(notes.print, markup=False),
            track=partial(progress.track, description="predicting"),
        )
    if json:
        print_json([vars(each) for each in found])
        return
    rows = [
        [each.name, f"{each.score:.3f}", f"{each.uncertainty:.3f}", f"{each.distance:.3f}"]
        for each in found[:_SHOWN]
    ]
    columns = ["image", "score", "uncertainty", "distance"]
    print_table(columns, rows, numbers=columns[1:])
    if out is not None:
        output.print(f"{len(found)} images: {out}", markup=False)
