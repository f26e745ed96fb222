"""Decode TIFF and GeoTIFF files with tifffile and imagecodecs.

Pillow decodes the few kinds that tifffile does not: fax compression, and 8-bit color spaces other
than gray, RGB and palettes. The georeference of a GeoTIFF is read by GDAL, its pixels are not.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from areoseg.data.readers.files import check_size, first_of, several_masks
from areoseg.data.readers.georeference import georeference_of_tiff
from areoseg.data.readers.raster import Constant, Raster, gray_raster, turned
from areoseg.errors import AreosegError

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF and BigTIFF files in both byte orders."""

_MINISWHITE, _MINISBLACK, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6  # photometric interpretations
_JPEG = 7
_PILLOW_COMPRESSIONS = (2, 3, 4, 6)  # fax, and the obsolete JPEG
_ALPHA = (1, 2)  # values of ExtraSamples: premultiplied and plain alpha

_ORIENTATION, _NODATA = 274, 42113
_GEO_TAGS = (33550, 34264, 34735)  # pixel scale, transformation, keys

_REDUCED, _MASK = 1, 4  # bits of NewSubfileType
_WHOLE_BYTES = (8, 16, 32, 64)

logging.getLogger("tifffile").addHandler(logging.NullHandler())  # its notes are no user's concern


def decode_tiff(path: Path, *, georeferenced: bool = False) -> Raster:
    """Decode the first full-size page of a TIFF file; a warning says if there are others.

    Pixels are missing where the file is transparent, where an internal mask or a mask file `.msk`
    beside it says so, and where all bands have the level of GDAL's nodata tag.

    Args:
        path: The file.
        georeferenced: Whether to read the georeference of a GeoTIFF, which needs rasterio.

    Raises:
        AreosegError: The image is too large, its shape is not supported, or rasterio is missing.
        Exception: The file is damaged; tifffile, imagecodecs and Pillow raise many types.
    """
    with tifffile.TiffFile(path) as file:
        page, warnings = _page(file, path)
        raster = _decoded(page, path)
        mask = _mask(file, page)
        is_geotiff = any(tag in page.tags for tag in _GEO_TAGS)
        orientation = 1 if is_geotiff else _orientation(page)
    beside = path.with_name(f"{path.name}.msk")
    if mask is None and beside.is_file():
        with tifffile.TiffFile(beside) as file:
            mask = _opaque(file.pages.first.asarray(maxworkers=1))
    valid = raster.valid
    if mask is not None:
        if mask.shape != raster.levels.shape:
            raise ValueError(f"its mask has the shape {mask.shape}")
        valid = mask if valid is None else valid & mask
    return Raster(
        levels=np.ascontiguousarray(turned(raster.levels, orientation)),
        valid=None if valid is None else np.ascontiguousarray(turned(valid, orientation)),
        bits=raster.bits,
        colored=raster.colored,
        georeference=georeference_of_tiff(path) if georeferenced and is_geotiff else None,
        warnings=warnings,
    )


def decode_tiff_indices(path: Path, *, palette_colors: bool = False) -> NDArray[Any]:
    """Decode a mask as stored, (H, W) or (H, W, C), without scaling.

    Args:
        path: The file.
        palette_colors: Whether to return the colors of a palette instead of its indices.

    Raises:
        AreosegError: There are several pages.
        Exception: As `decode_tiff`.
    """
    with tifffile.TiffFile(path) as file:
        page, warnings = _page(file, path)
        if warnings:
            raise several_masks(path, "pages")
        orientation = 1 if any(tag in page.tags for tag in _GEO_TAGS) else _orientation(page)
        if _needs_pillow(page):
            with PIL.Image.open(path) as image:
                pixels = np.asarray(image if image.mode in ("1", "L") else image.convert("RGB"))
        else:
            pixels, _ = _channels(page, path)
            if page.photometric == _MINISWHITE and page.bitspersample == 1:
                pixels = 1 - pixels.astype(np.uint8)  # drawn in an editor: white is 1
            if palette_colors and _is_palette(page):
                pixels = _palette(page)[pixels[..., 0]]
    return np.ascontiguousarray(turned(pixels, orientation))


def _page(file: tifffile.TiffFile, path: Path) -> tuple[Any, tuple[str, ...]]:
    """Return the first page of full size, after checking its size, and a warning about others.

    Reduced copies and masks of pages are not counted. If only they are in the main chain of pages,
    the image is in a page below one of them, as in DNG.
    """
    pages: list[Any] = list(file.pages)
    images = [page for page in pages if not page.subfiletype & (_REDUCED | _MASK)]
    if not images:
        below = (each for page in pages for each in (page.pages or ()))
        images = [page for page in below if not page.subfiletype & (_REDUCED | _MASK)] or pages
    page = images[0]
    check_size(page.imagelength, page.imagewidth, str(path))
    count = max(len(images), _planes(file, page))
    return page, (first_of(count, "page"),) if count > 1 else ()


