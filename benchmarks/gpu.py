"""What a GPU is worth: its tests, the speed of training and prediction, and a training by budget.

    python benchmarks/gpu.py [--data synthetic] [--budget 3m] [--device cuda] [--out runs/gpu]

Runs four parts one after the other, each in a process of its own, and prints their times: the
tests of tests/test_cuda.py, benchmarks/training.py, the speed and memory of prediction, and
`areoseg train flagship-256` with the time budget. `make gpu` runs it; with the default budget it is
meant to take less than eight minutes on one H100. `--device cpu --budget 60s` tries the script
without a GPU.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import torch

import areoseg

ROOT = Path(__file__).parents[1]
BATCHES = (1, 16, 64)
SIZE = 256


def main() -> None:
    """Run all parts; the exit code is that of the first part that failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", default="synthetic")
    parser.add_argument("--budget", default="3m")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"))
    arguments = parser.parse_args()
    print_machine(arguments.device)
    python = [sys.executable]
    training = [*python, "benchmarks/training.py", "--seconds", "20", "--device", arguments.device]
    train = [*python, "-m", "areoseg", "train", "flagship-256", "--data", arguments.data]
    train += ["--budget", arguments.budget, "--device", arguments.device, "--out", arguments.out]
    failures = [
        run_part("tests", [*python, "-m", "pytest", "-q", "tests/test_cuda.py"]),
        run_part("training steps", training),
        time_prediction(arguments.device),
        run_part(f"training of {arguments.budget}", list(map(str, train))),
    ]
    sys.exit(next((code for code in failures if code), 0))


def print_machine(device: str) -> None:
    """Print the versions and the device."""
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    print(f"areoseg {areoseg.__version__}, torch {torch.__version__}, {name}", flush=True)


def run_part(title: str, command: list[str]) -> int:
    """Run a command from the root of the repository, and print its time."""
    print(f"\n## {title}\n", flush=True)
    started = time.perf_counter()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"\n{title}: exit code {code}, {time.perf_counter() - started:.0f} s", flush=True)
    return code


def time_prediction(device: str) -> int:
    """Print images per second and memory of the bundled model at several batch sizes."""
    print("\n## prediction\n\n| batch | images per second | GiB |\n|---|---|---|", flush=True)
    for batch in BATCHES:
        model = areoseg.load("flagship-256", device=device, accelerate=False)
        images = torch.rand(batch, 1, SIZE, SIZE)
        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        model.probabilities(images)
        started, repeats = time.perf_counter(), 0
        while time.perf_counter() - started < 3:
            model.probabilities(images)
            repeats += 1
        speed = batch * repeats / (time.perf_counter() - started)
        memory = torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else float("nan")
        print(f"| {batch} | {speed:.1f} | {memory:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    main()
