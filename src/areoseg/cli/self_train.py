"""`areoseg self-train`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg.cli.options import Device
from areoseg.cli.options import Groups
from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import figure
from areoseg.cli.show import output
from areoseg.cli.show import percent
from areoseg.cli.show import print_table
from areoseg.cli.show import this_command


def self_train(
    *runs: Path,
    unlabeled: Annotated[Path, Parameter(name="--unlabeled")],
    out: Out,
    recipe: Annotated[str | None, Parameter(name="--recipe")] = None,
    keep: float = 0.5,
    floor: float = 0.5,
    labeled_share: float = 0.5,
    flips: Annotated[bool, Parameter(name="--flips", negative="")] = False,
    budget: str | None = None,
    data: Annotated[Path | None, Parameter(name="--data")] = None,
    groups: Groups = None,
    device: Device = "cpu",
    threads: Threads = None,
) -> None:
    """Label unlabeled images with runs, and train from scratch on both kinds of samples.

    Of the answers of each class the most confident share becomes pseudo-labels; the rest is void.
    Validation and test stay the labeled samples that they were.

    Example: `areoseg self-train runs/a runs/b --unlabeled mars.npz --out runs/second`.

    Args:
        runs: Run folders of one data set and split: the teachers. Several are averaged.
        unlabeled: An npz file with a test_set, or a folder of images.
        out: The run folder to make.
        recipe: The name or file of the recipe to train; by default that of the first teacher.
        keep: Share of the answers of each class that become labels, above 0 and up to 1.
        floor: Confidence, 0 to 1, below which no answer becomes a label.
        labeled_share: Share of each batch that people labeled.
        flips: Let the teachers predict each image mirrored as well.
        budget: Label and train for this long, such as 20m, instead of the recipe's epochs.
        data: Where the teachers' data lie now, if they were moved.
        groups: Where their groups file lies now, if it was moved.
        device: cpu, cuda, or auto for a GPU where there is one.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api
    from areoseg.cli.train import saying_how_to_go_on

    with saying_how_to_go_on(out):
        run = api.self_train(
            runs,
            unlabeled,
            out,
            recipe=recipe,
            keep=keep,
            floor=floor,
            labeled_share=labeled_share,
            flips=flips,
            budget=budget,
            data=data,
            groups=groups,
            device=device,
            threads=threads,
            command=this_command(),
        )
    found = run.info.self_training
    assert found is not None
    print_table(
        ["class", "answers", "least confidence", "kept", "of what is kept"],
        [
            [
                name,
                percent(row.predicted),
                figure(row.threshold),
                percent(row.kept),
                percent(row.share),
            ]
            for name, row in found.classes.items()
        ],
        title=f"pseudo-labels on {found.samples} samples",
        numbers=["answers", "least confidence", "kept", "of what is kept"],
    )
    output.print(f"\nrun: {run.path}")
