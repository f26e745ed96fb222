"""The code speaks the field's terms: names that were retired do not come back."""

import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "areoseg"

RETIRED = {
    "deviation": "std",
    "SceneSet": "SegmentationDataset",
    r"(?<!unstructured )\bscenes\b": "samples",
    "refuse_": "check_",
    "facts": "info",
    "learnt": "trained on",
    "Judged": "ModelUnderTest",
    "Material": "AuditContext",
    r"\bfaults?\b": "issue or error",
    "held_back": "held_out",
    "colour": "color",
    "optimiser": "optimizer",
    "grey": "gray",
}
"""Patterns that must not appear, and what replaces them."""

ALLOWED = re.compile(r"([Ss]tandard|[Pp]opulation|[Aa]bsolute|median absolute) deviations?")


@pytest.mark.parametrize("word", RETIRED)
def test_retired_names_do_not_come_back(word):
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            if re.search(word, ALLOWED.sub("", line)):
                found.append(f"{path.relative_to(PACKAGE)}:{number}: {line.strip()}")
    assert not found, f"use {RETIRED[word]!r} instead of {word!r}: {found}"
