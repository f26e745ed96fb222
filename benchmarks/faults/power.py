"""Power failures: what was not synced to the disk is lost.

A file that was written since its last `fsync` keeps some of its first bytes, or none. The latest
changes of folders (renames, removals) are undone, as many as the dice say, unless their folder was
synced since: a journaling file system keeps their order.
"""

import json
import os
import random
import shutil
from pathlib import Path

from process import Operation, See

LOG = "log"


def track(store: Path, kill_at: int) -> See:
    """Return what notes all operations in a folder, and kills its process before one of them.

    Args:
        store: An empty folder for the notes, and for copies of files that are replaced or removed.
        kill_at: The number of the operation.
    """
    seen = 0
    log = os.open(store / LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def see(operation: Operation) -> None:
        nonlocal seen
        if seen == kill_at:
            os.kill(os.getpid(), 9)
        lost = operation[-1] if operation[0] in {"rename", "unlink"} else None
        copy = None
        if lost is not None and os.path.isfile(lost):  # noqa: PTH113  # a hot path
            copy = str(store / str(seen))
            shutil.copyfile(lost, copy)
        os.write(log, (json.dumps([*operation, copy]) + "\n").encode())
        seen += 1

    return see


def lose_power(store: Path, dice: random.Random) -> None:
    """Undo what was not synced, after the process of `track` was killed."""
    entries = [json.loads(line) for line in (store / LOG).read_text().splitlines()]
    dirty: set[str] = set()
    changes = []
    for name, *paths, copy in entries:
        if name == "write":
            dirty.add(paths[0])
        elif name == "fsync":
            dirty.discard(paths[0])
            changes = [each for each in changes if str(Path(each[1][-1]).parent) != paths[0]]
        elif name == "rename":
            changes.append((name, paths, copy, paths[0] in dirty))
            if paths[0] in dirty:
                dirty.discard(paths[0])
                dirty.add(paths[1])
        elif name == "unlink" and copy is not None:
            changes.append((name, paths, copy, paths[0] in dirty))
            dirty.discard(paths[0])
    for name, paths, copy, was_dirty in reversed(
        changes[len(changes) - dice.randint(0, len(changes)) :]
    ):
        if name == "rename" and Path(paths[1]).exists():
            shutil.move(paths[1], paths[0])
            dirty.discard(paths[1])
        if copy is not None:
            Path(paths[-1]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy, paths[-1])
        if was_dirty:
            dirty.add(paths[0])
    for path in sorted(dirty):
        if Path(path).is_file():
            kept = 0 if dice.random() < 0.5 else dice.randint(0, Path(path).stat().st_size)
            os.truncate(path, kept)
