"""`areoseg serve`."""

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from areoseg import weights
from areoseg.cli.options import DEFAULT_COMPUTE, ComputeFlags, compute_keywords
from areoseg.cli.show import notes, output
from areoseg.errors import AreosegError
from areoseg.utils.extras import need

TOKEN_VARIABLE = "AREOSEG_TOKEN"


def serve(
    *models: Path,
    static: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    no_token: Annotated[bool, Parameter(negative=())] = False,
    corrections: Path | None = None,
    suggestions: Path | None = None,
    max_upload: int = 64,
    max_batch_upload: int = 1024,
    max_pixels: int = 64_000_000,
    queue: int = 64,
    time_limit: float = 120.0,
    compute: ComputeFlags = DEFAULT_COMPUTE,
) -> None:
    """Run a web page and an HTTP service that segment images.

    Both are at http://127.0.0.1:8000, for this computer only. Needs `pip install 'areoseg[serve]'`.

    Example: `areoseg serve flagship-256 flagship-64`

    Args:
        models: Run folders, names of bundled models, or exported files; the first is the default.
            Default: the bundled flagship-256.
        host: Name or address to listen on. Other computers reach the service at an address other
            than 127.0.0.1, for example 0.0.0.0; it then requires --token or --no-token.
        port: Port to listen on.
        static: Folder to write the page to instead of serving it, for a static host such as `python
            -m http.server`; the models then run in the browser. Needs `areoseg[serve,export]`.
        token: Password of the service, which clients send as `Authorization: Bearer TOKEN` and the
            page asks for. Default: the environment variable AREOSEG_TOKEN, which other users of
            this computer cannot see, or none.
        no_token: Let everyone who reaches the service use it.
        corrections: Dataset folder that masks corrected on the page are saved to. Default: they
            cannot be saved.
        suggestions: File that `areoseg suggest` wrote, whose images the page opens in order.
        max_upload: Maximum size of an uploaded image in megabytes.
        max_batch_upload: Maximum size of an uploaded batch in megabytes.
        max_pixels: Maximum number of pixels of an image.
        queue: Maximum number of requests at a time; others are asked to try again later.
        time_limit: Seconds after which a request is given up.
    """
    if static is not None:
        from areoseg.serve.static import write_static_site

        site = write_static_site(static, models or None, console=notes)
        for name, parity in site.parity.items():
            output.print(f"{name}: {parity}")
        output.print(f"{site.path}: {site.size / 1e6:.1f} MB")
        return
    for package in ("fastapi", "uvicorn", "python_multipart", "prometheus_client"):
        need(package, extra="serve")
    from areoseg.serve.server import serve as run
    from areoseg.serve.settings import MEGABYTE, Settings

    settings = Settings(
        models=tuple(map(str, models)) or (weights.DEFAULT,),
        token=token or os.environ.get(TOKEN_VARIABLE) or None,
        corrections=corrections,
        suggestions=suggestions,
        max_upload=max_upload * MEGABYTE,
        max_batch_upload=max_batch_upload * MEGABYTE,
        max_pixels=max_pixels,
        queue=queue,
        time_limit=time_limit,
        **compute_keywords(compute),
    )
    if not 0 <= port < 1 << 16:
        raise AreosegError(f"--port {port}: give 1 to 65535")
    notes.print(f"page: http://{host}:{port}  interface: http://{host}:{port}/docs", markup=False)
    run(settings, host=host, port=port, allow_no_token=no_token)
