"""Blocks of images: the unit of work that processes share, and the record of each finished block.

The list of images is cut into blocks of consecutive images. Whoever predicts a block writes the
outputs of its images and then one record, `.blocks/NUMBER.json`, under a temporary name that is
renamed. A block that is predicted twice therefore leaves the same files, and a block without a
record is predicted again.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from areoseg.errors import AreosegError, one_line
from areoseg.inference.image_outputs import ImageFailure, ImageOutputs
from areoseg.inference.inputs import Input
from areoseg.taxonomy import Taxonomy
from areoseg.utils.storage import Folder, shown_path

BLOCKS = ".blocks"
"""Folder of the records, in the output folder."""

_PLAN = f"{BLOCKS}/plan.json"
_RECORD = re.compile(rf"{re.escape(BLOCKS)}/(\d+)(\.failed)?\.json")


@dataclass(frozen=True)
class Part:
    """One of several equal parts of the blocks: numbers `number - 1`, `number - 1 + count`, ...

    Neighboring blocks belong to different parts, since images of one size and camera are often
    neighbors.

    Attributes:
        number: 1 to `count`.
        count: Number of parts.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> "Part":
        """Return the part that a text like `3/16` names.

        Raises:
            AreosegError: The text is no part.

        Examples:
            >>> Part.parse("3/16")
            Part(number=3, count=16)
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        part = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= part.number <= part.count:
            raise AreosegError(f"--part {text}: give a part and their number, such as 3/16")
        return part

    def __contains__(self, block: int) -> bool:
        return block % self.count == self.number - 1


@dataclass(frozen=True)
class Plan:
    """What the processes agree on.

    Attributes:
        images: Number of images.
        block_size: Number of images of a block; the last may have fewer.
        fingerprint: Hash of the names and paths of all images in order.
        outputs: Names in `OUTPUTS`, `shares` and `gallery`.
        taxonomy: The classes.
    """

    images: int
    block_size: int
    fingerprint: str
    outputs: tuple[str, ...]
    taxonomy: Taxonomy

    @classmethod
    def of(
        cls, inputs: Sequence[Input], block_size: int, outputs: Sequence[str], taxonomy: Taxonomy
    ) -> "Plan":
        """Return the plan for a list of images."""
        hashed = Fingerprint()
        hashed.add(names_and_paths(inputs))
        return cls(len(inputs), block_size, hashed.text, tuple(outputs), taxonomy)

    @property
    def blocks(self) -> range:
        """The numbers of the blocks."""
        return range(-(-self.images // self.block_size))

    def block(self, inputs: Sequence[Input], number: int) -> Sequence[Input]:
        """Return the images of a block."""
        return inputs[number * self.block_size : (number + 1) * self.block_size]


def names_and_paths(inputs: Iterable[Input]) -> Iterator[tuple[str, str]]:
    """Yield the name and the absolute path of each image."""
    return ((each.name, str(each.path.absolute())) for each in inputs)


class Fingerprint:
    """The hash of the names and paths of images, which depends on their order."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, images: Iterable[tuple[str, str]]) -> None:
        """Add the names and paths of the next images."""
        for image in images:
            self._digest.update(json.dumps(image).encode())  # escapes names that are not UTF-8

    @property
    def text(self) -> str:
        """The hash in hexadecimal digits."""
        return self._digest.hexdigest()


