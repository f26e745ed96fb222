"""Speed of prediction: our models and the peers, by each way to run them.

    .venv-bench/bin/python benchmarks/inference.py [NAME...] [--batches 1 8 64] [--threads 2]

Fresh weights, 64x128. Each way runs in a process of its own, after a float32 matrix product in the
same run. Prints a Markdown table; peers that are not installed are skipped with a line.
"""

import argparse
from functools import partial

import torch

from areoseg.export.benchmark import BACKENDS, Forward, matrix_product_gflops, measure
from areoseg.models import create_model, model_cost
from areoseg.models.segmenter import Segmenter
from peers import PEERS

SIZE = (64, 128)
MODELS = ("compact-unet", *PEERS)
HEAD = "| model | GMAC | way | batch | images/s | median ms | p99 ms | of product | first s | MiB |"


def segmenter_of(name: str) -> Segmenter:
    """The model called `name` with fresh weights."""
    torch.manual_seed(0)
    network = PEERS[name]() if name in PEERS else create_model(name)
    return Segmenter(network, mean=0.25, std=0.1, classes=5).eval()


def prepare(name: str, way: str) -> Forward:
    """A model made ready for a way."""
    return BACKENDS[way].prepare(segmenter_of(name), torch.rand(1, 1, *SIZE))


def print_model(name: str, backends: list[str], batches: list[int], seconds: float) -> None:
    """Time one model by each way and print its rows."""
    gmac = model_cost(segmenter_of(name).network, 1, *SIZE).macs / 1e9
    for way in backends:
        lacking = BACKENDS[way].missing()
        if lacking is not None:
            print(f"| {name} | {gmac:.2f} | {way} | skipped: {lacking} |||||||", flush=True)
            continue
        product = matrix_product_gflops()
        threads = torch.get_num_threads()
        found = measure(
            way,
            partial(prepare, name, way),
            size=SIZE,
            batches=batches,
            seconds=seconds,
            threads=threads,
        )
        for timing in found.timings:
            print(
                f"| {name} | {gmac:.2f} | {way} | {timing.batch} | {timing.images_per_second:.1f} "
                f"| {1000 * timing.median:.1f} | {1000 * timing.p99:.1f} "
                f"| {2 * gmac * timing.images_per_second / product:.2f} "
                f"| {found.time_to_first_output:.1f} | {found.peak_mib:.0f} |",
                flush=True,
            )


def main() -> None:
    """Time the models that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=MODELS)
    parser.add_argument("--backends", nargs="*", default=list(BACKENDS))
    parser.add_argument("--batches", nargs="*", type=int, default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    print(f"{chosen.threads} threads, {SIZE[0]}x{SIZE[1]}")
    print(HEAD)
    print("|" + "---|" * 10)
    for name in chosen.models:
        try:
            print_model(name, chosen.backends, chosen.batches, chosen.seconds)
        except ImportError as error:
            print(f"| {name} | skipped: {error} |||||||||", flush=True)


if __name__ == "__main__":
    main()
