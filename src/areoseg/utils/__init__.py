"""Helpers without knowledge of Mars: files, devices, optional packages, colors."""