@dataclass(frozen=True)
class BlockRecord:
    """The outcome of a block.

    Attributes:
        images: Name and path of each image, in order.
        done: The images that were segmented, in order.
        failures: The images that could not be read or segmented.
        kept: Whether all images were finished by an earlier call, whose outputs and rows remain.
    """

    images: tuple[tuple[str, str], ...]
    done: tuple[ImageOutputs, ...] = ()
    failures: tuple[ImageFailure, ...] = ()
    kept: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the JSON values that `from_json` takes."""
        return {
            "images": self.images,
            "done": [image.to_json() for image in self.done],
            "failures": [failure.row for failure in self.failures],
            "kept": self.kept,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "BlockRecord":
        """Return the record that `to_json` described."""
        return cls(
            images=tuple((name, path) for name, path in values["images"]),
            done=tuple(map(ImageOutputs.from_json, values["done"])),
            failures=tuple(ImageFailure(shown_path(path), why) for path, why in values["failures"]),
            kept=values["kept"],
        )


class BlockFolder:
    """The plan and the records below an output folder.

    Args:
        folder: The output folder.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def exists(self) -> bool:
        """Return whether there is a plan, so that a prediction was begun and not yet gathered."""
        try:
            self.folder.read_text(_PLAN)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def plan(self) -> Plan:
        """Read the plan.

        Raises:
            AreosegError: There is none, or it cannot be read.
        """
        values = self._read(_PLAN)
        names, colors, background = (
            values["taxonomy"][key] for key in ("names", "colors", "background")
        )
        taxonomy = Taxonomy(tuple(names), tuple((r, g, b) for r, g, b in colors), background)
        return Plan(**{**values, "outputs": tuple(values["outputs"]), "taxonomy": taxonomy})

    def keep_plan(self, plan: Plan) -> None:
        """Write the plan, or check that it is the one that other processes follow.

        Raises:
            AreosegError: Another plan was begun here, or the folder cannot be written.
        """
        if not self.exists():
            self.folder.write_text(_PLAN, json.dumps(asdict(plan)))
            return
        earlier = self.plan()
        differing = [
            what
            for what, key in (
                ("images", "fingerprint"),
                ("outputs", "outputs"),
                ("block size", "block_size"),
                ("classes", "taxonomy"),
            )
            if getattr(earlier, key) != getattr(plan, key)
        ]
        if differing:
            raise AreosegError(
                f"{self.folder}: another prediction was begun here, with other"
                f" {' and '.join(differing)}: finish it with the same images and options and"
                f" `areoseg gather`, or delete {self.folder}/{BLOCKS}"
            )

    def finished(self) -> dict[int, bool]:
        """Return the numbers of the recorded blocks, and whether each has failures."""
        found = {}
        for name in self.folder.files(BLOCKS):
            if match := _RECORD.fullmatch(name):
                found[int(match[1])] = match[2] is not None
        return found

    def has_failures(self, number: int) -> bool:
        """Return whether a block is finished and has failures."""
        try:
            self.folder.read_text(_record(number, failed=True))
        except FileNotFoundError:
            return False
        return True

    def write(self, number: int, record: BlockRecord) -> None:
        """Write a record; an earlier one of the block is replaced.

        Raises:
            AreosegError: The record cannot be written.
        """
        failed = bool(record.failures)
        self.folder.write_text(_record(number, failed=failed), json.dumps(record.to_json()))
        self.folder.remove([_record(number, failed=not failed)])

    def read(self, number: int) -> BlockRecord:
        """Read the record of a finished block.

        Raises:
            AreosegError: There is none, or it cannot be read.
        """
        try:
            values = self._read(_record(number, failed=False))
        except FileNotFoundError:
            values = self._read(_record(number, failed=True))
        return BlockRecord.from_json(values)

    def records(self, plan: Plan) -> Iterator[BlockRecord]:
        """Read the records of all blocks in order."""
        return map(self.read, plan.blocks)

    def forget(self, numbers: Iterable[int]) -> None:
        """Remove the records of some blocks, which are then predicted again.

        Raises:
            AreosegError: A record cannot be removed.
        """
        self.folder.remove(
            _record(number, failed=failed) for number in numbers for failed in (False, True)
        )

    def remove(self) -> None:
        """Remove the plan and all records, the plan last.

        Raises:
            AreosegError: A file cannot be removed.
        """
        names = self.folder.files(BLOCKS)
        self.folder.remove([*(names - {_PLAN}), _PLAN])

    def _read(self, name: str) -> Any:
        try:
            return json.loads(self.folder.read_text(name))
        except ValueError as error:
            raise AreosegError(
                f"{self.folder}/{name}: cannot read this file: {one_line(error)}: delete it, and"
                " continue with --resume"
            ) from None


def _record(number: int, *, failed: bool) -> str:
    return f"{BLOCKS}/{number:08d}{'.failed' if failed else ''}.json"
