"""Speed of every model: training and prediction, beside the machine's matrix product.

    python benchmarks/models.py [--models NAME...] [--batch 32] [--threads 2]

Each model is timed in turn with a float32 matrix product in the same run, because machines are
noisy. The share is the model's GFLOP/s over the product's; a training step counts three forward
passes. Prints a Markdown table.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn import functional

from areoseg.export.benchmark import matrix_product_gflops
from areoseg.models import create_model, model_cost, records
from areoseg.utils.device import has_bfloat16

HEIGHT, WIDTH, CLASSES = 64, 128, 5
REPEATS = 3


def median_seconds(work: Callable[[], object]) -> float:
    """The median time of `work` over some calls, after one that is not counted."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def time_model(name: str, batch: int, bfloat16: bool) -> tuple[float, float]:
    """Seconds of a training step and of a prediction of one batch."""
    model = create_model(name).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters())
    images = torch.rand(batch, 1, HEIGHT, WIDTH)
    targets = torch.randint(CLASSES, (batch, HEIGHT, WIDTH))
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=bfloat16)

    def train() -> None:
        with autocast:
            answer = model.train()(images)
            logits = answer if isinstance(answer, torch.Tensor) else answer[0]
            loss = functional.cross_entropy(logits.float(), targets)
        if not isinstance(answer, torch.Tensor):  # auxiliary heads take part in the step
            loss = loss + sum(part.float().square().mean() for part in answer[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    @torch.inference_mode()
    def predict() -> None:
        with autocast:
            model.eval()(images)

    return median_seconds(train), median_seconds(predict)


def main() -> None:
    """Time the models that were asked for, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="*", default=[record.name for record in records()])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    precisions = ["float32"]
    if has_bfloat16(torch.device("cpu")):
        precisions.append("bfloat16")

    print(f"{chosen.threads} threads, batch {chosen.batch}, {HEIGHT}x{WIDTH}")
    print("| model | GMAC | precision | training images/s | prediction images/s ", end="")
    print("| product GFLOP/s | training share | prediction share |")
    print("|---|---|---|---|---|---|---|---|")
    for name in chosen.models:
        macs = model_cost(create_model(name), 1, HEIGHT, WIDTH).macs
        for precision in precisions:
            product = matrix_product_gflops()
            training, prediction = time_model(name, chosen.batch, precision == "bfloat16")
            flops = 2 * macs * chosen.batch / 1e9
            print(
                f"| {name} | {macs / 1e9:.3f} | {precision} | {chosen.batch / training:.1f} "
                f"| {chosen.batch / prediction:.1f} | {product:.0f} "
                f"| {3 * flops / training / product:.2f} | {flops / prediction / product:.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
