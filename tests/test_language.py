"""The code speaks the field's terms: names that were retired do not come back."""

import ast
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


def error_messages():
    """The messages of errors in the source, with `{...}` for their values, and where they are."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith("Error")
                and node.args
            ):
                texts = [
                    part.value if isinstance(part, ast.Constant) else "{...}"
                    for part in ast.walk(node.args[0])
                    if isinstance(part, ast.FormattedValue)
                    or (isinstance(part, ast.Constant) and isinstance(part.value, str))
                ]
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", "".join(texts)


def test_error_messages_are_one_sentence_without_a_period():
    wrong = [
        f"{where}: {text}"
        for where, text in error_messages()
        if re.search(r"(?<!\.)\.$|\w\. [A-Z]", text)
    ]
    assert not wrong
