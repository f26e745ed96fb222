"""`areoseg demo`."""

import shutil
from pathlib import Path

from areoseg.cli.options import Out
from areoseg.cli.options import Threads
from areoseg.cli.show import notes
from areoseg.cli.show import output
from areoseg.cli.show import this_command
from areoseg.errors import AreosegError
from areoseg.utils.files import write_text

LABELED, ALIENS, UNLABELED = 1200, 12, 100
ROCK_TILES = 0.3  # far more than on Mars, so that minutes are enough to learn big rock
BUDGET = "150s"
DATA, GROUPS, RUN, SUBMISSION = "mars.npz", "mars_groups.txt", "run", "submission.csv"

SIGN = "demo.txt"
"""The file by which a later demo knows that it may replace what it finds."""


def demo(*, out: Out = Path("runs/demo"), budget: str = BUDGET, threads: Threads = None) -> None:
    """Draw a synthetic Mars, audit it, train on it, score the result, and write a submission.

    Needs no data and takes a few minutes. What an earlier demo left in the folder is replaced.

    Args:
        out: The folder to write to.
        budget: The time to train for.
        threads: Processor cores to compute on; all by default.
    """
    from areoseg import api
    from areoseg.cli.evaluate import print_scores
    from areoseg.training.budget import parse_budget

    parse_budget(budget)  # a wrong one shows before anything is drawn
    make_room(out)
    data = out / DATA
    notes.print(f"drawing {LABELED + UNLABELED} tiles of a synthetic Mars")
    _draw(data)
    run = api.train(
        "demo",
        data,
        out / RUN,
        budget=budget,
        threads=threads,
        command=this_command(),
        console=notes,
    )
    submission = out / SUBMISSION
    api.submit(run.path, data, submission, threads=threads, console=notes)

    output.print("Scores on the held-out test tiles")
    print_scores(api.evaluate(run.path, split="test", threads=threads, console=notes))
    baseline = api.baseline_score(run.path, console=notes)
    output.print(
        f"\nLogistic regression on single pixels reaches {baseline:.4f} on the same tiles."
    )
    for what, path in (
        ("report", run.path / "report.html"),
        ("submission", submission),
        ("weights", run.path / "weights.safetensors"),
        ("audit", run.path / "audit.html"),
    ):
        output.print(f"{what + ':':<12}{path}")


def make_room(out: Path) -> None:
    """Remove what an earlier demo made; leave anything else alone."""
    if out.exists() and not out.is_dir():
        raise AreosegError(f"{out}: this is a file: choose another --out")
    if out.exists() and any(out.iterdir()) and not (out / SIGN).is_file():
        raise AreosegError(f"{out}: holds something that is no demo: choose another --out")
    for name in (DATA, GROUPS, SUBMISSION):
        (out / name).unlink(missing_ok=True)
    if (out / RUN).is_dir():
        shutil.rmtree(out / RUN)
    write_text(out / SIGN, "Made by `areoseg demo`, which replaces what it made here before.\n")


def _draw(path: Path) -> None:
    """Write a synthetic set, outliers among it, in the homework's own format."""
    import numpy as np

    from areoseg.synthetic import SyntheticMars
    from areoseg.synthetic import draw_set
    from areoseg.synthetic.issues import add_aliens
    from areoseg.utils.files import replacing

    settings = SyntheticMars(rock_tiles=ROCK_TILES)
    labeled, _ = add_aliens(draw_set(settings, LABELED), ALIENS, seed=settings.seed)
    images, masks = labeled.stacked()
    assert masks is not None
    unlabeled = draw_set(settings, UNLABELED, first=LABELED, labeled=False)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez_compressed(
            file, training_set=np.stack([images, masks], axis=1), test_set=unlabeled.images
        )
    assert labeled.groups is not None
    write_text(path.with_name(GROUPS), "".join(f"{group}\n" for group in labeled.groups))
