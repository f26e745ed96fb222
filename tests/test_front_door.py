"""`import areoseg`: the public names, lazily imported."""

import ast
import importlib
import inspect
import pydoc
import re
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import areoseg

FUNCTIONS = [name for name in areoseg.__all__ if inspect.isroutine(getattr(areoseg, name))]


@pytest.mark.parametrize("name", areoseg.__all__)
def test_every_name_resolves_and_is_documented(name):
    value = getattr(areoseg, name)
    assert value is not None
    if name in FUNCTIONS or inspect.isclass(value):
        assert inspect.getdoc(value)
        assert f"`{name}`" in areoseg.__doc__


@pytest.mark.parametrize("name", FUNCTIONS)
def test_type_hints_resolve(name):
    function = getattr(areoseg, name)
    hints = typing.get_type_hints(function)
    assert hints.keys() >= inspect.signature(function).parameters.keys()


def test_dir_shows_exactly_the_public_names():
    assert dir(areoseg) == sorted(areoseg.__all__)
    rooms = {path.stem for path in Path(areoseg.__file__).parent.iterdir()}
    rest = {name for name in vars(areoseg) if not name.startswith("_")}
    assert rest <= {*areoseg.__all__, *rooms}


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(areoseg.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.asname: node.module if alias.asname == alias.name else f"{node.module}:{alias.name}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == areoseg._HOMES


def test_help_lists_the_functions():
    text = pydoc.render_doc(areoseg, renderer=pydoc.plaintext)
    for name in FUNCTIONS:
        assert re.search(rf"^    {name}( = \w+)?\(", text, re.MULTILINE)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'tarin'"):
        areoseg.tarin  # noqa: B018


@pytest.mark.parametrize("name", ["audit", "export"])
def test_a_function_is_not_replaced_by_the_subpackage_of_its_name(name):
    package = importlib.import_module(f"areoseg.{name}")
    assert inspect.ismodule(package)
    assert inspect.isroutine(getattr(areoseg, name))


def test_importing_areoseg_is_quick():
    code = (
        "import sys, areoseg; dir(areoseg);"
        " heavy = {'torch', 'numpy', 'pydantic', 'rich', 'PIL', 'matplotlib'} & {*sys.modules};"
        " assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
