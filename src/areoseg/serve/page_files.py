"""The files of the web page, which the service serves and the static site copies."""

from functools import cache
from pathlib import Path

from areoseg.errors import AreosegError

FOLDER = Path(__file__).parent / "page"

STYLES = Path(__file__).parents[1] / "report" / "styles"
"""The style sheets that the page shares with the reports."""

INDEX = "index.html"

RUNTIME = "vendor/onnxruntime-web/ort-wasm-simd-threaded.wasm.gz"
"""The WebAssembly file that runs models in the browser."""

SUFFIXES = (".html", ".css", ".js", ".mjs", ".svg", ".gz")
"""Suffixes of the files that belong to the page."""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self';"
    " img-src 'self' blob: data:; connect-src 'self'; form-action 'none'; base-uri 'none'"
)
"""What the page needs, and nothing from elsewhere: scripts, styles and requests of its own host."""


@cache
def page_files(*, static: bool) -> dict[str, Path]:
    """Return the files by their path relative to the address of the page.

    Args:
        static: Whether to include those that only the page without a server needs.

    Raises:
        AreosegError: A file of the static page is missing in this installation.
    """
    files = {
        path.relative_to(folder).as_posix(): path
        for folder in (FOLDER, STYLES)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (path.suffix in SUFFIXES or path.name == "LICENSE")
    }
    if not static:
        own = ("vendor/", "inference/", "backend-static.js")
        return {name: path for name, path in files.items() if not name.startswith(own)}
    if RUNTIME not in files:
        raise AreosegError(
            f"{FOLDER / RUNTIME}: this file is missing: run `make page` in a clone of areoseg, which"
            " fetches onnxruntime-web, and install areoseg again"
        )
    return files
