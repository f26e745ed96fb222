"""Plugins: code from outside the package that registers models, losses, transforms and readers.

Plugins can be provided in two ways:

- An installed package declares a module or a function in the entry-point group `areoseg.plugins`.
  It is loaded once, when an unknown name is first looked up in a registry or all names are listed.
- A recipe lists Python files relative to the recipe, as in `plugins: [my_model.py]`. They are
  executed before the recipe is validated.

Plugins are code that is executed with all permissions of the user. A run folder keeps copies of its
plugin files, but opening a run does not execute them: either the same file must already have been
loaded, or plugins must be allowed by `allow_plugins`, the option `--allow-plugins` of every
command, or the environment variable `AREOSEG_ALLOW_PLUGINS=1`.
"""

import hashlib
import importlib.util
import os
import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path

from areoseg.errors import AreosegError, one_line

GROUP = "areoseg.plugins"
"""The entry-point group of installed plugins."""

ALLOW = "AREOSEG_ALLOW_PLUGINS"
"""The environment variable that allows the plugins of run folders; worker processes inherit it."""

_loaded: set[str] = set()
"""Content hashes of the plugin files that have been executed."""

_entry_points_loaded = False


def load_entry_points() -> None:
    """Load the installed plugins; calls after the first have no effect.

    A plugin that fails is skipped with a warning, so that it does not break everything else.
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
                " Update or uninstall the package that provides it.",
                RuntimeWarning,
                stacklevel=2,
            )


def load_plugin(path: str | Path, *, trusted: bool = True) -> None:
    """Execute a Python file that registers components; files of equal content are executed once.

    Args:
        path: The file. It is executed with all permissions of the user.
        trusted: Whether the user named the file. Otherwise it is executed only if plugins are
            allowed.

    Raises:
        AreosegError: The file does not exist, is not allowed, or fails.
    """
    path = Path(path)
    digest = _digest(path)
    if digest in _loaded:
        return
    if not trusted and os.environ.get(ALLOW) != "1":
        raise AreosegError(
            f"this run needs the plugin {path}, which is code that would be executed; read it, and"
            " if you trust it, add --allow-plugins to the command (in Python: call"
            " areoseg.load_plugin with this file)"
        )
    # Named by location, so that an edited file may register its components again, and another
    # file may not register other components of the same names.
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"areoseg_plugin_{path.stem}_{place}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise AreosegError(f"{path}: cannot load this plugin: not a Python file; name a .py file")
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
    """Allow or forbid the plugin files of run folders, in this process and in worker processes."""
    os.environ[ALLOW] = "1" if allowed else "0"


def _digest(path: Path) -> str:
    """Return the hash of a plugin file's content."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise AreosegError(f"{path}: cannot read this plugin: {one_line(error)}") from None
