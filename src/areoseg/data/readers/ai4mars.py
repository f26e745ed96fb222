"""AI4Mars as it is distributed: `msl/images/{edr,mxy,rng-30m}` and `msl/labels/{train,test}`."""

from functools import partial
from pathlib import Path

from areoseg.data.readers.ai4mars_labels import check_mars_taxonomy
from areoseg.data.readers.ai4mars_labels import read_ai4mars_mask
from areoseg.data.readers.decode import decode_image
from areoseg.data.readers.format import Format
from areoseg.data.readers.format import Found
from areoseg.data.readers.frames import Frame
from areoseg.data.readers.listing import list_images
from areoseg.data.readers.listing import listed
from areoseg.data.readers.listing import plural
from areoseg.errors import AreosegError
from areoseg.taxonomy import Taxonomy

LABEL_FOLDERS = {
    "crowd": "labels/train",
    "expert-1": "labels/test/masked-gold-min1-100agree",
    "expert-2": "labels/test/masked-gold-min2-100agree",
    "expert-3": "labels/test/masked-gold-min3-100agree",
}
"""Where each kind of label lies. Expert labels demand one, two or three agreeing experts."""

# Folder and product code of the masks that hide pixels: 1 is the rover, or beyond 30 m.
_HIDING_MASKS = (("images/mxy", "MXY"), ("images/rng-30m", "RNG"))


def recognize_ai4mars(path: Path) -> bool:
    """Whether `path` is the folder `msl` of AI4Mars, or the one above it."""
    return _root(path) is not None


def find_in_ai4mars(path: Path, labels: str, taxonomy: Taxonomy) -> Found:
    """The frames that have the chosen kind of label, sorted by name.

    Frames without such a label are left out: among them are those of the expert-labeled test
    set. Labels whose frame is absent, as after a partial download, make a warning.

    Raises:
        AreosegError: A folder is missing or empty, or no label has its frame.
    """
    check_mars_taxonomy(taxonomy)
    root = _root(path)
    if root is None:
        raise AreosegError(f"{path}: no images/edr in it: give the folder msl")
    frames = {frame.stem: frame for frame in list_images(root / "images/edr")}
    masks = _labels(root, labels)
    paired = sorted(masks.keys() & frames.keys())
    if not paired:
        raise AreosegError(
            f"{root}: none of {plural(len(masks), 'label')} in {LABEL_FOLDERS[labels]} has its"
            f" frame in images/edr ({plural(len(frames), 'frame')}): download the frames"
            f" {listed(sorted(masks))}"
        )
    return Found(
        labeled=[_frame(root, name, frames[name], masks[name]) for name in paired],
        warnings=_warnings(labels, list(frames), list(masks)),
    )


def _root(path: Path) -> Path | None:
    for folder in (path, path / "msl"):
        if (folder / "images/edr").is_dir():
            return folder
    return None


def _labels(root: Path, labels: str) -> dict[str, Path]:
    """Label files by the name of their frame."""
    folder = root / LABEL_FOLDERS[labels]
    masks = {mask.stem.removesuffix("_merged"): mask for mask in list_images(folder)}
    if not masks:
        there = [kind for kind, below in LABEL_FOLDERS.items() if list_images(root / below)]
        advice = f"choose {listed(there)}" if there else "read images/edr as unlabeled images"
        raise AreosegError(f"{folder}: no {labels} labels there: {advice}")
    return masks


def _frame(root: Path, name: str, image: Path, mask: Path) -> Frame:
    hiding = (
        root / folder / f"{name.replace('EDR_', product + '_', 1)}.png"
        for folder, product in _HIDING_MASKS
    )
    return Frame(
        name=name,
        where=str(image),
        read_image=partial(decode_image, image),
        read_mask=partial(read_ai4mars_mask, mask, tuple(each for each in hiding if each.exists())),
    )


def _warnings(labels: str, frames: list[str], masks: list[str]) -> list[str]:
    warnings = []
    absent = sorted(set(masks) - set(frames))
    if absent:
        warnings.append(
            f"left out {len(absent)} of {plural(len(masks), f'{labels} label')} for want of frames"
            f" in images/edr: {listed(absent)}"
        )
    bare = sorted(set(frames) - set(masks))
    if bare:
        warnings.append(
            f"left out {len(bare)} of {plural(len(frames), 'frame')} for want of {labels} labels:"
            f" {listed(bare)}"
        )
    return warnings


AI4MARS = Format(
    name="ai4mars",
    summary="AI4Mars as distributed: msl/images/edr and msl/labels",
    recognize=recognize_ai4mars,
    find=find_in_ai4mars,
    labels=tuple(LABEL_FOLDERS),
)
