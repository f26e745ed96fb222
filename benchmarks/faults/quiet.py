"""Commands without a network and without a home folder, and whatever they try to reach."""

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

NEW_NETWORK = 0x40000000  # CLONE_NEWNET

REACHING = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request")
"""Audit events of a program that uses the network."""

ELSEWHERE = ("/dev/", "/proc/")


def offline(folder: Path, log: Path) -> Callable[[], None]:
    """Return what takes network and home from a process, and notes what it tries nevertheless.

    Args:
        folder: The working directory, the only place that it may write to.
        log: The file for attempts to reach the network, or to write elsewhere.
    """

    def prepare() -> None:
        os.environ["HOME"] = "/proc/nowhere"
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        ctypes.CDLL(None).unshare(NEW_NETWORK)  # fails without the rights; attempts are seen anyway

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in REACHING:
                os.write(descriptor, f"{event} {arguments!r:.200}\n".encode())
            elif event == "open":
                path, _, flags = arguments
                if isinstance(path, (str, os.PathLike)) and flags & (os.O_WRONLY | os.O_RDWR):
                    place = os.path.abspath(os.fspath(path))  # noqa: PTH100
                    if not place.startswith((f"{folder}/", *ELSEWHERE)):
                        os.write(descriptor, f"writes {place}\n".encode())

        sys.addaudithook(hook)

    return prepare
