"""The version of areoseg."""

from importlib.metadata import version

__version__ = version("areoseg")
