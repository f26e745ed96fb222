"""Plugins: code from outside the package that registers models, losses, transforms and readers.

There are two ways in:

- An installed package names a module or a function in the entry-point group `areoseg.plugins`. It
  is loaded once, when a registry is first asked for a name that it does not have, or for all.
- A recipe names Python files, `plugins: [my_model.py]`, relative to the recipe. They are run before
  the recipe is validated.

A plugin is code that is run with all rights of the user. A run folder keeps copies of its plugin
files, and opening a run never runs them by itself: the same file must have been loaded already, or
plugins must be allowed by `allow_plugins`, the option `--allow-plugins` of every command, or the
environment variable `AREOSEG_ALLOW_PLUGINS=1`.
"""

import hashlib
import importlib.util
import os
import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path

from areoseg.errors import AreosegError
from areoseg.errors import one_line

GROUP = "areoseg.plugins"
"""The entry-point group of installed plugins."""

ALLOW = "AREOSEG_ALLOW_PLUGINS"
"""The environment variable that allows the plugins of run folders; worker processes inherit it."""

_loaded: set[str] = set()
"""The hash of the content of each plugin file that was run."""

_entry_points_loaded = False


def load_entry_points() -> None:
    """Load the installed plugins; only the first call does anything.

    A plugin that fails is left out with a warning, so that it does not stop everything else.
    """
    global _entry_points_loaded
    if _entry_points_loaded:
        return
    _entry_points_loaded = True  # first, since plugins use the registries that call this
    for entry in entry_points(group=GROUP):
        try:
            plugin = entry.load()
            if callable(plugin):
                plugin()
        except Exception as error:  # whatever a plugin raises
            warnings.warn(
                f"cannot load the plugin {entry.name!r} ({entry.value}): {one_line(error)}."
                " Update or uninstall the package that brings it.",
                RuntimeWarning,
                stacklevel=2,
            )


def load_plugin(path: str | Path, *, trusted: bool = True) -> None:
    """Run a Python file that registers components; a file of the same content is run once.

    Args:
        path: The file. It is run with all rights of the user.
        trusted: The user named the file. Otherwise it is run only if `allow_plugins` was called.

    Raises:
        AreosegError: There is no such file, it is not allowed, or running it failed.
    """
    path = Path(path)
    digest = _digest(path)
    if digest in _loaded:
        return
    if not trusted and os.environ.get(ALLOW) != "1":
        raise AreosegError(
            f"this run needs the plugin {path}, which is code that would be run. Read it, and if"
            " you trust it, add --allow-plugins to the command (in Python:"
            " areoseg.load_plugin of this file)"
        )
    # By its place, so that a file that was edited may register its components again, and another
    # file may not register other components of the same names.
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"areoseg_plugin_{path.stem}_{place}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AreosegError(f"{path}: cannot load this plugin: not a Python file. Name a .py file.")
    module = importlib.util.module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # pickle and get_type_hints look there
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a plugin raises
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise AreosegError(
            f"{path}: cannot load this plugin: {type(error).__name__}: {one_line(error)}"
        ) from error
    _loaded.add(digest)


def allow_plugins(allowed: bool = True) -> None:
    """Allow or forbid to run the plugin files of run folders, in this and in worker processes."""
    os.environ[ALLOW] = "1" if allowed else "0"


def _digest(path: Path) -> str:
    """The hash of a plugin file's content."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AreosegError(f"{path}: cannot read this plugin: {one_line(error)}") from None
