"""Writing an audit to a folder."""

import json
from pathlib import Path

from areoseg.audit.findings import Audit
from areoseg.utils.files import write_text


def write_audit(audit: Audit, out: Path) -> Path:
    """Write `audit.json` to the folder `out`, which is made where it does not exist.

    Returns:
        The file.

    Raises:
        AreosegError: The folder cannot be written, or the disk is full.
    """
    path = out / "audit.json"
    text = json.dumps(audit.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, f"{text}\n")
    return path
