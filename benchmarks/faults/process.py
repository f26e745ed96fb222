"""Runs areoseg commands in forked processes that can be killed at chosen operations.

The parent has imported everything, so that a command takes about a second. In the child an audit
hook sees each rename, removal and creation of a file before it happens, and `os.fsync` is wrapped.
"""

import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

WATCHED = {
    "os.rename": "rename",
    "os.remove": "unlink",
    "os.rmdir": "rmdir",
    "os.mkdir": "mkdir",
    "os.truncate": "truncate",
}
"""Audit events of operations that change folders, with the names of the system calls."""

Operation = tuple[str, ...]
"""The name of a system call and its paths."""

See = Callable[[Operation], None]
"""Called before each operation."""

TIMEOUT = 120.0
"""Seconds after which a command counts as hanging."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        code: Its exit code; negative: the signal that killed it.
        output: What it wrote to standard output and standard error.
        seconds: How long it took.
    """

    code: int
    output: str
    seconds: float

    @property
    def traceback(self) -> bool:
        """Whether it showed a traceback."""
        return "Traceback (most recent call last)" in self.output


@dataclass
class Watch:
    """Sees the operations of this process below a folder.

    Attributes:
        folder: Operations elsewhere are ignored.
        see: Called before each operation.
    """

    folder: Path
    see: See
    _busy: bool = field(default=False, repr=False)

    def install(self) -> None:
        """Watch this process from now on; this cannot be undone."""
        fsync = os.fsync

        def watched_fsync(file: Any) -> None:
            number = file if isinstance(file, int) else file.fileno()
            self._tell("fsync", str(Path(f"/proc/self/fd/{number}").readlink()))
            fsync(file)

        os.fsync = watched_fsync
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in WATCHED:
            paths = arguments[: 2 if event == "os.rename" else 1]
            self._tell(WATCHED[event], *map(_absolute, paths))
        elif event == "open":
            path, _, flags = arguments
            if isinstance(path, (str, bytes, os.PathLike)) and flags & (os.O_WRONLY | os.O_RDWR):
                self._tell("write", _absolute(path))

    def _tell(self, name: str, *paths: str) -> None:
        if self._busy or not any(path.startswith(f"{self.folder}/") for path in paths):
            return
        self._busy = True
        try:
            self.see((name, *paths))
        finally:
            self._busy = False


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100  # links are not followed


def start(
    words: Sequence[object], folder: Path, log: Path, *, prepare: Callable[[], None] | None = None
) -> int:
    """Start `areoseg WORDS` in a new process; return its identifier.

    Args:
        words: The command line.
        folder: The working directory.
        log: The file for its output.
        prepare: Called in the new process before the command.
    """
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, null), (1, written), (2, written)):
            os.dup2(source, target)
        os.chdir(folder)
        sys.argv = ["areoseg", *map(str, words)]
        if prepare is not None:
            prepare()
        from areoseg.cli.app import main

        main()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def wait(pid: int, log: Path, started: float, timeout: float = TIMEOUT) -> Outcome:
    """Wait for a process; kill it if it hangs."""
    while time.monotonic() - started < timeout:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        time.sleep(0.002)
    else:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    output = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return Outcome(os.waitstatus_to_exitcode(status), output, time.monotonic() - started)


def run(
    words: Sequence[object],
    folder: Path,
    *,
    see: See | None = None,
    prepare: Callable[[], None] | None = None,
    meanwhile: Callable[[int], None] | None = None,
    timeout: float = TIMEOUT,
) -> Outcome:
    """Run `areoseg WORDS` in a folder.

    Args:
        words: The command line.
        folder: The working directory; operations below it are seen.
        see: Called in the new process before each operation.
        prepare: Called in the new process before the command.
        meanwhile: Called with the identifier of the process, for example to send signals.
        timeout: Seconds after which it is killed.
    """

    def begin() -> None:
        if see is not None:
            Watch(folder, see).install()
        if prepare is not None:
            prepare()

    with tempfile.TemporaryDirectory(prefix="areoseg-log-") as logs:
        log = Path(logs) / "log"
        started = time.monotonic()
        pid = start(words, folder, log, prepare=begin)
        if meanwhile is not None:
            meanwhile(pid)
        return wait(pid, log, started, timeout)


def kill_at(number: int) -> See:
    """Return what kills its process before the operation of this number, from 0."""
    seen = 0

    def see(operation: Operation) -> None:
        nonlocal seen
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

    return see


def record_to(path: Path) -> See:
    """Return what appends each operation as a line to a file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def see(operation: Operation) -> None:
        os.write(descriptor, ("\t".join(operation) + "\n").encode("utf-8", "surrogateescape"))

    return see


def import_everything() -> None:
    """Import what the commands import, so that forked processes need not."""
    import areoseg
    from areoseg.cli.app import COMMANDS

    for name in COMMANDS:
        import_module(f"areoseg.cli.{name.replace('-', '_')}")
    for name in areoseg.__all__:  # exported lazily
        getattr(areoseg, name)
