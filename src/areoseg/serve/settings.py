"""Settings of the service: models, folders, limits and access."""

from dataclasses import dataclass
from pathlib import Path

from areoseg.errors import AreosegError

MEGABYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of the service.

    Attributes:
        models: Run folders, names of bundled models, or exported files. The first is the default.
        device: `cpu`, `cuda` or `auto`.
        threads: CPU threads of the model; None: all cores.
        token: What clients must send as `Authorization: Bearer TOKEN`; None: nothing.
        hosts: Values of the header `Host` that are answered, which stops web pages elsewhere from
            reaching the service under a name of their own (DNS rebinding); empty: any.
        corrections: Dataset folder that corrected masks are saved to; None: they are refused.
        suggestions: File that `areoseg suggest` wrote; None: there are no suggestions.
        max_upload: Maximum size of the body of a request with one image, in bytes.
        max_batch_upload: The same for a batch.
        max_pixels: Maximum number of pixels of an image.
        queue: Maximum number of requests that are read, wait or are segmented at a time.
        time_limit: Seconds after which a request is given up.
        max_delay: Seconds for which the model waits for tiles of further requests while others are
            being received.
        jobs: Maximum number of batches that are kept.
        keep: Seconds after its end for which a batch and its files are kept.
    """

    models: tuple[str, ...]
    device: str = "cpu"
    threads: int | None = None
    token: str | None = None
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "::1")
    corrections: Path | None = None
    suggestions: Path | None = None
    max_upload: int = 64 * MEGABYTE
    max_batch_upload: int = 1024 * MEGABYTE
    max_pixels: int = 64_000_000
    queue: int = 64
    time_limit: float = 120.0
    max_delay: float = 0.02
    jobs: int = 16
    keep: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("max_upload", "max_batch_upload", "max_pixels", "queue", "time_limit", "jobs"):
            if getattr(self, name) <= 0:
                option = name.replace("_", "-")
                raise AreosegError(f"--{option} {getattr(self, name)}: give a value above 0")
