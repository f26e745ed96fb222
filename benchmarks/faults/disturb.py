"""Kills, signals and power failures at every kind of moment, and the way back."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checks import half_written, left_over
from jobs import Job, copy_of, finish
from power import lose_power, track
from process import Operation, Outcome, See, kill_at, record_to, run
from quiet import offline

DISTURBED = ("rename", "fsync", "unlink")
"""The operations before which a process is killed."""


@dataclass
class Row:
    """A line of the table.

    Attributes:
        fault: What was done.
        subject: The command that it was done to.
        tries: How often.
        failures: What was wrong in the tries that were not survived.
    """

    fault: str
    subject: str
    tries: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, what: list[str], where: str) -> None:
        """Count a try, and what was wrong in it."""
        self.tries += 1
        if what:
            self.failures.append(f"{where}: {'; '.join(what)}"[:400])


@dataclass
class Reference:
    """A job that nothing disturbs.

    Attributes:
        folder: The folder with its results.
        operations: The operations that it did.
        seconds: How long it took.
        quiet: Whether it needed neither a network nor a home folder.
    """

    folder: Path
    operations: list[str]
    seconds: float
    quiet: Row

    def moments(self, dice: random.Random, count: int) -> list[int]:
        """Return random numbers of operations before which to kill."""
        numbers = [
            number
            for number, line in enumerate(self.operations)
            if line.split("\t")[0] in DISTURBED
        ]
        return sorted(dice.sample(numbers, min(count, len(numbers))))


def undisturbed(job: Job, base: Path, folder: Path) -> Reference:
    """Run a job without a disturbance.

    Raises:
        RuntimeError: It fails.
    """
    copy_of(base, folder)
    reference = folder.with_name(f"{job.name}-undisturbed")
    log = folder.with_name(f"{job.name}.operations")
    attempts = folder.with_name(f"{job.name}.attempts")
    outcome = run(job.words, folder, see=record_to(log), prepare=offline(folder, attempts))
    wrong = [*half_written(folder), *left_over(folder)]
    if outcome.code or wrong:
        raise RuntimeError(f"{job.name} undisturbed: {wrong} {outcome.output}")
    folder.rename(reference)  # some results contain the path of the folder of all tries
    operations = log.read_text(errors="replace").splitlines()
    quiet = Row("offline, without a home folder; nothing written elsewhere", job.name)
    quiet.add(attempts.read_text(errors="replace").splitlines(), "undisturbed")
    return Reference(reference, operations, outcome.seconds, quiet)


def after(job: Job, folder: Path, reference: Reference) -> list[str]:
    """Go on after a disturbance, and return what is wrong then."""
    outcome = finish(job, folder)
    if outcome is not None and outcome.code:
        return [f"the next call fails with {outcome.code}: {outcome.output[-300:]!r}"]
    differs = job.differences(folder, reference.folder)
    return [*half_written(folder), *left_over(folder), *([differs] if differs else [])]


def kill_before_operations(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> Row:
    """Kill before renames, syncs and removals."""
    row = Row("SIGKILL before a rename, fsync or unlink", job.name)
    for number in reference.moments(dice, tries):
        copy_of(base, folder)
        run(job.words, folder, see=kill_at(number))
        row.add([*half_written(folder), *after(job, folder, reference)], f"operation {number}")
    return row


def kill_at_random(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> Row:
    """Kill at random moments."""
    row = Row("SIGKILL at a random moment", job.name)
    for _ in range(tries):
        delay = dice.uniform(0, reference.seconds)
        copy_of(base, folder)
        run(job.words, folder, meanwhile=_signal_after(delay, signal.SIGKILL))
        row.add([*half_written(folder), *after(job, folder, reference)], f"after {delay:.2f} s")
    return row


def kill_in_chains(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> Row:
    """Kill a job, and up to three of the calls that continue it."""
    row = Row("chain of two to four SIGKILL", job.name)
    for _ in range(tries):
        copy_of(base, folder)
        wrong: list[str] = []
        numbers = [dice.randrange(len(reference.operations)) for _ in range(dice.randint(2, 4))]
        for number in numbers:
            words = job.again(job, folder) if number is not numbers[0] else job.words
            if words is None:
                break
            run(words, folder, see=kill_at(number))
            wrong += half_written(folder)
        row.add([*wrong, *after(job, folder, reference)], f"operations {numbers}")
    return row


def power_failures(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> Row:
    """Drop what was not synced."""
    row = Row("power failure: what was not synced is lost", job.name)
    for _ in range(tries):
        number = dice.randrange(len(reference.operations) + 1)
        copy_of(base, folder)
        with tempfile.TemporaryDirectory(prefix="areoseg-power-") as store:
            run(job.words, folder, see=track(Path(store), number))
            lose_power(Path(store), dice)
        row.add(after(job, folder, reference), f"operation {number}")
    return row


PLACES = {
    "before the first step": "areoseg.training.in_memory.fit",
    "in a step": "areoseg.training.loop.training_step",
    "in a validation": "areoseg.training.loop.confusion_matrix",
    "in calibration": "areoseg.training.in_memory.calibrate_segmenter",
    "in scoring": "areoseg.training.finish.evaluate_masks",
    "in the report": "areoseg.training.finish.write_report",
    "while reading data": "areoseg.training.train.read_with_progress",
}
"""Functions of a training at whose beginning a signal comes."""

SIGNALS = {
    "SIGTERM": (signal.SIGTERM, 1),
    "SIGHUP": (signal.SIGHUP, 1),
    "Ctrl-C once": (signal.SIGINT, 1),
    "Ctrl-C twice": (signal.SIGINT, 2),
    "Ctrl-C six times": (signal.SIGINT, 6),
}


def signals_in_training(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> list[Row]:
    """Send signals at the beginning of each place of a training; `tries` places per signal."""
    rows = []
    for name, (number, times) in SIGNALS.items():
        row = Row(name, "train")
        for place in dice.sample(list(PLACES), min(tries, len(PLACES))):
            copy_of(base, folder)
            outcome = run(job.words, folder, prepare=_signal_in(PLACES[place], number, times))
            row.add(
                [*_orderly(outcome, number), *half_written(folder), *after(job, folder, reference)],
                place,
            )
        rows.append(row)
    return rows


def signals_at_random(
    job: Job, reference: Reference, base: Path, folder: Path, dice: random.Random, tries: int
) -> Row:
    """Send a random number of signals of a random kind at a random operation."""
    row = Row("SIGTERM, SIGHUP or Ctrl-C at an operation", job.name)
    for _ in range(tries):
        name = dice.choice(list(SIGNALS))
        number, times = SIGNALS[name]
        moment = dice.choice(reference.moments(dice, len(reference.operations)))
        copy_of(base, folder)
        outcome = run(job.words, folder, see=_signal_at(moment, number, times))
        row.add(
            [*_orderly(outcome, number), *half_written(folder), *after(job, folder, reference)],
            f"{name} at operation {moment}",
        )
    return row


def _orderly(outcome: Outcome, number: int) -> list[str]:
    """Return what is wrong with the end of a command that got a signal."""
    if outcome.traceback:
        return [f"a traceback: {outcome.output[-300:]!r}"]
    if outcome.code not in {128 + number, 0}:  # 0: it was over already
        return [f"exit code {outcome.code}: {outcome.output[-300:]!r}"]
    return []


def _signal_after(delay: float, number: int) -> Callable[[int], None]:
    def meanwhile(pid: int) -> None:
        time.sleep(delay)
        os.kill(pid, number)  # the process is not waited for yet, so the number is still its own

    return meanwhile


def _send(number: int, times: int) -> None:
    """Send signals to this process, the first at once and the others while it ends."""
    if os.fork() == 0:  # a thread would have to wait for its turn
        parent = os.getppid()
        for _ in range(times):
            try:
                os.kill(parent, number)
            except OSError:
                break
            time.sleep(0.05)
        os._exit(0)
    time.sleep(0.02)


def _signal_in(place: str, number: int, times: int) -> Callable[[], None]:
    module_name, function_name = place.rsplit(".", 1)

    def prepare() -> None:
        from importlib import import_module

        module = import_module(module_name)
        original = getattr(module, function_name)

        def interrupted(*arguments: Any, **options: Any) -> Any:
            setattr(module, function_name, original)
            _send(number, times)
            return original(*arguments, **options)

        setattr(module, function_name, interrupted)

    return prepare


def _signal_at(moment: int, number: int, times: int) -> See:
    seen = 0

    def see(operation: Operation) -> None:
        nonlocal seen
        seen += 1
        if seen == moment + 1:
            _send(number, times)

    return see


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder for all tries, which is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="areoseg-faults-") as folder:
        yield Path(folder)
