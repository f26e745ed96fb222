"""Rounds of self-training within one training: its weights label what nobody has labelled.

The average of the weights is a better teacher than the newest ones (mean teacher, Tarvainen and
Valpola 2017, arXiv 1703.01780). Here it labels all unlabelled scenes at once, a few times in a
training, and the labels are augmented with their images like those that people made.
"""

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from areoseg.data.fingerprint import fingerprint
from areoseg.data.scenes import SceneSet
from areoseg.device import Precision
from areoseg.errors import AreosegError, one_line
from areoseg.files import replacing
from areoseg.models.segmenter import Segmenter
from areoseg.recipes import UnlabelledSettings
from areoseg.taxonomy import Taxonomy
from areoseg.training.batches import Tensors, TrainingBatches
from areoseg.training.pseudo_labels import pseudo_label

ROUND = "round.npz"
"""The labels of the present round in the run folder, while the run is not finished: `masks`
(N, H, W), `indices` (N) of their scenes, `tables` of all rounds so far, `fingerprint`."""


class Rounds:
    """The pseudo-labels of a training, made anew when a round begins.

    Args:
        settings: When and how.
        scenes: Unlabelled scenes of the size of the labelled ones.
        teacher: The segmenter with the average of the weights.
        taxonomy: The classes.
        folder: The run, where the labels are kept to resume with.
        precision: In which the teacher answers.

    Attributes:
        tables: For each round so far what was kept of each class; see `PseudoLabels.to_json`.
    """

    def __init__(
        self,
        settings: UnlabelledSettings,
        scenes: SceneSet,
        teacher: Segmenter,
        taxonomy: Taxonomy,
        folder: Path,
        precision: Precision,
    ) -> None:
        self.settings, self.scenes, self.teacher = settings, scenes, teacher
        self.taxonomy, self.folder, self.precision = taxonomy, folder, precision
        self.tables: list[dict[str, dict[str, Any]]] = []
        self._labelled: Tensors | None = None

    def batches(self, labelled: TrainingBatches, progress: float) -> TrainingBatches:
        """The batches of an epoch that begins at a progress of the training.

        Raises:
            AreosegError: The labels to resume with cannot be read.
        """
        number = self.settings.round_at(progress)
        if number < 0 or not len(self.scenes):
            return labelled
        if len(self.tables) <= number and not (self._read() and len(self.tables) > number):
            self._begin(number)
        if self._labelled is None:
            return labelled
        share = 1 - self.settings.share
        return replace(labelled, pseudo=self._labelled, labelled_share=share)

    def _begin(self, number: int) -> None:
        """Label the scenes for a round; where the teacher is sure of nothing they are left out."""
        skipped: list[dict[str, dict[str, Any]]] = [{}] * (number - len(self.tables))
        scenes, table = self.scenes.select([]), {}
        try:
            found = pseudo_label(
                self._answer,
                self.scenes,
                classes=len(self.taxonomy),
                keep=self.settings.keep,
                floor=self.settings.floor,
            )
            scenes, table = found.scenes, found.to_json(self.taxonomy)
        except AreosegError:  # no answer reaches the floor
            pass
        self._labelled = Tensors.of(scenes) if len(scenes) else None
        self.tables = [*self.tables, *skipped, table]
        self._write(scenes)

    @torch.inference_mode()
    def _answer(self, images: Tensor) -> Tensor:
        """Probabilities (n, C, H, W) of images (n, 1, H, W), the mean with the mirrored images."""
        device = self.teacher.mean.device
        teacher, shown = self.teacher.eval(), images.to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            plain, mirrored = teacher(shown).softmax(1), teacher(shown.flip(-1)).softmax(1)
        answers: Tensor = (plain + mirrored.flip(-1)) / 2
        return answers.float().cpu()

    def _write(self, scenes: SceneSet) -> None:
        place = {name: index for index, name in enumerate(self.scenes.names)}
        with replacing(self.folder / ROUND) as beside, beside.open("wb") as file:
            np.savez_compressed(
                file,
                masks=np.asarray(scenes.masks if len(scenes) else []),
                indices=np.array([place[name] for name in scenes.names], dtype=np.int64),
                tables=np.array(json.dumps(self.tables)),
                fingerprint=np.array(fingerprint(self.scenes)),
            )

    def _read(self) -> bool:
        """Take over the labels that an interrupted run has left, if there are any."""
        path = self.folder / ROUND
        if self.tables or not path.is_file():
            return False
        try:
            with np.load(path, allow_pickle=False) as arrays:
                masks, indices = arrays["masks"], arrays["indices"]
                tables, known = json.loads(str(arrays["tables"])), str(arrays["fingerprint"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise AreosegError(
                f"{path}: cannot read the pseudo-labels of this run: {one_line(error)}; train anew"
            ) from None
        if known != fingerprint(self.scenes):
            raise AreosegError(
                f"{path}: these pseudo-labels are of other unlabelled images: give the data that"
                " the run was begun with, or train anew"
            )
        if len(indices):
            chosen = self.scenes.select(indices)
            self._labelled = Tensors.of(SceneSet(chosen.images, masks, chosen.names))
        self.tables = tables
        return True
