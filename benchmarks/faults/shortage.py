"""Full disks, forbidden folders, missing descriptors and memory, odd clocks, closed streams.

Each command either succeeds with the usual results, or ends with one clear line and exit code 2.
Without the shortage, the next call then comes to the usual results.
"""

import io
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from checks import half_written
from disturb import Reference, Row, after
from jobs import Job, copy_of
from process import Operation, Outcome, See, run


def _limit(kind: int, amount: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (amount, amount))


def _small_files() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python does: writes fail instead
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))


def _little_memory() -> None:
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 25), now + (1 << 25)))


def _clock_back() -> None:
    real, calls = time.time, 0

    def back() -> float:
        nonlocal calls
        calls += 1
        return real() - (86_400 if calls > 3 else 0)

    time.time = back


def _other_zone() -> None:
    os.environ["TZ"] = "Pacific/Kiritimati"
    time.tzset()


def _without_streams() -> None:
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    sys.stdin = sys.stdout = sys.stderr = None  # type: ignore[assignment]  # as Python starts then


def _closed_pipe() -> None:
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    os.close(reader)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False))


SHORTAGES: dict[str, Callable[[], None]] = {
    "no file above 6 kB (full disk)": _small_files,
    "64 file descriptors": _limit(resource.RLIMIT_NOFILE, 64),
    "32 MB more memory": _little_memory,
    "clock set back by a day": _clock_back,
    "another time zone": _other_zone,
    "standard streams closed": _without_streams,
    "output piped to `head`, which ended": _closed_pipe,
}
"""Preparations of the process, by their names in the table."""


def shortages(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> list[Row]:
    """Run a job under each shortage once, and on a full, read-only or vanishing folder."""
    rows = []
    for name, prepare in SHORTAGES.items():
        row = Row(name, job.name)
        copy_of(base, folder)
        outcome = run(job.words, folder, prepare=prepare)
        row.add([*_clear(outcome), *half_written(folder), *after(job, folder, reference)], name)
        rows.append(row)
    for name, options in MOUNTS.items():
        row = Row(name, job.name)
        copy_of(base, folder)
        with _mounted(folder, options) as mounted:
            if mounted:
                outcome = run(job.words, folder)
                row.add([*_clear(outcome), *half_written(folder)], name)
                rows.append(row)
    row = Row("folder removed while in use", job.name)
    copy_of(base, folder)
    moment = dice.randrange(len(reference.operations))
    outcome = run(job.words, folder, see=_remove_at(moment, folder / job.out, job))
    row.add(_clear(outcome), f"operation {moment}")
    return [*rows, row]


MOUNTS = {
    "full file system": "size={size}k",
    "no inodes left": "nr_inodes={inodes}",
    "read-only file system": "remount,ro",
}
"""Options of a file system in memory that is mounted over the folder; needs root."""


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[bool]:
    """Move a folder to a file system with nearly no space; yield whether that was possible."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files) // 1024
    count = len(list(folder.rglob("*")))
    chosen = options.format(size=size + 4 * len(files) + 64, inodes=count + 6)
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy, symlinks=True)
    first = "size=64m" if "remount" in options else chosen
    try:
        if _mount("-t", "tmpfs", "-o", first, "tmpfs", folder):
            shutil.copytree(copy, folder, symlinks=True, dirs_exist_ok=True)
            try:
                yield "remount" not in options or _mount("-o", options, folder)
            finally:
                subprocess.run(["umount", folder], check=True)
        else:
            yield False
    finally:
        shutil.rmtree(copy)


def _mount(*words: object) -> bool:
    command = ["mount", *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def _remove_at(moment: int, out: Path, job: Job) -> See:
    seen = 0

    def see(operation: Operation) -> None:
        nonlocal seen
        seen += 1
        if seen == moment + 1 and job.out != ".":
            shutil.rmtree(out, ignore_errors=True)

    return see


def _clear(outcome: Outcome) -> list[str]:
    """Return what is wrong with how a command ended."""
    lines = [line for line in outcome.output.splitlines() if line.startswith("error:")]
    if outcome.traceback:
        return [f"a traceback: {outcome.output[-300:]!r}"]
    if outcome.code not in {0, 2, 3} or len(lines) > 1:
        return [f"exit code {outcome.code}: {outcome.output[-300:]!r}"]
    return []
