"""`areoseg labels`: masks of labeling tools."""

from pathlib import Path
from typing import Literal

import areoseg
from areoseg.cli.show import output
from areoseg.errors import AreosegError, plural


def labels(
    action: Literal["export", "import"],
    path: Path,
    /,
    *,
    tool: Literal["label-studio", "cvat", "napari"],
    out: Path,
    images: Path | None = None,
    classes: str | None = None,
    unlabeled: Literal["background", "void"] = "background",
) -> None:
    """Exchange masks with Label Studio, CVAT and napari.

    `export` writes masks, for example those of `areoseg predict`, as a file of the tool: a JSON
    file for Label Studio, a zip file `Segmentation mask 1.1` for CVAT, a folder of TIFF files for
    napari. `import` reads such a file with the labels drawn there, and writes a dataset folder
    that `areoseg train` reads.

    Examples: `areoseg labels export masks --tool cvat --out masks.zip`, `areoseg labels import
    annotations.zip --tool cvat --images photos --out desert`

    Args:
        action: What to do.
        path: The folder of masks to export; the file, or for napari the folder, to import.
        tool: The labeling tool.
        out: File or folder to write.
        images: Folder of the labeled images, for import.
        classes: The classes: a dataset description, the name of a known dataset, or class names
            separated by commas. Default: the classes of Mars.
        unlabeled: What pixels without a label become at import.
    """
    from areoseg.data.description import describe

    taxonomy = describe(classes).taxonomy
    if action == "export":
        count = areoseg.export_labels(path, out, tool, taxonomy)
    elif images is None:
        raise AreosegError("labels import: name the folder of the labeled images with --images")
    else:
        names = areoseg.import_labels(path, images, out, tool, taxonomy, unlabeled=unlabeled)
        count = len(names)
    output.print(f"{plural(count, 'mask')}: {out}", markup=False)
