"""Run the service with uvicorn, bound to this computer unless told otherwise."""

import ipaddress
import logging
import math
import signal
from dataclasses import replace

import uvicorn

from areoseg.errors import AreosegError
from areoseg.serve.app import create_app
from areoseg.serve.settings import Settings

LOCAL = "127.0.0.1"

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def serve(
    settings: Settings, *, host: str = LOCAL, port: int = 8000, allow_no_token: bool = False
) -> None:
    """Run the service until it is interrupted (SIGINT) or terminated (SIGTERM).

    Requests that are running then are finished. Batches stop after their current image.

    Args:
        settings: The settings. `hosts` is extended by `host`, and empty if that is no single name.
        host: Name or address to listen on.
        port: Port to listen on; 0: a free one.
        allow_no_token: Whether other computers may use the service without a token.

    Raises:
        AreosegError: Other computers could use the service without a token, a model does not
            exist, or the port is not free.
    """
    app = create_app(checked_access(settings, host, allow_no_token=allow_no_token))
    logging.basicConfig(level=logging.INFO, format=_LOG_FORMAT)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,  # the service logs requests by their route, without file names
        server_header=False,
        timeout_graceful_shutdown=math.ceil(settings.time_limit),
    )
    # uvicorn stops gracefully at SIGTERM and then raises it again, for the handler before its own.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        uvicorn.Server(config).run()
    except SystemExit:  # uvicorn has logged the reason
        raise AreosegError(
            f"cannot listen on {host}, port {port}: choose another --port or --host"
        ) from None


def checked_access(settings: Settings, host: str, *, allow_no_token: bool) -> Settings:
    """Return the settings with the names under which the service is reached at this host.

    Args:
        settings: The settings.
        host: Name or address to listen on.
        allow_no_token: Whether other computers may use the service without a token.

    Raises:
        AreosegError: Other computers could use the service without a token.
    """
    if _is_local(host):
        return settings
    if settings.token is None and not allow_no_token:
        raise AreosegError(
            f"--host {host}: other computers could use this service: set --token, or --no-token"
            " if everyone may"
        )
    if settings.token is not None and allow_no_token:
        raise AreosegError("both --token and --no-token are given: choose one")
    return replace(settings, hosts=())


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
