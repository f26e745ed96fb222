"""Style files of QGIS (`.qml`): the colors of the classes for masks and polygons.

They are opened in QGIS by Layer Properties > Symbology > Style > Load Style.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from areoseg.taxonomy import Taxonomy
from areoseg.utils.files import write_text

_VERSION = "3.28"
_OPACITY = "0.6"


def write_styles(out: Path, outputs: tuple[str, ...], taxonomy: Taxonomy) -> None:
    """Write `masks.qml` and `polygons.qml` beside the folders of these outputs.

    Raises:
        AreosegError: A file cannot be written.
    """
    for name, style in (("masks", _mask_style), ("polygons", _polygon_style)):
        if name in outputs:
            root = style(taxonomy)
            ElementTree.indent(root)
            document = ElementTree.tostring(root, encoding="unicode")
            write_text(out / f"{name}.qml", f"{document}\n")


def hex_color(color: tuple[int, int, int]) -> str:
    """Return a color as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def _classes(taxonomy: Taxonomy) -> Iterator[tuple[int, str, tuple[int, int, int]]]:
    yield from zip(range(len(taxonomy)), taxonomy.names, taxonomy.colors, strict=True)


def _mask_style(taxonomy: Taxonomy) -> Element:
    """Return a paletted raster style, in which background is transparent."""
    root = Element("qgis", version=_VERSION, styleCategories="Symbology")
    pipe = SubElement(root, "pipe")
    renderer = SubElement(
        pipe, "rasterrenderer", type="paletted", band="1", opacity="1", alphaBand="-1"
    )
    palette = SubElement(renderer, "colorPalette")
    for index, name, color in _classes(taxonomy):
        alpha = "0" if index == taxonomy.background else "255"
        SubElement(
            palette,
            "paletteEntry",
            value=str(index),
            color=hex_color(color),
            label=name,
            alpha=alpha,
        )
    return root


def _polygon_style(taxonomy: Taxonomy) -> Element:
    """Return a categorized vector style by the attribute `name`."""
    root = Element("qgis", version=_VERSION, styleCategories="Symbology")
    renderer = SubElement(root, "renderer-v2", type="categorizedSymbol", attr="name")
    categories = SubElement(renderer, "categories")
    symbols = SubElement(renderer, "symbols")
    for index, name, color in _classes(taxonomy):
        if index == taxonomy.background:
            continue
        SubElement(categories, "category", render="true", symbol=str(index), value=name, label=name)
        symbol = SubElement(symbols, "symbol", type="fill", name=str(index), alpha=_OPACITY)
        layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "pass": "0"})
        settings = SubElement(layer, "Option", type="Map")
        rgb = ",".join(map(str, color))
        for key, value in (
            ("color", f"{rgb},255"),
            ("outline_color", f"{rgb},255"),
            ("outline_style", "solid"),
            ("outline_width", "0.2"),
            ("style", "solid"),
        ):
            SubElement(settings, "Option", type="QString", name=key, value=value)
    return root
