"""Self-training rounds within one training: its averaged weights label the unlabeled samples.

Averaged weights are a better teacher than the latest ones (mean teacher, Tarvainen and Valpola
2017, arXiv 1703.01780). Here they label all unlabeled samples at once, a few times per training,
and the pseudo-labels are augmented with their images like manual labels.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from torch import Tensor

from areoseg.data.samples import SegmentationDataset, fingerprint
from areoseg.errors import AreosegError
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import PseudoLabelSettings
from areoseg.runs.info import PseudoLabelInfo
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors, TrainingBatches
from areoseg.training.self_training.pseudo_labels import pseudo_label, reading
from areoseg.utils.device import Precision
from areoseg.utils.files import replacing

ROUND = "round.npz"
"""File of the current round's labels in the run folder, until the run is finished: `masks`
(N, H, W), `indices` (N) of their samples, `tables` of all rounds so far, `fingerprint`."""

TABLES = TypeAdapter(list[dict[str, PseudoLabelInfo]])


class Rounds:
    """The pseudo-labels of a training, replaced at the start of each round.

    Args:
        settings: The section `pseudo_labels` of the recipe.
        samples: Unlabeled samples of the size of the labeled ones.
        teacher: The segmenter with the averaged weights.
        taxonomy: The classes.
        folder: The run folder, where the labels are stored for resuming.
        precision: Precision of the teacher.

    Attributes:
        tables: Pseudo-labels by class, for each round so far; see `PseudoLabels.info`.
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
        """Return the batches of an epoch that starts at the given progress of the training.

        Raises:
            AreosegError: The labels of the interrupted run cannot be read.
        """
        current = self.settings.round_at(progress)
        if current < 0 or not len(self.samples):
            return labeled
        if len(self.tables) <= current:
            self._resume()
        if len(self.tables) <= current:
            self._start(current)
        if self._labeled is None:
            return labeled
        share = 1 - self.settings.batch_fraction
        pseudo = self._labeled.to(labeled.tensors.images.device)
        return replace(labeled, pseudo=pseudo, labeled_share=share)

    def _start(self, current: int) -> None:
        """Label the samples for one round; without confident predictions there are no labels."""
        skipped: list[dict[str, PseudoLabelInfo]] = [{}] * (current - len(self.tables))
        samples, table = self.samples.select([]), {}
        try:
            labels = pseudo_label(
                self._predict,
                self.samples,
                classes=len(self.taxonomy),
                keep_fraction=self.settings.keep_fraction,
                min_confidence=self.settings.min_confidence,
            )
            samples, table = labels.samples, labels.info(self.taxonomy)
        except AreosegError:  # no prediction is confident enough
            pass
        self._labeled = Tensors.of(samples) if len(samples) else None
        self.tables = [*self.tables, *skipped, table]
        self._write(samples)

    @torch.inference_mode()
    def _predict(self, images: Tensor) -> Tensor:
        """Average the probabilities (n, C, H, W) of images (n, 1, H, W) and their mirror images."""
        device = self.teacher.mean.device
        teacher, images = self.teacher.eval(), images.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            plain, mirrored = teacher(images).softmax(1), teacher(images.flip(-1)).softmax(1)
        mean: Tensor = (plain + mirrored.flip(-1)) / 2
        return mean.float().cpu()

    def _write(self, samples: SegmentationDataset) -> None:
        index_of = {name: index for index, name in enumerate(self.samples.names)}
        with replacing(self.folder / ROUND) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file,
                masks=np.asarray(samples.masks if len(samples) else []),
                indices=np.array([index_of[name] for name in samples.names], dtype=np.int64),
                tables=np.array(TABLES.dump_json(self.tables).decode()),
                fingerprint=np.array(fingerprint(self.samples)),
            )

    def _resume(self) -> None:
        """Load the labels of an interrupted run, if there are any."""
        path = self.folder / ROUND
        if self.tables or not path.is_file():
            return
        with reading(path) as arrays:
            masks, indices = arrays["masks"], arrays["indices"]
            tables = TABLES.validate_json(str(arrays["tables"]))
            known = str(arrays["fingerprint"])
        if known != fingerprint(self.samples):
            raise AreosegError(
                f"cannot resume from {path}: its pseudo-labels belong to other unlabeled images;"
                " give the data that the run was started with, or train again into another folder"
            )
        if len(indices):
            labeled = self.samples.select(indices)
            self._labeled = Tensors.of(SegmentationDataset(labeled.images, masks, labeled.names))
        self.tables = tables
