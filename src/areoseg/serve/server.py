"""Run the service with uvicorn."""

from areoseg.serve.app import create_app
from areoseg.serve.settings import Settings


def serve(settings: Settings, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Run the service until it is interrupted or terminated.

    Args:
        settings: The settings.
        host: Address to listen on.
        port: Port to listen on.
    """
    import uvicorn

    uvicorn.run(create_app(settings), host=host, port=port, log_level="warning")
