"""Disturbs areoseg commands and writes what was survived to a table: `make faults`.

    python benchmarks/faults/run.py [--seed 0] [--tries 3] [--only train predict] [--json FILE]

Each try works on a fresh copy of a small folder: the command is disturbed, then a user goes on with
the same command or `--resume`, and the results must be those of an undisturbed command, to the bit.
Linux only.
"""

import argparse
import json
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path

import disturb
from disturb import Row
from hostile import hostile_files
from jobs import JOBS, prepare_folder
from pages import hostile_names
from process import import_everything
from shortage import shortages

KINDS = (
    disturb.kill_before_operations,
    disturb.kill_at_random,
    disturb.kill_in_chains,
    disturb.power_failures,
    disturb.signals_at_random,
)


def main() -> None:
    """Run the faults of the command line, and print the table."""
    options = _options()
    if options.table:
        results = [json.loads(path.read_text())["rows"] for path in options.table]
        print(markdown([Row(**row) for rows in results for row in rows]))
        return
    import torch

    import_everything()
    torch.set_num_threads(1)  # a forked process must not inherit a pool of threads
    dice, started, rows = random.Random(options.seed), time.monotonic(), []
    with disturb.scratch() as scratch:
        base = scratch / "base"
        prepare_folder(base)
        folder = scratch / "try"
        for name in JOBS if options.only is None else options.only:
            job = JOBS[name]
            reference = disturb.undisturbed(job, base, folder)
            rows.append(reference.quiet)
            _show(reference.quiet)
            for kind in KINDS:
                if not options.faults or kind.__name__ in options.faults:
                    rows.append(kind(job, reference, base, folder, dice, options.tries))
                    _show(rows[-1])
            several = [shortages] if name in options.shortages else []
            several += [disturb.signals_in_training] if name == "train" else []
            for group in several:
                if not options.faults or group.__name__ in options.faults:
                    for row in group(job, reference, base, folder, dice, options.tries):
                        rows.append(row)
                        _show(row)
        if options.hostile:
            for row in (*hostile_files(base, folder, dice), hostile_names(base, folder)):
                if row is not None:
                    rows.append(row)
                    _show(row)
    minutes = (time.monotonic() - started) / 60
    result = {"seed": options.seed, "minutes": round(minutes, 1), "rows": list(map(asdict, rows))}
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    print(markdown(rows))
    sys.exit(any(row.failures for row in rows))


def markdown(rows: list[Row]) -> str:
    """Return the table, with the commands of a fault in one line."""
    lines = ["| fault | commands | tries | survived |", "|---|---|---|---|"]
    for fault in dict.fromkeys(row.fault for row in rows):
        same = [row for row in rows if row.fault == fault]
        tries, failed = sum(row.tries for row in same), sum(len(row.failures) for row in same)
        commands = ", ".join(dict.fromkeys(f"`{row.subject}`" for row in same))
        lines.append(f"| {fault} | {commands} | {tries} | {tries - failed} |")
    return "\n".join(lines)


def _show(row: Row) -> None:
    print(f"{row.subject}, {row.fault}: {row.tries - len(row.failures)} of {row.tries}", flush=True)
    for failure in row.failures:
        print(f"  {failure}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tries", type=int, default=3, help="of each fault and command")
    parser.add_argument("--only", nargs="*", choices=list(JOBS), help="commands")
    parser.add_argument("--faults", nargs="+", help="functions of disturb.py and shortage.py")
    parser.add_argument("--shortages", nargs="*", default=["train", "predict"], choices=list(JOBS))
    parser.add_argument("--no-hostile", dest="hostile", action="store_false", help="no files")
    parser.add_argument("--json", type=Path, help="write all failures to this file")
    parser.add_argument("--table", nargs="+", type=Path, help="only print the table of these files")
    return parser.parse_args()


if __name__ == "__main__":
    main()
