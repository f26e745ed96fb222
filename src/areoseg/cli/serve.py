"""`areoseg serve`."""

from pathlib import Path

from areoseg import weights
from areoseg.cli.show import notes, output


def serve(
    *models: str, host: str = "127.0.0.1", port: int = 8000, static: Path | None = None
) -> None:
    """Run a web page and an HTTP service that segment images.

    Needs `pip install 'areoseg[serve]'`.

    Example: `areoseg serve flagship-256`

    Args:
        models: Run folders, names of bundled models, or exported files; the first is the default.
            Default: the bundled flagship-256.
        host: Address to listen on.
        port: Port to listen on.
        static: Folder to write the page to instead of serving it, for a static host such as `python
            -m http.server`; the models then run in the browser. Needs `areoseg[serve,export]`.
    """
    from areoseg.utils.extras import need

    need("fastapi", extra="serve")
    if static is not None:
        from areoseg.serve.static import write_static_site

        site = write_static_site(static, models or None, console=notes)
        for name, parity in site.parity.items():
            output.print(f"{name}: {parity}")
        output.print(f"{site.path}: {site.size / 1e6:.1f} MB")
        return
    from areoseg.serve.server import serve as run
    from areoseg.serve.settings import Settings

    notes.print(f"http://{host}:{port}")
    run(Settings(models=models or (weights.DEFAULT,)), host=host, port=port)
