"""AI4Mars as distributed: `msl/images/{edr,mxy,rng-30m}` and `msl/labels/{train,test}`."""

from functools import partial
from pathlib import Path

from areoseg.data.missions.ai4mars import check_mars_taxonomy
from areoseg.data.readers.files import list_images
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.masks import read_ai4mars_mask, read_not_ground
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError, plural, shorten
from areoseg.taxonomy import Taxonomy

LABEL_FOLDERS = {
    "crowd": "labels/train",
    "expert-1": "labels/test/masked-gold-min1-100agree",
    "expert-2": "labels/test/masked-gold-min2-100agree",
    "expert-3": "labels/test/masked-gold-min3-100agree",
}
"""Folder of each label set. Expert labels require one, two or three agreeing experts."""

# Folder and product code of masks whose value 1 marks the rover, or ground beyond 30 m.
_HIDING_MASKS = (("images/mxy", "MXY"), ("images/rng-30m", "RNG"))


def recognize_ai4mars(path: Path) -> bool:
    """Return whether `path` is the folder `msl` of AI4Mars, or its parent."""
    return _root(path) is not None


def find_in_ai4mars(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the frames that have a label of the label set, sorted by name.

    Other frames are skipped, including those of the expert-labeled test set. Labels without their
    frame, for example after a partial download, cause a warning.

    Raises:
        AreosegError: A folder is missing or empty, or no label has its frame.
    """
    check_mars_taxonomy(taxonomy)
    root = _root(path)
    if root is None:
        raise AreosegError(f"{path}: does not contain images/edr: give the folder msl")
    frames = {frame.stem: frame for frame in list_images(root / "images/edr")}
    masks = _labels(root, label_set)
    paired = sorted(masks.keys() & frames.keys())
    if not paired:
        raise AreosegError(
            f"{root}: none of {plural(len(masks), 'label')} in {LABEL_FOLDERS[label_set]} has its"
            f" frame in images/edr ({plural(len(frames), 'frame')}): download the frames"
            f" {shorten(sorted(masks))}"
        )
    return Listing(
        labeled=[_frame(root, name, frames[name], masks[name]) for name in paired],
        warnings=_warnings(label_set, list(frames), list(masks)),
    )


def _root(path: Path) -> Path | None:
    for folder in (path, path / "msl"):
        if (folder / "images/edr").is_dir():
            return folder
    return None


def _labels(root: Path, label_set: str) -> dict[str, Path]:
    """Return the label files by the name of their frame."""
    folder = root / LABEL_FOLDERS[label_set]
    masks = {mask.stem.removesuffix("_merged"): mask for mask in list_images(folder)}
    if not masks:
        present = [kind for kind, below in LABEL_FOLDERS.items() if list_images(root / below)]
        advice = f"choose {shorten(present)}" if present else "read images/edr as unlabeled images"
        raise AreosegError(f"{folder}: no {label_set} labels: {advice}")
    return masks


def _frame(root: Path, name: str, image: Path, mask: Path) -> LazyFrame:
    hiding = tuple(
        file
        for folder, product in _HIDING_MASKS
        if (file := root / folder / f"{name.replace('EDR_', product + '_', 1)}.png").exists()
    )
    return LazyFrame(
        name=name,
        where=str(image),
        read_image=partial(read_raster, image),
        read_mask=partial(read_ai4mars_mask, mask),
        read_not_ground=partial(read_not_ground, hiding) if hiding else None,
    )


def _warnings(label_set: str, frames: list[str], masks: list[str]) -> list[str]:
    warnings = []
    absent = sorted(set(masks) - set(frames))
    if absent:
        warnings.append(
            f"left out {len(absent)} of {plural(len(masks), f'{label_set} label')} without frames"
            f" in images/edr: {shorten(absent)}"
        )
    bare = sorted(set(frames) - set(masks))
    if bare:
        warnings.append(
            f"left out {len(bare)} of {plural(len(frames), 'frame')} without {label_set} labels:"
            f" {shorten(bare)}"
        )
    return warnings


AI4MARS = DatasetFormat(
    name="ai4mars",
    summary="AI4Mars as distributed: msl/images/edr and msl/labels",
    recognize=recognize_ai4mars,
    find=find_in_ai4mars,
    label_sets=tuple(LABEL_FOLDERS),
)
