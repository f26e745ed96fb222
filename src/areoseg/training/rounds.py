"""Rounds of self-training within one training: its weights label what nobody has labeled.

The average of the weights is a better teacher than the newest ones (mean teacher, Tarvainen and
Valpola 2017, arXiv 1703.01780). Here it labels all unlabeled samples at once, a few times in a
training, and the labels are augmented with their images like those that people made.
"""

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from areoseg.data.samples import SegmentationDataset
from areoseg.data.samples import fingerprint
from areoseg.errors import AreosegError
from areoseg.errors import one_line
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import PseudoLabelSettings
from areoseg.runs.info import PseudoLabelInfo
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors
from areoseg.training.batches import TrainingBatches
from areoseg.training.pseudo_labels import pseudo_label
from areoseg.utils.device import Precision
from areoseg.utils.files import replacing

ROUND = "round.npz"
"""The labels of the present round in the run folder, while the run is not finished: `masks`
(N, H, W), `indices` (N) of their samples, `tables` of all rounds so far, `fingerprint`."""

TABLES = TypeAdapter(list[dict[str, PseudoLabelInfo]])


class Rounds:
    """The pseudo-labels of a training, made anew when a round begins.

    Args:
        settings: When and how.
        samples: Unlabeled samples of the size of the labeled ones.
        teacher: The segmenter with the average of the weights.
        taxonomy: The classes.
        folder: The run, where the labels are kept to resume with.
        precision: In which the teacher answers.

    Attributes:
        tables: For each round so far what was kept of each class; see `PseudoLabels.info`.
    """

    def __init__(
        self,
        settings: PseudoLabelSettings,
        samples: SegmentationDataset,
        teacher: Segmenter,
        taxonomy: Taxonomy,
        folder: Path,
        precision: Precision,
    ) -> None:
        self.settings, self.samples, self.teacher = settings, samples, teacher
        self.taxonomy, self.folder, self.precision = taxonomy, folder, precision
        self.tables: list[dict[str, PseudoLabelInfo]] = []
        self._labeled: Tensors | None = None

    def batches(self, labeled: TrainingBatches, progress: float) -> TrainingBatches:
        """The batches of an epoch that begins at a progress of the training.

        Raises:
            AreosegError: The labels to resume with cannot be read.
        """
        number = self.settings.round_at(progress)
        if number < 0 or not len(self.samples):
            return labeled
        if len(self.tables) <= number and not (self._read() and len(self.tables) > number):
            self._begin(number)
        if self._labeled is None:
            return labeled
        share = 1 - self.settings.batch_fraction
        return replace(labeled, pseudo=self._labeled, labeled_share=share)

    def _begin(self, number: int) -> None:
        """Label the samples for a round; where the teacher is sure of nothing they are left out."""
        skipped: list[dict[str, PseudoLabelInfo]] = [{}] * (number - len(self.tables))
        samples, table = self.samples.select([]), {}
        try:
            found = pseudo_label(
                self._answer,
                self.samples,
                classes=len(self.taxonomy),
                keep=self.settings.keep_fraction,
                floor=self.settings.min_confidence,
            )
            samples, table = found.samples, found.info(self.taxonomy)
        except AreosegError:  # no answer reaches the floor
            pass
        self._labeled = Tensors.of(samples) if len(samples) else None
        self.tables = [*self.tables, *skipped, table]
        self._write(samples)

    @torch.inference_mode()
    def _answer(self, images: Tensor) -> Tensor:
        """Probabilities (n, C, H, W) of images (n, 1, H, W), the mean with the mirrored images."""
        device = self.teacher.mean.device
        teacher, shown = self.teacher.eval(), images.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            plain, mirrored = teacher(shown).softmax(1), teacher(shown.flip(-1)).softmax(1)
        answers: Tensor = (plain + mirrored.flip(-1)) / 2
        return answers.float().cpu()

    def _write(self, samples: SegmentationDataset) -> None:
        place = {name: index for index, name in enumerate(self.samples.names)}
        with replacing(self.folder / ROUND) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file,
                masks=np.asarray(samples.masks if len(samples) else []),
                indices=np.array([place[name] for name in samples.names], dtype=np.int64),
                tables=np.array(TABLES.dump_json(self.tables).decode()),
                fingerprint=np.array(fingerprint(self.samples)),
            )

    def _read(self) -> bool:
        """Take over the labels that an interrupted run has left, if there are any."""
        path = self.folder / ROUND
        if self.tables or not path.is_file():
            return False
        try:
            with np.load(path, allow_pickle=False) as arrays:
                masks, indices = arrays["masks"], arrays["indices"]
                tables, known = (
                    TABLES.validate_json(str(arrays["tables"])),
                    str(arrays["fingerprint"]),
                )
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise AreosegError(
                f"{path}: cannot read the pseudo-labels of this run: {one_line(error)}; train anew"
            ) from None
        if known != fingerprint(self.samples):
            raise AreosegError(
                f"{path}: these pseudo-labels are of other unlabeled images: give the data that"
                " the run was begun with, or train anew"
            )
        if len(indices):
            chosen = self.samples.select(indices)
            self._labeled = Tensors.of(SegmentationDataset(chosen.images, masks, chosen.names))
        self.tables = tables
        return True
