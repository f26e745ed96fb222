"""`areoseg self-train`."""

from pathlib import Path

import areoseg
from areoseg.cli.options import (
    DEFAULT_COMPUTE,
    Budget,
    ComputeFlags,
    MovedData,
    MovedGroups,
    compute_keywords,
)
from areoseg.cli.show import figure, output, percent, print_table, this_command
from areoseg.cli.train import note_resume_on_interrupt


def self_train(
    *runs: Path,
    unlabeled: Path,
    out: Path,
    recipe: str | None = None,
    keep_fraction: float = 0.5,
    min_confidence: float = 0.5,
    labeled_share: float = 0.5,
    tta_flip: bool = False,
    budget: Budget = None,
    data: MovedData = None,
    groups: MovedGroups = None,
    compute: ComputeFlags = DEFAULT_COMPUTE,
) -> None:
    """Pseudo-label unlabeled images with trained runs, and train a new run on them.

    The most confident pixels of each predicted class become pseudo-labels; the other pixels are
    void. The student is trained from scratch on labeled and pseudo-labeled samples. Validation and
    test splits are unchanged.

    Example: `areoseg self-train runs/a runs/b --unlabeled mars.npz --out runs/second`

    Args:
        runs: The teachers: run folders with the same dataset and split. Several are averaged.
        unlabeled: An npz file with a test_set, or a folder of images.
        out: The run folder to create.
        recipe: Name or file of the recipe to train. Default: the recipe of the first teacher.
        keep_fraction: Fraction of the pixels of each predicted class that become labels.
        min_confidence: Confidence below which no pixel becomes a label.
        labeled_share: Share of labeled samples in each batch.
        tta_flip: Average the teachers over each image and its mirror image.
        budget: Time for labeling and training, e.g. 20m, instead of the recipe's epochs.
    """
    with note_resume_on_interrupt(out):
        run = areoseg.self_train(
            runs,
            unlabeled,
            out,
            recipe=recipe,
            keep_fraction=keep_fraction,
            min_confidence=min_confidence,
            labeled_share=labeled_share,
            tta_flip=tta_flip,
            budget=budget,
            data=data,
            groups=groups,
            **compute_keywords(compute),
            command=this_command(),
        )
    info = run.info.self_training
    assert info is not None
    print_table(
        ["class", "predicted", "min confidence", "kept", "share of labels"],
        [
            [
                name,
                percent(row.predicted),
                figure(row.threshold),
                percent(row.kept),
                percent(row.share),
            ]
            for name, row in info.classes.items()
        ],
        title=f"pseudo-labels on {info.samples} samples",
        numbers=["predicted", "min confidence", "kept", "share of labels"],
    )
    output.print(f"\nrun: {run.path}")
