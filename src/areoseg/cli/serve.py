"""`areoseg serve`."""

from areoseg import weights
from areoseg.cli.show import notes


def serve(*models: str, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Run a web page and an HTTP service that segment images.

    Needs `pip install 'areoseg[serve]'`.

    Example: `areoseg serve flagship-256`

    Args:
        models: Run folders, names of bundled models, or exported files; the first is the default.
            Default: the bundled flagship-256.
        host: Address to listen on.
        port: Port to listen on.
    """
    from areoseg.utils.extras import need

    need("fastapi", extra="serve")
    from areoseg.serve.server import serve as run
    from areoseg.serve.settings import Settings

    notes.print(f"http://{host}:{port}")
    run(Settings(models=models or (weights.DEFAULT,)), host=host, port=port)
