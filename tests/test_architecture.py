"""`docs/architecture.md` lists every package, in the order of imports, and names real files."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "areoseg"
ENTRANCES = ("__init__", "__main__", "data/__init__")


def map_of_places():
    """The places of the table on the page, from the top."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*?) \|", page, flags=re.MULTILINE)
    return [
        name.removesuffix("/").removesuffix(".py") for row in rows for name in row.split("`")[1::2]
    ]


def place(parts):
    """The place that a module belongs to; those in `data` are places of their own."""
    return "/".join(parts[: 2 if parts[0] == "data" else 1])


def files_named_in_the_walks():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    return sorted(
        set(re.findall(r"`((?:\w+/)+\w+\.py)`", page))
        - {"tests/test_architecture.py", "areoseg/__init__.py"}
    )


def imports(path):
    """The modules of areoseg that a file imports anywhere in it, as tuples of names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "areoseg":
            yield from ((name.name,) for name in node.names if name.name != "__version__")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("areoseg."):
            yield tuple(node.module.split(".")[1:])
        elif isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("areoseg."):
                    yield tuple(name.name.split(".")[1:])


def imported_places():
    """The places that each place imports from."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        here = place(path.relative_to(PACKAGE).with_suffix("").parts)
        if here not in ENTRANCES:
            found.setdefault(here, set()).update(place(parts) for parts in imports(path))
    return {here: others - {here} for here, others in found.items()}


FOUND = imported_places()


def test_the_map_has_every_place_and_no_other():
    assert sorted(map_of_places()) == sorted(FOUND)


@pytest.mark.parametrize("here", sorted(FOUND))
def test_a_place_imports_only_from_places_above_it(here):
    places = map_of_places()
    assert FOUND[here] <= set(places[: places.index(here)])


@pytest.mark.parametrize("name", files_named_in_the_walks())
def test_the_page_names_files_that_exist(name):
    assert (PACKAGE / name).is_file()


def test_the_walk_of_a_batch_passes_at_most_twenty_modules():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    walk = page[page.index("## A batch") : page.index("## A photo")]
    assert len(set(re.findall(r"`(?:\w+/)+\w+\.py`", walk))) <= 20
