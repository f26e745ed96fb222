"""AI4Mars as distributed, versions 0.1 to 0.6: images and labels of several rovers and cameras.

Version 0.1 has `msl/images/{edr,mxy,rng-30m}` and `msl/labels/{train,test}`. In version 0.6 these
are in `msl/ncam`, and there are `msl/mcam`, `mer` and `m2020`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from areoseg.data.missions.ai4mars import check_mars_taxonomy
from areoseg.data.readers.files import by_unique_name, list_images
from areoseg.data.readers.formats import DatasetFormat, LazyFrame, Listing
from areoseg.data.readers.masks import read_ai4mars_mask, read_not_ground
from areoseg.data.readers.rover_image import read_raster
from areoseg.errors import AreosegError, plural, shorten
from areoseg.taxonomy import Taxonomy

_TRAIN = "labels/train"
_EXPERTS = "labels/test/masked-gold-min{}-100agree"

LABEL_SETS = ("crowd", "expert-1", "expert-2", "expert-3")
"""Labels by the crowd, or those that at least one, two or three experts agree on."""


@dataclass(frozen=True)
class Camera:
    """A camera of AI4Mars and its folders.

    Attributes:
        mission: Mission and camera, as `missions` of `DataOptions` names them.
        places: Where it may be below the folder that the user names; `.` is that folder.
        images: Its folder of images.
        train: Its folder of crowd labels.
        experts: Its folders of expert labels, with `{}` for the number of experts.
        must_have: Folders by which it is recognized.
        named: Name of its folder, if it is recognized by that too.
    """

    mission: str
    places: tuple[str, ...]
    images: str
    train: str = _TRAIN
    experts: str = _EXPERTS
    must_have: tuple[str, ...] = ()
    named: str | None = None

    def labels(self, label_set: str) -> str:
        """Return the folder of a label set."""
        return self.train if label_set == "crowd" else self.experts.format(label_set[-1])


CAMERAS = (
    Camera("msl/ncam", (".", "ncam", "msl", "msl/ncam"), "images/edr", must_have=("images/edr",)),
    Camera("msl/mcam", (".", "mcam", "msl/mcam"), "images", must_have=("images",), named="mcam"),
    Camera("mer", (".", "mer"), "images/eff", must_have=("images/eff",)),
    Camera(
        "m2020",
        (".", "m2020"),
        "images/ncam",
        train="labels/NAV",
        experts="labels/NAV/test/masked-gold-min{}-100agree",
        must_have=("images/ncam",),
    ),
)
"""The cameras of AI4Mars."""

_HIDING_FOLDERS = re.compile(r"(?P<product>mxy|rng)(?!\w)", re.IGNORECASE)

# The product code of a frame: EDR_ of the Mars Science Laboratory, or the letters after the clock
# in a name of the Mars Exploration Rovers, such as EFF.
_PRODUCT = re.compile(r"(?<=\d{9})(?:edr|e[a-z]{2})(?=[_0-9a-z])", re.IGNORECASE)

_MERGED = re.compile(r"_(?:merged\d*|label)$", re.IGNORECASE)
_TOKEN = re.compile(r"_T?\d+$", re.IGNORECASE)  # of a task or an annotator, before `_merged`


def recognize_ai4mars(path: Path) -> bool:
    """Return whether `path` contains a camera of AI4Mars, up to two folders below it."""
    return next(_cameras(path), None) is not None


def find_in_ai4mars(path: Path, label_set: str, taxonomy: Taxonomy) -> Listing:
    """List the frames of all cameras that have a label of the label set, sorted by name.

    Other frames are skipped, including those of the expert-labeled test set. Labels without their
    frame, for example after a partial download, and labels of single annotators cause a warning.

    Raises:
        AreosegError: A folder is missing or empty, no label has its frame, or two frames or labels
            have one name.
    """
    check_mars_taxonomy(taxonomy)
    cameras = list(_cameras(path))
    if not cameras:
        raise AreosegError(f"{path}: does not contain images/edr: give the folder msl")
    several = len(cameras) > 1
    listing = Listing()
    problems: list[str] = []
    for camera, root in cameras:
        try:
            found = _of_camera(camera, root, label_set)
        except AreosegError as error:
            if not several or "have the same name" in str(error):
                raise
            problems.append(str(error))
            continue
        listing.labeled.extend(found.labeled)
        listing.warnings.extend(
            f"{camera.mission}: {line}" if several else line for line in found.warnings
        )
    if not listing.labeled:
        raise AreosegError(problems[0])
    listing.warnings.extend(f"left out: {problem}" for problem in problems)
    if several:
        counts = Counter(str(frame.mission) for frame in listing.labeled)
        counted = ", ".join(f"{mission} {count:,}" for mission, count in counts.items())
        listing.warnings.append(f"frames of several cameras ({counted}): --missions chooses")
    names = [frame.name for frame in listing.labeled]
    by_unique_name([Path(frame.where) for frame in listing.labeled], names, str(path))
    return listing


def _cameras(path: Path) -> Iterator[tuple[Camera, Path]]:
    """Yield the cameras at a path, each with its folder."""
    seen: set[Path] = set()
    roots = [path]
    unpacked = [
        path / name for name in ("ai4mars-dataset-merged-0.6", "ai4mars-dataset-merged-0.1")
    ]
    roots += [root for root in unpacked if root.is_dir()]
    for root in roots:
        for camera in CAMERAS:
            for place in camera.places:
                folder = root / place
                if camera.named is not None and folder.absolute().name != camera.named:
                    continue
                if folder not in seen and all(
                    (folder / each).is_dir() for each in camera.must_have
                ):
                    seen.add(folder)
                    yield camera, folder


def _of_camera(camera: Camera, root: Path, label_set: str) -> Listing:
    images = list_images(root / camera.images)
    frames = by_unique_name(images, [image.stem.casefold() for image in images], str(root))
    labels, annotators = _labels(camera, root, label_set, frames)
    paired = sorted(labels.keys() & frames.keys())
    if not paired:
        raise AreosegError(
            f"{root}: none of {plural(len(labels), 'label')} in {camera.labels(label_set)} has its"
            f" frame in {camera.images} ({plural(len(frames), 'frame')}): download the frames"
            f" {shorten(sorted(_frame_name(label) for label in labels.values()))}"
        )
    hiding = _hiding_masks(root)
    return Listing(
        labeled=[_frame(camera, frames[name], labels[name], hiding) for name in paired],
        warnings=_warnings(camera, label_set, frames, labels, annotators, root),
    )


def _labels(
    camera: Camera, root: Path, label_set: str, frames: dict[str, Path]
) -> tuple[dict[str, Path], list[Path]]:
    """Return the labels by the name of their frame in lower case, and those of annotators."""
    folder = root / camera.labels(label_set)
    masks, annotators, names = [], [], []
    for mask in list_images(folder):
        below = mask.relative_to(folder).as_posix().casefold()
        if label_set == "crowd" and ("masked-gold" in below or below.startswith("test/")):
            continue
        name, merged = _frame_of_label(mask, frames)
        if "unmerged" in below or not merged:
            annotators.append(mask)
            continue
        masks.append(mask)
        names.append(name)
    if not masks and not annotators:
        present = [kind for kind in LABEL_SETS if list_images(root / camera.labels(kind))]
        advice = (
            f"choose {shorten(present)}" if present else f"read {camera.images} as unlabeled images"
        )
        raise AreosegError(f"{folder}: no {label_set} labels: {advice}")
    if not masks:
        raise AreosegError(
            f"{folder}: {plural(len(annotators), 'label')} of single annotators, such as"
            f" {annotators[0].name}: give the merged labels of AI4Mars"
        )
    return by_unique_name(masks, names, str(folder)), annotators


def _frame_of_label(label: Path, frames: dict[str, Path]) -> tuple[str, bool]:
    """Return the name of a label's frame in lower case, and whether the label is merged.

    A label has the stem of its frame, to which tokens such as `_16165` and `_T0`, and then
    `_merged` may be added. One with tokens alone is of a single annotator.
    """
    stem = label.stem.casefold()
    name = _MERGED.sub("", stem)
    merged = name != stem
    candidate = name
    while candidate not in frames and (shorter := _TOKEN.sub("", candidate)) != candidate:
        candidate = shorter
    if candidate not in frames:  # its frame is absent
        return name, True
    return candidate, merged or candidate == name


def _frame_name(label: Path) -> str:
    return _MERGED.sub("", label.stem)


def _hiding_masks(root: Path) -> dict[str, dict[str, Path]]:
    """Return the masks of the rover and of what is far, by product and name in lower case."""
    found: dict[str, dict[str, Path]] = {}
    images = root / "images"
    for folder in sorted(images.iterdir()) if images.is_dir() else []:
        if folder.is_dir() and (match := _HIDING_FOLDERS.match(folder.name)):
            masks = found.setdefault(match["product"].lower(), {})
            masks.update((mask.stem.casefold(), mask) for mask in list_images(folder))
    return found


def _frame(
    camera: Camera, image: Path, mask: Path, hiding: dict[str, dict[str, Path]]
) -> LazyFrame:
    covers = tuple(
        masks[name]
        for product, masks in hiding.items()
        if (name := _PRODUCT.sub(product, image.stem, count=1).casefold()) in masks
    )
    return LazyFrame(
        name=image.stem,
        where=str(image),
        read_image=partial(read_raster, image),
        read_mask=partial(read_ai4mars_mask, mask, ignored=(4,)),
        read_not_ground=partial(read_not_ground, covers) if covers else None,
        mission=camera.mission,
    )


def _warnings(
    camera: Camera,
    label_set: str,
    frames: dict[str, Path],
    labels: dict[str, Path],
    annotators: list[Path],
    root: Path,
) -> list[str]:
    warnings = []
    absent = sorted(_frame_name(labels[name]) for name in labels.keys() - frames.keys())
    if absent:
        warnings.append(
            f"left out {len(absent)} of {plural(len(labels), f'{label_set} label')} without frames"
            f" in {camera.images}: {shorten(absent)}"
        )
    bare = sorted(frames[name].stem for name in frames.keys() - labels.keys())
    if bare:
        warnings.append(
            f"left out {len(bare)} of {plural(len(frames), 'frame')} without {label_set} labels:"
            f" {shorten(bare)}"
        )
    if annotators:
        warnings.append(
            f"left out {plural(len(annotators), 'label')} of single annotators:"
            f" {shorten([mask.name for mask in annotators])}"
        )
    if (root / "labels/GEO").is_dir():
        warnings.append("left out labels/GEO, which have other classes than labels/NAV")
    return warnings


AI4MARS = DatasetFormat(
    name="ai4mars",
    summary="AI4Mars as distributed, versions 0.1 to 0.6, with one or several rovers",
    recognize=recognize_ai4mars,
    find=find_in_ai4mars,
    label_sets=LABEL_SETS,
)
