"""Prediction by several processes: speed beside one process, restarts after kills, cost by number.

    python benchmarks/scale.py [--images 1000] [--kills 5] [--sizes 1000 10000] [--skip WAY...]

Three measurements, each with tiles of 64x128 that repeat 64 synthetic ones under distinct names:

- ways: images/s of `areoseg predict` with one process and with `--workers 2`, one after the other;
  both must write the same bytes. Processor time is that of all processes.
- kills: `--workers 2` is killed at random times and resumed; the bytes must be the same at the end.
- cost: processor time of listing, prediction, gathering and the start of a finished job, with a
  model that costs next to nothing, by number of images, and a straight line through the totals.
"""

import argparse
import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image
from torch import nn

from areoseg.inference import Predictor, TorchEngine
from areoseg.inference.listing import find_inputs
from areoseg.inference.parallel.blocks import BlockFolder, Part
from areoseg.inference.parallel.gather import gather_records
from areoseg.inference.parallel.job import Job
from areoseg.inference.parallel.predict import Request, choose_run, predict_in_blocks
from areoseg.models.segmenter import Segmenter
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import MARS
from areoseg.utils.storage import open_folder

DISTINCT = 64
OUTPUTS = ("masks", "shares")
WAYS = {
    "one process": ["--no-accelerate"],
    "--workers 2": ["--workers", "2"],
}


def make_tiles(folder: Path, count: int) -> Path:
    """Write tiles, in subfolders of 1000; equal tiles are links to one file."""
    originals = folder.parent / "originals"
    if not originals.is_dir():
        originals.mkdir(parents=True)
        tiles = draw_set(SyntheticMars(height=64, width=128), DISTINCT).images
        for index, tile in enumerate(tiles):
            Image.fromarray(tile).save(originals / f"{index}.png")
    for index in range(count):
        path = folder / "tiles" / f"{index // 1000:04d}" / f"{index:07d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        os.link(originals / f"{index % DISTINCT}.png", path)
    return folder / "tiles"


def digest(out: Path) -> str:
    """The hash of all files that every way writes, without the time in `prediction.json`."""
    found = hashlib.sha256()
    for path in sorted(out.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.name == "prediction.json":
            values = json.loads(content)
            del values["created_ns"]
            content = json.dumps(values).encode()
        found.update(f"{path.relative_to(out)}\0".encode() + content)
    return found.hexdigest()


def command(tiles: Path, out: Path, *words: str) -> list[str]:
    """The command line of a prediction."""
    start = [sys.executable, "-m", "areoseg", "predict", str(tiles), "--out", str(out)]
    return [*start, "--model", "flagship-64", "--outputs", *OUTPUTS, "--threads", "1", *words]


def processor_seconds() -> float:
    """Processor time of all finished child processes."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def time_ways(folder: Path, tiles: Path, count: int, skip: Sequence[str]) -> str:
    """Time each way; return the digest of one process."""
    expected = ""
    print("| way | images/s | processor ms per image | bytes |\n|---|---|---|---|", flush=True)
    for way, words in WAYS.items():
        if way in skip:
            continue
        out = folder / f"out-{len(words)}"
        start, used = time.perf_counter(), processor_seconds()
        subprocess.run(command(tiles, out, *words), check=True, capture_output=True)
        seconds, used = time.perf_counter() - start, processor_seconds() - used
        found = digest(out)
        expected = expected or found
        same = "equal" if found == expected else "DIFFERENT"
        milliseconds = 1000 * used / count
        print(f"| `{way}` | {count / seconds:.1f} | {milliseconds:.1f} | {same} |", flush=True)
        shutil.rmtree(out)
    return expected


def kill_and_resume(folder: Path, tiles: Path, kills: int, expected: str) -> None:
    """Kill a prediction again and again, and check what the last one leaves."""
    out = folder / "killed"
    words = command(tiles, out, "--workers", "2", "--resume")
    generator = random.Random(0)
    records = []
    for _ in range(kills):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = len(list(out.glob(".blocks/0*.json")))
        while len(list(out.glob(".blocks/0*.json"))) == before and process.poll() is None:
            time.sleep(0.05)
        time.sleep(generator.uniform(0, 2))
        process.kill()
        process.wait()
        records.append(len(list(out.glob(".blocks/0*.json"))))
    subprocess.run(words, check=True, capture_output=True)
    same = "equal" if digest(out) == expected else "DIFFERENT"
    print(f"killed {kills} times, with {records} blocks finished; bytes at the end: {same}")


class Brightness(nn.Module):
    """Answers the class whose gray value is the nearest, at next to no cost."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return logits (N, 5, H, W)."""
        return -20 * (images - torch.linspace(0.1, 0.9, 5).view(1, 5, 1, 1)).abs()


@dataclass(frozen=True)
class CheapJob(Job):
    """A job whose model costs next to nothing."""

    def load(self) -> Predictor:
        """Return the predictor."""
        segmenter = Segmenter(Brightness(), mean=0.0, std=1.0, classes=5)
        return Predictor([TorchEngine(segmenter, MARS)], scale=1.0)


def cost(folder: Path, sizes: Sequence[int]) -> None:
    """Print the processor time of each step by number of images."""
    steps = ("listing", "prediction", "gathering", "finished job")
    print(f"| images | {' | '.join(f'{step}, s' for step in steps)} | peak, MiB |")
    print("|---|---|---|---|---|---|", flush=True)
    totals = []
    for count in sizes:
        tiles, out = make_tiles(folder / str(count), count), folder / f"cost-{count}"
        clock = [time.process_time()]
        inputs = find_inputs([tiles])
        clock.append(time.process_time())
        job = CheapJob((), {}, out, OUTPUTS, 1)
        predictor = job.load()
        settings = {"models": [], "options": {}}
        request = Request(job, inputs, settings, Part())
        predict_in_blocks(request, predictor, choose_run(predictor))
        clock.append(time.process_time())
        resumed = Request(job, inputs, settings, Part(), resume=True)
        predict_in_blocks(resumed, predictor, choose_run(predictor, resume=True))
        clock.append(time.process_time())
        assert len(BlockFolder(open_folder(out)).finished()) == -(-count // predictor.batch_size)
        gather_records(out)
        clock.append(time.process_time())
        listing, prediction, resuming, gathering = np.diff(clock)
        totals.append(listing + prediction + gathering)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"| {count} | {listing:.2f} | {prediction:.2f} | {gathering:.2f} | {resuming:.2f} "
            f"| {peak:.0f} |",
            flush=True,
        )
        shutil.rmtree(out)
        shutil.rmtree(folder / str(count))
    slope, intercept = np.polyfit(sizes, totals, 1)
    exponent = np.polyfit(np.log(sizes), np.log(totals), 1)[0]
    print(
        f"fit: {1000 * slope:.2f} ms per image + {intercept:.1f} s; the total grows with the number"
        f" of images to the power of {exponent:.2f}"
    )


def main() -> None:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", default=[1000, 3000, 10_000])
    parser.add_argument("--skip", nargs="*", default=[], choices=list(WAYS))
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        if options.images:
            tiles = make_tiles(folder / "ways", options.images)
            expected = time_ways(folder, tiles, options.images, options.skip)
            if options.kills:
                kill_and_resume(folder, tiles, options.kills, expected)
        if options.sizes:
            cost(folder, options.sizes)


if __name__ == "__main__":
    main()
