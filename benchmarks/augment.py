"""What each augmentation policy costs a batch, beside a training step of a model.

    python benchmarks/augment.py --model unet-l-small --batch 32

The last column is the cost as a share of the training step; it should stay below 25 %.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from areoseg.models import create_model
from areoseg.taxonomy import MARS
from areoseg.transforms.compose import build_augmentation
from areoseg.transforms.paste import RareBank, rare_object_bank
from areoseg.transforms.policies import POLICIES, parse_augment
from areoseg.transforms.registry import TRANSFORMS
from areoseg.utils.device import choose_precision


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="unet-l-small", help="a registered model")
    parser.add_argument("--batch", type=int, default=32, help="tiles in a batch")
    parser.add_argument("--size", type=int, nargs=2, default=(64, 128), help="height and width")
    parser.add_argument("--repeats", type=int, default=5, help="timings; the median is shown")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    images, masks = _blocks_of_terrain(asked.batch, *asked.size)
    step = _median_seconds(_training_step(asked.model, images, masks), asked.repeats)
    print(f"batch of {asked.batch}, {asked.size[0]}x{asked.size[1]}, {asked.threads} threads")
    print(f"{'what':<24}{'ms':>8}{'of a step':>11}")
    print(f"{'step of ' + asked.model:<24}{step * 1e3:>8.1f}{1:>11.1%}")
    bank = rare_object_bank(images[:, 0].numpy(), masks.numpy(), MARS.names.index("big rock"))
    for name, recipe in _recipes().items():
        run = _augmentation_step(recipe, bank, images, masks)
        seconds = _median_seconds(run, asked.repeats)
        print(f"{name:<24}{seconds * 1e3:>8.1f}{seconds / step:>11.1%}")


def _recipes() -> dict[str, str | dict[str, Any]]:
    """Every policy; then all transforms at once and each alone, on every sample."""
    always = {name: {"probability": 1} for name in TRANSFORMS}
    alone = {f"  {name}": {name: options} for name, options in always.items()}
    return {**{name: name for name in POLICIES}, "all transforms": always, **alone}


def _blocks_of_terrain(batch: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Tiles of noise (batch, 1, H, W) with masks of 8x8 blocks of random class."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(batch, 1, height, width, generator=generator)
    blocks = torch.randint(
        0, len(MARS), (batch, -(-height // 8), -(-width // 8)), generator=generator
    )
    masks = blocks.repeat_interleave(8, dim=1).repeat_interleave(8, dim=2)
    return images, masks[:, :height, :width].contiguous()


def _training_step(model: str, images: Tensor, masks: Tensor) -> Callable[[], object]:
    """A step of forward, cross-entropy, backward and AdamW, in the arithmetic of a training."""
    network = create_model(model).train().to(memory_format=torch.channels_last)
    reduced = choose_precision("auto", torch.device("cpu")) == "bfloat16"
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=reduced):
            answer = network(images)
        logits = answer if isinstance(answer, Tensor) else answer[0]  # then auxiliary logits
        torch.autograd.backward(functional.cross_entropy(logits.float(), masks))
        optimizer.step()

    return step


def _augmentation_step(
    recipe: str | dict[str, Any], bank: RareBank, images: Tensor, masks: Tensor
) -> Callable[[], object]:
    """The augmentation of one batch."""
    augment = build_augmentation(parse_augment(recipe), rare_bank=bank)
    generator = torch.Generator().manual_seed(0)
    return lambda: augment(images, masks, generator)


def _median_seconds(run: Callable[[], object], repeats: int) -> float:
    """The median time of `repeats` runs, after one that warms up."""
    run()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


if __name__ == "__main__":
    main()
