"""`areoseg demo`."""

import shutil
from pathlib import Path

import areoseg
from areoseg.cli.evaluate import print_scores
from areoseg.cli.show import notes, output, this_command
from areoseg.errors import AreosegError
from areoseg.utils.files import replacing, write_text

N_LABELED, N_ALIENS, N_UNLABELED = 1200, 12, 100
ROCK_TILES = 0.3  # far more than on Mars, so that big rock can be learned in a few minutes
DATA, GROUPS, RUN, SUBMISSION = "mars.npz", "mars_groups.txt", "run", "submission.csv"

MARKER = "demo.txt"
"""File that marks the folder as one that a later demo may overwrite."""


def demo(
    *, out: Path = Path("runs/demo"), budget: str = "150s", threads: int | None = None
) -> None:
    """Train and evaluate a small network on synthetic Mars images; needs no data.

    The command generates a dataset, audits it, trains on it, evaluates the run, and writes a
    report and a submission. It takes about three minutes on two cores. The files of an earlier
    demo in the folder are overwritten.

    Args:
        out: The folder to write to.
        budget: Training time.
        threads: CPU threads. Default: one per core.
    """
    from areoseg.training.plan import parse_budget

    parse_budget(budget)  # check before drawing the dataset
    make_room(out)
    data = out / DATA
    notes.print(f"note: drawing {N_LABELED + N_UNLABELED} tiles of a synthetic Mars")
    _draw(data)
    run = areoseg.train(
        "demo",
        data,
        out / RUN,
        budget=budget,
        threads=threads,
        command=this_command(),
        console=notes,
    )
    submission = out / SUBMISSION
    areoseg.submit(run.path, data, submission, threads=threads, console=notes)

    output.print("Scores on the held-out test split")
    print_scores(areoseg.evaluate(run.path, split="test", threads=threads, console=notes))
    baseline = areoseg.baseline_score(run.path, console=notes)
    output.print(f"\nThe baseline logistic-regression scores {baseline:.4f} on the same samples.")
    for what, path in (
        ("report", run.path / "report.html"),
        ("submission", submission),
        ("weights", run.path / "weights.safetensors"),
        ("audit", run.path / "audit.html"),
    ):
        output.print(f"{what + ':':<12}{path}")


def make_room(out: Path) -> None:
    """Remove the files of an earlier demo, but no other files."""
    if out.exists() and not out.is_dir():
        raise AreosegError(f"{out}: this is a file: choose another --out")
    if out.exists() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise AreosegError(f"{out}: the folder is not empty and not a demo: choose another --out")
    for name in (DATA, GROUPS, SUBMISSION):
        (out / name).unlink(missing_ok=True)
    if (out / RUN).is_dir():
        shutil.rmtree(out / RUN)
    write_text(out / MARKER, "Made by `areoseg demo`, which overwrites its files in this folder.\n")


def _draw(path: Path) -> None:
    """Write a synthetic dataset with some outliers in the format of the homework."""
    import numpy as np

    from areoseg.synthetic import SyntheticMars, draw_set
    from areoseg.synthetic.issues import add_aliens

    settings = SyntheticMars(rock_tiles=ROCK_TILES)
    labeled, _ = add_aliens(draw_set(settings, N_LABELED), N_ALIENS, seed=settings.seed)
    images, masks = labeled.stacked()
    assert masks is not None
    unlabeled = draw_set(settings, N_UNLABELED, first=N_LABELED, labeled=False)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file, training_set=np.stack([images, masks], axis=1), test_set=unlabeled.images
        )
    assert labeled.groups is not None
    write_text(path.with_name(GROUPS), "".join(f"{group}\n" for group in labeled.groups))