def _planes(file: tifffile.TiffFile, page: Any) -> int:
    """Return the number of images that a file of one page declares to have, as in ImageJ stacks."""
    if not (file.is_imagej or file.is_shaped) or len(file.pages) > 1:
        return 1
    return int(file.series[0].size // page.size)


def _decoded(page: Any, path: Path) -> Raster:
    bits: int = page.bitspersample
    if _needs_pillow(page):
        if bits > 8:
            raise ValueError(f"{bits}-bit pixels in an unsupported color space")
        with PIL.Image.open(path) as image:
            gray = image.mode in ("1", "L")
            return gray_raster(np.asarray(image if gray else image.convert("RGB")), str(path))
    pixels, alpha = _channels(page, path)
    nodata = _nodata(page)
    if _is_palette(page):
        raster = gray_raster(pixels, str(path), alpha=alpha, nodata=nodata)
        colors = gray_raster(_palette(page)[raster.levels], str(path))
        return Raster(colors.levels, raster.valid, colored=colors.colored)
    declared = bits if pixels.dtype.kind in "ui" and bits not in _WHOLE_BYTES else None
    raster = gray_raster(pixels, str(path), alpha=alpha, nodata=nodata, bits=declared)
    if page.photometric == _MINISWHITE:
        raster = _inverted(raster, bits)
    if bits in (1, 2, 4):  # scaled to 8 bits exactly
        levels = raster.levels.astype(np.uint8) * np.uint8(255 // (2**bits - 1))
        return Raster(levels, raster.valid, colored=raster.colored)
    return raster


def _needs_pillow(page: Any) -> bool:
    known = (_MINISWHITE, _MINISBLACK, _RGB, _PALETTE)
    is_jpeg_color = page.photometric == _YCBCR and page.compression == _JPEG
    return page.compression in _PILLOW_COMPRESSIONS or not (
        page.photometric in known or is_jpeg_color
    )


def _is_palette(page: Any) -> bool:
    """Return whether pixels are indices of a palette, which GDAL may add to gray pixels later."""
    gray = page.photometric == _MINISBLACK and page.samplesperpixel == 1
    return page.photometric == _PALETTE or (gray and page.colormap is not None)


def _channels(page: Any, path: Path) -> tuple[NDArray[Any], bool]:
    """Return the samples (H, W, C) as stored, and whether the last channel is alpha."""
    pixels = np.asarray(page.asarray(maxworkers=1))
    if page.axes.startswith("S") and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    colors = 3 if page.photometric in (_RGB, _YCBCR) else 1
    extra = tuple(page.extrasamples)
    count = pixels.shape[-1]
    if pixels.ndim != 3 or count < colors or count - colors > 1:
        raise _unsupported(pixels, path)
    if count == colors:
        return pixels, False
    if not extra or extra[0] not in _ALPHA:
        raise _unsupported(pixels, path)
    return pixels, True


def _unsupported(pixels: NDArray[Any], path: Path) -> Exception:
    bands = pixels.shape[-1] if pixels.ndim == 3 else pixels.shape
    return AreosegError(
        f"{path}: {bands} bands, of which none is declared as alpha: give one gray band, or red,"
        " green and blue"
    )


def _nodata(page: Any) -> tuple[Constant, ...]:
    """Return the level of GDAL's nodata tag, if there is a valid one."""
    tag = page.tags.get(_NODATA)
    if tag is None:
        return ()
    try:
        return (float(str(tag.value).strip().strip("\0").replace(",", ".")),)
    except ValueError:
        return ()


def _palette(page: Any) -> NDArray[np.uint8]:
    """Return the colors (N, 3) of a palette; some writers store 8 instead of 16 bits."""
    colors = np.asarray(page.colormap).T
    return (colors if colors.max() < 256 else colors >> 8).astype(np.uint8)


def _inverted(raster: Raster, bits: int) -> Raster:
    """Return levels of which 0 is white as levels of which 0 is black."""
    levels = raster.levels
    if levels.dtype.kind not in "bui":
        raise ValueError("floats with 0 as white have no black level: save them with 0 as black")
    if levels.dtype.kind == "b":
        return Raster(~levels, raster.valid)
    white = 2 ** (bits - 1) - 1 if levels.dtype.kind == "i" else 2**bits - 1
    depth = bits - 1 if levels.dtype.kind == "i" else bits
    return Raster(levels.dtype.type(white) - levels, raster.valid, depth, raster.colored)


def _mask(file: tifffile.TiffFile, page: Any) -> NDArray[np.bool_] | None:
    """Return the internal mask of a page, (H, W), or None."""
    pages: list[Any] = list(file.pages)
    for other in pages:
        if other.subfiletype & _MASK and not other.subfiletype & _REDUCED:
            mask = _opaque(other.asarray(maxworkers=1))
            if mask.shape == (page.imagelength, page.imagewidth):
                return mask
    return None


def _opaque(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the nonzero pixels (H, W) of a mask with one band, or with several."""
    opaque: NDArray[np.bool_] = pixels != 0
    if opaque.ndim == 3:
        opaque = np.asarray(opaque.any(axis=int(np.argmin(pixels.shape))))
    return opaque


def _orientation(page: Any) -> int:
    tag = page.tags.get(_ORIENTATION)
    return int(tag.value) if tag is not None else 1
