"""Who may use the service, and the headers that keep browsers from misusing it."""

import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = ("/healthz", "/openapi.json")
"""Addresses that need no token, besides the files of the page and of `/docs`."""

CLOSED = ("/v1/", "/metrics")
"""Starts of the addresses that need the token, if there is one."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer. The page has no inline scripts or styles and loads nothing elsewhere."""


class SecurityMiddleware:
    """Checks host, origin and token of requests, and adds `HEADERS` to answers.

    Args:
        app: The application.
        token: What `Authorization: Bearer TOKEN` must have; None: nothing.
        hosts: Names in the header `Host` that are answered; empty: any.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if scope["path"].startswith(CLOSED):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        refused = self._refusal(scope)
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        """Return the answer to a request that is not allowed, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts and _hostname(host) not in self._hosts:
            detail = f"host {host[:100]!r} is not served: use {self._hosts[0]}, or --host"
            return JSONResponse({"detail": detail}, 421)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return JSONResponse({"detail": "requests of other web pages are refused"}, 403)
        if self._token is not None and scope["path"].startswith(CLOSED):
            kind, _, given = headers.get("authorization", "").partition(" ")
            matches = secrets.compare_digest(given.strip().encode(), self._token.encode())
            if kind.lower() != "bearer" or not matches:
                return JSONResponse(
                    {"detail": "give the token of the service: Authorization: Bearer TOKEN"},
                    401,
                    {"WWW-Authenticate": "Bearer"},
                )
        return None


def _hostname(host: str) -> str:
    """Return the header `Host` without port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
