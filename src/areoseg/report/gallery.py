"""The gallery of a folder of predictions: `index.html`, and `index-2.html` beyond 500 images."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from areoseg import __version__
from areoseg.errors import AreosegError
from areoseg.report.formats import page_environment
from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import write_text
from areoseg.utils.images import OUTLINE_COLOR

PAGE = "index.html"

PAGE_IMAGES = 500
"""Number of images on one page."""

Entry = Mapping[str, Any]
"""An image of the gallery as JSON values, with its pictures as data URIs."""

_CONTENT = re.compile(
    r'<script type="application/json" id="gallery">(?P<json>.*?)</script>', re.DOTALL
)


def write_gallery(
    out: Path, entries: Sequence[Entry], taxonomy: Taxonomy, *, models: Sequence[str] = ()
) -> list[Path]:
    """Write the pages of a gallery, self-contained HTML files, and remove superfluous ones.

    Args:
        out: The folder of the predictions.
        entries: The images in their order; see `areoseg.inference.gallery`.
        taxonomy: The classes.
        models: The models that predicted.

    Returns:
        The pages.

    Raises:
        AreosegError: A page cannot be written.
    """
    template = page_environment().get_template("gallery.html.j2")
    count = max(1, -(-len(entries) // PAGE_IMAGES))
    names = [page_name(number) for number in range(1, count + 1)]
    colors = {
        name: _css(color) for name, color in zip(taxonomy.names, taxonomy.colors, strict=True)
    }
    for number, name in enumerate(names):
        start = number * PAGE_IMAGES
        shown = list(entries[start : start + PAGE_IMAGES])
        page = template.render(
            name=out.resolve().name,
            version=__version__,
            models=list(models),
            total=len(entries),
            first=start + 1,
            last=start + len(shown),
            pages=names,
            page=name,
            colors=colors,
            terrain=[taxonomy.names[index] for index in taxonomy.terrain],
            outlined=[taxonomy.names[index] for index in taxonomy.outlined],
            outline_color=_css(OUTLINE_COLOR),
            kinds=sorted({kind for entry in shown for kind in entry["warnings"]}),
            with_warnings=sum(bool(entry["warnings"]) for entry in shown),
            content={"colors": list(colors.values()), "images": shown},
        )
        write_text(out / name, page)
    number = count + 1
    while (superfluous := out / page_name(number)).is_file():
        superfluous.unlink()
        number += 1
    return [out / name for name in names]


def read_gallery(out: Path) -> list[Entry]:
    """Return the entries of the pages in a folder; none if there are no pages.

    Raises:
        AreosegError: A file with the name of a page is no gallery.
    """
    entries: list[Entry] = []
    number = 1
    while (path := out / page_name(number)).is_file():
        content = _CONTENT.search(path.read_text(encoding="utf-8"))
        try:
            entries += json.loads(content["json"])["images"] if content else _no_gallery()
        except (ValueError, KeyError, TypeError):
            raise AreosegError(
                f"{path}: this page is not a gallery of areoseg: choose another --out, or move it"
            ) from None
        number += 1
    return entries


def page_name(number: int) -> str:
    """Return the file name of a page, counted from 1."""
    return PAGE if number == 1 else f"index-{number}.html"


def _no_gallery() -> list[Entry]:
    raise ValueError


def _css(color: tuple[int, int, int]) -> str:
    return "rgb({} {} {})".format(*color)
