"""Print the licenses of the pinned packages as a Markdown table, from their own metadata.

    python release/licenses.py constraints.txt > docs/licenses.md

Packages that are not installed in this environment are listed without a license.
"""

import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

HEAD = """# Licenses

This page lists the packages that `constraints.txt` pins, with the licenses of their metadata.
`make supply-chain` writes it. The models and the code of areoseg have the license Apache-2.0.

| package | version | license |
|---|---|---|"""

CLASSIFIER = "License :: OSI Approved :: "


def main() -> None:
    """Print the page."""
    print(HEAD)
    for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines():
        name, equals, version = line.partition("==")
        if equals and not name.startswith("#"):
            print(f"| {name} | {version} | {license_of(name)} |")


def license_of(name: str) -> str:
    """Return the license of an installed package in one line: expression, classifier or text."""
    try:
        values = metadata(name)
    except PackageNotFoundError:
        return "(not installed)"
    classifiers = [
        each.removeprefix(CLASSIFIER)
        for each in values.get_all("Classifier") or ()
        if each.startswith(CLASSIFIER)
    ]
    text = (values.get("License") or "").strip().splitlines()
    stated = values.get("License-Expression") or ", ".join(classifiers) or (text or ["?"])[0]
    return stated.replace("|", "\\|").strip()


if __name__ == "__main__":
    main()
