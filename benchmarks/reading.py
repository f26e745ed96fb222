"""CPU time to read one file of the usual formats, and time to list and check many files.

python benchmarks/reading.py
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import PIL.Image
import tifffile

from areoseg.data.inspect import check_dataset
from areoseg.data.readers import list_images, read_rover_image

FILES = 30
LISTED = 20_000


def main() -> None:
    """Measure and print."""
    levels = (np.random.default_rng(0).random((512, 512)).cumsum(0) % 256).astype(np.uint8)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind in ("png", "jpg", "tif", "16-bit tif"):
            paths = [folder / f"{index}.{kind.split()[-1]}" for index in range(FILES)]
            for path in paths:
                if kind == "16-bit tif":
                    tifffile.imwrite(path, levels.astype(np.uint16) * 200)
                else:
                    PIL.Image.fromarray(levels).save(path)
            best = min(_seconds(paths) for _ in range(5))
            print(f"{kind}: {1000 * best / FILES:.2f} ms per file of 512x512")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        PIL.Image.fromarray(levels[:32, :32] % 2).save(folder / "one.png")
        content = (folder / "one.png").read_bytes()
        for kind in ("images", "masks"):
            (folder / kind).mkdir()
            for index in range(LISTED // 2):
                (folder / kind / f"{index:05d}.png").write_bytes(content)
        for what, work in (
            ("listed", lambda: [list_images(folder / kind) for kind in ("images", "masks")]),
            ("checked", lambda: check_dataset(folder, "2")),
        ):
            start, used = time.perf_counter(), time.process_time()
            work()
            print(f"{LISTED:,} files: {what} in {time.perf_counter() - start:.2f} s,"
                  f" {time.process_time() - used:.2f} s of processor time")  # fmt: skip


def _seconds(paths: list[Path]) -> float:
    start = time.process_time()
    for path in paths:
        read_rover_image(path)
    return time.process_time() - start


if __name__ == "__main__":
    main()
