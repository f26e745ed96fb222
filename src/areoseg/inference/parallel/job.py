"""What a process needs to predict blocks, and how it predicts one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from areoseg.errors import AreosegError
from areoseg.inference.image_outputs import ImageFailure, ImageOutputs, segment_to_files
from areoseg.inference.inputs import Input
from areoseg.inference.load import load
from areoseg.inference.parallel.blocks import BlockFolder, BlockRecord, names_and_paths
from areoseg.inference.predictor import Predictor
from areoseg.utils.device import use_threads
from areoseg.utils.files import PathLike
from areoseg.utils.storage import RemoteFolder, is_url, open_folder


@dataclass(frozen=True)
class BlockResult:
    """The numbers of a finished block, and its failures for the log.

    Attributes:
        number: The block.
        images: Number of its images.
        done: Number of images that were segmented.
        failures: One line per image that was not.
        files: Number of files that were written.
    """

    number: int
    images: int
    done: int
    failures: tuple[str, ...]
    files: int


@dataclass(frozen=True)
class Job:
    """A prediction whose blocks can be done by any process.

    Attributes:
        models: The models.
        options: Further arguments of `load`.
        out: The output folder, or its URL.
        outputs: Names in `OUTPUTS`, `shares` and `gallery`.
        threads: CPU threads of each process.
    """

    models: tuple[str, ...]
    options: dict[str, Any]
    out: PathLike
    outputs: tuple[str, ...]
    threads: int | None = None

    def load(self) -> Predictor:
        """Load the predictor in this process, with the threads of the job.

        Raises:
            AreosegError: A model cannot be loaded here.
        """
        use_threads(self.threads)
        return load(self.models, **self.options)

    def predict_block(
        self, predictor: Predictor, number: int, inputs: Sequence[Input], *, resume: bool = False
    ) -> BlockResult:
        """Segment the images of a block, write their outputs, and then the record of the block.

        Args:
            predictor: The predictor.
            number: The block.
            inputs: Its images.
            resume: Whether to keep an earlier record whose failed images still cannot be read.

        Raises:
            AreosegError: A file cannot be written.
        """
        folder = BlockFolder(open_folder(self.out))
        if resume and (earlier := self._still_valid(folder, number, inputs)) is not None:
            return _result(number, earlier)
        with self._writable() as stage:
            found = list(
                segment_to_files(
                    predictor,
                    inputs,
                    stage,
                    outputs=self.outputs,
                    appearance=predictor.appearance,
                )
            )
            if isinstance(folder.folder, RemoteFolder):
                for each in found:
                    for file in each.files if isinstance(each, ImageOutputs) else ():
                        folder.folder.upload(stage / file, file)
        record = BlockRecord(
            images=tuple(names_and_paths(inputs)),
            done=tuple(each for each in found if isinstance(each, ImageOutputs)),
            failures=tuple(each for each in found if isinstance(each, ImageFailure)),
        )
        folder.write(number, record)
        return _result(number, record)

    @contextmanager
    def _writable(self) -> Iterator[Path]:
        """Yield the output folder, or a temporary one if it is in an object store."""
        if not is_url(self.out):
            yield Path(self.out)
            return
        with TemporaryDirectory(prefix="areoseg-") as folder:
            yield Path(folder)

    def _still_valid(
        self, folder: BlockFolder, number: int, inputs: Sequence[Input]
    ) -> BlockRecord | None:
        """Return the record of a block if none of its failed images can be read by now.

        Otherwise the whole block is predicted again, so that its batches, and with them the
        rounding of the results, are those of an undisturbed prediction.
        """
        if not folder.has_failures(number):
            return None
        record = folder.read(number)
        failed = {str(failure.path) for failure in record.failures}
        for each in inputs:
            if str(each.path.absolute()) in failed:
                with suppress(AreosegError, MemoryError):
                    each.read()
                    return None
        return record


def _result(number: int, record: BlockRecord) -> BlockResult:
    return BlockResult(
        number=number,
        images=len(record.images),
        done=len(record.done),
        failures=tuple(map(str, record.failures)),
        files=sum(len(image.files) for image in record.done),
    )
