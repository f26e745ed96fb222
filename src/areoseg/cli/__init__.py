"""The command line: one file per command, each a thin layer on the Python functions."""
