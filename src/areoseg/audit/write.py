"""Writing an audit to a folder."""

import json
from pathlib import Path

from areoseg.audit.findings import Audit
from areoseg.audit.sheet import draw_sheet
from areoseg.data.scenes import SceneSet
from areoseg.files import replacing, write_text
from areoseg.taxonomy import MARS, Taxonomy


def write_audit(
    audit: Audit, scenes: SceneSet, out: Path, *, taxonomy: Taxonomy = MARS
) -> tuple[Path, Path]:
    """Write `audit.json` and the contact sheet `audit.png` to the folder `out`.

    Args:
        audit: What was found in `scenes`.
        scenes: The scenes that were audited, in the same order.
        out: A folder; made where it does not exist.
        taxonomy: Names and colours of the classes.

    Returns:
        The paths of both files.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    findings, sheet = out / "audit.json", out / "audit.png"
    text = json.dumps(audit.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(findings, f"{text}\n")
    with replacing(sheet) as beside:
        draw_sheet(audit, scenes, taxonomy).save(beside, format="PNG")
    return findings, sheet
