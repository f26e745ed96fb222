"""The command line: one module per command, each a thin layer over the Python functions.

`--help` imports the module of the command. So that it is quick, PyTorch and everything that imports
it are imported in functions.
"""
