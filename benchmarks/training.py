"""Speed of training: the step of a recipe beside the bare step of its network.

    python benchmarks/training.py [RECIPE...] [--seconds 40] [--threads 2] [--device cpu]
                                  [--processor-time]

The bare step is forward, cross-entropy, backward and optimizer on one fixed batch; the step of the
trainer adds batches, augmentation, the recipe's loss, clipping and the average of the weights.
Both use the same network, optimizer, precision and memory format, and are timed in turn because
machines are noisy. Prints a Markdown table: medians, the median ratio of two consecutive steps (the
goal is 85 %), and where the time of the trainer goes.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import torch
from torch.nn import functional

from areoseg.recipes import Recipe, load_recipe
from areoseg.runs.run import build_segmenter
from areoseg.synthetic import SyntheticMars, draw_set
from areoseg.taxonomy import MARS, VOID
from areoseg.training.loop import Trainer
from areoseg.training.prepare import prepare
from areoseg.utils.device import choose_device, choose_precision

SIZES = {"flagship": (64, 128), "flagship-256": (256, 256)}
"""Recipes and the height and width of the tiles that they are made for."""
SAMPLES = 96
WARM_UP = 3  # steps that are not counted
PARTS = ("data", "forward", "loss", "backward", "optimizer", "average")


class Stopwatch:
    """Adds up the seconds of named parts of a step.

    Args:
        device: The device whose work is timed.
        clock: Returns the time in seconds.
    """

    def __init__(self, device: torch.device, clock: Callable[[], float]) -> None:
        self.device = device
        self.clock = clock
        self.seconds: dict[str, float] = defaultdict(float)
        self._started: dict[str, float] = {}

    def now(self) -> float:
        """The time when the device has finished its work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return self.clock()

    def start(self, part: str) -> None:
        """Start the time of a part."""
        self._started[part] = self.now()

    def stop(self, part: str) -> None:
        """Add the time since the start of a part."""
        self.seconds[part] += self.now() - self._started.pop(part)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of a block to a part."""
        self.start(name)
        yield
        self.stop(name)

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time added to a part."""

        def run(*values: Any, **options: Any) -> Any:
            with self.part(name):
                return function(*values, **options)

        return run

    def watch(self, module: torch.nn.Module, name: str) -> None:
        """Add the time of each call of a module to a part."""
        module.register_forward_pre_hook(lambda *_: self.start(name))
        module.register_forward_hook(lambda *_: self.stop(name))


def make_trainer(recipe: Recipe, size: tuple[int, int], device: torch.device) -> Trainer:
    """A trainer of a recipe on synthetic samples."""
    samples = draw_set(SyntheticMars(height=size[0], width=size[1]), SAMPLES)
    data = prepare(recipe, samples, MARS)
    torch.manual_seed(0)
    segmenter = build_segmenter(recipe, MARS, mean=data.mean, std=data.std)
    precision = choose_precision(recipe.training.precision, device)
    return Trainer(recipe, data, segmenter, MARS, device=device, precision=precision)


def bare_step(trainer: Trainer) -> Callable[[], object]:
    """A step of forward, cross-entropy, backward and optimizer on a fixed batch."""
    other = Trainer(
        trainer.recipe,
        trainer.data,
        deepcopy(trainer.segmenter),
        MARS,
        device=trainer.device,
        precision=trainer.precision,
    )
    network, optimizer = other.segmenter.train(), other.optimizer
    images, targets = (tensor.to(trainer.device) for tensor in trainer.batches(0))
    reduced = trainer.precision == "bfloat16"

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(trainer.device.type, torch.bfloat16, enabled=reduced):
            answer = network(images)
        logits = answer if isinstance(answer, torch.Tensor) else answer[0]  # then auxiliary logits
        torch.autograd.backward(
            functional.cross_entropy(logits.float(), targets, ignore_index=VOID)
        )
        optimizer.step()

    return step


def watch_parts(trainer: Trainer, watch: Stopwatch) -> None:
    """Let the stopwatch time the parts of the trainer's steps."""
    watch.watch(trainer.segmenter, "forward")
    watch.watch(trainer.stage.loss, "loss")
    trainer.fabric.backward = watch.timed("backward", trainer.fabric.backward)
    trainer.optimizer.register_step_pre_hook(lambda *_: watch.start("optimizer"))
    trainer.optimizer.register_step_post_hook(lambda *_: watch.stop("optimizer"))
    trainer.average.update_parameters = watch.timed("average", trainer.average.update_parameters)


def measure(
    name: str,
    size: tuple[int, int],
    seconds: float,
    device: torch.device,
    clock: Callable[[], float],
) -> str:
    """A row of the table for one recipe."""
    trainer = make_trainer(load_recipe(name, ["data.audit=false"]), size, device)
    bare, watch = bare_step(trainer), Stopwatch(device, clock)
    watch_parts(trainer, watch)
    bare_times, times, ended = [], [], time.perf_counter() + seconds
    while len(times) < WARM_UP + 3 or time.perf_counter() < ended:
        if len(times) == WARM_UP:
            watch.seconds.clear()
        start = watch.now()
        bare()
        middle = watch.now()
        with watch.part("data"):
            images, targets = trainer.batches(trainer.state.step)
        trainer.step(images, targets)
        bare_times.append(middle - start)
        times.append(watch.now() - middle)
    whole, alone = (statistics.median(each[WARM_UP:]) for each in (times, bare_times))
    ratios = [one / other for one, other in zip(bare_times, times, strict=True)]
    ratio = statistics.median(ratios[WARM_UP:])
    spent = sum(times[WARM_UP:])
    shares = [watch.seconds[part] / spent for part in PARTS]
    batch = trainer.batches.batch_size
    cells = [
        *(name, f"{batch} x {size[0]}x{size[1]}", trainer.precision),
        *(f"{batch / alone:.1f}", f"{batch / whole:.1f}", f"{ratio:.0%}"),
        *(f"{share:.1%}" for share in (*shares, 1 - sum(shares))),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Time the recipes that were asked for, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", default=list(SIZES), help="; ".join(SIZES))
    parser.add_argument("--seconds", type=float, default=40.0, help="time for each recipe")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count processor time, for one thread on a busy machine",
    )
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    clock = time.process_time if chosen.processor_time else time.perf_counter
    heads = ("recipe", "batch", "precision", "bare frames/s", "frames/s", "ratio", *PARTS, "rest")
    print(f"{chosen.threads} threads, {chosen.device}")
    print(f"| {' | '.join(heads)} |")
    print("|" + "---|" * len(heads))
    for name in chosen.recipes:
        size = SIZES.get(name, SIZES["flagship"])
        row = measure(name, size, chosen.seconds, choose_device(chosen.device), clock)
        print(row, flush=True)


if __name__ == "__main__":
    main()
