"""The contact sheet: every scene that the audit found, with its mask and the reason."""

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from areoseg.audit.findings import Audit, Finding
from areoseg.colours import colour_mask, grey, overlay
from areoseg.data.scenes import Scene, SceneSet
from areoseg.taxonomy import Taxonomy

MOST = 40
"""Findings on the sheet; a last line says how many more there are."""

COLUMNS = 2
PICTURE = (160, 96)
"""Largest width and height of a picture; larger images are reduced, smaller ones enlarged."""

GAP, LINE = 8, 16
TEXT, PAPER = (32, 32, 36), (255, 255, 255)
ACTION_COLOURS = {"reject": (190, 20, 40), "flag": (150, 95, 0)}
CELL_WIDTH = 3 * (PICTURE[0] + GAP) + GAP
CELL_HEIGHT = PICTURE[1] + 3 * LINE + GAP


def draw_sheet(audit: Audit, scenes: SceneSet, taxonomy: Taxonomy) -> Pillow.Image:
    """Draw image, mask and overlay of the rejected scenes, then of the flagged ones.

    Returns:
        An RGB picture with at most 40 findings.
    """
    findings = [*audit.rejected, *audit.flagged]
    shown = findings[:MOST]
    rows = -(-len(shown) // COLUMNS)
    head = 2 * LINE + 2 * GAP
    foot = LINE + GAP if len(findings) > MOST else 0
    sheet = Pillow.new("RGB", (COLUMNS * CELL_WIDTH, head + rows * CELL_HEIGHT + foot), PAPER)
    draw = ImageDraw.Draw(sheet)
    rejected, kept = len(audit.rejected), len(audit.kept_indices)
    _write(
        draw,
        (GAP, GAP),
        f"{audit.scenes} scenes: {rejected} rejected, {kept} kept,"
        f" {len({finding.index for finding in audit.flagged})} of them flagged",
    )
    _draw_key(draw, (GAP, GAP + LINE), taxonomy)
    for position, finding in enumerate(shown):
        row, column = divmod(position, COLUMNS)
        corner = (column * CELL_WIDTH + GAP, head + row * CELL_HEIGHT)
        _draw_finding(sheet, draw, corner, finding, scenes[finding.index], taxonomy)
    if foot:
        more = f"and {len(findings) - MOST} more, which audit.json lists"
        _write(draw, (GAP, head + rows * CELL_HEIGHT), more)
    return sheet


def _draw_key(draw: ImageDraw.ImageDraw, corner: tuple[int, int], taxonomy: Taxonomy) -> None:
    """A line of the classes, each with its colour."""
    left, top = corner
    for name, colour in zip(taxonomy.names, taxonomy.colours, strict=True):
        draw.rectangle((left, top + 3, left + 9, top + 12), fill=colour)
        _write(draw, (left + 14, top), name)
        left += 14 + round(draw.textlength(name, font=_font())) + 2 * GAP


def _draw_finding(
    sheet: Pillow.Image,
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    finding: Finding,
    scene: Scene,
    taxonomy: Taxonomy,
) -> None:
    """Two lines of text over the pictures of one scene."""
    left, top = corner
    title = f"{finding.index}  {scene.name}  {finding.action}: {finding.fault}"
    _write(draw, (left, top), title, ACTION_COLOURS[finding.action])
    _write(draw, (left, top + LINE), finding.reason)
    pictures = [np.stack([grey(scene.image)] * 3, axis=-1)]
    if scene.mask is not None:
        pictures += [colour_mask(scene.mask, taxonomy), overlay(scene.image, scene.mask, taxonomy)]
    for position, picture in enumerate(pictures):
        place = (left + position * (PICTURE[0] + GAP), top + 2 * LINE + 2)
        sheet.paste(_fitted(Pillow.fromarray(picture)), place)


def _fitted(picture: Pillow.Image) -> Pillow.Image:
    """The picture at the largest size that fits its place."""
    scale = min(PICTURE[0] / picture.width, PICTURE[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Pillow.Resampling.BOX if scale < 1 else Pillow.Resampling.NEAREST)


def _write(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    text: str,
    colour: tuple[int, int, int] = TEXT,
) -> None:
    """Write one line, cut where it would run out of its column."""
    width = CELL_WIDTH - 2 * GAP
    while draw.textlength(text, font=_font()) > width:
        text = text[:-2].rstrip("…") + "…"
    draw.text(corner, text, fill=colour, font=_font())


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """The font that Pillow brings along."""
    return ImageFont.load_default(size=12)
