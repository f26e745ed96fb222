"""The HTTP service and the web page: `areoseg serve`."""

from areoseg.serve.app import create_app
from areoseg.serve.server import serve
from areoseg.serve.settings import Settings

__all__ = ["Settings", "create_app", "serve"]
