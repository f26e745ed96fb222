"""How fast a run or an exported file predicts."""

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from rich.console import Console

from areoseg.errors import AreosegError
from areoseg.errors import did_you_mean
from areoseg.errors import one_line
from areoseg.runs.run import is_run
from areoseg.runs.run import open_run
from areoseg.utils.console import progress_bar
from areoseg.utils.console import standard_error
from areoseg.utils.files import PathLike

if TYPE_CHECKING:
    from areoseg.speed import Measurement
    from areoseg.speed.ways import Forward

TILE = (64, 128)


@dataclass(frozen=True)
class Benchmark:
    """What was measured.

    Attributes:
        model: The run folder or file.
        size: Height and width of the images, in pixels.
        gigaflops: Floating-point operations of one image, in 10^9; None for a file.
        product: GFLOP/s of a float32 matrix product, measured before each way.
        measurements: One a way that could be run.
        skipped: The others, with the reason.
    """

    model: str
    size: tuple[int, int]
    gigaflops: float | None
    product: dict[str, float]
    measurements: "tuple[Measurement, ...]"
    skipped: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)


def bench(
    model: PathLike,
    *,
    backends: Sequence[str] | None = None,
    batches: Sequence[int] = (1, 8, 64),
    size: tuple[int, int] | None = None,
    seconds: float = 2.0,
    threads: int | None = None,
    console: Console | None = None,
) -> Benchmark:
    """Time the backends to run a model, each in a process of its own.

    Args:
        model: A run folder, of which all backends are timed, or an exported file, which has but
            one.
        backends: Names in `areoseg.speed.BACKENDS`; None: all.
        batches: Images a call.
        size: Height and width of the images; None: the run's training tiles, or 64x128.
        seconds: How long each is timed at each batch size.
        threads: Cores to compute on; None: all.
        console: Where to show the progress; None: standard error.

    Raises:
        AreosegError: The model cannot be used, there is no such way, or a number makes no sense.
    """
    from areoseg.speed import matrix_product_gflops
    from areoseg.speed import measure
    from areoseg.utils.device import use_threads

    if min(batches, default=0) < 1 or seconds <= 0 or (size is not None and min(size) < 1):
        raise AreosegError("bench: batches, size and seconds must be above 0")
    use_threads(threads)
    size = size or _own_size(model)
    prepared, skipped = _prepared(model, backends, size)
    product: dict[str, float] = {}
    measurements = []
    with progress_bar(console or standard_error()) as progress:
        for name, prepare in progress.track(list(prepared.items()), description="timing"):
            product[name] = matrix_product_gflops()
            try:
                measurements.append(
                    measure(
                        name, prepare, size=size, batches=batches, seconds=seconds, threads=threads
                    )
                )
            except Exception as error:  # a way that fails must not hide the others
                skipped[name] = one_line(error)[:160]
    return Benchmark(
        str(model), size, _gigaflops(model, size), product, tuple(measurements), skipped
    )


def _prepared(
    model: PathLike, backends: Sequence[str] | None, size: tuple[int, int]
) -> "tuple[dict[str, partial[Forward]], dict[str, str]]":
    """Ways that can be run, each with what makes it ready, and backends that cannot, with why."""
    from areoseg.inference import open_engine
    from areoseg.speed import BACKENDS

    if not is_run(Path(model)):
        open_engine(model)  # what is no model shows before anything is timed
        return {Path(model).name: partial(_file, str(model))}, {}
    open_run(model)
    for name in backends or ():
        if name not in BACKENDS:
            raise AreosegError(f"there is no way {name!r}: {did_you_mean(name, BACKENDS)}")
    chosen = [BACKENDS[name] for name in backends or BACKENDS]
    missing = {way.name: way.missing() for way in chosen}
    skipped = {name: reason for name, reason in missing.items() if reason is not None}
    ready = {
        way.name: partial(_way, str(model), way.name, size)
        for way in chosen
        if way.name not in skipped
    }
    return ready, skipped


def _way(run: str, name: str, size: tuple[int, int]) -> "Forward":
    """A run made ready for one way."""
    import torch

    from areoseg.speed import BACKENDS

    return BACKENDS[name].prepare(open_run(run).segmenter(), torch.rand(1, 1, *size))


def _file(path: str) -> "Forward":
    """An exported file."""
    from areoseg.inference import open_engine

    return open_engine(path)


def _own_size(model: PathLike) -> tuple[int, int]:
    if not is_run(Path(model)):
        return TILE
    height, width = open_run(model).info.model.size
    return height, width


def _gigaflops(model: PathLike, size: tuple[int, int]) -> float | None:
    """Two for each multiply-accumulate of one image."""
    if not is_run(Path(model)):
        return None
    from areoseg.models.inspect import model_cost

    return 2 * model_cost(open_run(model).segmenter().network, 1, *size).macs / 1e9
